"""Relinking from the question to the open session: what people see, and what is left of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from baileykeep.channels.qr_image import blank, png
from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals
from tests.e2e.relinking import (
    LONG_S,
    acme,
    fatal_and_approved,
    identity,
    logs_into,
    question,
    removed_and_approved,
    tenants,
)
from tests.e2e.world import ANN, CHAT, SECOND, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]


async def test_a_removed_device_is_asked_about_shown_as_a_qr_scanned_and_over(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w, own_phone=True, facts='name = "Acme"\n')
        await removed_and_approved(w)
        (picture,) = w.pictures()
        assert session.qr is not None
        assert picture.picture == png(session.qr)
        assert picture.protected
        assert picture.plain.splitlines() == [
            "📷 Acme (acme): scan this QR code now",
            f"On the company's phone (…{session.phone[-4:]}): WhatsApp > Settings > Linked devices > Link a device.",
            "The code renews itself. This message goes away at the end.",
            "Asked for by Anna (Telegram 7).",
        ]
        assert "scan the QR code as soon as it comes" in w.texts()[0]
        first = session.qr
        assert await w.pass_time(80, until=lambda: session.qr != first)
        await w.pass_time(25)
        assert [m.id for m in w.pictures()] == [picture.id]
        assert picture.picture == png(session.qr)
        assert len(picture.pictures) >= 2
        session.scan()
        await w.pass_time(6, step_s=1)
        assert w.pictures() == []
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        await w.pass_time(5)
        assert "Relinked with a new QR code: it works again (Paired anew)." in w.texts()[0]
        assert w.texts()[0].startswith("✅ Acme (acme): over after")
        assert not any(m.photo for m in w.telegram.messages(SECOND))
        assert w.telegram.violations == []


async def test_a_row_of_qrs_that_is_over_is_hidden_and_followed_by_another_in_the_same_message(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        tenants(w)
        await w.start()
        await removed_and_approved(w)
        (picture,) = w.pictures()
        session.fail_scan(408)
        await w.pass_time(4, step_s=1)
        assert picture.picture == blank()
        assert picture.plain.splitlines()[0] == "📷 acme: wait, the next QR code is on its way"
        assert await w.pass_time(60, until=lambda: session.qr is not None and picture.picture == png(session.qr))
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert w.pictures() == []
        assert len([m for m in w.telegram.ever(CHAT) if m.photo]) == 1
        assert "failed" not in w.texts()[0]


async def test_a_scan_in_vain_is_said_with_its_code_and_tried_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w)
        await removed_and_approved(w)
        (picture,) = w.pictures()
        said = "The last scan failed (code 403). Scan the new code; if it fails again, update WhatsApp on the phone."
        session.fail_scan(403)
        assert await w.pass_time(60, until=lambda: said in w.texts()[0] and picture.plain.splitlines()[1] == said)
        assert await w.pass_time(60, until=lambda: session.qr is not None and picture.picture == png(session.qr))
        assert picture.plain.splitlines()[1] == said
        assert said in w.texts()[0]
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert "Relinked with a new QR code: it works again" in w.texts()[0]


async def test_another_phone_is_sent_away_and_the_right_one_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        right = session.phone
        w.configure()
        w.company_file("acme", f'phone = "{right}"\n')
        daemon = await w.start()
        await removed_and_approved(w)
        session.scan("4917600009999")
        assert await w.pass_time(180, until=lambda: session.qr is not None and bool(w.pictures()))
        assert not session.paired
        (picture,) = w.pictures()
        said = (
            f"Another phone (…9999) was linked than this company's (…{right[-4:]}): its login was backed up and "
            "cleared. Remove it there under Linked devices, then use the right phone."
        )
        assert said in picture.plain
        assert said in w.texts()[0]
        kept = [daemon.vault.load("acme", b.name)[1] for b in daemon.vault.list("acme")]
        assert any(m.paired and m.identity != identity(w) for m in kept)
        session.scan(right)
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert w.pictures() == []
        journal = (tmp_path / "state" / "journal.db").read_bytes() + (
            tmp_path / "state" / "journal.db-wal"
        ).read_bytes()
        assert b"4917600009999" not in journal


async def test_after_another_phone_was_sent_away_and_nobody_came_the_story_is_not_over(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w, own_phone=True)
        await removed_and_approved(w)
        session.scan("4917600009999")
        assert await w.pass_time(800, until=lambda: "Nobody scanned within 10 min" in w.texts()[0])
        await w.pass_time(1200, step_s=LONG_S)
        assert w.open_causes("acme") == ["logged_out"]
        (story,) = w.stories()
        assert story.plain.startswith("🔴🙋 acme: logged out")
        assert "With the company's phone at hand begin again" in story.plain
        assert story.button("relink")


async def test_nobody_scans_and_a_login_that_may_still_live_goes_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await acme(w, shape=Shape.counting(210, 5))
        before = identity(w)
        await fatal_and_approved(w)
        assert identity(w) != before
        assert await w.pass_time(900, until=lambda: identity(w) == before)
        await w.pass_time(120)
        assert w.pictures() == []
        said = "Nobody scanned within 10 min. The old login is back in place. It does not open so far"
        assert f"put everything back ({said})." in w.texts()[0]


async def test_no_qr_within_its_time_is_named_and_the_old_login_goes_back_early(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w, shape=Shape.counting(210, 5))
        before = identity(w)
        await w.pass_time(60)
        session.drop(heals=Heals.RELINKED)
        assert await w.pass_time(1800, until=lambda: any("relink" in t for t in w.texts()), step_s=LONG_S)
        session.shows_qr = False
        await w.telegram.press(question(w), "approve", user=ANN)
        said = "No QR code came within 30 s: look at the gateway's log."
        assert await w.pass_time(90, until=lambda: said in w.texts()[0]), str(w)
        assert await w.pass_time(90, until=lambda: identity(w) == before)
        await w.pass_time(120)
        back = "The old login is back in place. It does not open so far"
        assert f"then put everything back ({said} {back})." in w.texts()[0]
        assert "With the company's phone at hand begin again" in w.texts()[0]
        assert not any(m.photo for m in w.telegram.ever())


async def test_a_session_that_waits_by_itself_shows_its_qr_at_a_press(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60), paired=False)
        (w.gateway.root / "baileys_sessions" / "company_acme").mkdir(parents=True, exist_ok=True)
        w.configure()
        tenants(w)
        await w.start()
        assert await w.pass_time(300, until=lambda: any("waiting for a QR scan" in t for t in w.texts()))
        (story,) = w.stories()
        assert not w.pictures()
        await w.telegram.press(story, "show_qr", user=ANN)
        assert await w.pass_time(20, until=lambda: bool(w.pictures()), step_s=1)
        assert session.qr is not None
        assert w.pictures()[0].picture == png(session.qr)
        session.scan()
        assert await w.pass_time(60, until=lambda: not w.pictures())
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert w.asked("acme") == []


async def test_a_gateway_without_a_call_for_its_qr_is_told_of_and_its_own_page_does(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        main = w.config_dir / "baileykeep.toml"
        secret = f'dialect = "x-internal-secret"\nsecret = "{w.gateway.internal_secret}"'
        main.write_text(main.read_text().replace('dialect = "ai-admin"', secret))
        daemon = await w.start()
        assert daemon.control is not None
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(60, until=lambda: any("relink" in text for text in w.texts()))
        await w.telegram.press(question(w), "approve", user=ANN)
        assert await w.pass_time(60, until=lambda: session.qr is not None)
        await w.pass_time(10)
        assert "This gateway hands out no QR code: scan it on the gateway's own page." in w.texts()[0]
        assert (await daemon.control.call("qr", {"company": "acme"}, "Ann"))["qr"] is None
        assert w.pictures() == []
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_no_text_of_a_qr_or_code_is_anywhere_but_where_it_is_shown(tmp_path: Path) -> None:
    out = io.StringIO()
    with logs_into(out):
        async with world(tmp_path) as w:
            session = w.gateway.add("acme", Shape.counting(60))
            w.configure()
            w.company_file("acme", f'phone = "{session.phone}"\n')
            daemon = await w.start()
            await removed_and_approved(w)
            assert daemon.control is not None
            first = await daemon.control.call("qr", {"company": "acme"}, "Ann")
            again = await daemon.control.call("qr", {"company": "acme"}, "Bob")
            assert first["qr"] == again["qr"] == session.qr
            assert first["expires_at"] == again["expires_at"]
            w.telegram.fail(500, "Internal Server Error", times=3)
            await w.pass_time(90)
            secrets = [str(first["qr"]), str(session.qr)]
            await w.telegram.press(w.pictures()[0], "code", user=ANN)
            await w.pass_time(40)
            code = (await daemon.control.call("qr", {"company": "acme"}, "Ann"))["code"]
            secrets += [str(code)]
            said = out.getvalue() + repr(daemon.core.board.offers.stands) + daemon.meters.metrics.render().decode()
            events = await daemon.control.call("events", {"company": "acme"}, "Ann")
            said += json.dumps(dict(events)) + "".join(m.html for m in w.telegram.ever() if "type this" not in m.plain)
            for path in (tmp_path / "state").iterdir():
                said += path.read_bytes().decode("latin-1") if path.is_file() else ""
    for secret in secrets:
        assert len(secret) >= 8
        assert secret not in said
        assert secret.partition("2@")[2][:40] not in said or not secret.partition("2@")[2]
