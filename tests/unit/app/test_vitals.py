from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from baileykeep.app.vitals import LOOK_S, Vitals
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import JournalError
from baileykeep.model.records import NoticeState
from baileykeep.model.symptoms import HOST, SymptomKind
from baileykeep.rules.bounds import Reading, beyond
from tests.unit.engine.installation import Daemon, Installation, daemon

pytestmark = pytest.mark.asyncio

FINE = Reading(subjects=4, bus_slots=0)
GROWN = replace(FINE, tasks=10_000)


def vitals(d: Daemon) -> Vitals:
    return Vitals(d.engine, d.bus, d.on.journal, d.on.clock)


def told(d: Daemon) -> bool:
    unit = d.engine.unit(HOST)
    assert unit is not None
    return SymptomKind.OVER_BOUNDS in unit.symptoms


async def test_growth_is_told_at_the_second_look_and_over_at_the_first_good_one(tmp_path: Path) -> None:
    async with daemon(Installation(tmp_path)) as d:
        looks = vitals(d)
        for seen, expected in ((GROWN, False), (FINE, False), (GROWN, False), (GROWN, True), (GROWN, True)):
            looks.judge(seen)
            assert told(d) is expected
        await d.see()
        assert d.causes(HOST) == {"over_bounds"}
        (incident,) = [i for i in d.ledger.all_open() if i.subject == HOST]
        assert incident.detail["what"] == "10000 running tasks, the bound is 216"
        looks.judge(FINE)
        assert not told(d)
        assert d.holds.breached == {}


async def test_this_process_is_read_and_within_its_bounds(tmp_path: Path) -> None:
    async with daemon(Installation(tmp_path)) as d:
        seen = await vitals(d).read()
        assert beyond(seen) == {}
        assert seen.subjects == 4
        assert seen.notices_pending == 0
        assert seen.tasks
        assert seen.descriptors
        assert seen.memory_mb
        assert seen.memory_mb > 10


class Broken(MemoryJournal):
    """Cannot be read."""

    async def notice_counts(self) -> dict[NoticeState, int]:
        raise JournalError("the disk is gone")


async def test_a_journal_that_cannot_be_read_is_no_growth_and_looks_go_on(tmp_path: Path) -> None:
    on = Installation(tmp_path)
    async with daemon(on) as d, anyio.create_task_group() as group:
        looks = Vitals(d.engine, d.bus, Broken(), on.clock)
        assert (await looks.read()).notices_pending is None
        group.start_soon(looks.run)
        await on.pass_time(2 * LOOK_S + 1)
        assert not told(d)
        group.cancel_scope.cancel()
