"""Stories about logins: replaced, damaged on disk, half paired, wiped by the gateway. None ends without need."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from baileykeep.model.backup import BackupKind
from tests.e2e.lab.people import Company, second_gateway
from tests.e2e.lab.processes import Json, until
from tests.e2e.lab.telling import asked_anything, salons, silent, told
from tests.e2e.lab.world import Lab

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA, BEN, CARL = "4915200000001", "4915200000002", "4915200000003"
COPIES_OFTEN = '[limits.backups]\nevery = "5s"\n'
REPLACED_COOLDOWN_S = 3.0
QUIET_S = 4.0
"""Longer than the daemon's pause before it reconnects, and than the gateway's before its second try."""


async def test_a_login_that_a_second_process_uses_is_not_fought_over(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await place.keep()
        asked, identity = company.gateway.asked("1"), company.identity()
        other = await second_gateway(company, tmp_path / "second", fightsBack=True)
        try:
            await other.start()
            await place.incident(company, "replaced")
            await told(place, "A human is needed: ", over=False, within_s=90)
            logins = (await company.device())["logins"]
            await asyncio.sleep(QUIET_S)
            assert (await company.device())["logins"] == logins
            assert company.gateway.asked("1") == [*asked, "start"]
            assert (await other.client.get("/whatsapp/business_1/status"))["connected"]
        finally:
            await other.aclose()
        assert (await company.status())["lastCode"] == 440
        assert place.steps() == ["reconnect", "verify"]
        assert _waited_s(place, company) >= REPLACED_COOLDOWN_S
        assert company.identity() == identity
        text = await told(
            place,
            "login used by a second process",
            "Tried to reconnect: it did not help.",
            "What to do: Find the other process that uses this login and stop it.",
            over=False,
        )
        assert text.startswith("🔴🙋")
        assert not asked_anything(place)


def _waited_s(place: Lab, company: Company) -> float:
    """Seconds between the first 440 and what was done about it."""
    [begun] = place.journal.entries(0, "action_begun")
    closed = next(record for record in company.gateway.records("1") if record.get("code") == 440)
    return float(begun["at"]) - float(closed["time"]) / 1000


async def test_creds_torn_on_disk_are_put_back_before_somebody_restarts_the_gateway(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        await place.keep()
        await until(lambda: _has_good_copy(place), 30, "a good copy of the creds is kept", place)
        identity, logins = company.identity(), (await company.device())["logins"]
        creds, before = company.folder / "creds.json", len(company.gateway.records("1"))
        whole = creds.read_bytes()
        await place.daemon.killed()  # else it could put them back itself
        await company.gateway.stop()
        creds.write_bytes(whole[:700])
        assert "put back" in await place.command("guard", "1")
        assert json.loads(creds.read_bytes()) == json.loads(whole)
        await company.gateway.start()
        await company.settled()
        assert company.identity() == identity
        assert (await company.device())["logins"] == logins + 1
        assert not any("not logged in" in str(record["msg"]) for record in company.gateway.records("1")[before:])
        await place.keep()
        await place.healed(company)
        await company.hears(ANNA, "and again")
        await company.hears(BEN, "hello, too")
        assert place.steps("1") == []
        silent(place)


def _has_good_copy(place: Lab) -> bool:
    return any("good" in name for name in place.backups("1"))


async def test_with_the_daemon_awake_the_guard_is_first_and_people_read_that_it_is_over(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await place.keep()
        await until(lambda: _has_good_copy(place), 30, "a good copy of the creds is kept", place)
        identity, asked = company.identity(), company.gateway.asked("1")
        creds = company.folder / "creds.json"
        await company.gateway.stop()
        creds.write_bytes(b"")
        await place.incident(company, "creds_damaged")
        assert "put back" in await place.command("guard", "1")
        await company.gateway.start()
        await company.settled()
        await place.healed(company)
        assert company.identity() == identity
        assert company.gateway.asked("1") == asked
        assert "restore_creds" not in place.steps("1")
        await told(place, "It was: Login file damaged.", "after")
        assert not asked_anything(place)


async def test_half_a_login_is_set_aside_and_paired_again(tmp_path: Path) -> None:
    async with salons(tmp_path, ("1", "2"), unpaired=("2",)) as place:
        company = place.companies["2"]
        await place.keep()
        await company.gateway.client.post(f"{company.tenant}/pairing-code", phoneNumber=company.phone)
        assert "account" not in company.creds()
        half = company.identity()
        await company.whatsapp.client.post("/qr-error", kind="503")
        await until(company.qr, 90, "a QR", place)
        assert half not in _identities(company)
        await company.scan()
        await company.settled()
        await place.healed(company)
        assert company.identity() != half
        assert any("aside" in name for name in place.backups("2"))
        assert place.steps("1") == []
        assert [device["online"] for device in (await company.account())["devices"]] == [True]
        await company.hears(ANNA, "welcome")
        await told(
            place,
            "It was: Never finished pairing.",
            "Set the never-paired folder aside: it works again (Paired anew).",
            "Healed, after",
            ident="2",
        )
        assert not asked_anything(place)  # there is nothing to lose


def _identities(company: Company) -> list[str]:
    """None while the folder waits for its first pairing: Baileys writes nothing before."""
    return [company.identity()] if "creds.json" in company.files() else []


async def test_a_dead_login_that_the_gateway_removed_whole_is_paired_again(tmp_path: Path) -> None:
    async with salons(tmp_path, policy={"wipesDead": True}) as place:
        company = place.companies["1"]
        identity = company.identity()
        await place.keep()
        await company.tell("stream-error", kind="device_removed")
        await until(lambda: not company.folder.exists(), 30, "the gateway removed the folder", place)
        await asyncio.sleep(QUIET_S)  # a missing folder would be a story of its own by now
        assert await place.causes("1") == ["logged_out"]
        await place.approve()
        await until(company.qr, 60, "a QR", place)
        await company.scan()
        await company.settled()
        await place.healed(company)
        assert company.identity() != identity
        await company.hears(ANNA, "hello again")
        await told(
            place, "It was: Logged out.", "Approved by ", "Relinked with a new QR code: it works again", "Healed"
        )


async def test_a_periodic_copy_opens_without_a_qr_after_the_gateway_wiped_the_login(tmp_path: Path) -> None:
    async with salons(tmp_path, policy={"wipesDead": True}, more=COPIES_OFTEN) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        identity = company.identity()
        await place.keep()
        copy = await periodic_copy(place)
        for number in range(2):  # a session from the copy would be too old for what comes next
            await company.reaches(ANNA, f"answer {number}")
            await company.hears(ANNA, f"question {number}")
        assert (await mints_more(place, company))["last"] == 817
        met = await company.tell("meet", **{"from": CARL})  # his first message comes only after everything
        assert met["preKey"] <= 812
        late = await company.tell("meet", **{"from": BEN}, preKey=815)
        assert late["preKey"] == 815
        await company.tell("refuse", reason="401")
        await company.tell("drop")
        await until(lambda: not company.folder.exists(), 30, "the gateway wiped it", place)
        await place.incident(company, "logged_out")
        await told(place, "No backup was taken (the auth folder is gone).", "can a backup bring it back", over=False)
        await company.tell("refuse")
        devices = (await company.account())["devices"]
        await place.command("backup", "restore", "1", "--mode", "identity", "--backup", copy)
        await company.settled()
        assert company.identity() == identity
        assert len((await company.account())["devices"]) == len(devices)
        upload = await mints_more(place, company)
        await company.whatsapp.client.post("/contact", number=CARL, answersRetries=False)  # his pre-key is back
        for contact in (ANNA, BEN, CARL, "4917000000001"):
            await company.hears(contact, f"do you still know me? {contact}")
            await company.reaches(contact, f"yes, {contact}")
        assert no_bad_mac(company)
        assert upload["first"] >= 818
        await place.healed(company)
        await told(place, "It was: Logged out.", "Putting a backup back, asked for by ", f"({copy}, identity mode)")


async def test_creds_put_back_over_newer_pre_keys_mint_none_of_them_again(tmp_path: Path) -> None:
    async with salons(tmp_path, more=COPIES_OFTEN) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        identity = company.identity()
        await place.keep()
        copy = await periodic_copy(place)
        assert (await mints_more(place, company))["last"] == 817
        assert (await company.tell("meet", **{"from": BEN}, preKey=815))["preKey"] == 815
        newer = {number: (company.folder / f"pre-key-{number}.json").read_bytes() for number in range(813, 818)}
        (company.folder / "creds.json").unlink()
        await place.incident(company, "creds_changed")
        asked, retries = company.gateway.asked("1"), len(place.whatsapp.events("retry"))
        await place.command("backup", "restore", "1", "--mode", "identity", "--backup", copy)
        await company.settled()
        assert company.gateway.asked("1") == [*asked, "stop", "start"]
        assert company.identity() == identity
        upload = await mints_more(place, company)
        now = {number: (company.folder / f"pre-key-{number}.json").read_bytes() for number in newer}
        await company.hears(BEN, "I took your key before that")
        assert no_bad_mac(company)
        assert len(place.whatsapp.events("retry")) == retries
        assert now == newer
        assert upload["first"] >= 818
        await company.hears(ANNA, "do you still know me?")
        await place.healed(company)
        put_back = f"Put a backup back: it works again ({copy}, identity mode)."
        await told(place, "It was: Login file replaced.", "Putting a backup back, asked for by ", put_back, "Healed, ")


async def periodic_copy(place: Lab) -> str:
    """Wait for a copy that the daemon made by itself."""
    await until(lambda: hot(place), 30, "a periodic copy is made", place)
    return hot(place)[0]


def hot(place: Lab) -> list[str]:
    """The copies that were made of a session in use, each read again and whole."""
    return [copy.name for copy in place.copies("1", BackupKind.HOT)]


async def mints_more(place: Lab, company: Company) -> Json:
    """WhatsApp runs out of the company's keys, and Baileys mints some more; returns what it uploads."""
    before = len((await company.device())["uploads"])
    await company.tell("pre-keys", left=2)
    uploads = await until(lambda: _uploads(company, before), 15, "more pre-keys are uploaded", place)
    await company.settled()
    return dict(uploads[-1])


async def _uploads(company: Company, more_than: int) -> list[Json]:
    found: list[Json] = (await company.device())["uploads"]
    return found if len(found) > more_than else []


def no_bad_mac(company: Company) -> bool:
    """Nothing that Baileys or libsignal said until now tells of a wrong key."""
    gateway = company.gateway
    return not any(b"Bad MAC" in path.read_bytes() for path in (gateway.err, gateway.out))
