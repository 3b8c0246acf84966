import pytest

from baileykeep.channels.console import ConsoleChannel
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
