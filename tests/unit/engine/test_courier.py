"""What is posted is delivered, at once or in its time, and only then marked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import structlog

from baileykeep.clock import VirtualClock
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError, JournalError
from baileykeep.model.records import Notice, NoticeState
from baileykeep.model.symptoms import Severity
from tests.stories import START, Story, advance, settle
from tests.unit.engine.courier_world import World, down, up, world

pytestmark = pytest.mark.asyncio


async def test_what_is_posted_is_delivered_at_once_and_then_marked() -> None:
    async with world() as w:
        story = Story()
        await w.post(story.open(START, Severity.EMERGENCY))
        await settle()
        await w.post(story.line(START, "Reconnecting."))
        await settle()
        assert w.channel.lines("i1@100") == [1, 2]
        assert await w.counts() == {"sent": 2}


class SlowToRead(MemoryJournal):
    """What is read is a while old when it arrives."""

    def __init__(self, clock: VirtualClock):
        super().__init__()
        self._clock = clock

    async def pending_notices(self, now: float, limit: int = 200) -> list[Notice]:
        found = await super().pending_notices(now, limit)
        await self._clock.sleep(1.0)
        return found


async def test_what_is_delivered_while_the_outbox_is_read_is_not_delivered_again() -> None:
    clock = VirtualClock(START)
    async with world(journal=SlowToRead(clock), clock=clock) as w:
        w.channel.takes_s = 0.7
        await w.post(Story().open(START, Severity.EMERGENCY))
        await advance(clock, 1.2)
        w.courier.nudge()
        await advance(clock, 20)
        assert len(w.channel.tries) == 1


async def test_a_new_story_is_told_after_its_moment() -> None:
    async with world() as w:
        await w.post(Story().open(START))
        await advance(w.clock, 1.9)
        assert w.channel.handed == []
        await advance(w.clock, 0.2)
        assert [at for at, _ in w.channel.handed] == [pytest.approx(2.0)]


async def test_what_another_process_posted_is_found_without_a_nudge() -> None:
    async with world() as w:
        await settle()
        await w.journal.write(notices=Story().open(START))
        await advance(w.clock, 35)
        assert len(w.channel.handed) == 1


async def test_marked_only_after_delivery_so_a_crash_between_tells_again() -> None:
    journal, clock = MemoryJournal(), VirtualClock(START)

    async def fails(ids: Sequence[int], at: float) -> None:
        raise JournalError("disk full")

    marks = journal.notice_sent
    journal.notice_sent = fails  # type: ignore[method-assign]
    async with world(journal=journal, clock=clock) as w:
        await w.post(Story().open(START))
        await advance(w.clock, 5)
        assert len(w.channel.handed) == 1
        assert await w.counts() == {"pending": 1}
    journal.notice_sent = marks  # type: ignore[method-assign]
    async with world(journal=journal, clock=clock) as w:
        await advance(w.clock, 1)
        assert len(w.channel.handed) == 1
        assert await w.counts() == {"sent": 1}


async def test_a_journal_that_cannot_be_read_is_tried_again() -> None:
    journal = MemoryJournal()
    reads = journal.pending_notices
    broken = True

    async def sometimes(now: float, limit: int = 200) -> list[Notice]:
        if broken:
            raise JournalError("locked")
        return await reads(now, limit)

    journal.pending_notices = sometimes  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logged:
        async with world(journal=journal) as w:
            await w.post(Story().open(START))
            await advance(w.clock, 10)
            broken = False
            await advance(w.clock, 60)
            assert len(w.channel.handed) == 1
    assert logged[0]["event"] == "outbox_unreadable"


async def test_states_of_the_outbox_are_complete() -> None:
    assert {state.value for state in NoticeState} == {"pending", "sent", "covered", "dead"}


# --- what is heard of it ------------------------------------------------------------------------------------------


def heard_by(w: World) -> list[tuple[str, str]]:
    """The keys and problems that an observer hears from now on."""
    heard: list[tuple[str, str]] = []
    w.courier.observer = lambda channel, notice, problem: heard.append((f"{channel} {notice.key}", problem))
    return heard


async def test_an_observer_hears_what_was_taken_and_what_was_given_up() -> None:
    async with world() as w:
        heard = heard_by(w)
        w.channel.trouble = lambda _notices: ChannelError("it is gone", permanent=True)
        await w.post(Story().open(START, Severity.EMERGENCY))
        await settle()
        w.channel.trouble = up
        await w.post(Story("i2").open(START, Severity.EMERGENCY))
        await settle()
        assert heard == [("telegram i1@100", "it is gone"), ("telegram i2@100", "")]


async def test_an_observer_hears_of_a_lane_that_failed_for_ten_minutes() -> None:
    async with world() as w:
        heard = heard_by(w)
        w.channel.trouble = down
        await w.post(Story().open(START, Severity.EMERGENCY))
        await advance(w.clock, 200)
        assert heard == []
        await advance(w.clock, 2000)
        assert set(heard) == {("telegram i1@100", "down")}
        w.channel.trouble = up
        await advance(w.clock, 400)
        assert heard[-1] == ("telegram i1@100", "")
