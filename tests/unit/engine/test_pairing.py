"""What is shown, to whom, and for how long; the gateway, the channel and the clock are the test's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.channels.qr_image import blank, png
from baileykeep.model.incident import Approval, Cause, Incident, Rung, Topic
from baileykeep.model.symptoms import Severity
from baileykeep.rules.notify import Routes
from tests.fakes.virtual_time import settled
from tests.unit.engine.board_world import ACME, BOB, People, running, waiting

pytestmark = pytest.mark.asyncio


async def test_a_qr_stands_where_the_company_is_told_of_until_nobody_waits_any_more() -> None:
    of = People()
    of.relinking("Ann")
    async with running(of) as board:
        with board.waiting("acme"):
            await settled()
            assert of.wall.there == {}
            await of.look(board)
            shown = of.wall.there["acme@1"]
            assert (shown.to, shown.headline, shown.code) == ("1", "Acme (acme): scan this QR code now", "")
            assert shown.picture == png("2@one")
            assert shown.buttons == (("code", "acme"),)
            assert "Asked for by Ann." in shown.lines
            await of.look_at(board, "2@two")
            assert of.wall.there["acme@1"].picture == png("2@two")
            await of.look_at(board, None)
            assert of.wall.there["acme@1"].picture == blank()
        await of.pass_time(1)
        assert of.wall.there == {}
    assert {p.key for p in of.wall.ever} == {"acme@1"}


async def test_the_second_contact_sees_it_once_the_question_was_passed_on() -> None:
    of = People()
    asked = Approval(Rung.RELINK, 1, of.clock.now())
    now = of.clock.now()
    of.incident = Incident("i1", ACME, Topic.HEALTH, Cause.LOGGED_OUT, Severity.CRITICAL, now, now, approval=asked)
    async with waiting(of) as board:
        assert set(of.wall.there) == {"acme@1"}
        of.incident = replace(of.incident, approval=replace(asked, escalated_at=now))
        board.nudge()
        await of.pass_time(1)
        assert set(of.wall.there) == {"acme@1", "acme@2"}


async def test_a_chat_that_is_no_longer_told_of_the_company_sees_no_further_qr() -> None:
    of = People()
    async with waiting(of) as board:
        assert set(of.wall.there) == {"acme@1"}
        of.routes = Routes((BOB,), ())
        await of.look_at(board, "2@two")
        assert set(of.wall.there) == {"acme@2"}
        assert [p.picture for p in of.wall.ever if p.to == "1"] == [png("2@one")]


async def test_what_is_said_stands_in_the_story_and_beside_the_qr() -> None:
    of = People()
    async with running(of) as board:
        with board.waiting("acme"):
            await board.at("acme").look()
            await board.at("acme").tell("The last scan failed (code 403).")
            await of.pass_time(1)
            assert of.told == ["The last scan failed (code 403)."]
            assert of.wall.there["acme@1"].lines[0] == "The last scan failed (code 403)."


async def test_what_an_earlier_daemon_left_is_taken_down_or_made_empty_while_its_relink_goes_on() -> None:
    of = People()
    of.wall.left = ("acme@1", "gone@1")
    of.relinking()
    async with running(of) as board:
        await of.pass_time(1)
        assert of.wall.removed == ["gone@1"]
        assert of.wall.there["acme@1"].picture == blank()
        assert board.at("acme").wanted_code() is None
        board.nudge()
        await of.pass_time(1)
        assert of.wall.removed == ["gone@1"]
        of.running.clear()
        board.ended("acme")
        await of.pass_time(1)
        assert of.wall.there == {}


async def test_a_picture_goes_when_the_wait_is_over_though_the_relink_goes_on() -> None:
    of = People()
    of.relinking()
    async with running(of) as board:
        with board.waiting("acme"):
            await of.look(board)
        await of.pass_time(1)
        assert of.wall.there == {}


async def test_at_its_end_the_daemon_takes_everything_down() -> None:
    of = People()
    async with waiting(of) as board:
        assert set(of.wall.there) == {"acme@1"}
        board.offers.stand("acme").waiting += 1
    assert of.wall.there == {}
