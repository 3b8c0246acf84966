"""Pairing anew, judged by real Baileys: from whatever begins it until a phone is linked, and what is left of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from baileykeep.model.backup import BackupKind
from tests.e2e.lab.desk import Desk, after
from tests.e2e.lab.terminal import terminal
from tests.e2e.lab.world import CHAT, lab
from tests.fakes.camera import read_qr

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA, BEN = "4915200000001", "4915200000002"
STRANGER = "4917600000099"

QR_MS = 5_000
SCAN_WITHIN_S = 16
SOON, LATE = (f'[limits.relink]\nscan_within = "{seconds}s"\n' for seconds in (SCAN_WITHIN_S, 90))

OPEN_WITHIN_S = 10.0
"""From the yes to the first open session of the new login, when the QR is scanned at once."""

NEEDS_HUMAN = "A human is needed"
"""What nobody is to be called for who has just begun it."""

PHONE_FETCHED_S = 11.0
"""Nobody has read a message, walked to the company's phone and pressed a button any sooner."""


async def test_a_removed_device_is_paired_anew_by_the_picture_in_the_chat(tmp_path: Path) -> None:
    async with lab(tmp_path) as place:
        company = place.companies["1"]
        desk = Desk(place, company, CHAT, "Salon Rosa")
        desk.write_file()
        await company.hears(ANNA, "hello")
        identity, files = company.identity(), company.files()
        await place.keep()
        asked = company.gateway.asked("1")
        await company.tell("stream-error", kind="device_removed")
        removed_at = time.monotonic()
        await desk.asks("approve")
        assert desk.tells("WhatsApp removed this device. The old login is dead and no backup brings it back.")
        await after(removed_at, PHONE_FETCHED_S)
        assert company.gateway.asked("1") == asked
        assert (company.identity(), company.files()) == (identity, files)
        assert len(desk.copies(BackupKind.HOT)) == 1
        await desk.press("approve")
        approved_at = time.monotonic()
        picture = await desk.picture()
        assert not company.files()  # Baileys writes nothing before it is paired
        assert desk.scanned(picture) == await company.qr()
        assert picture.plain.splitlines() == [
            "📷 Salon Rosa (1): scan this QR code now",
            f"On the company's phone (…{company.phone[-4:]}): WhatsApp > Settings > Linked devices > Link a device.",
            "The code renews itself. This message goes away at the end.",
            "Asked for by Anna (Telegram 7).",
        ]
        await company.scan(desk.scanned(picture))
        await desk.until(company.connected, "it is open")
        took_s = time.monotonic() - approved_at
        assert took_s < OPEN_WITHIN_S
        await desk.until(desk.nothing_to_scan, "the picture is gone")
        await place.healed(company)
        await desk.until(lambda: "over after" in desk.story, "the story is over")
        assert company.identity() != identity
        (cold,), (aside,) = desk.copies(BackupKind.COLD), desk.copies(BackupKind.ASIDE)
        assert (cold.files, aside.files) == (len(files), len(files))
        assert aside.whole
        assert cold.identity == aside.identity
        told = desk.story.splitlines()
        assert told[0].startswith("✅ Salon Rosa (1): over after")
        assert [line[6:] for line in told if line[5:6] == " "][-4:-1] == [
            "Approved by Anna (Telegram 7): relink with a new QR code.",
            "Relinking with a new QR code, asked for by Anna (Telegram 7).",
            "Relinked with a new QR code: it works again (Paired anew).",
        ]
        await company.hears(ANNA, "there you are")
        assert desk.leaks() == []
        assert place.telegram.violations == []


# --- stories that go on at the same time, each with a company and a chat of its own ---------------------------------


async def a_terminal_shows_what_the_chat_shows_and_a_failed_scan_is_named(desk: Desk) -> None:
    company, identity = desk.company, desk.company.identity()
    words = ("relink", desk.ident, "--replace-login", "--config", str(desk.place.root / "config"))
    async with terminal(*words) as screen:
        await desk.until(lambda: "Go on?" in screen.text, "it asks first")
        assert company.gateway.asked(desk.ident) == ["start"]
        screen.type("y\n")
        await desk.until(screen.qrs, "a QR in the terminal")
        picture = await desk.picture()
        await desk.until(lambda: all_alike(desk), "the same QR for all who ask")
        await desk.say(f"/qr {desk.ident}")
        await desk.until(lambda: desk.tells("It is shown already: see the picture"), "an answer")
        await desk.until(lambda: len(screen.qrs()) > 1, "another QR in the terminal")
        await desk.until(lambda: desk.scanned(picture) == screen.qrs()[-1], "the picture renewed itself, too")
        failed = screen.qrs()[-1]
        await company.whatsapp.client.post("/qr-error", kind="503", qr=failed)
        said = "The last scan failed (code 503)."
        await desk.until(lambda: said in picture.plain and desk.tells(said), "it is said beside the picture and told")
        await desk.until(lambda: said in screen.text, "it is said in the terminal")
        await desk.until(lambda: offer_of(screen.qrs()[-1]) != offer_of(failed), "a fresh QR in the terminal")
        await desk.until(lambda: desk.scanned(picture) == screen.qrs()[-1], "the fresh QR is in the same message")
        desk.seen |= set(screen.qrs())
        await company.scan(screen.qrs()[-1])
        assert await screen.exit_code() == 0
        assert screen.text.rstrip().endswith("healed: connected and paired (Paired anew.)")
    await desk.until(desk.nothing_to_scan, "the picture is gone")
    assert [m.id for m in desk.place.telegram.ever(desk.chat) if m.photo] == [picture.id]
    assert company.identity() != identity
    await desk.until(lambda: desk.tells("Relinked with a new QR code: it works again (Paired anew)."), "it is told")


def offer_of(qr: str) -> str:
    """What all QRs of one try have in common: the client's key."""
    return qr.split(",")[1]


async def all_alike(desk: Desk) -> bool:
    """Whether two who ask over HTTP, one for the text and one for the picture, get the QR that the gateway shows."""
    path = f"/api/companies/{desk.ident}/pairing"
    text, drawn, shown = await asyncio.gather(desk.get(path), desk.get(path, "image/png"), desk.company.qr())
    is_picture = drawn.headers.get("content-type") == "image/png"  # between two QRs there is none
    return bool(is_picture and text.json()["qr"] == read_qr(drawn.content) == shown)


async def a_code_takes_the_place_of_the_qr(desk: Desk) -> None:
    company, identity = desk.company, desk.company.identity()
    relink = f"/api/companies/{desk.ident}/relink"
    refused = await desk.post(relink)
    assert (refused.status_code, refused.json()["code"]) == (409, "login_alive")
    begun = await desk.post(relink, replace_login=True)
    assert begun.status_code == 202
    await desk.picture()
    answer = await desk.press("code")
    assert answer.text == "The code comes within 20 s, in this company's chat."
    code = await desk.code()
    assert len(code) == 8
    assert desk.pictures() == []
    assert (await desk.out_now())["code"] == code
    await company.tell("code", code=code)
    await desk.until(company.connected, "it is open")
    await desk.until(desk.nothing_to_scan, "the code is gone")
    action = f"/api/actions/{begun.json()['action']}"
    await desk.until(lambda: ended_well(desk, action), "it ended well")
    assert company.identity() != identity
    await desk.until(lambda: desk.tells("Relinked with a new QR code: it works again (Paired anew)."), "it is told")


async def ended_well(desk: Desk, action: str) -> bool:
    return bool((await desk.get(action)).json()["outcome"] == "healed")


async def a_reset_sends_the_wrong_phone_away_and_takes_the_right_one(desk: Desk) -> None:
    company, identity = desk.company, desk.company.identity()
    await desk.say(f"/reset {desk.ident}")
    await desk.press("Yes, do it")
    await desk.until(lambda: desk.asks_about("was seen open"), "a second question")
    assert company.identity() == identity
    await desk.press("Yes, do it")
    await company.scan(desk.scanned(await desk.picture()), phone=STRANGER)
    said = (
        f"Another phone (…{STRANGER[-4:]}) was linked than this company's (…{company.phone[-4:]}): its login was "
        "backed up and cleared. Remove it there under Linked devices, then use the right phone."
    )
    await desk.until(lambda: desk.tells(said) and any(said in p.plain for p in desk.pictures()), "it is said")
    assert not company.files()
    assert {(copy.phone, copy.paired) for copy in desk.copies(BackupKind.ASIDE)} == {
        (f"***{company.phone[-4:]}", True), (f"***{STRANGER[-4:]}", True)
    }  # fmt: skip
    await desk.picture()
    await desk.say(f"/code {desk.ident}")
    await desk.press("Yes, do it")
    await company.tell("code", code=await desk.code())
    await desk.until(company.connected, "it is open")
    assert company.creds()["me"]["id"].startswith(f"{company.phone}:")
    await desk.until(desk.nothing_to_scan, "the code is gone")
    await desk.until(lambda: desk.tells("Reset the login: it works again (Paired anew)."), "it is told")


async def a_login_that_nobody_replaced_comes_back_and_opens(desk: Desk) -> None:
    company, identity = desk.company, desk.company.identity()
    await company.hears(ANNA, "hello")
    logins = (await company.device())["logins"]
    await desk.say(f"/relink {desk.ident}")
    await desk.press("Yes, do it")
    await desk.until(lambda: desk.asks_about("was seen open"), "a second question")
    await desk.press("Yes, do it")
    await desk.picture()
    await desk.press("code")
    await desk.code()
    assert "account" not in company.creds()  # half a login lies there now, and nobody types the code
    await desk.until(company.connected, "it is open again", 60)
    await company.settled()
    assert company.identity() == identity
    assert (await company.device())["logins"] == logins + 1
    assert desk.nothing_to_scan()
    await company.hears(ANNA, "still there?")
    await company.hears(BEN, "hello, too")
    said = f"put everything back (Nobody scanned within {SCAN_WITHIN_S} s. The old login is back in place)."
    await desk.until(lambda: desk.tells(said), "it is told")
    assert "Bad MAC" not in company.gateway.err.read_text()


Story = Callable[[Desk], Awaitable[None]]
STORIES: Mapping[str, Story] = {
    "terminal": a_terminal_shows_what_the_chat_shows_and_a_failed_scan_is_named,
    "code": a_code_takes_the_place_of_the_qr,
    "reset": a_reset_sends_the_wrong_phone_away_and_takes_the_right_one,
    "nobody": a_login_that_nobody_replaced_comes_back_and_opens,
}
"""By the company that each is about."""


async def test_four_people_pair_at_the_same_time(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """In one gateway and one daemon: most of each story is waiting for a proof, so that they cost little together."""
    async with lab(tmp_path, tuple(STORIES), qrMs=QR_MS) as place:
        desks = [Desk(place, place.companies[ident], CHAT + n, f"Salon {ident}") for n, ident in enumerate(STORIES, 1)]
        for desk in desks:
            desk.write_file(SOON if desk.ident == "nobody" else LATE)
        await place.keep()
        tasks = {desk.ident: asyncio.create_task(whole(desk)) for desk in desks}
        for ident, task in tasks.items():
            with subtests.test(ident):
                await task
        assert place.telegram.violations == []


async def whole(desk: Desk) -> None:
    """A story, and what every story ends with."""
    await STORIES[desk.ident](desk)
    await desk.place.healed(desk.company)
    await desk.until(lambda: desk.stories()[0].plain.startswith("✅"), "the story is over")
    assert desk.pair_stories() == 1
    failed = ("qr_scan_failed", True) in desk.place.symptoms(desk.ident)
    assert failed is (desk.ident == "terminal")  # a QR that we took away ourselves was not scanned in vain
    assert not any(NEEDS_HUMAN in message.plain for message in desk.place.telegram.ever(desk.chat))
    assert desk.leaks() == []
