"""Signed webhooks, against a real HTTP server that checks the signature with the library's own word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from baileykeep.channels.tenant_message import TYPES
from baileykeep.channels.webhook import Hook, WebhookChannel
from baileykeep.clock import VirtualClock
from baileykeep.model.errors import ChannelError
from baileykeep.rules.tenant_words import TEST
from baileykeep.rules.tenants import Condition
from tests.conformance.test_tenant_channels import SECRET, told
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def receiver(
    answer: Answer | None = None, at: float | None = None
) -> AsyncIterator[tuple[WebhookChannel, FakeHttp]]:
    now = datetime.now(UTC).timestamp() if at is None else at
    async with fake_http(default=answer or Answer.of({})) as http:
        channel = WebhookChannel(lambda _ident: Hook(http.url, SECRET), VirtualClock(now))
        yield channel, http
        await channel.aclose()


async def test_the_receiver_can_prove_whose_it_is() -> None:
    async with receiver() as (channel, http):
        await channel.deliver([told("7")])
    (request,) = http.requests
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert body["type"] == "whatsapp.down"
    assert body["data"]["company"] == "7"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"Rosa", b"Eve"), request.headers)


async def test_the_body_is_what_the_page_promises() -> None:
    async with receiver() as (channel, http):
        await channel.deliver([told("7", Condition.NEEDS_SCAN, at=1_796_035_200.0, scan_url="https://wa.example/7")])
    assert http.requests[0].json == {
        "type": "whatsapp.needs_scan",
        "timestamp": "2026-11-30T10:40:00Z",
        "data": {
            "id": "t1", "company": "7", "name": "Rosa", "state": "needs_scan", "since": "2026-11-30T09:40:00Z",
            "cause": "disconnected", "incident": "i1", "language": "en",
            "title": "Please link WhatsApp again: Rosa",
            "text": "WhatsApp of Rosa has been unlinked since 10:40. Your customers get no answer here until it is "
            "linked.",
            "todo": "Open https://wa.example/7 and scan the code there with the company's phone: WhatsApp > Settings > "
            "Linked devices > Link a device.",
            "scan_url": "https://wa.example/7",
        },
    }  # fmt: skip


async def test_every_state_has_a_type() -> None:
    assert set(TYPES) == {*Condition, TEST}


async def test_one_that_comes_again_has_the_same_id() -> None:
    async with receiver() as (channel, http):
        for _ in range(2):
            await channel.deliver([told("7")])
        await channel.deliver([told("7", ident="t2")])
    assert [request.headers["webhook-id"] for request in http.requests] == ["msg_t1", "msg_t1", "msg_t2"]


async def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    async with receiver(Answer.of({}, 410)) as (channel, _):
        with pytest.raises(ChannelError) as caught:
            await channel.deliver([told("7")])
    assert caught.value.permanent


async def test_a_redirect_is_not_followed() -> None:
    async with fake_http(default=Answer.of({})) as elsewhere:
        head = f"HTTP/1.1 302 X\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n"
        async with receiver(Answer(raw=head.encode())) as (channel, _):
            with pytest.raises(ChannelError, match="not followed"):
                await channel.deliver([told("7")])
        assert elsewhere.requests == []


@pytest.mark.parametrize(("wish", "taken"), [("30", 30.0), ("soon", None), ("99999999", None), ("", None)])
async def test_the_receivers_own_wish_for_a_pause_is_taken(wish: str, taken: float | None) -> None:
    head = f"HTTP/1.1 429 X\r\nRetry-After: {wish}\r\nContent-Length: 0\r\n\r\n"
    async with receiver(Answer(raw=head.encode())) as (channel, _):
        with pytest.raises(ChannelError) as caught:
            await channel.deliver([told("7")])
    assert caught.value.retry_after_s == taken


@pytest.mark.parametrize("answer", [Answer(hang=True), Answer(raw=b"HTTP/1.1 200 X\r\nA: ", drip=True)])
async def test_a_receiver_that_never_answers_is_given_up(answer: Answer) -> None:
    async with fake_http(default=answer) as http:
        channel = WebhookChannel(lambda _ident: Hook(http.url, SECRET), VirtualClock(), timeout_s=0.1)
        with pytest.raises(ChannelError) as caught:
            await channel.deliver([told("7")])
        await channel.aclose()
    assert not caught.value.permanent


async def test_what_the_receiver_says_beside_its_yes_is_not_read() -> None:
    head = b"HTTP/1.1 200 X\r\nContent-Length: 99999999\r\n\r\nnot all of it"
    async with receiver(Answer(raw=head)) as (channel, http):
        await channel.deliver([told("7")])
    assert len(http.requests) == 1
