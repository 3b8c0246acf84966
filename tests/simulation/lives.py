"""Virtual time, and daemons that can die in it: everything a killed daemon still tries comes to nothing."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

START = 4_102_444_800.0
"""Where every simulated day begins, in epoch seconds."""

T = TypeVar("T")


class Killed(BaseException):
    """The process died here: nothing after it happens, not even tidying up."""


class Sleeper:
    """One task that waits for a moment."""

    __slots__ = ("life", "woken")

    def __init__(self, life: Life):
        self.life = life
        self.woken: anyio.Event | None = anyio.Event()


class Time:
    """Stands still until the simulation moves it. The wall clock may be set without any time passing."""

    def __init__(self) -> None:
        self.mono = 0.0
        self.offset = START
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, Sleeper]] = []

    @property
    def wall(self) -> float:
        """Epoch seconds."""
        return self.mono + self.offset

    async def sleep(self, life: Life, seconds: float) -> None:
        """Wait for decision time; raises `Killed` when the daemon that waits dies meanwhile."""
        life.check()
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        sleeper = Sleeper(life)
        heapq.heappush(self._sleepers, (self.mono + seconds, next(self._order), sleeper))
        woken = sleeper.woken
        assert woken is not None
        try:
            await woken.wait()
        finally:
            sleeper.woken = None
        life.check()

    def next_wake(self) -> float | None:
        """When the earliest sleeper wakes; None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].woken is None:
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def step_to(self, moment: float) -> None:
        """Move on, and wake everybody due by then; the caller lets them run."""
        self.mono = max(self.mono, moment)
        while self._sleepers and self._sleepers[0][0] <= self.mono:
            woken = heapq.heappop(self._sleepers)[2].woken
            if woken is not None:
                woken.set()

    def rouse(self, life: Life) -> None:
        """Wake the sleepers of a daemon that died, so that they find out."""
        for _, _, sleeper in self._sleepers:
            if sleeper.life is life and sleeper.woken is not None:
                sleeper.woken.set()


class Life:
    """One daemon process from its start to its end. Each crossing of a door to the world is counted; it may die there.

    `die_in` is the number of crossings that are left, None while nothing threatens it.
    """

    def __init__(self, number: int, time: Time, died: Callable[[str], None]):
        self.number = number
        self.dead = False
        self.die_in: int | None = None
        self.crossings = 0
        self._time = time
        self._died = died

    def check(self) -> None:
        """Raises `Killed` in a process that is dead."""
        if self.dead:
            raise Killed

    def cross(self, door: str) -> None:
        """Something goes out into the world, or has just done so: a moment to die."""
        self.check()
        self.crossings += 1
        if self.die_in is None:
            return
        self.die_in -= 1
        if self.die_in <= 0:
            self.kill(door)
            raise Killed

    def kill(self, where: str) -> None:
        """End it, wherever it is."""
        if not self.dead:
            self.dead = True
            self._time.rouse(self)
            self._died(where)


class LifeClock:
    """The clock of one daemon (see `clock.Clock`)."""

    def __init__(self, time: Time, life: Life):
        self._time = time
        self._life = life

    def now(self) -> float:
        return self._time.wall

    def monotonic(self) -> float:
        return self._time.mono

    def boot(self) -> str:
        return "the one machine"

    async def sleep(self, seconds: float) -> None:
        await self._time.sleep(self._life, seconds)


async def settled() -> None:
    """Return when every other task waits for something."""
    ready: Sized = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009  # anyio's own way polls every 100 ms
    await asyncio.sleep(0)
    while len(ready):
        await asyncio.sleep(0)


async def _inline(func: Callable[..., T], *args: Any, **_options: Any) -> T:
    await anyio.lowlevel.checkpoint()
    return func(*args)


@contextmanager
def without_threads() -> Iterator[None]:
    """Blocking work is done at once and in order: two threads would make two runs of one seed differ."""
    real = anyio.to_thread.run_sync
    anyio.to_thread.run_sync = _inline  # type: ignore[assignment]
    try:
        yield
    finally:
        anyio.to_thread.run_sync = real
