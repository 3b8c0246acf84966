"""The journal read from outside, as an auditor would: plain SQL on the file, nothing of the product's own code."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOK_S = 0.001


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An action without an outcome. `step` is the one it was in; `between` when the last step had ended."""

    subject: str
    action: str
    rung: str
    step: str
    between: bool

    @property
    def place(self) -> str:
        """Where it was, for the table."""
        return f"after {self.step}" if self.between else self.step


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The journal's database; the daemon may run or be dead."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        yield db


@dataclass(frozen=True, slots=True)
class Journal:
    """One installation's journal."""

    path: Path

    def last_id(self) -> int:
        """The newest entry; 0 when there is none."""
        with opened(self.path) as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM entries").fetchone()[0])

    def entries(self, after: int, *kinds: str) -> list[dict[str, Any]]:
        """Entries younger than an id, oldest first."""
        query = "SELECT id, at, kind, subject, incident, action, data FROM entries WHERE id > ? ORDER BY id"
        with opened(self.path) as db:
            rows = db.execute(query, (after,)).fetchall()
        names = ("id", "at", "kind", "subject", "incident", "action", "data")
        found = [dict(zip(names, row, strict=True)) for row in rows if not kinds or row[2] in kinds]
        return [{**entry, "data": json.loads(entry["data"])} for entry in found]

    def memory(self, key: str) -> dict[str, Any]:
        """One drawer of the memories, by subject."""
        with opened(self.path) as db:
            rows = db.execute("SELECT subject, value FROM memories WHERE key = ?", (key,)).fetchall()
        return {subject: json.loads(value) for subject, value in rows}

    def interrupted(self) -> list[Interrupted]:
        """The actions that have no outcome, with the step that each was in."""
        with opened(self.path) as db:
            return [_interrupted(db, subject, json.loads(value)) for subject, value in _begun(db)]

    def open_incidents(self) -> list[dict[str, Any]]:
        """Every open story as it was last stored."""
        return [value for topic in ("health", "watch") for value in self.memory(f"incident.{topic}").values()]

    def notices(self) -> list[dict[str, Any]]:
        """Every notice that was ever posted."""
        with opened(self.path) as db:
            rows = db.execute("SELECT id, key, incident, state, data FROM notices ORDER BY id").fetchall()
        names = ("id", "key", "incident", "state", "data")
        return [dict(zip(names, (*row[:4], json.loads(row[4])), strict=True)) for row in rows]

    def pending_notices(self) -> int:
        """How many notices were not delivered yet."""
        with opened(self.path) as db:
            return int(db.execute("SELECT count(*) FROM notices WHERE state = 'pending'").fetchone()[0])

    def whole(self) -> bool:
        """Whether the database finds no fault with itself."""
        with opened(self.path) as db:
            return bool(db.execute("PRAGMA integrity_check").fetchone()[0] == "ok")


def _begun(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute("SELECT subject, value FROM memories WHERE key = 'action'").fetchall()


def _interrupted(db: sqlite3.Connection, subject: str, running: dict[str, Any]) -> Interrupted:
    attempt = running["attempt"]
    query = (
        "SELECT kind, data FROM entries WHERE action = ? AND kind IN ('step_begun', 'step_ended') "
        "ORDER BY id DESC LIMIT 1"
    )
    last = db.execute(query, (attempt["action_id"],)).fetchone()
    step = json.loads(last[1])["step"] if last else "nothing yet"
    return Interrupted(subject, attempt["action_id"], attempt["rung"], step, bool(last) and last[0] == "step_ended")


class Sniper(threading.Thread):
    """Kills a daemon a moment after a step began (or ended), by looking at its journal all the time.

    A thread with a connection of its own: the step may last only milliseconds.
    """

    def __init__(self, path: Path, pid: int, steps: frozenset[str], *, kind: str, delay_s: float, after: int):
        super().__init__(daemon=True)
        self._path, self._pid = path, pid
        self._steps, self._kind, self._delay_s, self._after = steps, kind, delay_s, after
        self._over = threading.Event()
        self.fired = False

    def run(self) -> None:
        with opened(self._path) as db:
            seen = -1
            while not self._over.wait(LOOK_S):
                version = int(db.execute("PRAGMA data_version").fetchone()[0])
                if version == seen:
                    continue
                seen = version
                if self._hit(db):
                    time.sleep(self._delay_s)
                    self._shoot()
                    return

    def _hit(self, db: sqlite3.Connection) -> bool:
        query = "SELECT id, data FROM entries WHERE id > ? AND kind = ? ORDER BY id"
        for ident, text in db.execute(query, (self._after, self._kind)).fetchall():
            self._after = ident
            if json.loads(text)["step"] in self._steps:
                return True
        return False

    def _shoot(self) -> None:
        try:
            os.kill(self._pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.fired = True

    def call_off(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join(timeout=5)


def moment(rng: random.Random, longest_s: float) -> float:
    """A random delay, small ones more often: most steps are short."""
    return float(longest_s * rng.random() ** 3)
