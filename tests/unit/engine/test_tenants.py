"""Companies are told once, also when the daemon dies in between, and while nobody has their hands on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.engine.detectors import COMPANY, GATEWAY
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.engine.tenants import DRAWER, SAID, Sees, Tenants
from baileykeep.engine.units import CompanyUnit, Unit
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import ConnectionSeen, ConnState, TenantTold
from baileykeep.model.incident import Cause, Incident, Topic
from baileykeep.model.limits import HOUR, Limits
from baileykeep.model.records import EntryKind, Notice
from baileykeep.model.symptoms import HOST, Severity, Subject, Symptom, SymptomKind, company, gateway
from baileykeep.rules.incidents import closed
from baileykeep.rules.notify import Contact
from baileykeep.rules.tenants import Condition, Tenant
from tests.stories import START

pytestmark = pytest.mark.asyncio
WHO, WHERE = company("7"), gateway("main")
TENANT = Tenant((Contact("webhook", "7"), Contact("apprise", "7#1")), "Rosa", "es", "Europe/Madrid")
SETTLE_S, AFTER_S = Limits().tenants.settle_s, Limits().tenants.tell_after_s


class Fleet:
    """A roster of one company and its gateway."""

    def __init__(self, tenant: Tenant | None = TENANT):
        self.tenant = tenant

    def members(self) -> Mapping[Subject, Member]:
        return {
            WHERE: Member(WHERE, "main", "main", Limits()),
            WHO: Member(WHO, "Rosa", "main", Limits(), tenant=self.tenant),
        }

    def member(self, subject: Subject) -> Member | None:
        return self.members().get(subject)

    def site(self, *_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("nothing is done here")


class Lives:
    """A company's life, with as many daemons as it takes."""

    def __init__(self, tenant: Tenant | None = TENANT) -> None:
        self.clock, self.journal, self.fleet = VirtualClock(START), MemoryJournal(), Fleet(tenant)
        self.holds = Holds(act=True, started_at=START)
        self.units: dict[Subject, Unit] = {
            WHO: CompanyUnit(WHO, COMPANY, Limits()),
            WHERE: Unit(WHERE, GATEWAY, Limits()),
        }
        self.ledger = Ledger(self.journal, lambda _before, _after: ())
        self.nudged = 0
        self.next_daemon()

    def next_daemon(self) -> None:
        self.tenants = Tenants(
            Sees(self.fleet, self.units.get, self.ledger, self.holds, self.journal, self.clock, self._nudge)
        )

    def _nudge(self) -> None:
        self.nudged += 1

    def connection(self, state: ConnState) -> None:
        seen = ConnectionSeen(at=self.clock.now(), company="7", state=state, paired=True)
        self.units[WHO].observe(seen, self.clock.now())

    async def trouble(self, cause: Cause) -> None:
        now = self.clock.now()
        self.ledger.refresh(Incident("i1", WHO, Topic.HEALTH, cause, Severity.WARNING, now, now))

    async def over(self) -> None:
        story = self.ledger.get(WHO, Topic.HEALTH)
        assert story is not None
        await self.ledger.commit(story, closed(story, "healed", self.clock.now()))

    async def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds // 5)):
            self.clock.step_to(self.clock.now() + 5)
            await self.tenants.look()

    async def told(self) -> list[Notice]:
        return list(await self.journal.pending_notices(self.clock.now()))


async def lost(lives: Lives, cause: Cause = Cause.LOGGED_OUT) -> None:
    """A login that was connected, and is not any more."""
    lives.connection(ConnState.CONNECTED)
    await lives.tenants.look()
    lives.connection(ConnState.DISCONNECTED)
    await lives.trouble(cause)


async def test_every_way_of_the_company_gets_the_same_words_once() -> None:
    lives = Lives()
    await lost(lives)
    await lives.pass_time(SETTLE_S + 60)
    told = await lives.told()
    assert [(one.channel, one.data["to"]) for one in told] == [("webhook", "7"), ("apprise", "7#1")]
    assert {one.data["kind"] for one in told} == {"needs_scan"}
    assert {one.data["language"] for one in told} == {"es"}
    assert {one.incident for one in told} == {None}, "it must not be grouped with stories of staff"
    assert lives.nudged == 1
    (entry,) = await lives.journal.entries(kinds=[EntryKind.TENANT_TOLD])
    assert entry.data["text"] == "Told the company that it must be linked again."


async def test_the_next_daemon_says_nothing_twice_and_tells_the_end() -> None:
    lives = Lives()
    await lost(lives)
    await lives.pass_time(SETTLE_S + 10)
    lives.next_daemon()
    await lives.tenants.load()
    await lives.pass_time(HOUR)
    assert len(await lives.told()) == 2
    lives.connection(ConnState.CONNECTED)
    await lives.over()
    await lives.pass_time(SETTLE_S + 10)
    assert [one.data["kind"] for one in await lives.told()] == ["needs_scan"] * 2 + ["connected"] * 2


async def test_what_could_not_be_stored_was_not_told() -> None:
    class Full(MemoryJournal):
        full = False

        async def write(self, *args: Any, **more: Any) -> None:
            if self.full:
                raise JournalError("the disk is full")
            await super().write(*args, **more)

    lives = Lives()
    lives.journal = journal = Full()
    lives.next_daemon()
    await lost(lives)
    journal.full = True
    await lives.pass_time(SETTLE_S + 60)
    assert await lives.told() == []
    journal.full = False
    await lives.pass_time(10)
    assert len(await lives.told()) == 2


async def test_while_humans_have_their_hands_on_it_nobody_is_told() -> None:
    lives = Lives()
    await lost(lives)
    lives.holds.pause(HOST, START + 10 * HOUR)
    await lives.pass_time(HOUR)
    assert await lives.told() == []
    lives.holds.resume(HOST)
    await lives.pass_time(SETTLE_S + 10)
    assert len(await lives.told()) == 2


async def test_a_dead_gateway_is_told_as_not_connected() -> None:
    lives = Lives()
    lives.connection(ConnState.CONNECTED)
    await lives.tenants.look()
    lives.connection(ConnState.UNKNOWN)
    lives.units[WHERE].note(Symptom(WHERE, SymptomKind.GATEWAY_DOWN, START, True, Severity.CRITICAL))
    for _ in range(8):
        lives.connection(ConnState.UNKNOWN)
        await lives.pass_time(AFTER_S / 6)
    assert {one.data["kind"] for one in await lives.told()} == {"down"}


async def test_whoever_wants_nothing_gets_nothing() -> None:
    lives = Lives(None)
    await lost(lives)
    await lives.pass_time(HOUR)
    assert await lives.told() == []


async def test_waits_keep_their_length_when_the_clock_is_set() -> None:
    lives = Lives()
    await lost(lives)
    await lives.pass_time(SETTLE_S - 10)
    lives.clock.jump_wall(HOUR)
    lives.tenants.clock_was_set(HOUR, lives.clock.now())
    await lives.tenants.look()
    assert await lives.told() == []
    assert (str(WHO), DRAWER) in lives.tenants.moved()


async def test_a_state_of_another_version_is_left_out() -> None:
    lives = Lives()
    await lives.journal.remember({(str(WHO), DRAWER): {"told": "nonsense"}})
    await lives.tenants.load()
    await lost(lives)
    await lives.pass_time(SETTLE_S + 10)
    assert len(await lives.told()) == 2


async def test_every_condition_has_words_for_staff() -> None:
    assert set(SAID) == set(Condition)


@pytest.mark.parametrize(("channel", "kept"), [("webhook 7", True), ("apprise 7#1", True), ("apprise 7#2", False)])
async def test_trouble_with_an_address_that_went_while_no_daemon_ran_is_over(channel: str, kept: bool) -> None:
    lives = Lives()
    lives.units[WHO].observe(TenantTold(at=START, company="7", channel=channel, problem="it is gone"), START)
    lives.next_daemon()
    await lives.tenants.load()
    assert (SymptomKind.TENANT_UNTOLD in lives.units[WHO].symptoms) is kept
    lives.fleet.tenant = None
    await lives.tenants.load()
    assert SymptomKind.TENANT_UNTOLD not in lives.units[WHO].symptoms
