"""The digest is made once a day, whatever restarts, clocks and configurations do."""

from __future__ import annotations

from datetime import datetime, time
from types import SimpleNamespace
from typing import Any

import pytest

from baileykeep.app.digest import Digests
from baileykeep.clock import VirtualClock
from baileykeep.config.schedule_tables import DigestTable
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import HOST
from baileykeep.rules.notify import Contact, Routes

pytestmark = pytest.mark.asyncio
START = datetime.fromisoformat("2026-11-29T12:00:00+00:00").timestamp()
NINE = START + DAY - 3 * 3600


class World:
    """One installation with two chats and no company, whose daemon can be started anew."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.journal = MemoryJournal()
        self.posted = 0
        self.table = DigestTable()
        self.daemon = self.started()

    def started(self) -> Digests:
        first = (Contact("telegram", "1"), Contact("telegram", "2"))
        members = {HOST: Member(HOST, "host", "", Limits(), Routes(first, (Contact("telegram", "3"),)))}
        installation = SimpleNamespace(timezone="UTC", digest=self.table)
        sites = SimpleNamespace(
            settings=SimpleNamespace(installation=installation), members=lambda: members, companies=list, doors={}
        )
        sources: Any = SimpleNamespace(
            sites=sites, clock=self.clock, holds=Holds(act=True, started_at=START), problems=list,
            copies_away=lambda: None, engine=SimpleNamespace(unit=lambda _subject: None),
            ledger=Ledger(self.journal, lambda _before, _after: (), lambda: None),
        )  # fmt: skip
        return Digests(sources, self.journal, self._post)

    def _post(self) -> None:
        self.posted += 1

    def restart(self, **table: Any) -> None:
        self.table = DigestTable(**table)
        self.daemon = self.started()

    async def at(self, moment: float) -> int:
        """How many notices wait after a look at this moment."""
        self.clock.jump_wall(moment - self.clock.now())
        await self.daemon.look()
        return len(await self.journal.pending_notices(self.clock.now()))


async def test_each_first_contact_gets_one_and_it_is_silent() -> None:
    world = World()
    assert await world.at(START) == 0  # installed after nine: there is no day to tell of
    assert await world.at(NINE - 1) == 0
    assert await world.at(NINE) == 2
    notices = await world.journal.pending_notices(NINE)
    assert [n.data["to"] for n in notices] == ["1", "2"]
    assert not any(n.sound for n in notices)
    assert world.posted == 2


@pytest.mark.parametrize("back_after_s", [5, 2 * 3600])
async def test_a_daemon_that_was_killed_a_second_before_sends_it_when_it_is_back(back_after_s: float) -> None:
    world = World()
    await world.at(START)
    await world.at(NINE - 1)
    world.restart()
    assert await world.at(NINE + back_after_s) == 2
    world.restart()
    assert await world.at(NINE + back_after_s + 60) == 2


async def test_one_that_is_back_too_late_says_that_it_left_it_out() -> None:
    world = World()
    await world.at(START)
    world.restart()
    assert await world.at(NINE + 4 * 3600 + 1) == 0
    told = await world.journal.entries(kinds=[EntryKind.CONFIG])
    assert [e.data["text"] for e in told] == ["The daily digest of 2026-11-30 was left out: it came too late."]
    assert await world.at(NINE + DAY) == 2


async def test_a_clock_set_back_and_a_zone_edited_bring_no_second_one() -> None:
    world = World()
    await world.at(START)
    assert await world.at(NINE) == 2
    assert await world.at(NINE - 600) == 2
    assert await world.at(NINE + 1) == 2
    world.restart(zone="America/New_York")
    assert await world.at(NINE + 5 * 3600) == 2
    assert await world.at(NINE + 5 * 3600 + DAY) == 4


async def test_one_that_is_installed_before_nine_sends_the_first_that_day() -> None:
    world = World()
    assert await world.at(NINE - 3600) == 0
    assert await world.at(NINE) == 2


async def test_none_where_it_is_off_and_none_at_once_when_it_is_turned_on() -> None:
    world = World()
    world.restart(enabled=False)
    await world.at(START)
    assert await world.at(NINE + 1) == 0
    world.restart(at=time(9))
    assert await world.at(NINE + 60) == 0
    assert await world.journal.entries() == []
