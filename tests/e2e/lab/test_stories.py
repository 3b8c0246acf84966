"""Whole stories: real Baileys breaks, the real daemon does what helps and nothing else, and people read the truth."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.lab.people import Company, session_name
from tests.e2e.lab.processes import until
from tests.e2e.lab.talks import known_twice, turns
from tests.e2e.lab.telling import asked_anything, salons, silent, told
from tests.e2e.lab.world import Lab

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA, BEN = "4915200000001", "4915200000002"
UNREADABLE = "Failed to decrypt message with any known session"
DOWN, UP = ("down", True), ("down", False)


async def test_a_dropped_connection_that_heals_by_itself_is_left_alone(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await place.keep()
        asked, files, identity = company.gateway.asked("1"), company.files(), company.identity()
        for count, how in enumerate(("drop", "stream-error"), start=1):
            await company.tell(how, kind="503")
            await until(partial(_saw_drops, place, count), 30, "the daemon saw it", place)
        await company.hears(ANNA, "still there?")
        await company.reaches(ANNA, "I am")
        assert place.steps() == []
        assert company.gateway.asked("1") == asked
        assert (await company.device())["logins"] == 1 + 2
        assert {name for name in files - company.files() if not name.startswith("pre-key-")} == set()
        assert company.identity() == identity
        silent(place)


def _saw_drops(place: Lab, count: int) -> bool:
    return place.symptoms("1") == [DOWN, UP] * count


async def test_the_restart_after_a_pairing_is_nothing_to_speak_of(tmp_path: Path) -> None:
    async with salons(tmp_path, ("1", "2"), unpaired=("2",)) as place:
        company = place.companies["2"]
        await place.keep()
        await company.start()
        await until(lambda: _waits_for_a_scan(place, "2"), 30, "the daemon knows of the QR", place)
        await company.scan()
        await company.settled()
        await until(lambda: _known_as_paired(place, "2"), 30, "the daemon knows that it is paired")
        codes = [record["code"] for record in company.gateway.records("2") if record["msg"] == "session closed"]
        assert codes == [515]
        assert company.gateway.asked("2") == ["start"]
        assert place.steps() == []
        assert await place.causes("2") == []
        assert company.creds()["account"]
        await company.hears(ANNA, "welcome")
        silent(place)


async def _waits_for_a_scan(place: Lab, ident: str) -> bool:
    return bool((await place.row(ident)).get("connection", {}).get("state") == "waiting_qr")


async def _known_as_paired(place: Lab, ident: str) -> bool:
    connection = (await place.row(ident)).get("connection", {})
    return connection.get("state") == "connected" and connection.get("paired") is True


async def test_a_ratchet_that_went_back_costs_only_the_session_it_names(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        older = await ratchet_with_twin(company)
        await company.hears(BEN, "hello from Ben")
        await place.keep()
        await company.gateway.stop()
        (company.folder / session_name(ANNA)).write_bytes(older)
        await company.gateway.start()
        await company.settled()
        before, ben = company.files(), (company.folder / session_name(BEN)).read_bytes()
        identity, asked = company.identity(), company.gateway.asked("1")
        await company.whatsapp.client.post("/contact", number=ANNA, answersRetries=False)
        for number in range(4):
            await company.tell("send", **{"from": ANNA}, text=f"lost {number}")
        await until(lambda: company.gateway.err.read_text().count(UNREADABLE) == 4, 20, "four could not be read", place)
        await asyncio.sleep(1)
        assert ("bad_mac", True) not in place.symptoms("1")
        await company.tell("send", **{"from": ANNA}, text="lost, too")
        await place.incident(company, "bad_mac")
        assert "Bad MAC" in company.gateway.err.read_text()
        await until(lambda: "start" in place.steps("1"), 60, "it is started again")
        gone = before - company.files()
        assert {name for name in gone if not name.startswith("pre-key-")} == {
            session_name(ANNA), session_name(ANNA, lid=False)
        }  # fmt: skip
        assert (company.folder / session_name(BEN)).read_bytes() == ben
        await place.healed(company)
        assert place.steps("1") == ["stop", "prove_stopped", "set_aside", "start", "verify"]
        assert company.gateway.asked("1") == [*asked, "stop", "start"]
        assert company.identity() == identity
        await company.whatsapp.client.post("/contact", number=ANNA, answersRetries=True)
        await company.hears(ANNA, "can you read this?")
        await company.hears(BEN, "and this?")
        await company.reaches(ANNA, "I can")
        await told(
            place,
            "It was: Messages cannot be read.",
            "Set the broken contact sessions aside: it works again (2 session files set aside).",
            "Healed, after",
        )
        assert not asked_anything(place)


async def ratchet_with_twin(company: Company) -> bytes:
    """Talk with a contact who is first known by number, then by LID; returns its session as it was before the end."""
    await known_twice(company, ANNA)
    assert company.files("session-") >= {session_name(ANNA), session_name(ANNA, lid=False)}
    await turns(company, ANNA, "first")
    older = (company.folder / session_name(ANNA)).read_bytes()
    await turns(company, ANNA, "second", "third")  # the second could be made up for: its keys are in the older file
    return older


async def test_a_session_that_hangs_is_opened_again_after_the_second_timer(tmp_path: Path) -> None:
    async with salons(tmp_path, policy={"reconnects": False}, keepAliveMs=500) as place:
        company = place.companies["1"]
        await place.keep()
        asked, files, identity = company.gateway.asked("1"), company.files(), company.identity()
        await company.tell("silence")
        await place.incident(company, "disconnected")
        assert company.gateway.asked("1") == asked
        await told(place, "disconnected for 4 s", over=False)
        await place.healed(company)
        assert company.gateway.asked("1") == [*asked, "start"]
        assert place.steps("1") == ["reconnect", "verify"]
        [begun] = place.journal.entries(0, "action_begun")
        assert begun["at"] - _down_since(place) >= 6
        assert {name for name in files - company.files() if not name.startswith("pre-key-")} == set()
        assert company.identity() == identity
        await company.hears(ANNA, "there you are")
        await told(place, "It was: Disconnected.", "Reconnected: it works again.", "Healed, after")
        assert not asked_anything(place)


def _down_since(place: Lab) -> float:
    """When the session was lost, as the daemon saw it."""
    return next(float(e["at"]) for e in place.journal.entries(0, "symptom") if e["data"]["kind"] == "down")
