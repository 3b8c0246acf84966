"""The daily digest: when it is due, what a day was, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from baileykeep.channels.telegram_text import MAX_UNITS, digest, units
from baileykeep.model import codec
from baileykeep.model.incident import Attempt, Cause, Incident, Outcome, Rung
from baileykeep.model.limits import DAY
from baileykeep.model.overview import CompanyView
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Subject, company
from baileykeep.rules import words_digest
from baileykeep.rules.digest import Due, Past, due, past, stale_backup
from tests.fakes import overview as fakes
from tests.unit.rules.cases import ACME, NOW, incident, tried

NINE, BERLIN = time(9), "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(("moment", "last", "found"), [
    ("2026-11-30T08:59:59", 29, None),
    ("2026-11-30T09:00:00", 29, Due.SEND),
    ("2026-11-30T13:00:00", 29, Due.SEND),
    ("2026-11-30T13:00:01", 29, Due.MISSED),
    ("2026-11-30T09:00:05", 30, None),
    ("2026-11-30T11:00:00", 28, Due.SEND),
])  # fmt: skip
def test_once_a_day_and_late_by_four_hours_at_most(moment: str, last: int, found: Due | None) -> None:
    wanted = (found, date(2026, 11, 30)) if found else None
    assert due(at(moment), NINE, BERLIN, date(2026, 11, last)) == wanted


def test_a_clock_that_was_wrong_neither_repeats_nor_silences_it() -> None:
    tomorrow, never = date(2026, 12, 1), date(2030, 1, 1)
    assert due(at("2026-11-30T10:00"), NINE, BERLIN, tomorrow) is None
    assert due(at("2026-11-30T10:00"), NINE, BERLIN, never) == (Due.SEND, date(2026, 11, 30))
    assert due(at("2026-11-30T10:00"), NINE, BERLIN, None) == (Due.SEND, date(2026, 11, 30))


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "America/Lima"])
@pytest.mark.parametrize("hour", [time(9), time(2, 30), time(1, 30)])
def test_every_day_of_a_year_has_exactly_one(zone: str, hour: time) -> None:
    sent, last = list[date](), date(2025, 12, 31)
    moment = at("2026-01-01T00:00", zone)
    while moment < at("2027-01-01T00:00", zone):
        found = due(moment, hour, zone, last)
        if found is not None:
            assert found[0] is Due.SEND
            last = found[1]
            sent.append(last)
        moment += 1800
    assert sent == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


def told(story: Incident) -> Entry:
    return Entry(NOW, EntryKind.INCIDENT, story.subject, incident=story.id, data={"incident": codec.encode(story)})


def ended(attempt: Attempt, subject: Subject = ACME) -> Entry:
    return Entry(NOW, EntryKind.ACTION_ENDED, subject, data={"attempt": codec.encode(attempt)})


def day(*entries: Entry, still_open: Sequence[Incident] = ()) -> Past:
    return past(entries, still_open, NOW - DAY, NOW).get(ACME, Past())


def test_a_story_counts_once_with_its_last_state() -> None:
    first = incident(Cause.DISCONNECTED, opened_at=NOW - 7200)
    closed = replace(first, closed_at=NOW - 3600, needs_human=True)
    assert day(told(first), told(closed)) == Past(opened=1, closed=1, humans=1, trouble_s=3600)


def test_what_is_open_since_long_counts_this_day_only() -> None:
    old = incident(Cause.LOGGED_OUT, opened_at=NOW - 5 * DAY)
    assert day(still_open=[old]) == Past(trouble_s=DAY)
    assert day(still_open=[incident(Cause.FILES_HIGH, opened_at=NOW - 5 * DAY)]) == Past()


def test_only_repairs_that_were_done_by_itself_count() -> None:
    one = tried(Rung.RECONNECT, ago_s=4000)
    others = (
        tried(Rung.CLEANUP, ago_s=10, operator="ann"), tried(Rung.SNAPSHOT, ago_s=20),
        tried(Rung.RECONNECT, outcome=Outcome.SUPERSEDED, ago_s=30), tried(Rung.CLEANUP, ago_s=40, untouched=True),
        tried(Rung.RELINK, ago_s=50, operator="ann"),
    )  # fmt: skip
    assert day(ended(one), *map(ended, others)) == Past(repairs=(NOW - 4000,), relinks=1)


def test_what_another_version_wrote_is_left_out() -> None:
    assert day(Entry(NOW, EntryKind.INCIDENT, ACME, data={"incident": {"what": 1}})) == Past()
    assert day(Entry(NOW, EntryKind.ACTION_ENDED, ACME)) == Past()


@pytest.mark.parametrize(("seen", "sign"), [
    (Past(repairs=(NOW,)), ""),
    (Past(repairs=(NOW - 3600, NOW)), "2 repairs in a day"),
    (Past(repairs=(NOW - 3599, NOW)), "2 repairs in a day, two of them within an hour"),
    (Past(unread_after_repair=True), "messages stayed unreadable after a repair"),
])  # fmt: skip
def test_targets_that_were_missed(seen: Past, sign: str) -> None:
    assert seen.sign == sign


def test_messages_unread_after_a_repair_are_known_by_their_story() -> None:
    assert day(told(incident(Cause.AFTER_REPAIR))).unread_after_repair


@pytest.mark.parametrize(("changes", "stale"), [
    ({}, False),
    ({"backups": {"count": 0, "newest_at": None, "newest_kind": None}}, True),
    ({"backups": {"count": 1, "newest_at": NOW - DAY - 1, "newest_kind": "hot"}}, True),
    ({"files": None, "backups": {"count": 0, "newest_at": None, "newest_kind": None}}, False),
])  # fmt: skip
def test_who_lacks_a_backup(changes: dict[str, Any], stale: bool) -> None:
    assert stale_backup(fakes.company("1", **changes), NOW) is stale


def test_a_folder_that_is_not_paired_needs_none() -> None:
    view = fakes.company("1", backups={"count": 0, "newest_at": None, "newest_kind": None})
    view["connection"]["paired"] = False
    assert not stale_backup(view, NOW)


# --- the words --------------------------------------------------------------------------------------------------


def said(*views: CompanyView, days: dict[str, Past] | None = None, **installation: Any) -> dict[str, Any]:
    known = {company(ident): seen for ident, seen in (days or {}).items()}
    return words_digest.digest(views, known, {**fakes.overview(), **installation}, NOW)


def test_a_good_day() -> None:
    made = said(*(fakes.company(str(n), name=f"Salon {n}") for n in range(3)), days={"1": Past(1, 1, 0, (NOW,))})
    assert not made["bad"]
    assert digest(made).splitlines() == [
        "✅ <b>Daily digest: all 3 companies are well.</b>",
        "Last 24 h: 1 incident opened, 1 closed; 1 automatic repair, 0 relinks; no human was called.",
        "Backups: every login has one of the last 24 h.",
    ]


VERA = fakes.company(
    "3",
    name="Salon Vera",
    health="trouble",
    connection={**fakes.company("3")["connection"], "state": "disconnected"},
    next="waits for the gateway's own reconnect.",
)


def test_a_bad_day() -> None:
    question = {"rung": "relink", "revision": 1, "asked_at": NOW, "expires_at": NOW + 1800}
    dead = fakes.incident(headline="Salon Mira: logged out by WhatsApp", approval=question, needs_human=True)
    views = [
        fakes.company("1", name="Salon Anna"),
        fakes.company("2", name="Salon Mira", health="down", incidents=[dead]),
        VERA,
        fakes.company("4", files=None, paused_until=NOW + 60),
        fakes.company("5", files={"total": 130, "counted": 130, "level": "warning", "reclaimable": 3}, health="watch"),
        fakes.company("6", backups={"count": 0, "newest_at": None, "newest_kind": None}),
    ]
    days = {"1": Past(2, 2, 1, (NOW - 60, NOW), trouble_s=1500), "2": Past(1, 0, 1, relinks=1, trouble_s=7200)}
    wide = [fakes.incident(headline="Gateway main is down")]
    made = said(*views, days=days, incidents=wide, config={"ok": False, "problems": ["x: bad"]}, mode="observe")
    assert made["bad"]
    assert digest(made).splitlines() == [
        "🟡 <b>Daily digest: 3 of 6 companies need a look.</b>",
        "Not of one company: Gateway main is down",
        "Configuration: x: bad",
        "Salon Mira: logged out by WhatsApp; your answer is awaited; in trouble for 2 h; a human was called.",
        "Salon Vera: disconnected; waits for the gateway's own reconnect.",
        "Salon Anna: well now; in trouble for 25 min; 2 repairs in a day, two of them within an hour;"
        " a human was called.",
        "Last 24 h: 3 incidents opened, 2 closed; 2 automatic repairs, 1 relink; a human was called 2 times.",
        "No backup of the last 24 h (none is taken while nothing changes): 6.",
        "Fullest folders: 5.",
        "Files not seen: 4.",
        "Paused: 4.",
        "Baileykeep only observes: it does nothing by itself.",
    ]


def test_nobody_and_one() -> None:
    assert said() == {"headline": "Daily digest: no company is known yet.", "lines": [], "bad": False}
    assert said(fakes.company("1"))["headline"] == "Daily digest: 1 company is well."
    sick = said(fakes.company("1", health="down"), days={"1": Past(humans=1)})
    assert sick["headline"] == "Daily digest: 1 of 1 company needs a look."
    assert sick["lines"][:1] == ["1: connected; a human was called."]


def test_a_thousand_well_take_few_lines_and_a_thousand_sick_one_message() -> None:
    hard = "Ä\x1b[31m<b>" * 30
    well = [fakes.company(str(n), name=hard) for n in range(1000)]
    assert len(digest(said(*well)).splitlines()) <= 10
    sick = [
        fakes.company(str(n), name=hard, health="down", incidents=[fakes.incident(headline=hard)], files=None)
        for n in range(1000)
    ]
    days = {str(n): Past(9, 9, 9, (NOW, NOW), 3, 9e4) for n in range(1000)}
    text = digest(said(*sick, days=days))
    assert units(text) <= MAX_UNITS
    assert "… and 988 more: baileykeep health" in text
    assert "\x1b" not in text
