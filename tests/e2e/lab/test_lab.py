"""The lab itself is sound: real Baileys pairs, talks, fails and heals here as it does with WhatsApp."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState
from tests.e2e.lab.node import LAB
from tests.e2e.lab.people import Company, lid_of, session_name
from tests.e2e.lab.processes import Client, GatewayProcess, Refused, until
from tests.e2e.lab.world import baileys

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(120)]

ANNA, BEN = "4915200000001", "4915200000002"
GROUP = "120363000000000001@g.us"


@pytest.mark.parametrize(("generation", "uploaded"), [("7", 812), ("6", 30)])
async def test_a_company_pairs_by_qr_within_seconds(tmp_path: Path, generation: str, uploaded: int) -> None:
    async with baileys(tmp_path, generation=generation) as found:
        company = found["1"]
        assert (await company.status())["sessionState"] == "not_started"
        began = time.monotonic()
        await company.pair()
        assert time.monotonic() - began < 15
        device = await company.device()
        assert [upload["count"] for upload in device["uploads"]] == [uploaded]
        words = [line["msg"] for line in company.gateway.records("1")]
        assert words.index("stream errored out") < words.index("opened connection to WA")
        assert len(company.files("pre-key-")) == uploaded - len(device["handedOut"])
        assert company.files("app-state-sync-key-")


@pytest.mark.parametrize("generation", ["7", "6"])
async def test_messages_flow_both_ways_and_in_groups(tmp_path: Path, generation: str) -> None:
    async with baileys(tmp_path, generation=generation) as found:
        company = found["1"]
        await company.pair()
        addressing = "lid" if generation == "7" else "pn"
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


async def test_a_message_that_cannot_be_read_is_asked_for_again_and_then_flows(tmp_path: Path) -> None:
    async with baileys(tmp_path) as found:
        company = found["1"]
        await company.pair()
        await company.hears(ANNA, "before")
        await company.stop()
        (company.folder / session_name(ANNA)).unlink()
        await company.start()
        await company.settled()
        await company.hears(ANNA, "after")
        retries = company.whatsapp.events("retry")
        assert [(one["count"], one["keys"]) for one in retries] == [("1", False), ("2", True)]


async def test_what_was_sent_while_the_session_was_closed_comes_later(tmp_path: Path) -> None:
    async with baileys(tmp_path) as found:
        company = found["1"]
        await company.pair()
        await company.hears(ANNA, "hello")
        await company.stop()
        await company.tell("send", **{"from": ANNA}, text="are you there?")
        await company.start()
        await company.has_read("are you there?")


async def test_a_second_login_replaces_the_first_which_stays_away(tmp_path: Path) -> None:
    async with baileys(tmp_path) as found:
        company = found["1"]
        await company.pair()
        async with second_gateway(company, tmp_path / "second") as other:
            await until(lambda: _code(company, 440), 10, "the first is replaced")
            assert (await company.status())["sessionState"] == "not_started"
            assert await other.connected()


async def test_a_removed_device_is_closed_with_401_and_not_let_in_again(tmp_path: Path) -> None:
    async with baileys(tmp_path) as found:
        company = found["1"]
        await company.pair()
        await company.tell("stream-error", kind="device_removed")
        await until(lambda: _code(company, 401), 10, "the gateway knows")
        await company.start()
        await until(lambda: _stays_out(company), 10, "it is refused")
        told = [json.dumps(line.get("fullErrorNode")) for line in company.gateway.records("1")]
        assert any("device_removed" in one for one in told)


async def test_the_gateway_comes_back_by_itself_but_only_where_that_helps(tmp_path: Path) -> None:
    async with baileys(tmp_path, ("1", "2", "3")) as found:
        await asyncio.gather(*(company.pair() for company in found.values()))
        await found["1"].tell("drop")
        await found["2"].tell("stream-error", kind="503")
        await found["3"].policy(reconnects=False)
        await found["3"].tell("drop")
        await until(lambda: _logins(found["1"], 2), 10, "1 logs in again")
        await until(lambda: _logins(found["2"], 2), 10, "2 logs in again")
        assert (await found["3"].status())["sessionState"] == "not_started"


async def test_a_connection_that_hangs_is_noticed_by_its_keep_alive(tmp_path: Path) -> None:
    async with baileys(tmp_path, keepAliveMs=500) as found:
        company = found["1"]
        await company.pair()
        await company.tell("hang")
        await until(lambda: _logins(company, 2), 20, "it logs in again")
        assert any("Connection was lost" in str(line.get("trace")) for line in company.gateway.records("1"))


async def test_pairing_by_code_needs_the_right_code(tmp_path: Path) -> None:
    async with baileys(tmp_path) as found:
        company = found["1"]
        assert len(await pairing_code(company)) == 8
        await company.tell("code", code="AAAA-AAAA")
        await until(lambda: _stays_out(company), 15, "the half-paired login is refused")
        assert not (await company.status())["authPaired"]
        await company.tell("code", code=await pairing_code(company))
        await company.settled()
        with pytest.raises(Refused, match="linked already"):
            await pairing_code(company)


async def test_a_scan_that_fails_ends_the_qr_and_another_one_follows(tmp_path: Path) -> None:
    async with baileys(tmp_path) as found:
        company = found["1"]
        await company.start()
        first = await until(company.qr, 10, "a QR")
        await company.whatsapp.client.post("/scan", qr=first, phone=company.phone, spoiled=True)
        await until(lambda: _another_qr(company, first), 10, "another QR")
        await company.scan()
        await company.settled()


async def test_whoever_asks_while_a_qr_is_out_gets_the_same(tmp_path: Path) -> None:
    async with baileys(tmp_path, qrMs=60_000) as found:
        company = found["1"]
        await company.start()
        first = await until(company.qr, 10, "a QR")
        await company.start()
        assert await company.qr() == first
        await company.start(force_relink=True)
        assert await until(lambda: _another_qr(company, first), 10, "a QR of the fresh login")


async def test_the_products_own_client_understands_the_gateway(tmp_path: Path) -> None:
    dialect = load_dialect("lab", [_dialects(tmp_path)])
    async with baileys(tmp_path, ("1", "2")) as found:
        company, other = found["1"], found["2"]
        gateway = HttpGateway(GatewaySpec("main", company.gateway.url, key=company.gateway.secret), dialect)
        assert (await gateway.status("1")).state is ConnState.DISCONNECTED
        await gateway.start("1")
        qr = await until(lambda: gateway.qr("1"), 10, "a QR")
        seen = await gateway.status("1")
        assert (seen.state, seen.paired, seen.has_qr) == (ConnState.WAITING_QR, False, True)
        await company.whatsapp.client.post("/scan", qr=qr, phone=company.phone)
        await company.settled()
        await other.tell("code", code=await gateway.pairing_code("2", other.phone))
        await other.settled()
        everyone = await gateway.status_all()
        assert {one: (s.state, s.paired) for one, s in everyone.items()} == dict.fromkeys(
            "12", (ConnState.CONNECTED, True)
        )
        await gateway.stop("1")
        stopped = await gateway.status("1")
        assert (stopped.state, stopped.paired) == (ConnState.DISCONNECTED, True)
        await gateway.reconnect("1")
        await company.settled()
        await gateway.reset("1")
        assert await until(lambda: gateway.qr("1"), 10, "a QR after the reset")
        assert not (await gateway.status("1")).paired
        await gateway.aclose()


async def test_nobody_is_served_without_the_secret(tmp_path: Path) -> None:
    dialect = load_dialect("x-internal-secret")
    async with baileys(tmp_path) as found:
        gateway = HttpGateway(GatewaySpec("main", found["1"].gateway.url, key="wrong"), dialect)
        with pytest.raises(GatewayError) as refused:
            await gateway.status("1")
        assert refused.value.code == "unauthorized"
        await gateway.aclose()
        stranger = Client(found["1"].gateway.url)
        with pytest.raises(Refused):
            await stranger.post("/lab/1/send", to=lid_of(ANNA), text="x")
        await stranger.aclose()


# --- helpers --------------------------------------------------------------------------------------------------------


async def _code(company: Company, code: int) -> bool:
    return bool((await company.status())["lastCode"] == code)


async def _stays_out(company: Company) -> bool:
    status = await company.status()
    return bool(status["lastCode"] == 401 and not status["hasSocket"])


async def _logins(company: Company, count: int) -> bool:
    return bool((await company.device())["logins"] >= count and await company.connected())


async def _another_qr(company: Company, than: str) -> str | None:
    text = await company.qr()
    return text if text != than else None


@asynccontextmanager
async def second_gateway(company: Company, root: Path) -> AsyncIterator[Company]:
    """Somebody runs the same login in a second process."""
    other = GatewayProcess(root, (company.ident,), company.whatsapp.socket)
    shutil.copytree(company.folder, other.folder(company.ident))
    try:
        await other.start()
        yield replace(company, gateway=other)
    finally:
        await other.aclose()


async def pairing_code(company: Company) -> str:
    """Ask the gateway for a code."""
    reply = await company.gateway.client.post(f"{company.tenant}/pairing-code", phoneNumber=company.phone)
    return str(reply["code"])


def _dialects(root: Path) -> Path:
    folder = root / "dialects"
    folder.mkdir()
    (folder / "lab.toml").write_text((LAB / "dialect.toml").read_text())
    return folder
