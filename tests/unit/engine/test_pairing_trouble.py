"""What is shown and taken down though channel, memory or picture fail."""

from __future__ import annotations

import pytest
import structlog

from baileykeep.channels.qr_image import blank, png
from baileykeep.model.errors import ChannelError, JournalError
from tests.unit.engine.board_world import People, running, waiting

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("error", [ChannelError("away"), JournalError("locked"), ChannelError("x", retry_after_s=9)])
async def test_a_picture_is_put_up_and_taken_down_however_often_that_fails(error: Exception) -> None:
    of = People()
    async with running(of) as board:
        of.wall.wrong = [error, error]
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(20)
            assert set(of.wall.there) == {"acme@1"}
            of.wall.wrong = [error, error, error]
        await of.pass_time(40)
        assert of.wall.there == {}


@pytest.mark.parametrize("error", [ChannelError("no such chat", permanent=True), LookupError("a bug")])
async def test_what_cannot_work_is_not_tried_again_and_ends_nothing(error: Exception) -> None:
    of = People()
    async with running(of) as board:
        of.wall.wrong = [error]
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(20)
            assert of.wall.there == {}
            assert of.wall.wrong == []
            await of.look_at(board, "2@two")
            assert of.wall.there["acme@1"].picture == png("2@two")


async def test_a_memory_that_cannot_be_read_is_tried_again() -> None:
    of = People()
    of.wall.left, of.wall.wrong = ("gone@1",), [JournalError("locked")]
    async with running(of):
        assert of.wall.removed == []
        await of.pass_time(61)
        assert of.wall.removed == ["gone@1"]


async def test_a_text_that_no_qr_can_hold_is_an_empty_picture_and_a_line_in_the_log() -> None:
    of = People()
    of.gateway.text = "x" * 5000
    with structlog.testing.capture_logs() as logs:
        async with waiting(of):
            assert of.wall.there["acme@1"].picture == blank()
    assert [line["event"] for line in logs] == ["qr_not_drawn"]
    assert "xxx" not in str(logs)
