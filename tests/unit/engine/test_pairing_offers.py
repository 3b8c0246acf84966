"""One QR for all who ask, for as long as it is good, or a code in its place."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
import structlog

from baileykeep.channels.qr_image import png
from baileykeep.gateways.base import Capabilities
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import Problem
from tests.fakes.virtual_time import settled
from tests.unit.engine.board_world import People, running

pytestmark = pytest.mark.asyncio


async def test_all_who_ask_get_the_same_qr_and_the_gateway_is_asked_once() -> None:
    of = People()
    board = of.board()
    of.gateway.free = anyio.Event()
    got: list[Any] = []

    async def ask() -> None:
        got.append(await board.offers.qr("acme"))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
        await settled()
        of.gateway.free.set()
    assert len(got) == 5
    assert len({id(offer) for offer in got}) == 1
    assert of.gateway.qr_asked == 1
    await of.pass_time(2)
    assert await board.offers.qr("acme") is got[0]
    assert of.gateway.qr_asked == 2


async def test_the_lock_is_released_by_a_newer_qr_by_its_end_by_age_and_by_hand() -> None:
    of = People()
    board = of.board()
    first = await board.offers.qr("acme")
    assert first is not None
    of.gateway.text = "2@two"
    await of.pass_time(2)
    second = await board.offers.qr("acme")
    assert second is not None
    assert (second.text, second.number) == ("2@two", 2)
    of.gateway.text = None
    await of.pass_time(2)
    assert await board.offers.qr("acme") is None
    of.gateway.text = "2@three"
    await of.pass_time(2)
    assert await board.offers.qr("acme") is not None
    board.offers.release("acme")
    assert board.offers.offered("acme") is None
    assert await board.offers.qr("acme") is not None
    await of.pass_time(60)
    assert await board.offers.qr("acme") is None


async def test_a_gateway_that_does_not_answer_takes_no_qr_away_that_is_still_good() -> None:
    of = People()
    board = of.board()
    first = await board.offers.qr("acme")
    of.gateway.failure = GatewayError("no answer in time", code=Problem.TIMEOUT.value)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await of.pass_time(2)
            assert await board.offers.qr("acme") is first
            assert await board.offers.look("acme")
    assert [line["event"] for line in logs] == ["qr_not_to_be_had"]
    assert "2@one" not in str(logs)
    await of.pass_time(60)
    with pytest.raises(GatewayError):
        await board.offers.qr("acme")
    await of.pass_time(2)
    assert not await board.offers.look("acme")


async def test_who_cannot_be_asked_has_no_qr() -> None:
    of = People()
    board = of.board()
    assert not await board.offers.look("nobody")
    assert await board.offers.qr("nobody") is None
    of.gateway.capabilities = Capabilities()
    assert not await board.offers.look("acme")
    assert of.gateway.qr_asked == 0


async def test_a_wish_for_a_code_is_of_no_use_once_the_wait_is_over() -> None:
    of = People()
    of.relinking()
    async with running(of) as board:
        assert board.hears_wishes("acme")
        with board.waiting("acme"):
            assert board.hears_wishes("acme")
        assert not board.hears_wishes("acme")
        board.ended("acme")
        assert board.hears_wishes("acme")


async def test_a_code_takes_the_place_of_the_qr_and_nothing_else_is_asked_meanwhile() -> None:
    of = People()
    async with running(of) as board:
        at = board.at("acme")
        with at.waiting():
            await at.look()
            at.offer("ABCD1234")
            asked = of.gateway.qr_asked
            assert await at.look()
            await of.pass_time(1)
            assert of.gateway.qr_asked == asked
            assert (of.wall.there["acme@1"].code, of.wall.there["acme@1"].buttons) == ("ABCD1234", ())
            assert not at.code_over()
            await of.pass_time(180)
            assert at.code_over()
            at.offer(None)
            assert not at.code_over()
            await at.look()
            await of.pass_time(1)
            assert of.wall.there["acme@1"].picture == png("2@one")


async def test_a_wish_for_a_code_is_heard_once_and_can_be_taken_back() -> None:
    of = People()
    board = of.board()
    board.wish_code("acme", "4915112345678")
    assert board.at("acme").wanted_code() == "4915112345678"
    assert board.at("acme").wanted_code() is None
    board.wish_code("acme", "4915112345678")
    board.wish_code("acme", None)
    assert board.at("acme").wanted_code() is None
    board.wish_code("acme", "4915112345678")
    assert "4915112345678" not in repr(board.offers.stands)
    board.ended("acme")
    assert board.at("acme").wanted_code() is None


async def test_no_code_is_offered_without_a_phone_or_where_the_gateway_has_none() -> None:
    of = People()
    board = of.board()
    assert board.may_use_code("acme")
    assert not board.may_use_code("nobody")
    of.phone = None
    assert not board.may_use_code("acme")
    of.phone, of.gateway.capabilities = "4915112345678", Capabilities(qr=True)
    assert not board.may_use_code("acme")


async def test_while_its_session_is_closed_by_us_no_gateway_is_asked_for_a_qr() -> None:
    of = People()
    board = of.board()
    with board.waiting("acme"):
        assert await board.look("acme")
        board.closing("acme")
        await of.pass_time(10)
        shown = await board.offers.qr("acme")
        assert (shown is not None, of.gateway.qr_asked) == (True, 1)
        assert await board.look("acme")
        assert of.gateway.qr_asked == 2
        board.closing("acme")
    await of.pass_time(10)
    assert await board.offers.qr("acme") is not None


async def test_after_an_action_that_closed_the_session_its_qr_is_asked_for_as_before() -> None:
    of = People()
    board = of.board()
    board.closing("acme")
    assert await board.offers.qr("acme") is not None
