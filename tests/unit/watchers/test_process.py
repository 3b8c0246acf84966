from __future__ import annotations

import random

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import Fact, ProcessSeen, ProcessState
from baileykeep.processes.base import ProcessStatus
from baileykeep.processes.none import NoManager
from baileykeep.watchers.process import ProcessWatcher
from tests.fakes.virtual_time import advance, running


class Manager(NoManager):
    """Answers what it is told to."""

    answer: ProcessStatus | ProcessError = ProcessStatus(ProcessState.RUNNING, 3, "online")

    async def status(self) -> ProcessStatus:
        if isinstance(self.answer, ProcessError):
            raise self.answer
        return self.answer


@pytest.mark.asyncio
async def test_it_tells_what_the_manager_says_and_why_it_says_nothing() -> None:
    clock, facts, manager = VirtualClock(), list[Fact](), Manager()
    watcher = ProcessWatcher("gw", manager, facts.append, clock=clock, rng=random.Random(1))
    async with running(watcher.run):
        await advance(clock, 300)
        assert 9 <= len(facts) <= 12
        assert facts[0] == ProcessSeen(
            at=1_800_000_000.0, gateway="gw", state=ProcessState.RUNNING, restarts=3, detail="online"
        )
        manager.answer = ProcessError("no pm2 daemon", next_step="look")
        watcher.poke()
        await advance(clock, 0)
    last = facts[-1]
    assert isinstance(last, ProcessSeen)
    assert (last.state, last.restarts, last.detail) == (ProcessState.UNKNOWN, None, "no pm2 daemon")
