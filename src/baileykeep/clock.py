"""The only reader of time. Rules get `now` as an argument; whoever must wait, waits here."""

from __future__ import annotations

import heapq
import itertools
import random
import time
from typing import Protocol

import anyio
import anyio.lowlevel


class Clock(Protocol):
    """Decision time. Tests step it; I/O timeouts stay real and never come from here."""

    def now(self) -> float:
        """Wall time in epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never jump; differs from `now` by a constant unless the wall clock was set."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long in decision time."""


class SystemClock:
    """The real time of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))


class FastClock:
    """Real time multiplied: for the demo, where ten minutes pass in seconds."""

    def __init__(self, factor: float):
        self._factor = factor
        self._start_wall = time.time()
        self._start = time.monotonic()

    def monotonic(self) -> float:
        return self._start + (time.monotonic() - self._start) * self._factor

    def now(self) -> float:
        return self._start_wall + (self.monotonic() - self._start)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds) / self._factor)


class VirtualClock:
    """Time that stands still until a test moves it. Sleepers wake in order, one instant at a time."""

    def __init__(self, start: float = 1_800_000_000.0):
        self._now = start
        self._offset = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, anyio.Event]] = []

    def now(self) -> float:
        return self._now + self._offset

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken.wait()

    def next_wake(self) -> float | None:
        """When the earliest sleeper wakes, in `monotonic` seconds; None when nobody sleeps."""
        return self._sleepers[0][0] if self._sleepers else None

    def step_to(self, moment: float) -> None:
        """Move to `moment` (monotonic) and wake everybody due by then; the caller lets them run."""
        self._now = max(self._now, moment)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].set()

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back without any time passing."""
        self._offset += seconds


def jittered(seconds: float, share: float, rng: random.Random) -> float:
    """An interval varied by up to `share` either way, so that many pollers do not march in step."""
    return seconds * (1 + rng.uniform(-share, share))
