"""Many stories at once: grouped while they are new, told in rounds when they are late."""

from __future__ import annotations

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.symptoms import Severity
from tests.stories import START, Story, advance, advance_until
from tests.unit.engine.courier_world import down, up, world

pytestmark = pytest.mark.asyncio


def many(number: int) -> list[Story]:
    """So many stories, each of another company."""
    return [Story(f"i{n}", who=str(n)) for n in range(number)]


async def test_a_flood_becomes_one_message_and_what_gets_worse_its_own() -> None:
    async with world() as w:
        stories = many(12)
        await w.post(*(story.open(START) for story in stories))
        await advance(w.clock, 3)
        ((_, (group,)),) = w.channel.handed
        assert (group.sound, len(group.data["members"])) == (True, 12)
        assert await w.counts() == {"covered": 12}
        await w.post(stories[3].close(START + 60), stories[4].line(START + 60, "Worse.", severity=Severity.CRITICAL))
        await advance(w.clock, 3)
        edited, own = [notices[-1] for _, notices in w.channel.handed[1:]]
        assert (edited.key, edited.sound) == (group.key, False)
        assert (own.key, own.sound) == ("i4@100", True)
        assert await w.counts() == {"covered": 13, "sent": 1}


async def test_a_restart_goes_on_with_the_same_grouped_message() -> None:
    journal, clock = MemoryJournal(), VirtualClock(START)
    stories = many(6)
    async with world(journal=journal, clock=clock) as w:
        await w.post(*(story.open(START) for story in stories))
        await advance(w.clock, 3)
        group = w.channel.handed[0][1][0].key
    async with world(journal=journal, clock=clock) as w:
        await w.post(stories[0].close(START + 60))
        await advance(w.clock, 3)
        ((_, (edited,)),) = w.channel.handed
        assert edited.key == group
        assert not edited.sound


async def test_a_flood_that_could_not_be_told_is_told_aloud_later() -> None:
    async with world() as w:
        w.channel.trouble = down
        await w.post(*(story.open(START) for story in many(6)))
        await advance(w.clock, 100)
        w.channel.trouble = up
        await advance(w.clock, 300)
        ((_, (group,)),) = w.channel.handed
        assert group.sound
        assert await w.counts() == {"covered": 6}


async def test_twenty_stories_are_told_in_rounds_that_see_what_is_new() -> None:
    async with world() as w:
        w.channel.takes_s = 1.0
        stories = [Story(f"i{n:02}", who=str(n)) for n in range(30)]
        for number, story in enumerate(stories):
            await w.journal.write(notices=story.open(START - 6000 + number * 60))
        w.courier.nudge()
        await advance(w.clock, 10)
        await w.post(stories[29].close(START + 10))
        await advance_until(w.clock, lambda: len(w.channel.handed) == 30)
        assert w.channel.lines("i29@100") == [2]
