"""Stories about folders: piled up, dangerously full, born full, and a group key of our own that was cleaned."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from baileykeep.model.backup import BackupKind
from tests.e2e.lab.people import Company, session_name
from tests.e2e.lab.processes import until
from tests.e2e.lab.talks import make_old
from tests.e2e.lab.telling import asked_anything, salons, silent, told
from tests.e2e.lab.world import Lab

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA, BEN = "4915200000001", "4915200000002"
OLD_PEOPLE = "49160"
GROUP = "120363000000000001@g.us"
AT_ONCE = 20
UNDER_THE_FLOOR = 13
"""Days; from 14 on a session may be cleaned."""

CLEANED = ["stop", "prove_stopped", "backup", "remove", "start", "verify"]


async def pile_up(company: Company, contacts: int) -> set[str]:
    """So many people wrote once, long ago; returns the names of their sessions."""
    before = company.files("session-")
    numbers = [f"{OLD_PEOPLE}{n:08d}" for n in range(contacts)]
    for start in range(0, contacts, AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        await asyncio.gather(*(company.tell("send", **{"from": number}, text=f"from {number}") for number in some))
    await until(lambda: len(company.files("session-") - before) >= contacts, 60, "all of them were read")
    await company.settled()
    fresh = company.files("session-") - before
    make_old(company, fresh)
    return fresh


def cold(place: Lab) -> list[str]:
    """The copies that were made of a stopped session, each read again and whole."""
    return [copy.name for copy in place.copies("1", BackupKind.COLD)]


async def test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        kept = company.files("session-")
        make_old(company, kept, days=UNDER_THE_FLOOR)
        piled = await pile_up(company, 160)
        identity, asked = company.identity(), company.gateway.asked("1")
        await place.keep()
        await company.tell("refuse", reason="503")
        await company.tell("drop")
        await until(lambda: "stop" in company.gateway.asked("1"), 120, "it is stopped for a cleanup", place)
        await company.tell("refuse")
        await place.healed(company)
        assert place.steps("1") == ["reconnect", "verify", *CLEANED]
        assert company.gateway.asked("1") == [*asked, "start", "stop", "start"]
        assert company.files("session-") == kept
        assert not piled & company.files()
        assert company.identity() == identity
        assert (await company.status())["authPaired"]
        assert [upload["count"] for upload in (await company.device())["uploads"]] == [812]
        await company.hears(ANNA, "still reading me?")
        await company.hears(f"{OLD_PEOPLE}00000007", "me, too?")
        await company.reaches(ANNA, "all of you")
        [backup] = cold(place)
        await told(
            place,
            "It was: Disconnected.",
            "Tried to reconnect: it did not help.",
            f"Backed up and cleaned the folder: it works again (160 files removed, backup {backup} kept).",
            "Healed, after",
        )
        assert not asked_anything(place)


async def test_danger_is_met_at_once_though_it_is_connected(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        piled = await pile_up(company, 185)
        identity, asked = company.identity(), company.gateway.asked("1")
        await place.keep()
        await place.incident(company, "files_danger")
        await until(lambda: "stop" in company.gateway.asked("1"), 60, "it is stopped for a cleanup", place)
        await place.healed(company)
        assert place.was_open_until_step("1", "stop")
        assert place.steps("1") == CLEANED
        assert company.gateway.asked("1") == [*asked, "stop", "start"]
        assert not piled & company.files()
        assert company.identity() == identity
        assert (await place.row("1"))["files"]["counted"] < 100
        await company.hears(ANNA, "still reading me?")
        await company.hears(f"{OLD_PEOPLE}00000007", "me, too?")
        [backup] = cold(place)
        text = await told(
            place,
            "It was: Dangerously many session files.",
            f"Backed up and cleaned the folder: it works again (185 files removed, backup {backup} kept).",
            "Healed, after",
        )
        assert "Not going to" not in text
        assert not asked_anything(place)


async def test_on_baileys_6_every_file_counts_and_a_cleanup_keeps_the_login(tmp_path: Path) -> None:
    async with salons(tmp_path, generation="6") as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        assert session_name(ANNA, lid=False) in company.files()
        piled = await pile_up(company, 175)
        assert not any("_1." in name for name in company.files("session-"))
        total, pre_keys = len(company.files()), company.files("pre-key-")
        assert total >= 180
        identity = company.identity()
        await place.keep()
        files = (await place.row("1"))["files"]
        assert (files["counted"], files["total"]) == (total, total)
        assert files["level"] == ("danger" if total < 200 else "fatal")
        await place.incident(company, "files_danger")
        await place.healed(company)
        assert place.steps("1") == CLEANED
        assert not piled & company.files()
        assert company.files("pre-key-") >= pre_keys
        assert company.identity() == identity
        await company.hears(ANNA, "still reading me?")
        await company.hears(f"{OLD_PEOPLE}00000007", "me, too?")
        await company.reaches(ANNA, "both of you")
        await told(place, f"Dangerously many session files ({total}).", "175 files removed", "Healed, after")


async def test_a_folder_born_with_812_pre_keys_never_alarms(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        asked = company.gateway.asked("1")
        await place.keep()
        for number in range(20):
            await company.hears(f"4917{number:08d}", f"hello from {number}")
        await until(lambda: _has_seen(place, company), 30, "the daemon has counted them", place)
        files = (await place.row("1"))["files"]
        assert files["total"] > 850
        assert files["level"] in {"excellent", "healthy"}
        assert len(company.files("pre-key-")) > 700
        assert place.symptoms("1") == []
        assert place.steps("1") == []
        assert company.gateway.asked("1") == asked
        assert await company.connected()
        silent(place)


async def _has_seen(place: Lab, company: Company) -> bool:
    total: int = (await place.row("1"))["files"]["total"]
    return total == len(company.files())


async def test_with_our_own_group_key_goes_who_has_it_so_that_members_get_the_next(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await company.whatsapp.client.post("/group", id=GROUP, members=[ANNA, BEN])
        for member in (ANNA, BEN):
            await company.reaches(member, f"hello, {member}", to=GROUP)
        await company.tell("group-send", **{"from": ANNA}, group=GROUP, text="hello back")
        await company.has_read("hello back")
        own, memory = f"sender-key-{GROUP}--{company.lid}", f"sender-key-memory-{GROUP}.json"
        keys = company.files("sender-key-")
        assert len(keys) == 3
        assert memory in keys
        assert any(name.startswith(own) for name in keys)
        make_old(company, keys)
        others, asked = company.files() - keys, company.gateway.asked("1")
        await place.keep()
        await place.command("cleanup", "1", "--force")
        assert not company.files("sender-key-")
        assert others <= company.files()
        assert cold(place)
        assert company.gateway.asked("1") == [*asked, "stop", "start"]
        await company.settled()
        for member in (ANNA, BEN):
            await company.reaches(member, f"still there, {member}?", to=GROUP)
            assert (await company.whatsapp.client.get(f"/contact/{member}"))["failures"] == []
        assert memory in company.files()
        assert any(name.startswith(own) for name in company.files("sender-key-"))
        await company.tell("group-send", **{"from": BEN}, group=GROUP, text="yes")
        await company.has_read("yes")
        silent(place)
