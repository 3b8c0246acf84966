"""What a daemon that is killed must neither lose nor count twice: lines that it read and had not concluded from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from baileykeep.app.log_files import HELD, POSITIONS, LogFiles
from baileykeep.app.sites import Sites
from baileykeep.bus import Bus
from baileykeep.clock import VirtualClock
from baileykeep.engine.engine import Engine, Services
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.moves import Moves
from baileykeep.engine.roster import Roster
from baileykeep.journal.memory import MemoryJournal
from baileykeep.logs.attribution import Attribution
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import CloseKind, StreamClosed
from baileykeep.model.symptoms import HOST, company
from baileykeep.watchers.log_tail import LogFile
from tests.unit.engine.test_engine import Companies
from tests.unit.watchers.log_world import ANNA, BAD_MAC, HEADER, RECORD, UPDATE, append

pytestmark = pytest.mark.asyncio


class TwoFiles(LogFiles):
    """Follows these two files, whatever is configured."""

    folder: Path

    def _files(self) -> Iterator[LogFile]:
        for name in ("out.log", "err.log"):
            yield LogFile(self.folder / name, "main", Attribution(company="0"))


class Life:
    """A daemon's log side from its start to SIGKILL: what it knows afterwards is what the journal holds."""

    def __init__(self, folder: Path, journal: MemoryJournal, clock: VirtualClock):
        self.clock, self.journal = clock, journal
        ledger, holds = Ledger(journal, lambda _before, _after: ()), Holds(act=True, started_at=clock.now())
        self.engine = Engine(Services(cast(Roster, Companies(1)), journal, Moves(clock), ledger, holds, Bus()))
        self.logs = TwoFiles(cast(Sites, None), self.engine.observe, clock, journal, self.engine.save)
        self.logs.folder = folder
        self.engine.beside = self.logs.still

    async def during(self, scope: anyio.CancelScope, seconds: float, step_s: float = 0.25) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.step_to(self.clock.monotonic() + step_s)
            async with self.logs.still():  # a poll that is under way comes to its end
                pass
            for _ in range(5):
                await anyio.sleep(0.001)

    @property
    def failures(self) -> int:
        unit = self.engine.unit(company("0"))
        assert unit is not None
        return int(unit.state("bad_mac").count)


def failure(folder: Path) -> None:
    """One message that cannot be decrypted, told in both files."""
    append(folder / "err.log", HEADER + BAD_MAC.format(address=ANNA))
    append(folder / "out.log", RECORD.replace('"17"', '"0"'))


@pytest.mark.parametrize("seed", range(6))
async def test_whenever_it_dies_every_failure_is_counted_once(tmp_path: Path, seed: int) -> None:
    rng, journal, clock = random.Random(seed), MemoryJournal(), VirtualClock()
    written = 0
    for name in ("out.log", "err.log"):
        append(tmp_path / name, "old\n")
    for _ in range(3):
        life = Life(tmp_path, journal, clock)
        await life.engine.load()
        async with anyio.create_task_group() as group:
            await group.start(life.logs.run)
            for _ in range(rng.randrange(1, 4)):
                failure(tmp_path)
                written += 1
                await life.during(group.cancel_scope, rng.choice((0.25, 0.5, 0.75, 1.0)))
                if rng.random() < 0.6:
                    await life.engine.save()
            group.cancel_scope.cancel()
        clock.step_to(clock.monotonic() + rng.uniform(0, 3))
    life = Life(tmp_path, journal, clock)
    await life.engine.load()
    async with anyio.create_task_group() as group:
        await group.start(life.logs.run)
        await life.during(group.cancel_scope, 3)
        group.cancel_scope.cancel()
    assert life.failures == written


async def test_what_was_just_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), VirtualClock()
    append(tmp_path / "err.log", "old\n")
    life = Life(tmp_path, journal, clock)
    await life.logs.catch_up()
    await life.logs.begin()
    failure(tmp_path)
    async with anyio.create_task_group() as looking:
        looking.start_soon(life.logs.catch_up)
        await life.during(looking.cancel_scope, 1.25)
    assert life.failures == 1


async def test_a_line_that_comes_right_after_the_start_outlives_a_kill_right_after_it(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), VirtualClock()
    append(tmp_path / "err.log", "old\n")
    life = Life(tmp_path, journal, clock)
    async with anyio.create_task_group() as group:
        await group.start(life.logs.run)
        failure(tmp_path)
        group.cancel_scope.cancel()
    life = Life(tmp_path, journal, clock)
    async with anyio.create_task_group() as group:
        await group.start(life.logs.run)
        await life.during(group.cancel_scope, 2)
        group.cancel_scope.cancel()
    assert life.failures == 1


async def test_what_was_read_and_still_waits_for_more_lines_is_told_after_a_kill(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), VirtualClock()
    append(tmp_path / "out.log", "old\n")
    life = Life(tmp_path, journal, clock)
    async with anyio.create_task_group() as group:
        await group.start(life.logs.run)
        append(tmp_path / "out.log", UPDATE % 401)
        await life.during(group.cancel_scope, 0.25)
        await life.engine.save()
        group.cancel_scope.cancel()
    assert len((await journal.recall(HELD))[str(HOST)]) == 1
    told: list[Any] = []
    life = Life(tmp_path, journal, clock)
    life.logs._emit = told.append
    async with anyio.create_task_group() as group:
        await group.start(life.logs.run)
        group.cancel_scope.cancel()
    closes = [fact for fact in told if isinstance(fact, StreamClosed)]
    assert [(close.kind, close.company) for close in closes] == [(CloseKind.LOGGED_OUT, "0")]
    assert await journal.recall(HELD) == {}


class Broken(MemoryJournal):
    """Cannot remember anything."""

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        raise JournalError("the disk is full")


async def test_a_journal_that_takes_nothing_does_not_keep_the_logs_from_being_read(tmp_path: Path) -> None:
    append(tmp_path / "err.log", "old\n")
    life = Life(tmp_path, Broken(), VirtualClock())
    async with anyio.create_task_group() as group:
        await group.start(life.logs.run)
        failure(tmp_path)
        await life.during(group.cancel_scope, 2)
        group.cancel_scope.cancel()
    assert life.failures == 1
    assert await life.journal.recall(POSITIONS) == {}
