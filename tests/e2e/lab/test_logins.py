"""Stories about logins: replaced, damaged on disk, half paired, wiped by the gateway. None ends without need."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.lab.processes import GatewayProcess, until
from tests.e2e.lab.world import Lab, lab

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA, BEN = "4915200000001", "4915200000002"


async def test_a_login_that_a_second_process_uses_is_not_fought_over(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        await place.keep()
        asked = company.gateway.asked("1")
        other = GatewayProcess(
            tmp_path / "second", ("1",), place.whatsapp.socket, options={"policy": {"fightsBack": True}}
        )
        shutil.copytree(company.folder, other.folder("1"))
        try:
            await other.start()
            await place.incident(company, "replaced")
            await until(lambda: _needs_human(place), 90, "it is handed to a human", place)
            assert company.gateway.asked("1") == [*asked, "start"]
            assert (await other.client.get("/whatsapp/business_1/status"))["connected"]
        finally:
            await other.aclose()
        assert set(place.steps()) <= {"reconnect", "verify"}
        assert len(place.texts()) == 1
        assert "may Baileykeep" not in place.texts()[0]


async def _needs_human(place: Lab) -> bool:
    return any(incident["needs_human"] for incident in (await place.ask("incidents"))["incidents"])


async def test_creds_torn_on_disk_are_put_back_before_somebody_restarts_the_gateway(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        await place.keep()
        await until(lambda: _has_good_copy(place), 30, "a good copy of the creds is kept", place)
        identity, logins = company.identity(), (await company.device())["logins"]
        creds, told = company.folder / "creds.json", len(company.gateway.records("1"))
        await place.daemon.killed()  # else it could put them back itself
        await company.gateway.stop()
        creds.write_bytes(creds.read_bytes()[:700])
        assert "put back" in await place.command("guard", "1")
        await company.gateway.start()
        await company.settled()
        assert company.identity() == identity
        assert (await company.device())["logins"] == logins + 1
        assert not any("not logged in" in str(record["msg"]) for record in company.gateway.records("1")[told:])
        await place.keep()
        await place.healed(company)
        assert place.texts() == []
        await company.hears(ANNA, "and again")
        await company.hears(BEN, "hello, too")


def _has_good_copy(place: Lab) -> bool:
    return any("good" in name for name in place.backups("1"))


async def test_half_a_login_is_set_aside_and_paired_again(tmp_path: Path) -> None:
    async with lab(tmp_path, ("1", "2"), unpaired=("2",)) as place:
        company = place.companies["2"]
        await place.keep()
        await company.gateway.client.post(f"{company.tenant}/pairing-code", phoneNumber=company.phone)
        assert "account" not in company.creds()
        await company.whatsapp.client.post("/qr-error", kind="503")
        await until(company.qr, 90, "a QR", place)
        await company.scan()
        await company.settled()
        await place.healed(company)
        assert any("aside" in name for name in place.backups("2"))
        assert place.steps("1") == []
        assert not any("may Baileykeep" in text for text in place.texts())  # nobody need be asked


async def test_a_dead_login_that_the_gateway_removed_whole_is_paired_again(tmp_path: Path) -> None:
    async with lab(tmp_path, policy={"wipesDead": True}) as place:
        company = place.companies["1"]
        await place.keep()
        await company.tell("stream-error", kind="device_removed")
        await until(lambda: not company.folder.exists(), 30, "the gateway removed the folder", place)
        await place.approve()
        await until(company.qr, 60, "a QR", place)
        await company.scan()
        await company.settled()
        await place.healed(company)


async def test_a_login_that_the_gateway_wiped_comes_back_without_a_qr(tmp_path: Path) -> None:
    async with lab(tmp_path, policy={"wipesDead": True}) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        identity = company.identity()
        await place.keep()
        await place.command("backup", "create", "1")
        await company.hears(BEN, "after the backup")
        await company.tell("refuse", reason="401")
        await company.tell("drop")
        await until(lambda: not company.folder.exists() or not company.files(), 30, "the gateway wiped it", place)
        await place.incident(company, "logged_out")
        await company.tell("refuse")
        await place.command("backup", "restore", "1", "--mode", "identity")
        await company.settled()
        assert company.identity() == identity
        for number in range(3):
            await company.hears(f"49170{number:08d}", f"new {number}")
        await company.hears(ANNA, "do you still know me?")
        await company.hears(BEN, "and me?")
        assert "Bad MAC" not in company.gateway.err.read_text()
        records = company.gateway.records("1")
        assert not any("Bad MAC" in json.dumps(record) for record in records)
        await place.healed(company)
