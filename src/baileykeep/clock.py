"""The only reader of time. Rules get `now` as an argument; whoever must wait, waits here."""

from __future__ import annotations

import functools
import heapq
import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio
import anyio.lowlevel


class Clock(Protocol):
    """Decision time. Tests step it; I/O timeouts stay real and never come from here."""

    def now(self) -> float:
        """Wall time in epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never jump; differs from `now` by a constant unless the wall clock was set."""

    def boot(self) -> str:
        """Names what `monotonic` counts from: two of its readings compare only under the same name."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long in decision time."""


class SystemClock:
    """The real time of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def boot(self) -> str:
        return _boot_id()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))


@functools.cache
def _boot_id() -> str:
    """The kernel's name for this run of the machine; one for this process alone where it gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"process {os.getpid()}, {time.time()}"


class FastClock:
    """Real time multiplied: for the demo, where ten minutes pass in seconds."""

    def __init__(self, factor: float):
        self._factor = factor
        self._start_wall = time.time()
        self._start = time.monotonic()
        self._name = f"fast {self._start}"

    def boot(self) -> str:
        return self._name

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

    def boot(self) -> str:
        return "virtual"

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


SET_S = 5.0
"""The wall clock was set when it moved so much against the one that never jumps; a clock that is slewed moves less."""

HALTED_S = 1.0
"""Between its looks at the two clocks a process was halted when they are further apart."""


@dataclass(frozen=True, slots=True)
class ClockMark:
    """How far wall time was from monotonic time when both were last read, and what that counted from."""

    boot: str
    offset_s: float


class WatchedClock:
    """Another clock; that it was set is told before anybody gets a moment of the new time.

    `was_set(by_s, now)` is called in the thread that made this clock, and in no other.
    """

    def __init__(self, clock: Clock, was_set: Callable[[float, float], None]):
        self._clock = clock
        self._was_set = was_set
        self._thread = threading.get_ident()
        self._offset_s = clock.now() - clock.monotonic()

    def now(self) -> float:
        before_s, now = self._clock.monotonic(), self._clock.now()
        if threading.get_ident() == self._thread:
            self._compare(before_s, now)
        return now

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def boot(self) -> str:
        return self._clock.boot()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    @property
    def mark(self) -> ClockMark:
        """What to keep, so that a clock that is set while no daemon runs is noticed as well."""
        return ClockMark(self._clock.boot(), self._offset_s)

    def recall(self, mark: ClockMark) -> None:
        """Compare with what an earlier daemon kept; over a reboot the two cannot be compared."""
        if mark.boot == self._clock.boot():
            self._offset_s = mark.offset_s
            self.now()

    def _compare(self, before_s: float, now: float) -> None:
        """A process that was halted between its looks at the two clocks learns nothing from them."""
        if self._clock.monotonic() - before_s > HALTED_S:
            return
        by_s = now - before_s - self._offset_s
        self._offset_s += by_s
        if abs(by_s) > SET_S:
            self._was_set(by_s, now)


def jittered(seconds: float, share: float, rng: random.Random) -> float:
    """An interval varied by up to `share` either way, so that many pollers do not march in step."""
    return seconds * (1 + rng.uniform(-share, share))
