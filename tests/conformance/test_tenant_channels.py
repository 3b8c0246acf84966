"""What every channel to companies themselves promises, against a real server that verifies what it gets."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import pytest
from standardwebhooks.webhooks import Webhook

from baileykeep import channels
from baileykeep.channels.base import Channel
from baileykeep.channels.webhook import AT_ONCE, WebhookChannel, WebhookConfig
from baileykeep.clock import VirtualClock
from baileykeep.engine.courier import Courier
from baileykeep.engine.memory import JournalMemory
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError
from baileykeep.model.incident import Cause, Incident
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.rules.tenants import Tenant, notices
from tests.conformance import test_channels
from tests.fakes.http_gateway import Answer, FakeHttp, Request, fake_http
from tests.stories import incident, settle

pytestmark = pytest.mark.asyncio

SECRET = "whsec_" + "QUFB" * 8
PATH = "/hooks/s3cret-token"
ROUTE = f"POST {PATH}"
SLOW_S, PATIENT_S = 0.2, 8.0
"""How long an answer may take: where none comes, and where one does on a busy machine."""

NOW = time.time()
"""The library that verifies looks at the real clock."""


@dataclass
class Told:
    """A channel, the journal it remembers in, and what its receiver got; only verified calls count."""

    channel: Channel
    http: FakeHttp
    journal: MemoryJournal
    clock: VirtualClock

    def types(self) -> list[str]:
        return [self._verified(request)["type"] for request in self.http.requests]

    def bodies(self) -> list[Any]:
        return [self._verified(request) for request in self.http.requests]

    @staticmethod
    def _verified(request: Request) -> Any:
        return Webhook(SECRET).verify(request.body, request.headers)


@asynccontextmanager
async def by_webhook(answer: Answer | list[Answer] | Callable[[Request], Answer]) -> AsyncIterator[Told]:
    journal, clock = MemoryJournal(), VirtualClock(NOW)
    async with fake_http({ROUTE: answer}) as http:
        silent = isinstance(answer, Answer) and (answer.hang or answer.drip)
        channel = webhook(http, journal, clock, SLOW_S if silent else PATIENT_S)
        try:
            yield Told(channel, http, journal, clock)
        finally:
            await channel.aclose()


def webhook(
    http: FakeHttp, journal: MemoryJournal, clock: VirtualClock, timeout_s: float = PATIENT_S
) -> WebhookChannel:
    config = WebhookConfig(http.url + PATH, SECRET, timeout_s=timeout_s)
    return WebhookChannel(config, JournalMemory(journal, "webhook"), clock)


Family = Callable[[Any], AbstractAsyncContextManager[Told]]
CHANNELS: dict[str, Family] = {"webhook": by_webhook}
"""A new channel to companies is one line here."""

OK = Answer(204)


@pytest.fixture(params=CHANNELS)
def opened(request: pytest.FixtureRequest) -> Family:
    return CHANNELS[request.param]


def change(before: Incident | None, after: Incident, *, name: str = "Acme", up: bool = False) -> tuple[Notice, ...]:
    about = Tenant(name, "en", lambda at: f"{at:.0f}", connected=up)
    return notices(before, after, about, after.updated_at)


def down(who: str = "1", ident: str = "i1", **more: Any) -> tuple[Notice, ...]:
    return change(None, incident(ident, at=NOW - 3600, who=who, **more))


def up(who: str = "1", ident: str = "i1") -> tuple[Notice, ...]:
    before = incident(ident, at=NOW - 3600, who=who)
    return change(before, replace(before, revision=4, closed_at=NOW, updated_at=NOW), up=True)


async def test_every_channel_runs_a_suite() -> None:
    found = {
        str(kind.__dict__["name"])
        for module in pkgutil.iter_modules(channels.__path__)
        for kind in vars(importlib.import_module(f"baileykeep.channels.{module.name}")).values()
        if inspect.isclass(kind) and hasattr(kind, "deliver") and isinstance(vars(kind).get("name"), str)
    }
    assert found == set(CHANNELS) | set(test_channels.CHANNELS)


async def test_a_change_is_told_signed_and_with_all_that_is_promised(opened: Family) -> None:
    async with opened(OK) as told:
        await told.channel.deliver(down())
        (body,) = told.bodies()
        assert body["type"] == "session.down"
        assert body["timestamp"].endswith("Z")
        assert set(body["data"]) == {
            "company", "name", "language", "state", "since", "cause", "meaning", "what_to_do", "scan_url", "incident",
            "revision",
        }  # fmt: skip


async def test_the_end_follows_and_neither_is_told_twice(opened: Family) -> None:
    async with opened(OK) as told:
        for notice in (down(), down(), up(), up()):
            await told.channel.deliver(notice)
        assert told.types() == ["session.down", "session.recovered"]


async def test_the_end_of_what_nobody_heard_of_is_not_told(opened: Family) -> None:
    async with opened(OK) as told:
        await told.channel.deliver(up())
        assert told.types() == []


async def test_a_repeat_carries_the_same_id_and_another_change_another(opened: Family) -> None:
    async with opened([Answer(500), OK]) as told:
        with pytest.raises(ChannelError):
            await told.channel.deliver(down())
        await told.channel.deliver(down())
        await told.channel.deliver(up())
        ids = [request.headers["webhook-id"] for request in told.http.requests]
        assert ids[0] == ids[1] != ids[2]


async def test_what_was_told_is_known_after_a_restart(opened: Family) -> None:
    async with opened(OK) as told:
        await told.channel.deliver(down())
        again = webhook(told.http, told.journal, told.clock)
        await again.deliver(down())
        await again.aclose()
        assert told.types() == ["session.down"]


BAD = {
    "refuses": Answer(500), "hangs": Answer(hang=True), "drops": Answer(drop=True), "no HTTP": Answer(raw=b"nonsense"),
    "not found": Answer(404), "no head": Answer(raw=b"HTTP/1.1 200 OK\r\nX: 1\r\n", drip=True),
    "elsewhere": Answer(raw=b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
async def test_a_receiver_that_fails_is_tried_again_and_no_secret_is_in_the_error(
    opened: Family, answer: Answer
) -> None:
    async with opened(answer) as told:
        with pytest.raises(ChannelError) as caught:
            await told.channel.deliver(down())
        assert not caught.value.permanent
        said = f"{caught.value!r} {caught.value} {caught.value.__cause__} {vars(told.channel)}"
        assert "s3cret" not in said
        assert SECRET not in said
        assert len(told.http.requests) == 1


async def test_the_answers_body_is_not_waited_for(opened: Family) -> None:
    async with opened(Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", drip=True)) as told:
        await told.channel.deliver(down())
        assert told.types() == ["session.down"]


async def test_how_long_a_receiver_asks_to_wait_is_heeded(opened: Family) -> None:
    wait = Answer(raw=b"HTTP/1.1 429 X\r\nRetry-After: 77\r\nContent-Length: 0\r\n\r\n")
    async with opened(wait) as told:
        with pytest.raises(ChannelError) as caught:
            await told.channel.deliver(down())
        assert caught.value.retry_after_s == 77


async def test_one_that_is_gone_is_called_no_more_and_staff_can_see_it(opened: Family) -> None:
    async with opened(Answer(410)) as told:
        for who in ("1", "2"):
            with pytest.raises(ChannelError) as caught:
                await told.channel.deliver(down(who))
            assert caught.value.permanent
        assert len(told.http.requests) == 1
        assert isinstance(told.channel, WebhookChannel)
        assert "410 Gone" in told.channel.problems()[0]
        told.channel.apply(WebhookConfig(told.http.url + "/new", SECRET))
        assert not told.channel.problems()


@pytest.mark.parametrize("name", ["<b>", "{since}", "\x1b[31mred", "a\nb", "שלום\u202e", "x" * 300])
async def test_no_name_breaks_it(opened: Family, name: str) -> None:
    async with opened(OK) as told:
        await told.channel.deliver(change(None, incident(at=NOW, cause=Cause.LOGGED_OUT), name=name))
        assert not {"\x1b", "\n", "\u202e"} & set(told.bodies()[0]["data"]["name"])


# --- with the courier ---------------------------------------------------------------------------------------


@asynccontextmanager
async def carried(told: Told) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A courier that runs; what is given lets decision time go on until nothing is left to do for a while."""
    courier = Courier(told.journal, {told.channel.name: told.channel}, told.clock, NotifyLimits())

    async def quiet() -> None:
        courier.nudge()
        await settle()
        await anyio.sleep(0.05)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(courier.run)
        yield quiet
        tasks.cancel_scope.cancel()


async def until(what: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not what():
            await anyio.sleep(0.01)


async def test_a_day_without_the_receiver_ends_in_the_newest_state_alone(opened: Family) -> None:
    async with opened([*[Answer(500)] * 3, OK]) as told:
        for number in range(5):
            await told.journal.write((), down(ident=f"i{number}"))
            await told.journal.write((), up(ident=f"i{number}"))
        await told.journal.write((), down(ident="i9", cause=Cause.LOGGED_OUT))
        async with carried(told):
            with anyio.fail_after(30):
                while len(told.http.requests) < 4:
                    told.clock.step_to(told.clock.now() + 1)
                    await anyio.sleep(0.01)
        assert set(told.types()) == {"session.needs_scan"}
        assert len({request.headers["webhook-id"] for request in told.http.requests}) == 1


async def test_a_thousand_companies_are_told_once_each_a_few_at_a_time(opened: Family) -> None:
    async with opened(OK) as told:
        for number in range(1000):
            await told.journal.write((), down(str(number)))
        async with carried(told):
            await until(lambda: len(told.http.requests) >= 1000)
        assert len({body["data"]["company"] for body in told.bodies()}) == len(told.http.requests) == 1000
        assert told.http.open_most <= AT_ONCE


async def test_an_outage_shorter_than_is_told_is_never_told(opened: Family) -> None:
    async with opened(OK) as told:
        short = change(None, incident(at=NOW, who="1"))
        assert short[0].not_before == NOW + 900
        await told.journal.write((), short)
        await told.journal.write((), up())
        async with carried(told) as quiet:
            told.clock.step_to(NOW + 1000)
            await quiet()
        assert told.types() == []
