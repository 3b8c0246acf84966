"""Whether a login may end: who is asked, when, how often, and which answer counts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from baileykeep.demo.session import Session
from baileykeep.model.errors import Refused
from tests.e2e.relinking import LONG_S, acme, asked, identity, question, removed_and_approved
from tests.e2e.world import ANN, CHAT, SECOND, World, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]


async def test_a_reset_takes_two_presses_and_a_third_where_the_login_may_live(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w)
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


@pytest.mark.parametrize("touched", [False, True])
async def test_from_the_yes_to_the_open_session_it_takes_seconds_when_the_scan_is_immediate(
    tmp_path: Path, touched: bool
) -> None:
    """That the session is stopped is proved while the question stands; a folder that was just written to is not."""
    async with world(tmp_path) as w:
        session = await removed_and_asked_about(w)
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


async def test_where_it_is_allowed_a_dead_login_is_paired_anew_without_a_question(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w, config='[limits.relink]\napproval = "auto"\n')
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(120, until=lambda: bool(w.pictures()))
        assert w.pictures()[0].sounding
        assert "Asked for" not in w.pictures()[0].plain
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_where_it_is_never_allowed_nothing_is_asked_and_no_button_offers_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w, config='[limits.relink]\napproval = "never"\n')
        await w.pass_time(200, step_s=LONG_S)
        session.device_removed()
        assert await w.pass_time(120, until=lambda: any("A human is needed" in t for t in w.texts()))
        await w.pass_time(60)
        (story,) = w.stories()
        assert {data.split("|")[0] for row in story.buttons for _, data in row} == {"ack", "pause"}
        assert w.asked("acme") == []


async def test_nobody_answers_and_an_hour_later_a_press_begins_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await removed_and_asked_about(w)
        assert await w.pass_time(500, step_s=LONG_S) is False
        assert heard(w, CHAT) == ["Your answer is needed"]
        assert await w.pass_time(300, until=lambda: heard(w, CHAT)[1:] == ["No answer yet, … min left"], step_s=LONG_S)
        assert w.calls(SECOND) == []
        assert await w.pass_time(900, until=lambda: bool(w.calls(SECOND)), step_s=LONG_S)
        await w.pass_time(LONG_S)
        assert heard(w, CHAT)[2:] == ["Still no answer, … min left; the second contact is asked too"]
        (second,) = w.stories(SECOND)
        assert w.calls(SECOND) == [second.plain]
        assert second.plain.endswith("Say yes or no: may Baileykeep relink with a new QR code?")
        assert second.button("approve")
        assert await w.pass_time(900, until=lambda: "Nobody answered in time" in w.texts()[0], step_s=LONG_S)
        await w.pass_time(3600, step_s=LONG_S)
        await press_in_story(w, "relink", "Pair acme anew with a QR code?")
        assert await w.pass_time(60, until=lambda: bool(w.pictures()))
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


def heard(w: World, chat: int) -> list[str]:
    """The first sentence of whatever sounded in a chat about the question, without its minutes."""
    about = ("answer", "Answer")
    said = [re.sub(r"[0-9]+", "…", text.split(".")[0].removeprefix("🔴 ")) for text in w.calls(chat)]
    return [sentence for sentence in said if any(word in sentence for word in about)]


async def press_in_story(w: World, button: str, question: str) -> None:
    """Press a button below the only story, and say yes to what is asked then."""
    (story,) = w.stories()
    await w.telegram.press(story, button, user=ANN)
    assert await w.pass_time(10, until=lambda: any(m.plain.startswith(question) for m in asked(w)), step_s=1)
    (sure,) = [m for m in asked(w) if m.plain.startswith(question)]
    await w.telegram.press(sure, "Yes", user=ANN)


async def test_the_first_answer_wins_and_an_answer_to_an_older_question_is_none(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await removed_and_asked_about(w)
        assert w.daemon is not None
        assert w.daemon.control is not None
        call = w.daemon.control.call
        _, ident, revision = question(w).button("approve").split("|")
        this = {"incident": ident, "revision": int(revision)}
        with pytest.raises(Refused, match="replaced by a newer one"):
            await call("approve", {**this, "revision": int(revision) - 1}, "Bob")
        await call("approve", this, "Ann")
        for late in ("reject", "approve"):
            with pytest.raises(Refused, match="already approved by Ann"):
                await call(late, this, "Bob")
        assert await w.pass_time(60, until=lambda: bool(w.pictures()))
        assert "Approved by Ann: relink with a new QR code." in w.texts()[0]
        assert "Bob" not in w.texts()[0]
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_where_nobody_scanned_a_dead_login_stays_aside_and_a_press_on_reset_pairs_anew(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w)
        dead = identity(w)
        await removed_and_approved(w)
        assert await w.pass_time(700, until=lambda: "Nobody scanned within 10 min" in w.texts()[0])
        await w.pass_time(60)
        assert w.pictures() == []
        assert identity(w) != dead
        assert w.open_causes("acme") == ["logged_out"]
        (story,) = w.stories()
        assert [label for label, _ in story.buttons[0]] == ["🔗 Relink …", "♻️ Reset …"]
        await press_in_story(w, "reset", "Reset the login of acme?")
        assert await w.pass_time(60, until=lambda: bool(w.pictures()))
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert "Reset the login: it works again (Paired anew)." in w.texts()[0]


async def test_what_was_agreed_to_before_somebody_paired_anew_says_nothing_of_that_login(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session, daemon = await acme(w), w.daemon
        assert daemon is not None
        assert daemon.control is not None
        call, agreed = daemon.control.call, {"company": "acme", "replace_login": True}
        await w.pass_time(60)
        asked_at = w.clock.now()
        await call("relink", {**agreed, "asked_at": asked_at}, "Ann")
        assert await w.pass_time(60, until=lambda: bool(w.pictures()))
        session.scan()
        assert await w.pass_time(120, until=lambda: not daemon.acting())
        fresh = identity(w)
        for command in ("relink", "reset"):
            with pytest.raises(Refused, match="was paired anew since that was asked"):
                await call(command, {**agreed, "asked_at": asked_at}, "Bob")
        assert identity(w) == fresh
        await call("reset", {**agreed, "asked_at": w.clock.now() + 1}, "Bob")


async def removed_and_asked_about(w: World) -> Session:
    """A login that WhatsApp ended, and the question about it."""
    session = await acme(w)
    await w.pass_time(200, step_s=LONG_S)
    session.device_removed()
    assert await w.pass_time(60, until=lambda: any("relink" in text for text in w.texts()))
    return session
