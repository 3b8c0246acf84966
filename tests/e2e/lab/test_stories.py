"""Whole stories: real Baileys breaks, the real daemon does what helps and nothing else, and people read the truth."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.lab.people import Company, lid_of, session_name
from tests.e2e.lab.processes import until
from tests.e2e.lab.world import Lab, lab

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA, BEN = "4915200000001", "4915200000002"
GROUP = "120363000000000001@g.us"
DAY_S = 86_400
DOWN, UP = ("down", True), ("down", False)


async def test_a_dropped_connection_that_heals_by_itself_is_left_alone(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        await place.keep()
        asked, files = company.gateway.asked("1"), company.files()
        for count, how in enumerate(("drop", "stream-error"), start=1):
            await company.tell(how, kind="503")
            await until(partial(_saw_drops, place, count), 30, "the daemon saw it", place)
        await company.hears(ANNA, "still there?")
        assert place.steps() == []
        assert company.gateway.asked("1") == asked
        assert {name for name in files - company.files() if not name.startswith("pre-key-")} == set()
        assert place.texts() == []


def _saw_drops(place: Lab, count: int) -> bool:
    return place.symptoms("1") == [DOWN, UP] * count


async def test_the_restart_after_a_pairing_is_nothing_to_speak_of(tmp_path: Path) -> None:
    async with lab(tmp_path, ("1", "2"), unpaired=("2",)) as place:
        company = place.companies["2"]
        await place.keep()
        await company.start()
        await until(lambda: _waits_for_a_scan(place, "2"), 30, "the daemon knows of the QR", place)
        told = place.texts()
        await company.scan()
        await company.settled()
        await until(lambda: _known_as_paired(place, "2"), 30, "the daemon knows that it is paired")
        codes = [record["code"] for record in company.gateway.records("2") if record["msg"] == "session closed"]
        assert codes == [515]
        assert company.gateway.asked("2") == ["start"]
        assert place.steps() == []
        await until(lambda: _no_incident(place, "2"), 30, "nothing is wrong", place)
        assert place.texts() == told


async def _no_incident(place: Lab, ident: str) -> bool:
    return not await place.causes(ident)


async def _waits_for_a_scan(place: Lab, ident: str) -> bool:
    return bool((await place.row(ident)).get("connection", {}).get("state") == "waiting_qr")


async def _known_as_paired(place: Lab, ident: str) -> bool:
    connection = (await place.row(ident)).get("connection", {})
    return connection.get("state") == "connected" and connection.get("paired") is True


async def test_a_ratchet_that_went_back_costs_only_the_session_it_names(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        older = await ratchet_with_twin(company)
        await company.hears(BEN, "hello from Ben")
        await place.keep()
        await company.gateway.stop()
        (company.folder / session_name(ANNA)).write_bytes(older)
        await company.gateway.start()
        await company.settled()
        before, ben = company.files(), (company.folder / session_name(BEN)).read_bytes()
        await company.whatsapp.client.post("/contact", number=ANNA, answersRetries=False)
        for number in range(5):
            await company.tell("send", **{"from": ANNA}, text=f"lost {number}")
        await place.incident(company, "bad_mac")
        assert "Bad MAC" in company.gateway.err.read_text()
        await until(lambda: "start" in place.steps("1"), 60, "it is started again")
        gone = before - company.files()
        assert {name for name in gone if not name.startswith("pre-key-")} == {
            session_name(ANNA), session_name(ANNA, lid=False)
        }  # fmt: skip
        assert (company.folder / session_name(BEN)).read_bytes() == ben
        await place.healed(company)
        await company.whatsapp.client.post("/contact", number=ANNA, answersRetries=True)
        await company.hears(ANNA, "can you read this?")
        await company.hears(BEN, "and this?")
        assert len(place.texts()) == 1
        assert "2 session files set aside" in place.texts()[0]
        assert ANNA not in place.texts()[0]
        assert "relink" not in place.texts()[0]


async def ratchet_with_twin(company: Company) -> bytes:
    """Talk with a contact who is first known by number, then by LID; returns its session as it was before the end."""
    await company.whatsapp.client.post("/contact", number=ANNA, showsLid=False)
    await company.hears(ANNA, "by number")
    await company.whatsapp.client.post("/contact", number=ANNA, addressing="lid")
    await company.hears(ANNA, "by LID")
    assert company.files("session-") >= {session_name(ANNA), session_name(ANNA, lid=False)}
    await talk(company, rounds=1)
    older = (company.folder / session_name(ANNA)).read_bytes()
    await talk(company, rounds=2)  # the first round could be made up for: its keys are in the older file
    return older


async def talk(company: Company, rounds: int) -> None:
    """Answer and question by turns: each pair turns the ratchet once."""
    for number in range(rounds):
        await company.reaches(ANNA, f"answer {number} of {rounds}", to=f"{lid_of(ANNA)}@lid")
        await company.hears(ANNA, f"question {number} of {rounds}")


async def pile_up(company: Company, contacts: int) -> None:
    """So many people wrote once, long ago."""
    before = company.files("session-")
    numbers = [f"49160{n:08d}" for n in range(contacts)]
    for number in numbers:
        await company.tell("send", **{"from": number}, text=f"from {number}")
    await until(lambda: len(company.files("session-") - before) >= contacts, 60, "all of them were read")
    await company.settled()
    old = time.time() - 40 * DAY_S
    for name in company.files("session-") - before:
        os.utime(company.folder / name, (old, old))


async def test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        await pile_up(company, 160)
        identity, kept = company.identity(), company.files("session-74915200")
        await place.keep()
        await company.tell("refuse", reason="503")
        await company.tell("drop")
        await until(lambda: "stop" in company.gateway.asked("1"), 120, "it is stopped for a cleanup", place)
        assert company.gateway.asked("1").count("start") >= 2
        await company.tell("refuse")
        await place.healed(company)
        assert not company.files("session-749160")
        assert company.files("session-74915200") == kept
        assert company.identity() == identity
        assert (await company.status())["authPaired"]
        assert [upload["count"] for upload in (await company.device())["uploads"]] == [812]
        await company.hears(ANNA, "still reading me?")
        await company.hears("4916000000007", "me, too?")
        assert place.backups("1")
        assert len(place.texts()) == 1
        assert "removed" in place.texts()[0]


async def test_a_gateway_that_does_not_reconnect_is_asked_to_after_the_second_timer(tmp_path: Path) -> None:
    async with lab(tmp_path, policy={"reconnects": False}) as place:
        company = place.companies["1"]
        await place.keep()
        asked = company.gateway.asked("1")
        await company.tell("drop")
        await place.incident(company, "disconnected")
        assert company.gateway.asked("1") == asked
        await place.healed(company)
        assert company.gateway.asked("1") == [*asked, "start"]
        assert "clean" not in place.steps("1")
        assert len(place.texts()) == 1
        assert "Reconnected" in place.texts()[0]


async def test_danger_is_met_at_once_and_the_next_group_message_reaches_everybody(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        await company.whatsapp.client.post("/group", id=GROUP, members=[ANNA, BEN])
        await company.reaches(ANNA, "hello, group", to=GROUP)
        await pile_up(company, 185)
        old = time.time() - 40 * DAY_S
        for name in company.files("sender-key-"):
            os.utime(company.folder / name, (old, old))
        own, identity = company.files(f"sender-key-{GROUP}--{company.lid}"), company.identity()
        assert own
        await place.keep()
        await until(lambda: "stop" in company.gateway.asked("1"), 60, "it is stopped for a cleanup", place)
        await place.healed(company)
        assert not company.files("session-749160")
        assert not company.files("sender-key-")
        assert company.identity() == identity
        assert (await place.row("1"))["files"]["counted"] < 100
        await company.reaches(BEN, "still there?", to=GROUP)
        await company.reaches(ANNA, "and you?", to=GROUP)
        assert company.files("sender-key-") >= own
        assert place.backups("1")


async def test_a_folder_born_with_812_pre_keys_never_alarms(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        await place.keep()
        for number in range(20):
            await company.hears(f"4917{number:08d}", f"hello from {number}")
        await until(lambda: _has_seen(place, company), 30, "the daemon has counted them", place)
        files = (await place.row("1"))["files"]
        assert files["total"] > 850
        assert files["level"] in {"excellent", "healthy"}
        assert place.symptoms("1") == []
        assert place.texts() == []


async def _has_seen(place: Lab, company: Company) -> bool:
    total: int = (await place.row("1"))["files"]["total"]
    return total == len(company.files())
