"""The storm: what a busy gateway with a thousand sessions writes to its log and into its folders."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from baileykeep.demo import shapes
from baileykeep.demo.folders import contact, session_file, write
from baileykeep.demo.session import Session, State
from baileykeep.demo.standin import StandIn

SLICE_S = 0.02
LIMIT = 5
"""Failures inside a minute that make the symptom: the preset `stable`."""

FAILURE_GAP_S = 0.8
FAILURES_EACH_S, DUPLICATES_EACH_S, RENEGOTIATIONS_EACH_S, DROPS_EACH_S = 3.0, 1.0, 2.0, 0.2
ADDRESS = contact(3, 6)
OTHER_ADDRESS = contact(4, 6)

BORING: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("received message", 20, {"type": "conversation", "key": {"remoteJid": "4917100000003@s.whatsapp.net"}}),
    ("sent message", 20, {"id": "3EB0C767D26A1B3F", "ack": 1}),
    ("recv ib offline", 30, {"count": 0}),
    ("handled 3 offline messages/notifications", 30, {}),
    ("processing message queue", 20, {"queued": 2, "took": 14}),
    ("http request", 30, {"req": {"method": "POST", "url": "/api/whatsapp/send"}, "res": {"statusCode": 200}}),
    ("message.upsert", 20, {"messages": [{"pushName": "A. Customer", "message": {"conversation": "see you at 5"}}]}),
    ("transaction retry", 10, {"type": "pre-key", "tries": 1}),
    ("presence update", 20, {"presences": {"4917100000007@s.whatsapp.net": {"lastKnownPresence": "available"}}}),
)


@dataclass(slots=True)
class Crossing:
    """One company that crosses the limit. `limit_at` is the instant before its limit-th failure was written."""

    company: str
    due_s: float
    written: int = 0
    limit_at: float | None = None


@dataclass(slots=True)
class Storm:
    """Writes `lines_s` log lines and `changes_s` file changes a second for `seconds`; then everything is known."""

    gateway: StandIn
    lines_s: float
    changes_s: float
    crossings: list[Crossing]
    quiet: list[str]
    lines: int = 0
    changes: int = 0
    skipped: int = 0
    behind_s: float = 0.0
    rng: random.Random = field(default_factory=lambda: random.Random(3))  # noqa: S311 - which company is next

    async def run(self, seconds: float) -> None:
        """The storm, paced in slices."""
        began = time.monotonic()
        jobs = self._jobs()
        while (passed := time.monotonic() - began) < seconds:
            slept_to = time.monotonic()
            for due in jobs:
                due(passed)
            while self.lines < self.lines_s * passed:
                self._boring()
            while self.changes < self.changes_s * passed:
                self._change()
            self.behind_s = max(self.behind_s, time.monotonic() - slept_to)
            await asyncio.sleep(SLICE_S)

    def _jobs(self) -> list[Callable[[float], None]]:
        turns = cycle(self.quiet)
        return [
            self._cross,
            _every(FAILURES_EACH_S, lambda: self._failure(self.gateway[next(turns)], OTHER_ADDRESS)),
            _every(DUPLICATES_EACH_S, self._duplicate),
            _every(RENEGOTIATIONS_EACH_S, self._renegotiation),
            _every(DROPS_EACH_S, self._drop),
        ]

    def _cross(self, passed: float) -> None:
        for one in self.crossings:
            while one.written < LIMIT and passed >= one.due_s + one.written * FAILURE_GAP_S:
                at = time.time()
                if not self._failure(self.gateway[one.company], ADDRESS):
                    self.skipped += 1
                one.written += 1
                if one.written == LIMIT:
                    one.limit_at = at

    def _failure(self, session: Session, address: str) -> bool:
        blocks = self.rng.choice((1, 1, 2, 3))
        failed = bool(session.bad_mac([address], 1, blocks))
        self.lines += (1 + 6 * blocks + 2) if failed else 0
        if address == OTHER_ADDRESS:
            session.corrupt.discard(address)
        return failed

    def _duplicate(self) -> None:
        self.gateway.log.duplicate(self.rng.choice(self.quiet), OTHER_ADDRESS, 6)
        self.lines += 8

    def _renegotiation(self) -> None:
        self.gateway.log.renegotiated()
        self.lines += 7

    def _drop(self) -> None:
        session = self.gateway[self.rng.choice(self.quiet)]
        if session.state is State.CONNECTED:
            session.drop(428)
            self.lines += 8

    def _boring(self) -> None:
        msg, level, fields = self.rng.choice(BORING)
        self.gateway.log.pino(str(self.rng.randint(1, len(self.gateway.sessions))), msg, level, **fields)
        self.lines += 1

    def _change(self) -> None:
        """A message moved a ratchet; now and then the creds are written too. Closed sessions write nothing."""
        self.changes += 1
        session = self.gateway[str(self.rng.randint(1, len(self.gateway.sessions)))]
        if session.state is not State.CONNECTED or session.creds is None:
            return
        now = time.time()
        if self.rng.random() < 0.1:
            write(session.folder / "creds.json", shapes.compact(session.creds), now)
            return
        name = session_file(contact(self.rng.randint(5, 35), 6))
        write(session.folder / name, shapes.session(self.rng, now), now)


def _every(rate: float, step: Callable[[], object]) -> Callable[[float], None]:
    """Takes the step so many times a second, evenly."""
    done = 0

    def due(passed: float) -> None:
        nonlocal done
        while done < rate * passed:
            step()
            done += 1

    return due


def plan(companies: int, seconds: float, each_s: float) -> Iterator[Crossing]:
    """Which companies cross the limit and when: the first ones, evenly over the storm, done before its end."""
    room_s = seconds - LIMIT * FAILURE_GAP_S - 1
    count = max(1, min(int(room_s * each_s), companies * 6 // 10))
    for n in range(count):
        yield Crossing(str(n + 1), due_s=room_s * n / count)
