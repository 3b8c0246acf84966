"""The lab itself is sound: real Baileys pairs, talks, fails and heals here as it does with WhatsApp."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState
from tests.e2e.lab.node import put_dialect
from tests.e2e.lab.people import Company, lid_of, second_gateway, session_name
from tests.e2e.lab.processes import Client, Refused, until
from tests.e2e.lab.world import baileys

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ANNA, BEN = "4915200000001", "4915200000002"
GROUP = "120363000000000001@g.us"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fresh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Iterator[Company]]:
    """Companies of one gateway that nobody has used yet: each test takes its own."""
    idents = [str(number) for number in range(1, 21)]
    async with baileys(tmp_path_factory.mktemp("lab"), idents, keepAliveMs=500, qrMs=60_000) as found:
        yield iter(found.values())


async def test_baileys_7_pairs_within_seconds_and_talks(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await pairs_by_qr(company, uploaded=812)
    await talks(company, addressing="lid")


async def test_baileys_6_pairs_within_seconds_and_talks(tmp_path: Path) -> None:
    async with baileys(tmp_path, generation="6") as found:
        await pairs_by_qr(found["1"], uploaded=30)
        await talks(found["1"], addressing="pn")


async def pairs_by_qr(company: Company, uploaded: int) -> None:
    """From nothing to open, with all its keys on the server."""
    assert (await company.status())["sessionState"] == "not_started"
    began = time.monotonic()
    await company.pair()
    assert time.monotonic() - began < 15
    device = await company.device()
    assert [upload["count"] for upload in device["uploads"]] == [uploaded]
    words = [line["msg"] for line in company.gateway.records(company.ident)]
    assert words.index("stream errored out") < words.index("opened connection to WA")
    assert len(company.files("pre-key-")) == uploaded - len(device["handedOut"])
    assert company.files("app-state-sync-key-")


async def talks(company: Company, addressing: str) -> None:
    """Messages flow both ways, and in groups."""
    await company.whatsapp.client.post("/group", id=GROUP, members=[ANNA, BEN], addressing=addressing)
    await company.hears(ANNA, "one")
    await company.hears(ANNA, "two")
    await company.reaches(ANNA, "answer")
    await company.reaches(BEN, "first word")
    await company.tell("group-send", **{"from": ANNA}, group=GROUP, text="to all")
    await company.has_read("to all")
    await company.reaches(BEN, "to all of you", to=GROUP)
    await company.reaches(ANNA, "again", to=GROUP)
    assert company.files("sender-key-memory-")


async def test_a_message_that_cannot_be_read_is_asked_for_again_and_then_flows(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await company.pair()
    await company.hears(ANNA, "before")
    before = len(company.whatsapp.events("retry"))
    await company.stop()
    (company.folder / session_name(ANNA)).unlink()
    await company.start()
    await company.settled()
    await company.hears(ANNA, "after")
    retries = company.whatsapp.events("retry")[before:]
    assert [(one["count"], one["keys"]) for one in retries] == [("1", False), ("2", True)]


async def test_what_was_sent_while_the_session_was_closed_comes_later(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await company.pair()
    await company.hears(ANNA, "hello")
    await company.stop()
    await company.tell("send", **{"from": ANNA}, text="are you there?")
    await company.start()
    await company.has_read("are you there?")


async def test_a_second_login_replaces_the_first_which_stays_away(fresh: Iterator[Company], tmp_path: Path) -> None:
    company = next(fresh)
    await company.pair()
    other = await second_gateway(company, tmp_path / "second")
    try:
        await other.start()
        await until(lambda: company.closed_by(440), 10, "the first is replaced")
        assert (await company.status())["sessionState"] == "not_started"
        assert await replace(company, gateway=other).connected()
    finally:
        await other.aclose()


async def test_a_removed_device_is_closed_with_401_and_not_let_in_again(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await company.pair()
    await company.tell("stream-error", kind="device_removed")
    await until(lambda: company.closed_by(401), 10, "the gateway knows")
    await company.start()
    await until(lambda: _stays_out(company), 10, "it is refused")
    told = [json.dumps(line.get("fullErrorNode")) for line in company.gateway.records(company.ident)]
    assert any("device_removed" in one for one in told)


async def test_the_gateway_comes_back_by_itself_but_only_where_that_helps(fresh: Iterator[Company]) -> None:
    one, two, three = (next(fresh) for _ in range(3))
    await asyncio.gather(*(company.pair() for company in (one, two, three)))
    await one.tell("drop")
    await two.tell("stream-error", kind="503")
    await three.policy(reconnects=False)
    await three.tell("drop")
    await until(lambda: one.logged_in(2), 10, "1 logs in again")
    await until(lambda: two.logged_in(2), 10, "2 logs in again")
    assert (await three.status())["sessionState"] == "not_started"


async def test_a_connection_that_falls_silent_is_noticed_by_its_keep_alive(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await company.pair()
    await company.tell("silence")
    await until(lambda: company.logged_in(2), 20, "it logs in again")
    assert any("Connection was lost" in str(line.get("trace")) for line in company.gateway.records(company.ident))


async def test_pairing_by_code_needs_the_right_code(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    assert len(await pairing_code(company)) == 8
    await company.tell("code", code="AAAA-AAAA")
    await until(lambda: _stays_out(company), 15, "the half-paired login is refused")
    assert not (await company.status())["authPaired"]
    await company.tell("code", code=await pairing_code(company))
    await company.settled()
    with pytest.raises(Refused, match="linked already"):
        await pairing_code(company)


async def test_a_scan_that_fails_ends_the_qr_and_another_one_follows(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await company.start()
    first = await until(company.qr, 10, "a QR")
    await company.whatsapp.client.post("/scan", qr=first, phone=company.phone, spoiled=True)
    await until(lambda: _another_qr(company, first), 10, "another QR")
    await company.scan()
    await company.settled()


async def test_whoever_asks_while_a_qr_is_out_gets_the_same(fresh: Iterator[Company]) -> None:
    company = next(fresh)
    await company.start()
    first = await until(company.qr, 10, "a QR")
    await company.start()
    assert await company.qr() == first
    await company.start(force_relink=True)
    await company.gateway.client.post(f"{company.tenant}/reset")
    assert await company.qr() == first


async def test_the_products_own_client_understands_the_gateway(fresh: Iterator[Company], tmp_path: Path) -> None:
    dialect = load_dialect("lab", [put_dialect(tmp_path)])
    company, other = next(fresh), next(fresh)
    gateway = HttpGateway(GatewaySpec("main", company.gateway.url, key=company.gateway.secret), dialect)
    assert (await gateway.status(company.ident)).state is ConnState.DISCONNECTED
    await gateway.start(company.ident)
    qr = await until(lambda: gateway.qr(company.ident), 10, "a QR")
    seen = await gateway.status(company.ident)
    assert (seen.state, seen.paired, seen.has_qr) == (ConnState.WAITING_QR, False, True)
    await company.whatsapp.client.post("/scan", qr=qr, phone=company.phone)
    await company.settled()
    await other.tell("code", code=await gateway.pairing_code(other.ident, other.phone))
    await other.settled()
    everyone = await gateway.status_all()
    for one in (company, other):
        assert (everyone[one.ident].state, everyone[one.ident].paired) == (ConnState.CONNECTED, True)
    await gateway.stop(company.ident)
    stopped = await gateway.status(company.ident)
    assert (stopped.state, stopped.paired) == (ConnState.DISCONNECTED, True)
    await gateway.reconnect(company.ident)
    await company.settled()
    await gateway.reset(company.ident)
    assert await until(lambda: gateway.qr(company.ident), 10, "a QR after the reset")
    assert not (await gateway.status(company.ident)).paired
    await gateway.aclose()


async def test_nobody_is_served_without_the_secret(fresh: Iterator[Company]) -> None:
    dialect = load_dialect("x-internal-secret")
    company = next(fresh)
    gateway = HttpGateway(GatewaySpec("main", company.gateway.url, key="wrong"), dialect)
    with pytest.raises(GatewayError) as refused:
        await gateway.status(company.ident)
    assert refused.value.code == "unauthorized"
    await gateway.aclose()
    stranger = Client(company.gateway.url)
    with pytest.raises(Refused):
        await stranger.post(f"/lab/{company.ident}/send", to=lid_of(ANNA), text="x")
    await stranger.aclose()


# --- helpers --------------------------------------------------------------------------------------------------------


async def _stays_out(company: Company) -> bool:
    return await company.closed_by(401) and not (await company.status())["hasSocket"]


async def _another_qr(company: Company, than: str) -> str | None:
    text = await company.qr()
    return text if text != than else None


async def pairing_code(company: Company) -> str:
    """Ask the gateway for a code."""
    reply = await company.gateway.client.post(f"{company.tenant}/pairing-code", phoneNumber=company.phone)
    return str(reply["code"])
