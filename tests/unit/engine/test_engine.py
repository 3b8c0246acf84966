from collections.abc import Mapping
from typing import Any, cast

import anyio
import pytest

from baileykeep.actions.base import Site
from baileykeep.bus import Bus
from baileykeep.clock import VirtualClock
from baileykeep.engine.engine import Engine, Services
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.moves import Moves
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.engine.roster import Member
from baileykeep.engine.units import CompanyUnit
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import ConnectionSeen, ConnState
from baileykeep.model.incident import Cause
from baileykeep.model.limits import Limits
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import HOST, Severity, Subject, Symptom, SymptomKind, company
from baileykeep.rules.incidents import opened
from baileykeep.rules.view import Finding

pytestmark = pytest.mark.asyncio


class Companies:
    """A roster of so many companies of one gateway."""

    def __init__(self, count: int):
        subjects = [HOST, *(company(str(n)) for n in range(count))]
        self._members = {subject: Member(subject, subject.id, "main", Limits()) for subject in subjects}

    def members(self) -> Mapping[Subject, Member]:
        return self._members

    def member(self, subject: Subject) -> Member | None:
        return self._members.get(subject)

    def site(self, *_args: Any, **_kwargs: Any) -> Site:
        raise AssertionError("nothing is done here")


def engine_of(journal: MemoryJournal, companies: int) -> tuple[Engine, Bus]:
    bus, clock = Bus(), VirtualClock()
    ledger = Ledger(journal, lambda _before, _after: ())
    holds = Holds(act=True, started_at=clock.now())
    return Engine(Services(Companies(companies), journal, Moves(clock), ledger, holds, bus)), bus


class Reviews:
    """An orchestrator that only looks; the first look takes as long as it takes a new symptom to come."""

    def __init__(self, journal: MemoryJournal, bus: Bus, until: int):
        self.seen: list[tuple[str, int]] = []
        self.done = anyio.Event()
        self._journal, self._bus, self._until = journal, bus, until

    async def review(self, subject: Subject) -> None:
        stored = len(await self._journal.entries(kinds=(EntryKind.SYMPTOM,)))
        self.seen.append((subject.id, stored))
        if len(self.seen) == 1:
            self._bus.publish(Symptom(company("9"), SymptomKind.BAD_MAC, 1.0))
        if len(self.seen) == self._until:
            self.done.set()


async def test_a_new_symptom_is_journaled_and_looked_at_before_the_rest_of_a_fleet() -> None:
    journal = MemoryJournal()
    engine, bus = engine_of(journal, 10)
    reviews = Reviews(journal, bus, until=4)
    for n in (1, 2, 3):
        bus.touch(company(str(n)))
    async with anyio.create_task_group() as group:
        group.start_soon(engine.decide, cast(Orchestrator, reviews))
        with anyio.fail_after(5):
            await reviews.done.wait()
        group.cancel_scope.cancel()
    assert reviews.seen == [("1", 0), ("9", 1), ("2", 1), ("3", 1)]


def _seen(engine: Engine, count: int) -> None:
    for n in range(count):
        engine.observe(ConnectionSeen(at=1.0, company=str(n), state=ConnState.CONNECTED))


class Counting(MemoryJournal):
    """Counts the transactions of memories."""

    times = 0

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        self.times += 1
        await super().remember(values)


async def test_states_of_a_large_fleet_are_all_saved_and_saved_together() -> None:
    journal = Counting()
    engine, _ = engine_of(journal, 120)
    _seen(engine, 120)
    await engine.save()
    assert journal.times == 1
    assert len(await journal.recall("detectors")) == 120
    assert "host:host" in await journal.recall("holds")
    assert not any(unit.changed for unit in engine.units())


class Broken(MemoryJournal):
    """Cannot remember anything."""

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        raise JournalError("the disk is full")


async def test_states_that_could_not_be_written_are_tried_again() -> None:
    engine, _ = engine_of(Broken(), 120)
    _seen(engine, 120)
    await engine.save()
    assert sum(unit.changed for unit in engine.units()) == 120


async def test_what_an_open_story_proved_outlives_states_that_were_not_saved() -> None:
    engine, _ = engine_of(MemoryJournal(), 1)
    removed = Finding(Cause.LOGGED_OUT, Severity.CRITICAL)
    engine.believe([opened(removed, company("0"), "i1", 100.0)])
    unit = engine.unit(company("0"))
    assert isinstance(unit, CompanyUnit)
    assert unit.view().cause is Cause.LOGGED_OUT
    assert unit.state("creds").logged_out
