"""How long the courier waits for a channel that fails, also when the clock is set."""

from __future__ import annotations

import pytest
import structlog

from baileykeep.clock import VirtualClock
from baileykeep.engine.courier import GIVE_UP_S
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError, JournalError
from baileykeep.model.symptoms import Severity
from tests.stories import START, Story, advance, settle
from tests.unit.engine.courier_world import down, up, world

pytestmark = pytest.mark.asyncio


async def test_it_waits_ever_longer_and_tells_the_newest_state_when_the_channel_is_back() -> None:
    with structlog.testing.capture_logs() as logged:
        async with world() as w:
            w.channel.trouble = down
            story = Story()
            await w.post(story.open(START))
            await advance(w.clock, 3600)
            gaps = [b - a for (a, _), (b, _) in zip(w.channel.tries, w.channel.tries[1:], strict=False)]
            assert gaps[:8] == pytest.approx([2, 4, 8, 16, 32, 64, 128, 256], abs=0.1)
            assert gaps[8:] == pytest.approx([300] * len(gaps[8:]), abs=0.1)
            for number in range(10):
                await w.post(story.line(START + number, f"line {number}"))
            await settle()
            assert await w.counts() == {"pending": 2, "covered": 9}
            w.channel.trouble = up
            await advance(w.clock, 301)
            assert w.channel.lines("i1@100") == [11]
            assert await w.counts() == {"sent": 2, "covered": 9}
    assert [line["event"] for line in logged] == ["lane_failing", "lane_recovered"]


@pytest.mark.parametrize("by_s", [-3600.0, -1800.0, 3600.0])
async def test_a_clock_that_is_set_makes_no_wait_longer(by_s: float) -> None:
    async with world() as w:
        w.channel.trouble = down
        await w.post(Story().open(START, Severity.EMERGENCY))
        await advance(w.clock, 3600)
        tries = len(w.channel.tries)
        w.clock.jump_wall(by_s)
        w.courier.clock_was_set(by_s, w.clock.now())
        w.channel.trouble = up
        await advance(w.clock, 301)
        assert len(w.channel.handed) == 1
        assert len(w.channel.tries) == tries + 1
        assert w.courier.moved() == {}


async def test_a_clock_that_is_set_moves_what_waits_once() -> None:
    class Slow(MemoryJournal):
        moves: list[float] = []  # noqa: RUF012

        async def notices_moved(self, by_s: float) -> None:
            await clock.sleep(1)
            self.moves.append(by_s)
            await super().notices_moved(by_s)

    clock, journal = VirtualClock(START), Slow()
    async with world(journal=journal, clock=clock) as w:
        w.channel.trouble, w.channel.takes_s = down, 0.5
        await w.post(Story().open(START, Severity.EMERGENCY))
        await advance(clock, 0.1)
        clock.jump_wall(-600.0)
        w.courier.clock_was_set(-600.0, clock.now())
        await advance(clock, 10)
        assert journal.moves == [-600.0]


async def test_a_journal_that_cannot_move_them_is_asked_again() -> None:
    class Locked(MemoryJournal):
        tries = 0

        async def notices_moved(self, by_s: float) -> None:
            self.tries += 1
            if self.tries == 1:
                raise JournalError("locked")
            assert by_s == -600.0

    journal = Locked()
    async with world(journal=journal) as w:
        w.courier.clock_was_set(-600.0, w.clock.now())
        await advance(w.clock, 120)
        assert journal.tries == 2


async def test_a_wait_that_the_channel_names_is_kept() -> None:
    async with world() as w:
        w.channel.trouble = lambda notices: (
            ChannelError("slow down", retry_after_s=17) if w.clock.now() < START + 10 else None
        )
        await w.post(Story().open(START, Severity.EMERGENCY))
        await advance(w.clock, 16.9)
        assert len(w.channel.tries) == 1
        await advance(w.clock, 0.2)
        assert len(w.channel.handed) == 1


async def test_what_nobody_could_be_told_for_a_week_is_given_up_and_not_before() -> None:
    async with world() as w:
        w.channel.trouble = lambda _notices: ChannelError("shut out", retry_after_s=3600)
        old = START - GIVE_UP_S + 1800
        await w.post(Story("gone").open(old), *(Story(f"f{k}").open(old + 60 + k) for k in range(5)))
        await advance(w.clock, 60)
        assert await w.counts() == {"pending": 6}
        await advance(w.clock, 2 * 3600)
        assert await w.counts() == {"dead": 6}
        w.channel.trouble = up
        await w.post(Story("new").open(w.clock.now()))
        await advance(w.clock, 60)
        assert await w.counts() == {"dead": 6, "sent": 1}
