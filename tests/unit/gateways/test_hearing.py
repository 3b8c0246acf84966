"""What is believed of webhooks, and for how long: forged, torn, repeated, old and contradicting ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.hearing import FRESH_S, QR_LASTS_S, Ear, Taken, moment
from baileykeep.model.facts import ConnState
from tests.fakes.virtual_time import advance

TOKEN = "a-made-up-token"
QR = "2@abc,def,ghi,1"
QUIET_S = 3600.0


class Room:
    """One ear, and what is said to it."""

    def __init__(self, token: str | None = TOKEN):
        self.clock = VirtualClock()
        self.ear = Ear(load_dialect("fazer-ai"), "{company}", token, QUIET_S, self.clock)

    def say(self, data: Any, event: str = "connection.update", token: Any = TOKEN, company: str | None = "2") -> Taken:
        return self.raw(json.dumps({"event": event, "data": data, "webhookVerifyToken": token}).encode(), company)

    def raw(self, body: bytes, company: str | None = "2") -> Taken:
        return self.ear.take(body, company, {"2", "3"}.__contains__)[0]

    @property
    def state(self) -> str:
        return self.ear.status("2").state.value


OPEN = {"connection": "open", "epoch": 3}


@pytest.mark.parametrize("token", ["", "a-made-up-toke", None, 7, ["a-made-up-token"], "ä\ud800"])
def test_a_forged_one_changes_nothing(token: Any) -> None:
    room = Room()
    assert room.say(OPEN, token=token) is Taken.FORGED
    assert Room(token=None).say(OPEN, token=token) is Taken.FORGED
    assert Room(token="").say(OPEN, token="") is Taken.FORGED
    assert room.state == "unknown"


@pytest.mark.parametrize("body", [b"", b'{"event": "connec', b"[" * 60_000, b"\xff\xfe", b"<html>"])
def test_a_torn_one_changes_nothing(body: bytes) -> None:
    assert Room().raw(body) is Taken.TORN


@pytest.mark.parametrize("body", [b"null", b"7", b"[]", b'{"webhookVerifyToken": {"a": 1}}'])
def test_json_of_another_shape_is_not_believed(body: bytes) -> None:
    assert Room().raw(body) is Taken.FORGED


@pytest.mark.parametrize("company", ["4", None, "../2", ""])
def test_nobody_s_word_is_dropped(company: str | None) -> None:
    room = Room()
    assert room.say(OPEN, company=company) is Taken.UNKNOWN_COMPANY
    assert room.state == "unknown"


@pytest.mark.parametrize("data", [{}, {"receivedPendingNotifications": True}, {"connection": "dancing"}, "open", None])
def test_what_is_no_news_is_dropped(data: Any) -> None:
    room = Room()
    assert room.say(data) is Taken.NO_NEWS
    assert room.state == "unknown"


@pytest.mark.asyncio
async def test_a_silent_one_is_not_known_any_more_neither_up_nor_down() -> None:
    room = Room()
    assert room.say(OPEN) is Taken.TAKEN
    await advance(room.clock, QUIET_S - 1)
    assert room.state == "connected"
    await advance(room.clock, 1)
    assert room.state == "unknown"
    assert room.ear.last("2") == (ConnState.CONNECTED, QUIET_S)
    assert room.ear.last("3") is None


@pytest.mark.asyncio
async def test_messages_keep_what_was_said_alive_and_never_contradict_it() -> None:
    room = Room()
    assert room.say({}, event="messages.upsert") is Taken.TAKEN
    assert room.state == "connected"
    await advance(room.clock, QUIET_S - 1)
    assert room.say({}, event="messages.upsert") is Taken.TAKEN
    await advance(room.clock, QUIET_S - 1)
    assert room.state == "connected"
    room.say({"connection": "close"})
    assert room.say({}, event="messages.upsert") is Taken.NO_NEWS, "it was under way when the session closed"
    assert room.state == "disconnected"


@pytest.mark.asyncio
async def test_an_old_one_that_is_sent_again_is_dropped() -> None:
    room = Room()
    room.say(OPEN)
    assert room.say({"connection": "close", "epoch": 2}) is Taken.OLD
    closed = {"error": {"output": {"statusCode": 401}}, "date": "2027-01-15T08:00:00Z"}
    now = room.clock.now()
    assert moment(closed["date"]) == now
    assert room.say({"connection": "close", "lastDisconnect": closed, "epoch": 3}) is Taken.TAKEN
    assert room.ear.status("2").code == 401
    room.say(OPEN)
    await advance(room.clock, FRESH_S + 1)
    assert room.say({"connection": "close", "lastDisconnect": closed, "epoch": 3}) is Taken.OLD
    assert room.state == "connected"


@pytest.mark.asyncio
async def test_a_row_that_begins_anew_is_believed_once_the_old_one_is_silent() -> None:
    room = Room()
    room.say({"connection": "open", "epoch": 900})
    assert room.say({"connection": "close", "epoch": 1}) is Taken.OLD
    await advance(room.clock, QUIET_S)
    assert room.say({"connection": "close", "epoch": 1}) is Taken.TAKEN


@pytest.mark.asyncio
async def test_a_clock_that_jumps_makes_no_word_older_or_younger() -> None:
    room = Room()
    room.say(OPEN)
    room.clock.jump_wall(86_400 * 30)
    assert room.state == "connected"
    room.clock.jump_wall(-86_400 * 60)
    await advance(room.clock, QUIET_S)
    assert room.state == "unknown"


@pytest.mark.asyncio
async def test_a_qr_is_handed_out_while_it_is_good_and_shows_nowhere_else() -> None:
    room = Room()
    room.say({"qr": QR, "connection": "connecting"})
    assert (room.state, room.ear.qr("2"), room.ear.qr("3")) == ("waiting_qr", QR, None)
    assert QR not in repr(room.ear._words)
    await advance(room.clock, QR_LASTS_S)
    assert room.ear.qr("2") is None
    room.say({"qr": QR, "connection": "connecting"})
    room.say(OPEN)
    assert room.ear.qr("2") is None
    room.say({"qr": "data:image/png;base64,AAAA", "connection": "connecting"})
    assert room.ear.qr("2") is None


def test_what_was_said_can_be_forgotten_for_one_or_for_all() -> None:
    room = Room()
    room.say(OPEN)
    room.say(OPEN, company="3")
    room.ear.forget("2")
    assert (room.state, room.ear.status("3").state.value) == ("unknown", "connected")
    room.ear.forget()
    assert room.ear.status("3").state.value == "unknown"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1_800_000_000, 1.8e9), (1_800_000_000_000, 1.8e9), ("2026-99-20T08:49:00Z", None), ("soon", None), (True, None)],
)
def test_times_are_read_however_they_are_written(value: Any, seconds: float | None) -> None:
    assert moment(value) == seconds
