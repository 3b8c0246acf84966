"""What fails in one lane or channel holds up no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import structlog

from baileykeep.clock import VirtualClock
from baileykeep.model.errors import ChannelError
from baileykeep.model.records import Notice
from tests.stories import START, Story, advance
from tests.unit.engine.courier_world import Recorder, down, world

pytestmark = pytest.mark.asyncio


def lane_down(notices: Sequence[Notice]) -> Exception | None:
    """Nobody at 666 can be told."""
    return down(notices) if notices[-1].data["to"] == "666" else None


async def test_a_lane_that_fails_holds_up_no_other() -> None:
    async with world() as w:
        w.channel.trouble = lane_down
        stories = [Story(f"bad{n}", to="666") for n in range(3)]
        await w.post(*(story.open(START) for story in stories), Story("good").open(START))
        await advance(w.clock, 3)
        assert [notices[-1].incident for _, notices in w.channel.handed] == ["good"]
        assert [key for _, key in w.channel.tries].count("bad0@666") == 1
        assert not {"bad1@666", "bad2@666"} & {key for _, key in w.channel.tries}


async def test_more_waiting_in_a_dead_lane_than_are_read_at_once_starves_nobody() -> None:
    async with world() as w:
        w.channel.trouble = lane_down
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
