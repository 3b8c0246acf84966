"""Whole stories: what happens to a company, what the daemon does, and what people read, end to end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape, session_file
from baileykeep.demo.session import Heals
from baileykeep.model.backup import BackupKind
from tests.e2e.world import ANN, CHAT, World, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

LONG_S = 15.0
"""A coarse step for long waits: still two polls at the most between two looks."""


async def settled(w: World, ident: str = "acme") -> None:
    """Past the first minutes in which nothing is done, with everything healthy and nobody told."""
    assert await w.pass_time(200, step_s=LONG_S) is False
    assert w.texts() == []
    assert w.open_causes(ident) == []


async def test_a_drop_that_heals_when_asked_is_warned_of_and_reconnected(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await settled(w)
        w.gateway["acme"].drop(heals=Heals.ASKED)
        await w.pass_time(585, step_s=LONG_S)
        assert w.texts() == []
        assert await w.pass_time(45, until=lambda: bool(w.texts()))
        assert "10 min" in w.texts()[0]
        assert w.asked("acme") == []
        assert await w.pass_time(400, until=lambda: "reconnect" in w.asked("acme"))
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        await w.pass_time(10)
        assert w.asked("acme") == ["reconnect"]
        assert len(w.texts()) == 1
        assert "Reconnected" in w.texts()[0]


async def test_a_full_folder_is_cleaned_only_after_the_reconnect_did_not_help(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60, generation=6))
        w.configure()
        daemon = await w.start()
        await settled(w)
        w.gateway["acme"].drop(heals=Heals.CLEANED, below=150)
        w.gateway["acme"].grow(80)
        _grow_old(w, "acme", 20)
        assert await w.pass_time(700, until=lambda: "disconnected" in w.open_causes("acme"), step_s=LONG_S)
        assert await w.pass_time(400, until=lambda: w.asked("acme") == ["reconnect"], step_s=LONG_S)
        assert await w.pass_time(600, until=lambda: len(w.asked("acme")) > 1)
        assert await w.pass_time(300, until=lambda: "disconnected" not in w.open_causes("acme"))
        await w.pass_time(30)
        assert w.asked("acme") == ["reconnect", "stop", "initialize"]
        left = os.listdir(w.gateway.folder("acme"))
        assert len(left) == 140
        kinds = [backup.kind for backup in daemon.vault.list("acme")]
        assert BackupKind.COLD in kinds
        assert len(w.texts()) == 1
        assert "20 files removed" in w.texts()[0]


def _grow_old(w: World, ident: str, count: int) -> None:
    """Sessions that nobody used for forty days, found after the fact."""
    before = set(os.listdir(w.gateway.folder(ident)))
    w.gateway[ident].grow(count)
    old = w.clock.now() - 40 * 86_400
    for name in set(os.listdir(w.gateway.folder(ident))) - before:
        if name.startswith("session-"):
            os.utime(w.gateway.folder(ident) / name, (old, old))


async def test_two_hundred_and_still_down_asks_and_does_nothing_until_approved(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(210, 5))
        w.configure()
        await w.start()
        await w.pass_time(60)
        w.gateway["acme"].drop(heals=Heals.RELINKED)
        assert await w.pass_time(1800, until=lambda: any("relink" in t for t in w.texts()), step_s=LONG_S)
        assert w.asked("acme") == ["reconnect"]
        files = sorted(os.listdir(w.gateway.folder("acme")))
        await w.pass_time(120, step_s=LONG_S)
        assert sorted(os.listdir(w.gateway.folder("acme"))) == files
        asked = next(m for m in w.stories() if any("approve" in d for row in m.buttons for _, d in row))
        await w.telegram.press(asked, "approve", user=ANN)
        assert await w.pass_time(120, until=lambda: w.gateway["acme"].qr is not None)
        w.gateway["acme"].scan()
        assert await w.pass_time(180, until=lambda: not w.open_causes("acme"))
        await w.pass_time(10)
        assert len(w.texts()) == 1
        assert "Approved" in w.texts()[0]


async def test_a_network_that_is_down_for_an_hour_is_one_message_and_nothing_is_done(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for ident in ("1", "2", "3"):
            w.gateway.add(ident, Shape.counting(60))
        w.configure()
        await w.start()
        await settled(w, "1")
        await w.internet.down()
        await w.whatsapp.down()
        for session in w.gateway.sessions.values():
            session.drop(heals=Heals.NEVER)
        await w.pass_time(3600, step_s=LONG_S)
        assert w.gateway.asked() == []
        assert len(w.texts()) == 1
        assert "network" in w.texts()[0].lower() or "offline" in w.texts()[0].lower()
        await w.internet.up()
        await w.whatsapp.up()
        for session in w.gateway.sessions.values():
            session.cure()
        assert await w.pass_time(240, until=lambda: not w.daemon or not w.daemon.ledger.all_open())
        assert w.gateway.asked() == []


async def test_sixty_of_a_hundred_down_at_once_pull_the_brake(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for n in range(100):
            w.gateway.add(str(n), Shape.counting(45, generation=6))
        w.configure()
        await w.start()
        await settled(w, "1")
        for n in range(60):
            w.gateway[str(n)].drop(heals=Heals.ASKED)
        await w.pass_time(1500, step_s=LONG_S)
        assert w.gateway.asked() == []
        assert len(w.texts()) == 1
        assert "60" in w.texts()[0]


async def test_a_storm_of_bad_macs_sets_only_the_named_sessions_aside(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(70))
        w.configure()
        daemon = await w.start()
        await settled(w)
        files = sorted(os.listdir(w.gateway.folder("acme")))
        broken = [name for name in files if name.startswith("session-") and "_1." not in name][:2]
        addresses = [name.removeprefix("session-").removesuffix(".json") for name in broken]
        session.bad_mac(addresses, count=5)
        assert await w.pass_time(30, until=lambda: "bad_mac" in w.open_causes("acme"))
        assert await w.pass_time(240, until=lambda: "stop" in w.asked("acme"))
        assert await w.pass_time(400, until=lambda: not w.open_causes("acme"))
        gone = set(files) - set(os.listdir(w.gateway.folder("acme")))
        assert gone == {session_file(a) for a in addresses}
        assert any(b.kind is BackupKind.ASIDE for b in daemon.vault.list("acme"))
        assert len(w.texts()) == 1
        assert "2 session files set aside" in w.texts()[0]
        assert not any(a in w.texts()[0] for a in addresses)
        for _ in range(11):
            assert "after_repair" not in w.open_causes("acme")
            session.bad_mac(addresses[:1], count=1)
            await w.pass_time(75, step_s=LONG_S)
        assert w.open_causes("acme") == ["after_repair"]
        session.bad_mac(addresses, count=5)
        assert await w.pass_time(30, until=lambda: "bad_mac" in w.open_causes("acme"))
        assert await w.pass_time(
            60, until=lambda: any("more than 1 repair was needed within an hour" in t for t in w.texts())
        )


async def test_a_removed_device_is_never_reconnected_but_copied_and_asked_about(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        daemon = await w.start()
        await settled(w)
        w.gateway["acme"].device_removed()
        assert await w.pass_time(60, until=lambda: any("relink" in t for t in w.texts()))
        await w.pass_time(1500, step_s=LONG_S)
        assert w.asked("acme") == []
        assert daemon.vault.list("acme")
        assert len(w.texts()) == 1


async def test_a_replaced_session_is_tried_once_and_then_handed_over(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await settled(w)
        w.gateway["acme"].replaced(heals=Heals.NEVER)
        await w.pass_time(3600, step_s=LONG_S)
        assert w.asked("acme") == ["reconnect"]
        assert len(w.texts()) == 1
        assert "human" in w.texts()[0].lower()


async def test_nothing_is_stopped_for_a_cleanup_that_would_free_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(160, 0))
        w.configure()
        await w.start()
        await w.pass_time(60)
        w.gateway["acme"].drop(heals=Heals.NEVER)
        await w.pass_time(2400, step_s=LONG_S)
        assert "stop" not in w.asked("acme")
        assert any("free nothing" in t or "nothing" in t.lower() for t in w.texts())


async def test_a_company_file_with_a_typo_keeps_the_last_good_values_and_names_the_key(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        w.company_file("acme", 'name = "Acme"\n[limits.bad_mac]\npreset = "flapping"\n')
        daemon = await w.start()
        assert daemon.sites.settings.limits_for("acme").bad_mac.preset == "flapping"
        w.company_file("acme", 'name = "Acme"\n[limits.bad_mac]\npresett = "stable"\n')
        await daemon.config.reload()
        await w.pass_time(30)
        assert daemon.sites.settings.limits_for("acme").bad_mac.preset == "flapping"
        assert any("presett" in t and "acme" in t for t in w.texts())
        w.company_file("acme", 'name = "Acme Ltd"\n')
        await daemon.config.reload()
        await w.pass_time(60)
        assert not daemon.ledger.all_open()


async def test_a_daemon_killed_between_stop_and_cleanup_picks_up_and_ends_well(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(140, generation=6))
        w.configure()
        await w.start()
        w.gateway["acme"].drop(heals=Heals.CLEANED, below=150)
        _grow_old(w, "acme", 20)
        assert await w.pass_time(1500, until=lambda: "reconnect" in w.asked("acme"), step_s=LONG_S)
        assert await w.pass_time(600, until=lambda: "stop" in w.asked("acme"))
        await w.crash()
        assert "initialize" not in w.asked("acme")
        daemon = await w.start()
        assert await w.pass_time(600, until=lambda: not daemon.acting())
        await w.pass_time(60)
        assert w.gateway["acme"].state == "connected"
        assert len(os.listdir(w.gateway.folder("acme"))) == 140


async def test_zeroed_creds_of_a_stopped_session_are_put_back_without_a_question(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60, generation=6))
        w.configure()
        await w.start()
        await settled(w)
        creds = w.gateway.folder("acme") / "creds.json"
        good = creds.read_bytes()
        w.gateway["acme"].drop(heals=Heals.ASKED)
        creds.write_bytes(bytes(len(good)))
        assert await w.pass_time(120, until=lambda: "creds_damaged" in w.open_causes("acme"))
        assert await w.pass_time(240, until=lambda: not w.open_causes("acme"))
        await w.pass_time(10)
        assert "reconnect" not in w.asked("acme")
        assert w.gateway["acme"].state == "connected"
        assert w.gateway["acme"].qr is None
        assert json.loads(creds.read_bytes())["me"] == json.loads(good)["me"]
        assert len(w.texts()) == 1


async def test_observing_does_nothing_and_says_what_it_would_have_done(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure(mode="observe")
        await w.start()
        await settled(w)
        w.gateway["acme"].drop(heals=Heals.ASKED)
        await w.pass_time(1500, step_s=LONG_S)
        assert w.asked("acme") == []
        assert "ould have reconnected" in w.texts()[0]


async def test_a_session_that_came_back_since_the_last_look_is_left_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure('[limits.poll]\nconnection = "60s"\nconnection_down = "60s"\n')
        daemon = await w.start()
        await settled(w)
        control = daemon.core.control
        await control.call("pause", {"company": "acme", "seconds": 7200}, "Ann")
        session.drop(heals=Heals.NEVER)
        assert await w.pass_time(1800, until=lambda: w.open_causes("acme") == ["disconnected"], step_s=LONG_S)
        await w.pass_time(600, step_s=LONG_S)
        session.cure()
        session.open(0)
        await control.call("resume", {"company": "acme"}, "Ann")
        await w.pass_time(10)
        assert session.paired
        assert w.asked("acme") == []
        assert await w.pass_time(300, until=lambda: not w.open_causes("acme"))
        assert w.asked("acme") == []


async def test_a_pause_holds_and_a_resume_lets_go(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await settled(w)
        await w.telegram.say(CHAT, ANN, "/pause acme 40m")
        await w.rest()
        w.gateway["acme"].drop(heals=Heals.ASKED)
        await w.pass_time(1500, step_s=LONG_S)
        assert w.asked("acme") == []
        assert any("paused" in text.lower() for text in w.texts())
        await w.telegram.say(CHAT, ANN, "/resume acme")
        assert await w.pass_time(60, until=lambda: w.asked("acme") == ["reconnect"])


async def test_strangers_are_not_obeyed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        daemon = await w.start()
        await w.telegram.say(CHAT, 666, "/pause acme 40m")
        await w.telegram.say(9999, ANN, "/pause acme 40m")
        await w.pass_time(10)
        assert not daemon.holds.pauses


async def test_a_daemon_killed_while_it_waits_for_a_scan_puts_a_login_back_that_may_still_live(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(210, 5))
        w.configure()
        await w.start()
        await w.pass_time(60)
        creds = w.gateway.folder("acme") / "creds.json"
        before = json.loads(creds.read_bytes())["signedIdentityKey"]
        w.gateway["acme"].drop(heals=Heals.RELINKED)
        assert await w.pass_time(1800, until=lambda: any("relink" in t for t in w.texts()), step_s=LONG_S)
        asked = next(m for m in w.stories() if any("approve" in d for row in m.buttons for _, d in row))
        await w.telegram.press(asked, "approve", user=ANN)
        assert await w.pass_time(120, until=lambda: w.gateway["acme"].qr is not None)
        await w.crash()
        daemon = await w.start()
        assert await w.pass_time(900, until=lambda: not daemon.acting())
        assert json.loads(creds.read_bytes())["signedIdentityKey"] == before
        assert len(os.listdir(w.gateway.folder("acme"))) > 200
        for backup in daemon.vault.list("acme"):
            assert daemon.vault.verify("acme", backup.name).paired


async def test_a_login_that_was_paired_after_the_first_look_is_copied_soon(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", paired=False)
        w.gateway.folder("acme").mkdir(parents=True, exist_ok=True)
        w.configure()
        daemon = await w.start()
        await w.pass_time(90, step_s=LONG_S)
        session.scan()
        assert await w.pass_time(
            150, until=lambda: any(b.kind is BackupKind.HOT for b in daemon.vault.list("acme")), step_s=LONG_S
        )
