from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
import pytest
import structlog

from baileykeep.channels.base import Channel
from baileykeep.clock import VirtualClock
from baileykeep.engine.courier import GIVE_UP_S, Courier
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError, JournalError
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice, NoticeState
from baileykeep.model.symptoms import Severity
from tests.stories import START, Story, advance, advance_until, settle

pytestmark = pytest.mark.asyncio


@dataclass
class Recorder:
    """A channel that keeps what it was handed, and fails when `trouble` says so."""

    clock: VirtualClock
    name: str = "telegram"
    handed: list[tuple[float, tuple[Notice, ...]]] = field(default_factory=list)
    tries: list[tuple[float, str]] = field(default_factory=list)
    trouble: Callable[[Sequence[Notice]], Exception | None] = lambda notices: None
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


def down(notices: Sequence[Notice]) -> Exception:
    return ChannelError("down")


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
            w.channel.trouble = lambda notices: None
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
        w.channel.trouble = lambda notices: None
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


async def test_a_permanent_failure_ends_those_notices_only() -> None:
    with structlog.testing.capture_logs() as logged:
        async with world() as w:
            w.channel.trouble = lambda notices: (
                ChannelError("blocked", permanent=True) if notices[-1].incident == "bad" else None
            )
            bad, good = Story("bad"), Story("good")
            await w.post(bad.open(START), good.open(START))
            await advance(w.clock, 5)
            assert await w.counts() == {"dead": 1, "sent": 1}
    assert [line["event"] for line in logged] == ["notice_undeliverable"]


async def test_what_nobody_could_be_told_for_a_week_is_given_up_and_not_before() -> None:
    async with world() as w:
        w.channel.trouble = lambda _notices: ChannelError("shut out", retry_after_s=3600)
        old = START - GIVE_UP_S + 1800
        await w.post(Story("gone").open(old), *(Story(f"f{k}").open(old + 60 + k) for k in range(5)))
        await advance(w.clock, 60)
        assert await w.counts() == {"pending": 6}
        await advance(w.clock, 2 * 3600)
        assert await w.counts() == {"dead": 6}
        w.channel.trouble = lambda _notices: None
        await w.post(Story("new").open(w.clock.now()))
        await advance(w.clock, 60)
        assert await w.counts() == {"dead": 6, "sent": 1}


async def test_a_lane_that_fails_holds_up_no_other() -> None:
    async with world() as w:
        w.channel.trouble = lambda notices: ChannelError("down") if notices[-1].data["to"] == "666" else None
        stories = [Story(f"bad{n}", to="666") for n in range(3)]
        await w.post(*(story.open(START) for story in stories), Story("good").open(START))
        await advance(w.clock, 3)
        assert [notices[-1].incident for _, notices in w.channel.handed] == ["good"]
        assert [key for _, key in w.channel.tries].count("bad0@666") == 1
        assert not {"bad1@666", "bad2@666"} & {key for _, key in w.channel.tries}


async def test_more_waiting_in_a_dead_lane_than_are_read_at_once_starves_nobody() -> None:
    async with world() as w:
        w.channel.trouble = lambda notices: ChannelError("down") if notices[-1].data["to"] == "666" else None
        crowd = [Story(f"bad{n}", to="666").open(START + n * 60) for n in range(1100)]
        await w.journal.write(notices=[notice for told in crowd for notice in told])
        await advance(w.clock, 3)
        await w.post(Story("good").open(START))
        await advance(w.clock, 3)
        assert [notices[-1].incident for _, notices in w.channel.handed] == ["good"]


async def test_a_slow_lane_holds_up_no_other() -> None:
    slow = Recorder(VirtualClock(START), name="pager")
    async with world(more=slow, clock=slow.clock) as w:
        slow.takes_s = 500
        (notice,) = Story("slow").open(START)
        await w.journal.write(notices=[replace(notice, channel="pager")])
        await w.post(Story("quick").open(START))
        await advance(w.clock, 10)
        assert len(w.channel.handed) == 1
        assert slow.handed == []


async def test_a_bug_in_a_channel_is_tried_thrice_and_buried() -> None:
    with structlog.testing.capture_logs() as logged:
        async with world() as w:
            w.channel.trouble = lambda notices: RuntimeError("bug") if notices[-1].incident == "bad" else None
            await w.post(Story("bad").open(START), Story("good").open(START))
            await advance(w.clock, 60)
            assert await w.counts() == {"dead": 1, "sent": 1}
            assert [key for _, key in w.channel.tries].count("bad@100") == 3
    assert [line["event"] for line in logged].count("channel_crashed") == 3


async def test_a_channel_that_is_gone_from_the_configuration_ends_its_notices() -> None:
    async with world() as w:
        (notice,) = Story().open(START)
        await w.journal.write(notices=[replace(notice, channel="pigeon")])
        w.courier.nudge()
        await advance(w.clock, 5)
        assert await w.counts() == {"dead": 1}


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


async def test_a_flood_becomes_one_message_and_what_gets_worse_its_own() -> None:
    async with world() as w:
        stories = [Story(f"i{n}", who=str(n)) for n in range(12)]
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
    stories = [Story(f"i{n}", who=str(n)) for n in range(6)]
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
        await w.post(*(Story(f"i{n}", who=str(n)).open(START) for n in range(6)))
        await advance(w.clock, 100)
        w.channel.trouble = lambda notices: None
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


async def test_states_of_the_outbox_are_complete() -> None:
    assert {state.value for state in NoticeState} == {"pending", "sent", "covered", "dead"}
