"""A courier on a virtual clock, with a journal in memory and a channel that notes what it was handed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from baileykeep.channels.base import Channel
from baileykeep.clock import VirtualClock
from baileykeep.engine.courier import Courier
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from tests.stories import START


def down(notices: Sequence[Notice]) -> Exception:
    return ChannelError("down")


def up(notices: Sequence[Notice]) -> None:
    """Nothing is wrong."""


@dataclass
class Recorder:
    """A channel that keeps what it was handed, and fails when `trouble` says so."""

    clock: VirtualClock
    name: str = "telegram"
    handed: list[tuple[float, tuple[Notice, ...]]] = field(default_factory=list)
    tries: list[tuple[float, str]] = field(default_factory=list)
    trouble: Callable[[Sequence[Notice]], Exception | None] = up
    takes_s: float = 0.0

    async def deliver(self, notices: Sequence[Notice]) -> None:
        self.tries.append((self.clock.now() - START, notices[-1].key))
        if self.takes_s:
            await self.clock.sleep(self.takes_s)
        error = self.trouble(notices)
        if error is not None:
            raise error
        self.handed.append((self.clock.now() - START, tuple(notices)))

    async def aclose(self) -> None:
        """Nothing to close."""

    def lines(self, key: str) -> list[int]:
        """How long the story was at each delivery."""
        return [len(notices[-1].data["story"]) for _, notices in self.handed if notices[-1].key == key]


@dataclass
class World:
    """What a test works with."""

    clock: VirtualClock
    journal: MemoryJournal
    channel: Recorder
    courier: Courier

    async def post(self, *told: Sequence[Notice]) -> None:
        """As the orchestrator does: store, then nudge."""
        for notices in told:
            await self.journal.write(notices=notices)
        self.courier.nudge()

    async def counts(self) -> dict[str, int]:
        return {state.value: count for state, count in (await self.journal.notice_counts()).items() if count}


@asynccontextmanager
async def world(
    *, journal: MemoryJournal | None = None, clock: VirtualClock | None = None, more: Channel | None = None
) -> AsyncIterator[World]:
    """A courier at work until its daemon ends; `more` is a second channel."""
    clock = clock or VirtualClock(START)
    journal = journal or MemoryJournal()
    channel = Recorder(clock)
    channels: dict[str, Channel] = {"telegram": channel}
    if more is not None:
        channels[more.name] = more
    courier = Courier(journal, channels, clock, NotifyLimits())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(courier.run)
        yield World(clock, journal, channel, courier)
        tasks.cancel_scope.cancel()
