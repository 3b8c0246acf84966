"""Relinking from the question to the open session: what people see, and what is left of it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from baileykeep.channels.qr_image import blank, png
from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals
from baileykeep.model.errors import Refused
from baileykeep.telemetry import configure
from tests.e2e.world import ANN, CHAT, SECOND, World, world
from tests.fakes.telegram import Shown

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

LONG_S = 15.0


def question(w: World) -> Shown:
    """The message that asks."""
    return next(m for m in w.stories() if any("approve" in data for row in m.buttons for _, data in row))


async def removed_and_approved(w: World) -> None:
    """A login that WhatsApp ended, and a yes to pairing anew; ends when the picture stands there."""
    await w.pass_time(200, step_s=LONG_S)
    w.gateway["acme"].device_removed()
    assert await w.pass_time(60, until=lambda: any("relink" in text for text in w.texts()))
    await w.telegram.press(question(w), "approve", user=ANN)
    assert await w.pass_time(120, until=lambda: bool(w.pictures()), step_s=1)


@contextlib.contextmanager
def logs_into(out: io.StringIO) -> Iterator[None]:
    """The daemon's own log."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure("debug", json=True, stream=out)
    try:
        yield
    finally:
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()


def tenants(w: World) -> None:
    """The gateway is of the multi-tenant kind, with a call for its QR."""
    (w.config_dir / "dialects").mkdir()
    own = 'base = "x-internal-secret"\ncannot.qr = false\n[calls.qr]\npath = "/whatsapp/{id}/qr"\nanswer = "qr"\n'
    (w.config_dir / "dialects" / "tenants.toml").write_text(own)
    main = w.config_dir / "baileykeep.toml"
    secret = f'dialect = "tenants"\nsecret = "{w.gateway.internal_secret}"'
    main.write_text(main.read_text().replace('dialect = "ai-admin"', secret))


async def test_a_removed_device_is_asked_about_shown_as_a_qr_scanned_and_over(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        w.company_file("acme", f'name = "Acme"\nphone = "{session.phone}"\n')
        await w.start()
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


async def fatal_and_approved(w: World) -> None:
    """A login that may still live, but was down with a fatal folder until somebody agreed to pair it anew."""
    await w.pass_time(60)
    w.gateway["acme"].drop(heals=Heals.RELINKED)
    assert await w.pass_time(1800, until=lambda: any("relink" in t for t in w.texts()), step_s=LONG_S)
    await w.telegram.press(question(w), "approve", user=ANN)
    assert await w.pass_time(120, until=lambda: bool(w.pictures()), step_s=1)


def asked(w: World) -> list[Shown]:
    """The messages that want an answer."""
    return [message for message in w.telegram.messages(CHAT) if message.buttons]


def identity(w: World) -> object:
    """Whose login lies in the folder, if any."""
    creds = w.gateway.folder("acme") / "creds.json"
    return json.loads(creds.read_bytes())["signedIdentityKey"] if creds.exists() else None


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
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await removed_and_approved(w)
        (picture,) = w.pictures()
        session.fail_scan(403)
        assert await w.pass_time(60, until=lambda: session.qr is not None and picture.picture == png(session.qr))
        said = "The last scan failed (code 403). Scan the new code; if it fails again, update WhatsApp on the phone."
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
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        w.company_file("acme", f'phone = "{session.phone}"\n')
        await w.start()
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
        w.gateway.add("acme", Shape.counting(210, 5))
        w.configure()
        await w.start()
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
        session = w.gateway.add("acme", Shape.counting(210, 5))
        w.configure()
        await w.start()
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


async def test_killed_while_a_qr_stands_the_picture_goes_with_the_login_that_goes_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(210, 5))
        w.configure()
        await w.start()
        before = identity(w)
        await fatal_and_approved(w)
        await w.crash()
        (picture,) = w.pictures()
        await w.start()
        assert await w.pass_time(20, until=lambda: picture.picture == blank() or picture.deleted, step_s=1)
        assert await w.pass_time(900, until=lambda: identity(w) == before)
        await w.pass_time(60)
        assert w.pictures() == []


async def test_killed_while_a_qr_stands_the_next_daemon_goes_on_in_the_same_message(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await removed_and_approved(w)
        (picture,) = w.pictures()
        await w.crash()
        await w.start()
        assert await w.pass_time(120, until=lambda: session.qr is not None and picture.picture == png(session.qr))
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert picture.deleted
        assert w.pictures() == []


async def test_scanned_while_no_daemon_ran_the_pairing_is_recognised_and_the_picture_removed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await removed_and_approved(w)
        await w.crash()
        session.scan()
        paired = identity(w)
        daemon = await w.start()
        assert await w.pass_time(300, until=lambda: not w.open_causes("acme") and not daemon.acting())
        assert w.pictures() == []
        assert identity(w) == paired
        assert session.state == "connected"


async def test_an_orderly_end_takes_the_picture_down(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await removed_and_approved(w)
        await w.pass_time(5)
        await w.kill()
        assert w.pictures() == []


async def test_a_code_instead_of_the_qr_stands_only_until_it_is_typed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        phone = session.phone
        w.configure()
        w.company_file("acme", f'name = "Acme"\nphone = "{phone}"\n')
        await w.start()
        await removed_and_approved(w)
        (picture,) = w.pictures()
        answer = await w.telegram.press(picture, "code", user=ANN)
        assert answer.text == "The code comes within 20 s, in this company's chat."
        assert await w.pass_time(30, until=lambda: any("type this code" in m.plain for m in w.telegram.messages()))
        assert w.pictures() == []
        (shown,) = [m for m in w.telegram.messages() if "type this code" in m.plain]
        code = shown.plain.splitlines()[1]
        assert (len(code), shown.protected, shown.chat) == (8, True, CHAT)
        assert f"<code>{code}</code>" in shown.html
        assert f"(…{phone[-4:]}): WhatsApp > Settings > Linked devices > Link a device > Link with" in shown.plain
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        await w.pass_time(5)
        assert shown.deleted
        for path in (tmp_path / "state").iterdir():
            assert not path.is_file() or code.encode() not in path.read_bytes()


async def test_a_code_that_nobody_types_gives_way_to_a_qr(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        w.company_file("acme", f'phone = "{session.phone}"\n')
        await w.start()
        await removed_and_approved(w)
        await w.telegram.press(w.pictures()[0], "code", user=ANN)
        assert await w.pass_time(60, until=lambda: not w.pictures())
        assert await w.pass_time(300, until=lambda: bool(w.pictures()))
        assert not any("type this code" in m.plain for m in w.telegram.messages())
        assert "Nobody typed the pairing code in time; a QR code is offered instead." in w.texts()[0]
        assert session.qr is not None
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_a_reset_takes_two_presses_and_a_third_where_the_login_may_live(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await w.pass_time(60)
        await w.telegram.say(CHAT, 666, "/reset acme")
        await w.telegram.say(CHAT, ANN, "/reset acme")
        assert await w.pass_time(10, until=lambda: len(asked(w)) == 1, step_s=1)
        (first,) = asked(w)
        assert first.plain.startswith("Reset the login of acme?")
        await w.telegram.press(first, "Yes", user=ANN)
        assert await w.pass_time(10, until=lambda: first.deleted and len(asked(w)) == 1, step_s=1)
        (second,) = asked(w)
        assert second.plain.startswith(
            "Reset the login of acme all the same?\nCareful: the login of acme was seen open"
        )
        assert w.asked("acme") == []
        answer = await w.telegram.press(second, "Yes", user=ANN)
        assert answer.text.startswith("Begun.")
        assert await w.pass_time(60, until=lambda: bool(w.pictures()))
        assert "Asked for by Anna" in w.pictures()[0].plain
        session.scan()
        assert await w.pass_time(60, until=lambda: not w.pictures())


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


@pytest.mark.parametrize("touched", [False, True])
async def test_from_the_yes_to_the_open_session_it_takes_seconds_when_the_scan_is_immediate(
    tmp_path: Path, touched: bool
) -> None:
    """That the session is stopped is proved while the question stands; a folder that was just written to is not."""
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(60, until=lambda: any("relink" in text for text in w.texts()))
        quiet_s = w.daemon.settings.limits.ladder.quiet_folder_s if w.daemon is not None else 0.0
        await w.pass_time(quiet_s + 6, step_s=1)
        if touched:
            (w.gateway.folder("acme") / "tctoken-1.json").write_text("{}")
        await w.telegram.press(question(w), "approve", user=ANN)
        approved_at = w.clock.now()
        assert await w.pass_time(20, until=lambda: bool(w.pictures()), step_s=0.5)
        session.scan()
        assert await w.pass_time(20, until=lambda: session.state == "connected", step_s=0.5)
        assert (w.clock.now() - approved_at > quiet_s) is touched
        assert w.clock.now() - approved_at < quiet_s * touched + 4


async def test_a_code_by_hand_clears_a_login_of_another_phone_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60), phone="4917600009999")
        w.configure()
        w.company_file("acme", 'phone = "4915100001234"\n')
        daemon = await w.start()
        assert daemon.control is not None
        assert await w.pass_time(60, until=lambda: "phone_mismatch" in w.open_causes("acme"))
        before = identity(w)
        await w.pass_time(30)
        assert identity(w) == before
        with pytest.raises(Refused) as refused:
            await daemon.control.call("pairing_code", {"company": "acme"}, "Ann")
        assert (refused.value.code, refused.value.exit_code) == ("login_alive", 3)
        with pytest.raises(Refused, match="not the phone that is configured"):
            await daemon.control.call("pairing_code", {"company": "acme", "phone": "4917600009999"}, "Ann")
        await daemon.control.call("pairing_code", {"company": "acme", "replace_login": True}, "Ann")
        assert await w.pass_time(60, until=lambda: any("type this code" in m.plain for m in w.telegram.messages()))
        said = (
            "The stored login was of another phone (…9999) than this company's (…1234): it was backed up and cleared."
        )
        assert any(said in m.plain for m in w.telegram.messages())
        events = await daemon.control.call("events", {"company": "acme"}, "Ann")
        assert [e["text"] for e in events["events"] if e["kind"] == "pairing"] == [said]
        session.scan()
        assert await w.pass_time(120, until=lambda: not daemon.acting())
        assert await w.pass_time(90, until=lambda: "phone_mismatch" not in w.open_causes("acme"))
        assert session.phone == "4915100001234"


async def test_a_code_that_cannot_be_had_gives_way_to_a_qr(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        session.gives_codes = False
        w.configure()
        w.company_file("acme", f'phone = "{session.phone}"\n')
        await w.start()
        await removed_and_approved(w)
        await w.telegram.press(w.pictures()[0], "code", user=ANN)
        said = "No pairing code came (no code can be had just now); a QR code is offered instead."
        assert await w.pass_time(60, until=lambda: said in w.texts()[0])
        assert await w.pass_time(30, until=lambda: [p.picture for p in w.pictures()] == [png(session.qr or "")])
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_where_it_is_allowed_a_dead_login_is_paired_anew_without_a_question(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure('[limits.relink]\napproval = "auto"\n')
        await w.start()
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(120, until=lambda: bool(w.pictures()))
        assert w.pictures()[0].sounding
        assert "Asked for" not in w.pictures()[0].plain
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_where_it_is_never_allowed_nothing_is_asked_and_no_button_offers_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure('[limits.relink]\napproval = "never"\n')
        await w.start()
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(120, until=lambda: any("A human is needed" in t for t in w.texts()))
        await w.pass_time(60)
        (story,) = w.stories()
        assert {data.split("|")[0] for row in story.buttons for _, data in row} == {"ack", "pause"}
        assert w.asked("acme") == []


async def test_nobody_answers_and_the_next_morning_a_press_begins_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        w.configure()
        await w.start()
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(60, until=lambda: any("relink" in text for text in w.texts()))
        assert await w.pass_time(2400, until=lambda: "Nobody answered in time" in w.texts()[0], step_s=LONG_S)
        assert [t.splitlines()[0].split(".")[0] for t in w.calls(SECOND)] != []
        await w.pass_time(4 * 3600, step_s=LONG_S)
        (story,) = w.stories()
        await w.telegram.press(story, "relink", user=ANN)
        assert await w.pass_time(10, until=lambda: any("Pair acme anew" in m.plain for m in asked(w)), step_s=1)
        (sure,) = [m for m in asked(w) if "Pair acme anew" in m.plain]
        await w.telegram.press(sure, "Yes", user=ANN)
        assert await w.pass_time(60, until=lambda: bool(w.pictures()))
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


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
