"""The real daemon as a process of its own, seen from outside: /proc, its HTTP side and its journal on disk."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Look:
    """What the operating system says of a process. `cpu_s` is user and system time since it started."""

    at: float
    cpu_s: float
    rss_mb: float
    peak_rss_mb: float
    threads: int
    descriptors: int


def look(pid: int) -> Look:
    """One look at /proc."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Look(
        at=time.monotonic(),
        cpu_s=(int(times[11]) + int(times[12])) / TICKS,
        rss_mb=int(status["VmRSS"].split()[0]) / 1024,
        peak_rss_mb=int(status["VmHWM"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
    )


def cpu_share(before: Look, after: Look) -> float:
    """Percent of one core between two looks."""
    return 100 * (after.cpu_s - before.cpu_s) / max(1e-9, after.at - before.at)


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Daemon:
    """`python -m baileykeep run`, started on construction's `start`, watched until `stop`."""

    config: Path
    port: int
    state: Path
    began: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    wrapped: bool = False
    looks: list[Look] = field(default_factory=list)

    def start(self, *wrapper: str) -> None:
        """Start it, below a profiler when one is given."""
        self.state.mkdir(parents=True, exist_ok=True)
        command = [*wrapper, sys.executable, "-m", "baileykeep", "run", "--config", str(self.config)]
        with (self.state / "daemon.log").open("wb") as output:
            self.began = time.monotonic()
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        self.wrapped = bool(wrapper)

    @property
    def pid(self) -> int:
        """The daemon's own process, also below a profiler."""
        assert self.process is not None  # noqa: S101 - asked only after `start`
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if self.wrapped else []
        return int(children[0]) if children else pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def look(self) -> Look:
        """A look that is remembered."""
        self.looks.append(look(self.pid))
        return self.looks[-1]

    async def ready_s(self, within_s: float = 120.0) -> float:
        """Seconds from the start until /readyz says so."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while time.monotonic() - self.began < within_s:
                if self.process is not None and self.process.poll() is not None:
                    raise SystemExit(f"the daemon ended by itself:\n{self.log_tail()}")
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return time.monotonic() - self.began
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
        raise SystemExit(f"the daemon was not ready within {within_s:.0f} s:\n{self.log_tail()}")

    async def counted_s(self, companies: int, within_s: float = 300.0) -> float:
        """Seconds from the start until the folder of every company was counted and its connection is known."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            while time.monotonic() - self.began < within_s:
                views = (await client.get(f"{self.url}/api/companies")).json()
                if sum(view["files"] is not None for view in _companies(views)) >= companies:
                    return time.monotonic() - self.began
                await asyncio.sleep(0.5)
        raise SystemExit(f"not all folders were counted within {within_s:.0f} s")

    async def stop(self) -> float:
        """SIGTERM; seconds until it is gone."""
        assert self.process is not None  # noqa: S101 - stopped only after `start`
        began = time.monotonic()
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        while self.process.poll() is None:
            if time.monotonic() - began > 90:
                self.process.kill()
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    def log_tail(self) -> str:
        """The last lines of what it printed."""
        return "\n".join((self.state / "daemon.log").read_text(errors="replace").splitlines()[-15:])


def _companies(answer: Any) -> list[Any]:
    return list(answer["companies"] if isinstance(answer, dict) else answer)


class JournalEye:
    """Reads the journal of a running daemon from outside, without ever writing."""

    def __init__(self, state: Path):
        self._db = sqlite3.connect(f"file:{state / 'state' / 'journal.db'}?mode=ro", uri=True, timeout=5)
        self._last = 0

    def close(self) -> None:
        """Give the descriptor back."""
        self._db.close()

    def new_symptoms(self) -> list[tuple[str, str, bool, float]]:
        """Subject, kind, active and time of every symptom that was stored since the last call."""
        query = "SELECT id, subject, data, at FROM entries WHERE kind = 'symptom' AND id > ? ORDER BY id"
        found = []
        for ident, subject, text, at in self._db.execute(query, (self._last,)).fetchall():
            self._last = ident
            data = json.loads(text)
            found.append((subject, data["kind"], data["active"], at))
        return found

    def memory(self, key: str) -> dict[str, Any]:
        """One drawer of the journal's memory, by subject."""
        rows = self._db.execute("SELECT subject, value FROM memories WHERE key = ?", (key,)).fetchall()
        return {subject: json.loads(value) for subject, value in rows}

    def pending_notices(self) -> int:
        """Notices that were not delivered yet."""
        return int(self._db.execute("SELECT count(*) FROM notices WHERE state = 'pending'").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Entries by kind."""
        return dict(self._db.execute("SELECT kind, count(*) FROM entries GROUP BY kind").fetchall())

    def outcomes(self) -> dict[str, int]:
        """How the actions ended."""
        rows = self._db.execute("SELECT data FROM entries WHERE kind = 'action_ended'").fetchall()
        attempts = [json.loads(text)["attempt"] for (text,) in rows]
        return dict(Counter(f"{attempt['rung']} {attempt['outcome']}" for attempt in attempts))

    def actions_begun(self) -> dict[str, float]:
        """When the first action of each subject was begun."""
        query = "SELECT subject, min(at) FROM entries WHERE kind = 'action_begun' GROUP BY subject"
        return dict(self._db.execute(query).fetchall())

    def unread_bytes(self) -> int:
        """Bytes of the log files beyond the remembered reading positions (which are stored every few seconds)."""
        positions = self.memory("log_positions").get("host:host", {})
        return sum(max(0, os.stat(path).st_size - place["offset"]) for path, place in positions.items())
