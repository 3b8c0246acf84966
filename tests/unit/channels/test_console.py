from dataclasses import replace

import pytest

from baileykeep.channels.console import REMEMBERED, ConsoleChannel
from baileykeep.model.symptoms import Severity
from tests.stories import START, Story

pytestmark = pytest.mark.asyncio


async def test_each_line_is_written_once_and_what_sounds_is_marked() -> None:
    lines: list[str] = []
    channel = ConsoleChannel(lines.append)
    story = Story(name="Ac\x1b[31mme\n")
    await channel.deliver(story.open(START))
    await channel.deliver(story.line(START + 5, "Reconnecting."))
    await channel.deliver(story.line(START + 9, "Worse.", severity=Severity.CRITICAL))
    assert lines == [
        "08:00:00 ! warning   Ac [31mme: Disconnected for 10 min.",
        "08:00:05   warning   Ac [31mme: Reconnecting.",
        "08:00:09 ! critical  Ac [31mme: Worse.",
        "08:00:09 ! critical  Ac [31mme: Now critical. Ac [31mme (1): disconnected for 10 min",
    ]
    await channel.deliver(story.close(START + 20))
    assert lines[-1].endswith("Healthy again.")
    await channel.aclose()


async def test_a_story_that_is_told_of_once_more_after_its_end_is_not_told_again() -> None:
    lines: list[str] = []
    channel = ConsoleChannel(lines.append)
    story = Story()
    await channel.deliver(story.open(START))
    await channel.deliver(closing := story.close(START + 20))
    told = list(lines)
    await channel.deliver(closing)
    assert lines == told


async def test_not_all_stories_are_remembered_for_ever() -> None:
    lines: list[str] = []
    channel = ConsoleChannel(lines.append)
    for number in range(REMEMBERED + 10):
        notices = Story().open(START)
        await channel.deliver([replace(notice, key=str(number)) for notice in notices])
    assert len(channel._told) == REMEMBERED
