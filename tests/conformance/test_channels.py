"""What every channel promises: all is told, in order, once, and nothing that a name holds breaks it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from baileykeep.channels.base import Channel
from baileykeep.channels.console import ConsoleChannel
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Severity
from tests.stories import START, Story
from tests.unit.channels.worlds import CHAT, world

pytestmark = pytest.mark.asyncio


@dataclass(frozen=True)
class Reader:
    """A channel, how the courier hands notices to it, and all that people can read of it now."""

    channel: Channel
    deliver: Callable[[Sequence[Notice]], Awaitable[None]]
    text: Callable[[], str]


@asynccontextmanager
async def on_console() -> AsyncIterator[Reader]:
    lines: list[str] = []
    channel = ConsoleChannel(lines.append)
    yield Reader(channel, channel.deliver, lambda: "\n".join(lines))
    await channel.aclose()


@asynccontextmanager
async def in_telegram() -> AsyncIterator[Reader]:
    async with world() as w:
        yield Reader(w.channel, w.deliver, lambda: "\n".join(m.plain for m in w.tg.messages(CHAT)))


Family = Callable[[], AbstractAsyncContextManager[Reader]]
CHANNELS: dict[str, Family] = {"console": on_console, "telegram": in_telegram}
"""A new channel is one line here."""


@pytest.fixture(params=CHANNELS)
def opened(request: pytest.FixtureRequest) -> Family:
    return CHANNELS[request.param]


@pytest.mark.parametrize("name", CHANNELS)
async def test_its_name_is_the_one_that_notices_are_addressed_to(name: str) -> None:
    async with CHANNELS[name]() as reader:
        assert reader.channel.name == name


async def test_every_line_of_a_story_is_told_once_and_in_order(opened: Family) -> None:
    async with opened() as reader:
        story = Story()
        told = [story.open(START), story.line(START + 60, "Reconnecting."), story.line(START + 90, "Still down.")]
        for notices in told:
            await reader.deliver(notices)
        text = reader.text()
        places = [text.index(line) for line in ("Disconnected for 10 min.", "Reconnecting.", "Still down.")]
        assert places == sorted(places)
        assert text.count("Reconnecting.") == text.count("Still down.") == 1


async def test_what_comes_again_after_a_crash_is_not_told_twice(opened: Family) -> None:
    async with opened() as reader:
        story = Story()
        await reader.deliver(story.open(START))
        more = story.line(START + 60, "Reconnecting.")
        await reader.deliver(more)
        await reader.deliver(more)
        assert reader.text().count("Reconnecting.") == 1


async def test_several_notices_at_once_leave_no_line_out(opened: Family) -> None:
    async with opened() as reader:
        story = Story()
        await reader.deliver(
            (*story.open(START), *story.line(START + 1, "Reconnecting."), *story.line(START + 2, "Up."))
        )
        assert all(line in reader.text() for line in ("Disconnected for 10 min.", "Reconnecting.", "Up."))


async def test_stories_of_two_companies_do_not_mix(opened: Family) -> None:
    async with opened() as reader:
        one, other = Story("i1", name="Acme", who="1"), Story("i2", name="Bolt", who="2")
        await reader.deliver(one.open(START))
        await reader.deliver(other.open(START))
        await reader.deliver(one.line(START + 60, "Reconnecting."))
        assert all(name in reader.text() for name in ("Acme", "Bolt"))
        assert reader.text().count("Reconnecting.") == 1


async def test_a_rise_is_told_and_a_closed_story_may_be_followed_by_a_new_one(opened: Family) -> None:
    async with opened() as reader:
        story = Story()
        await reader.deliver(story.open(START))
        await reader.deliver(story.line(START + 5, "Worse.", severity=Severity.CRITICAL))
        await reader.deliver(story.close(START + 9))
        assert "Now critical." in reader.text()
        await reader.deliver(Story("i2").open(START + 900))
        assert reader.text().count("Disconnected for 10 min.") >= 1


@pytest.mark.parametrize("name", ["<b>", "a & b", "{x}", "\x1b[31mred", "*_`", "שלום", "x" * 300])
async def test_no_name_breaks_it(opened: Family, name: str) -> None:
    async with opened() as reader:
        await reader.deliver(Story(name=name).open(START))
        assert "Disconnected for 10 min." in reader.text()
        assert "\x1b" not in reader.text()
