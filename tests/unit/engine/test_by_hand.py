"""Pairing anew by hand while nothing is wrong has a story of its own, and raises no alarm about its own doing."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.actions.base import Order
from baileykeep.model.facts import ConnState, FolderSeen
from baileykeep.model.incident import Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.limits import RelinkLimits
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind
from tests.unit.engine.installation import ACME, Daemon, Installation, daemon, with_limits
from tests.unit.engine.test_monitor import FAST

pytestmark = pytest.mark.asyncio


@pytest.fixture
def on(tmp_path: Path) -> Installation:
    """Two healthy companies."""
    made = Installation(tmp_path)
    with_limits(made, ladder=FAST, relink=RelinkLimits(scan_within_s=60))
    return made


async def begun(d: Daemon, rung: Rung) -> str:
    await d.see()
    return await d.desk.request(ACME, rung, Order(operator="ann", proved_dead=rung is Rung.RESET))


def story(d: Daemon) -> Incident:
    """The open one about the company's health."""
    found = d.ledger.get(ACME, Topic.HEALTH)
    assert found is not None
    return found


def lines(incident: Incident) -> list[str]:
    return [line.text for line in incident.story]


def outcome(d: Daemon, action: str) -> Outcome | None:
    found = d.ledger.attempt(action)
    assert found is not None
    return found[1].outcome


async def last_story(on: Installation) -> str:
    """How the last story that was told ended."""
    entries = await on.journal.entries(subject=ACME, kinds=(EntryKind.INCIDENT,))
    return str(entries[-1].data["text"])


async def test_it_is_told_from_its_beginning_without_a_sound(on: Installation) -> None:
    async with daemon(on) as d:
        await begun(d, Rung.RELINK)
        assert lines(story(d)) == ["Relinking with a new QR code, asked for by ann."]
        assert (story(d).cause, story(d).severity) == (Cause.WAITING_QR, Severity.INFO)
        await d.orchestrator.review(ACME)
        assert not story(d).needs_human
        assert not any(notice.sound for notice in await on.journal.pending_notices(on.clock.now()))


async def test_what_is_no_pairing_gets_no_story(on: Installation) -> None:
    async with daemon(on) as d:
        await begun(d, Rung.RECONNECT)
        assert d.causes() == set()


async def test_where_nobody_scanned_it_says_that_the_old_login_is_back(on: Installation) -> None:
    async with daemon(on) as d:
        action = await begun(d, Rung.RELINK)
        on.sessions.dead.add("acme")
        await on.pass_time(60)
        on.sessions.dead.clear()
        await on.pass_time(120)
        assert outcome(d, action) is Outcome.UNDONE
        said = "Began to relink with a new QR code, then put everything back"
        assert lines(story(d))[-1].startswith(said)
        assert lines(story(d))[-1].endswith("The old login is back in place).")
        await d.watch_for(40)
        assert d.causes() == set()
        assert (await last_story(on)).startswith("As it was before, after ")


async def test_an_old_login_that_does_not_open_again_is_told_as_such(on: Installation) -> None:
    async with daemon(on) as d:
        action = await begun(d, Rung.RELINK)
        on.sessions.dead.add("acme")
        await on.pass_time(300)
        assert outcome(d, action) is Outcome.UNDONE
        assert lines(story(d))[-1].endswith("The old login is back in place. It does not open so far).")


async def test_a_reset_that_nobody_scanned_stays_open_and_calls_a_human(on: Installation) -> None:
    async with daemon(on) as d:
        action = await begun(d, Rung.RESET)
        on.sessions.dead.add("acme")
        await d.watch_for(300)
        assert outcome(d, action) is Outcome.FAILED
        assert story(d).needs_human
        assert story(d).severity is Severity.CRITICAL
        assert any(line.startswith("Tried to reset the login: it did not help (") for line in lines(story(d)))
        on.sessions.dead.clear()
        on.sessions.states["acme"] = ConnState.CONNECTED
        await d.watch_for(60)
        assert d.causes() == set()


async def test_a_folder_that_the_gateway_makes_anew_is_no_alarm_until_the_relink_is_over(on: Installation) -> None:
    async with daemon(on) as d:
        on.sessions.dead.add("acme")
        await begun(d, Rung.RESET)
        for present in (True, False):
            d.engine.observe(FolderSeen(at=on.clock.now(), company="acme", present=present))
        await on.pass_time(5)
        await d.engine.tick()
        assert d.engine.unit(ACME).view().has(SymptomKind.FOLDER_MISSING)  # type: ignore[union-attr]
        await d.orchestrator.review(ACME)
        assert d.ledger.get(ACME, Topic.WATCH) is None
        await on.pass_time(300)
        await d.orchestrator.review(ACME)
        watched = d.ledger.get(ACME, Topic.WATCH)
        assert watched is not None
        assert watched.cause is Cause.FOLDER_MISSING


async def test_creds_that_came_and_went_with_a_wrong_phone_are_no_alarm(on: Installation) -> None:
    async with daemon(on) as d:
        await begun(d, Rung.RELINK)
        unit = d.engine.unit(ACME)
        assert unit is not None
        unit.note(Symptom(ACME, SymptomKind.CREDS_CHANGED, on.clock.now(), severity=Severity.CRITICAL))
        await d.orchestrator.review(ACME)
        assert d.ledger.get(ACME, Topic.WATCH) is None
        unit.expect_new_login()  # type: ignore[attr-defined]
        assert SymptomKind.CREDS_CHANGED not in unit.symptoms
