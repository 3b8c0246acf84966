"""What every channel to companies' own people promises: true words once, a clear no, and no secret in it."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module

import pytest

from baileykeep import channels
from baileykeep.channels.base import Channel
from baileykeep.channels.mailbox import AppriseChannel, address
from baileykeep.channels.webhook import Hook, WebhookChannel
from baileykeep.clock import VirtualClock
from baileykeep.engine.tenants import notice
from baileykeep.model.errors import ChannelError
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import company
from baileykeep.rules.notify import Contact
from baileykeep.rules.tenants import Condition, Message, Seen, Tenant
from tests.conformance.test_channels import CHANNELS
from tests.fakes.http_gateway import Answer, fake_http
from tests.fakes.smtp import fake_smtp
from tests.stories import START

pytestmark = pytest.mark.asyncio
SECRET, PASSWORD = "whsec_bWFkZSB1cCBhbmQgbG9uZyBlbm91Z2ggdG8gc2lnbg==", "hunter2hunter2"
HOUR = 3600


@dataclass(frozen=True)
class Reader:
    """A channel to company 7, where its notices go, and what was read there. `refuse` makes it take nothing more."""

    channel: Channel
    to: str
    text: Callable[[], str]
    refuse: Callable[[], None]


@asynccontextmanager
async def by_webhook() -> AsyncIterator[Reader]:
    async with fake_http(default=Answer.of({})) as http:

        def refuse() -> None:
            http.default = Answer.of({"why": PASSWORD}, 500)

        url = f"{http.url}/hook?key={PASSWORD}"
        channel = WebhookChannel(lambda ident: Hook(url, SECRET) if ident == "7" else None, VirtualClock(START))

        def text() -> str:
            return "\n".join(f"{r.json['data']['title']} {r.json['data']['text']}" for r in http.requests)

        yield Reader(channel, "7", text, refuse)
        await channel.aclose()


@asynccontextmanager
async def by_email() -> AsyncIterator[Reader]:
    async with fake_smtp() as smtp:

        def refuse() -> None:
            smtp.refuses = True

        url = f"mailto://127.0.0.1:{smtp.port}?from=keep@shop.example&to=rosa@shop.example&format=text&mode=insecure"
        url += f"&name={PASSWORD}"
        channel = AppriseChannel(lambda ident: [url] if ident == "7" else [])
        yield Reader(channel, address("7", 1), lambda: smtp.text, refuse)
        await channel.aclose()


@asynccontextmanager
async def by_a_service() -> AsyncIterator[Reader]:
    async with fake_http(default=Answer.of({})) as http:

        def refuse() -> None:
            http.default = Answer.of({}, 500)

        url = f"json://rosa:{PASSWORD}@127.0.0.1:{http.port}/x"
        channel = AppriseChannel(lambda ident: [url] if ident == "7" else [])

        def text() -> str:
            return "\n".join(f"{r.json['title']} {r.json['message']}" for r in http.requests)

        yield Reader(channel, address("7", 1), text, refuse)
        await channel.aclose()


Opens = Callable[[], AbstractAsyncContextManager[Reader]]

TENANT_CHANNELS: dict[str, tuple[type, Opens]] = {
    "webhook": (WebhookChannel, by_webhook),
    "email": (AppriseChannel, by_email),
    "service": (AppriseChannel, by_a_service),
}
"""A new channel to companies is one line here."""


@pytest.fixture(params=TENANT_CHANNELS)
def opened(request: pytest.FixtureRequest) -> Opens:
    return TENANT_CHANNELS[request.param][1]


def told(
    to: str, condition: Condition = Condition.DOWN, *, at: float = START, ident: str = "t1", **more: str
) -> Notice:
    """What the engine posts."""
    known = {"name": "Rosa", "language": "en", "zone": "Europe/Madrid", **more}
    tenant = Tenant((), **known)
    message = Message(Seen(condition, at - HOUR, "disconnected", "i1"), at - HOUR, Condition.CONNECTED)
    return notice(company("7"), tenant, Contact("x", to), message, ident, at)


async def test_no_channel_is_without_a_suite() -> None:
    known = {kind for kind, _ in TENANT_CHANNELS.values()}
    for module in pkgutil.iter_modules(channels.__path__):
        for _, kind in inspect.getmembers(import_module(f"baileykeep.channels.{module.name}"), inspect.isclass):
            delivers = hasattr(kind, "deliver") and kind is not Channel and kind.__module__.endswith(module.name)
            assert not delivers or kind in known or getattr(kind, "name", "") in CHANNELS, (
                f"{kind} has no line in a suite"
            )


async def test_what_happened_and_what_to_do_is_told(opened: Opens) -> None:
    async with opened() as reader:
        await reader.channel.deliver([told(reader.to)])
        assert "WhatsApp of Rosa has not been connected since" in reader.text()


async def test_it_speaks_the_companys_language(opened: Opens) -> None:
    async with opened() as reader:
        await reader.channel.deliver([told(reader.to, language="he", name="רוזה")])
        assert "צוות התמיכה כבר יודע" in reader.text()


async def test_of_several_only_the_newest_state_is_news(
    opened: Opens,
) -> None:
    async with opened() as reader:
        newest = told(reader.to, Condition.CONNECTED, at=START + HOUR)
        await reader.channel.deliver([told(reader.to), newest])
        assert "connected again" in reader.text()
        assert "Nobody" not in reader.text()
        assert "Support has been told" not in reader.text()


async def test_a_no_is_an_error_to_be_tried_again_that_holds_no_secret(
    opened: Opens, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with opened() as reader:
        reader.refuse()
        with pytest.raises(ChannelError) as caught:
            await reader.channel.deliver([told(reader.to)])
    assert not caught.value.permanent
    assert "company 7" in str(caught.value)
    captured = capfd.readouterr()
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caplog.text} {captured.out} {captured.err}"
    assert PASSWORD not in shown
    assert SECRET not in shown
    assert PASSWORD not in repr(reader.channel)


async def test_nobody_there_is_an_error_to_be_tried_again(
    opened: Opens,
) -> None:
    async with opened() as reader:
        pass
    with pytest.raises(ChannelError) as caught:
        await reader.channel.deliver([told(reader.to)])
    assert not caught.value.permanent
    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_company_that_took_its_address_back_is_a_final_error(
    opened: Opens,
) -> None:
    async with opened() as reader:
        gone = replace(told(reader.to), data={**told(reader.to).data, "to": reader.to.replace("7", "8")})
        with pytest.raises(ChannelError) as caught:
            await reader.channel.deliver([gone])
        assert caught.value.permanent


@pytest.mark.parametrize(
    "name", ["<b>", "a & b", "{x}", "\x1b[31mred", "שלום", "x" * 300, "a\r\nBcc: all@shop.example"]
)
async def test_no_name_breaks_it(opened: Opens, name: str) -> None:
    async with opened() as reader:
        await reader.channel.deliver([told(reader.to, name=name)])
        assert "has not been connected since" in reader.text()
        assert "\x1b" not in reader.text()
