"""Telegram is away for a day while incidents come and go: afterwards people know everything, in order."""

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from baileykeep.channels.telegram import TelegramChannel, TelegramConfig
from baileykeep.clock import VirtualClock
from baileykeep.engine.courier import Courier
from baileykeep.engine.memory import JournalMemory
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import NoticeState
from baileykeep.model.symptoms import Severity
from tests.fakes.telegram import FakeTelegram, Shown
from tests.stories import START, Story, advance, advance_until

pytestmark = pytest.mark.asyncio
HOUR = 3600.0
CHATS = ("100", "-500")
_TIME = re.compile(r"(\d+ \w+ )?\d\d:\d\d ")


@asynccontextmanager
async def told_by_telegram(clock: VirtualClock, tg: FakeTelegram, journal: MemoryJournal) -> AsyncIterator[Courier]:
    config = TelegramConfig(tg.token, (100, -500), base_url=tg.url, timeout_s=2)
    channel = TelegramChannel(config, JournalMemory(journal, "telegram"), _nobody, clock, NotifyLimits())
    courier = Courier(journal, {"telegram": channel}, clock, NotifyLimits())
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(courier.run)
            yield courier
            tasks.cancel_scope.cancel()
    finally:
        await channel.aclose()


async def _nobody(*_: object) -> dict[str, object]:
    raise AssertionError("nobody asks anything here")


def texts(message: Shown) -> list[str]:
    """The story lines of a message, without their times."""
    return [line[match.end() :] for line in message.plain.splitlines() if (match := _TIME.match(line))]


@pytest.mark.parametrize(
    ("hours", "count"), [(2, 12), pytest.param(24, 40, marks=pytest.mark.slow)], ids=["two hours", "a day"]
)
async def test_an_outage_loses_nothing_and_keeps_the_order(hours: int, count: int) -> None:
    clock, journal, rng = VirtualClock(START), MemoryJournal(), random.Random(7)
    stories = [Story(f"i{n:02}", to=CHATS[n % 2], who=f"c{n:02}", name=f"Company {n:02}") for n in range(count)]
    async with FakeTelegram(clock.now) as tg, told_by_telegram(clock, tg, journal) as courier:
        tg.down = True
        for number, story in enumerate(stories):
            await journal.write(notices=story.open(clock.now()))
            for step in range(rng.randrange(3)):
                severity = rng.choice([Severity.WARNING, Severity.CRITICAL])
                await journal.write(notices=story.line(clock.now() + step, f"Step {step}.", severity=severity))
            courier.nudge()
            await advance(clock, hours * HOUR / count, lambda: tg.busy > 0)
            if number % 3 == 2:
                await journal.write(notices=stories[number - 1].close(clock.now()))
        assert (await journal.notice_counts())[NoticeState.SENT] == 0
        assert (await journal.notice_counts())[NoticeState.PENDING] <= count * 4
        tg.down = False
        courier.nudge()
        await advance_until(clock, lambda: len(tg.messages()) >= count * 2 // 3, lambda: tg.busy > 0, most_s=600)
        await advance(clock, 120, lambda: tg.busy > 0)

        counts = await journal.notice_counts()
        assert (counts[NoticeState.PENDING], counts[NoticeState.DEAD]) == (0, 0)
        assert tg.violations == []
        many = count > 12
        alone = [_check_told(story, tg) for story in stories]
        came_and_went = [told for story, told in zip(stories, alone, strict=True) if _over(story)]
        assert came_and_went.count(True) <= (len(CHATS) if many else count), "only those just being tried come alone"
        assert len(tg.messages()) == alone.count(True) + (len(CHATS) if many else 0)


def _over(story: Story) -> bool:
    return story.incident is not None and story.incident.closed_at is not None


def _check_told(story: Story, tg: FakeTelegram) -> bool:
    """Whether a story has a message of its own: then with all its lines in order, sounding if it still matters.

    Of what came and went unseen, there is a line in one silent message, oldest first.
    """
    assert story.incident is not None
    unseen = [m for m in tg.messages() if m.plain.count(f"({story.who}): over after") and "unseen" in m.plain]
    if unseen:
        (message,) = unseen
        names = [line.split("(")[1] for line in message.plain.splitlines() if _TIME.match(line)]
        assert names == sorted(names)
        assert not message.sounding
        return False
    (message,) = [m for m in tg.messages() if m.plain.splitlines()[0].count(f"({story.who})")]
    assert texts(message) == [line.text for line in story.incident.story]
    assert message.plain.startswith("✅") == _over(story)
    assert message.sounding == (not _over(story))
    return True


async def test_a_storm_of_changes_in_a_group_stays_within_its_limits_and_ends_with_the_newest_state() -> None:
    clock, journal = VirtualClock(START), MemoryJournal()
    stories = [Story(f"i{n}", to="-500", who=f"c{n}") for n in range(4)]
    async with FakeTelegram(clock.now) as tg, told_by_telegram(clock, tg, journal) as courier:
        for story in stories:
            await journal.write(notices=story.open(clock.now()))
        for step in range(60):
            for story in stories:
                await journal.write(notices=story.line(clock.now(), f"Step {step}."))
            courier.nudge()
            await advance(clock, 1.0, lambda: tg.busy > 0)
        await advance(clock, 180, lambda: tg.busy > 0)
        assert tg.violations == []
        assert len(tg.messages()) == 4
        for message in tg.messages():
            assert "Step 59." in message.plain
            lengths = [len(edit.plain) for edit in message.history]
            assert lengths == sorted(lengths)
        assert (await journal.notice_counts())[NoticeState.PENDING] == 0


async def test_telegram_that_says_no_in_every_way_still_gets_everything_once() -> None:
    clock, journal = VirtualClock(START), MemoryJournal()
    stories = [Story(f"i{n}", who=f"c{n}") for n in range(3)]
    async with FakeTelegram(clock.now) as tg, told_by_telegram(clock, tg, journal) as courier:
        tg.fail(429, "Too Many Requests", times=2, retry_after=9)
        for status, text in ((500, "Internal"), (502, "Bad Gateway"), (401, "Unauthorized")):
            tg.fail(status, text, times=2)
        for story in stories:
            await journal.write(notices=story.open(clock.now()))
        courier.nudge()
        await advance(clock, HOUR, lambda: tg.busy > 0)
        assert sorted(message.plain.split(")")[0] for message in tg.messages()) == [
            "🟡 Acme (c0",
            "🟡 Acme (c1",
            "🟡 Acme (c2",
        ]
        assert (await journal.notice_counts())[NoticeState.SENT] == 3
