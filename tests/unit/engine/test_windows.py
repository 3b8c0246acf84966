"""What a maintenance window finds to do, and what keeps it from a company besides the company itself."""

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.engine.detectors import COMPANY
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.engine.units import CompanyUnit, Units
from baileykeep.engine.windows import beside, cleaned, due, how_over, neighbours, told_with, wanted
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Cause, Outcome, Rung
from baileykeep.model.inventory import Level
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import HOST, Detail, Severity, Subject, Symptom, SymptomKind, company, gateway
from baileykeep.rules.ladder import Can
from baileykeep.rules.view import CompanyView, Finding, Timer
from tests.unit.rules.cases import NOW, incident, inventory, tried, view

ACME, NEXT_DOOR, ELSEWHERE = company("acme"), company("b"), company("c")


class Open:
    """A window that closes after so many seconds."""

    def __init__(self, left_s: float):
        self._left_s = left_s

    def closes_at(self, now: float) -> float | None:
        return now + self._left_s

    def opens_at(self, now: float) -> float | None:
        return None

    def __str__(self) -> str:
        return "daily 02:00-04:00 UTC"


def member(subject: Subject = ACME, where: str = "main", left_s: float = 3600.0) -> Member:
    return Member(subject, subject.id, where, Limits(), window=Open(left_s))


def ledger() -> Ledger:
    return Ledger(MemoryJournal(), lambda _before, _after: (), lambda: None)


RATHER_FULL = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(110, 60))


class Members:
    """A roster of three companies on two gateways."""

    def member(self, subject: Subject) -> Member | None:
        return {ACME: member(), NEXT_DOOR: member(NEXT_DOOR), ELSEWHERE: member(ELSEWHERE, "other")}.get(subject)


@pytest.mark.parametrize(("running", "found"), [
    ((), []),
    ((ACME,), []),
    ((ELSEWHERE, company("gone")), []),
    ((ACME, NEXT_DOOR), [NEXT_DOOR]),
])  # fmt: skip
def test_neighbours_are_others_of_the_same_gateway(running: tuple[Subject, ...], found: list[Subject]) -> None:
    roster: Any = Members()
    assert [other.subject for other in neighbours(member(), running, roster)] == found


class Shown(CompanyUnit):
    """A company that is seen like this."""

    def __init__(self, seen: CompanyView):
        super().__init__(ACME, COMPANY, Limits())
        self._seen = seen

    def view(self) -> CompanyView:
        return self._seen


def units(seen: CompanyView) -> Units:
    unit = Shown(seen)
    return lambda _subject: unit


WELL: Any = {"units": units(view(conn=ConnState.CONNECTED, timer=Timer())), "neighbours": [], "now": NOW}
ROSTER: Any = Members()


@pytest.mark.parametrize(("cause", "subject", "other"), [
    (Cause.FILES_HIGH, ACME, False),
    (Cause.FORECAST, ACME, False),
    (Cause.TENANT_UNTOLD, ACME, False),
    (Cause.PHONE_MISMATCH, ACME, True),
    (Cause.PHONE_MISMATCH, NEXT_DOOR, False),
    (Cause.FILES_CRITICAL, ACME, False),
    (Cause.GATEWAY_DOWN, gateway("main"), True),
    (Cause.GATEWAY_DOWN, gateway("other"), False),
    (Cause.DISK_LOW, HOST, True),
    (Cause.CONFIG_BAD, HOST, False),
])  # fmt: skip
@pytest.mark.asyncio
async def test_only_another_trouble_of_its_own_its_gateway_or_the_host_counts(
    cause: Cause, subject: Subject, other: bool
) -> None:
    known = ledger()
    await known.commit(None, incident(cause, subject=subject))
    assert beside(member(), ledger=known, roster=ROSTER, **WELL) == {
        "window": True, "neighbour": False, "neighbour_failed": False, "other_incident": other,
    }  # fmt: skip
    assert (due(member(), RATHER_FULL, known, NOW) is None) is (other or cause is Cause.FILES_CRITICAL)


@pytest.mark.parametrize(("kind", "other"), [
    (SymptomKind.PRE_KEY_ANOMALY, True), (SymptomKind.CREDS_CHANGED, True), (SymptomKind.FLAPPING, True),
    (SymptomKind.STALE_SESSIONS, False), (SymptomKind.FORECAST, False),
])  # fmt: skip
def test_what_a_fuller_folder_hides_or_no_story_tells_yet_counts_too(kind: SymptomKind, other: bool) -> None:
    files: Detail = {"counted": 130, "level": "warning", "enough": True}
    symptoms = {
        kind: Symptom(ACME, kind, NOW, severity=Severity.WARNING),
        SymptomKind.FILES: Symptom(ACME, SymptomKind.FILES, NOW, severity=Severity.WARNING, detail=files),
    }
    seen = replace(RATHER_FULL, inventory=inventory(130, 60), symptoms=symptoms)
    found = beside(member(), ledger=ledger(), roster=ROSTER, **{**WELL, "units": units(seen)})
    assert found["other_incident"] is other
    assert (due(member(), seen, ledger(), NOW) is None) is other


def test_the_last_minutes_of_a_window_are_not_open_for_new_work() -> None:
    busy = {**WELL, "neighbours": [member(NEXT_DOOR)]}
    assert beside(member(left_s=900.0), ledger=ledger(), roster=ROSTER, **busy)["window"] is False
    found = beside(member(left_s=901.0), ledger=ledger(), roster=ROSTER, **busy)
    assert (found["window"], found["neighbour"]) == (True, True)


@pytest.mark.parametrize(("who", "outcome", "ago_s", "cause", "bars"), [
    (NEXT_DOOR, Outcome.FAILED, 60, Cause.FILES_PLANNED, True),
    (NEXT_DOOR, Outcome.FAILED, 60, Cause.FILES_CRITICAL, True),
    (NEXT_DOOR, Outcome.FAILED, 86_400, Cause.FILES_PLANNED, False),
    (NEXT_DOOR, Outcome.HEALED, 60, Cause.FILES_PLANNED, False),
    (NEXT_DOOR, Outcome.FAILED, 60, Cause.DISCONNECTED, False),
    (ELSEWHERE, Outcome.FAILED, 60, Cause.FILES_PLANNED, False),
    (ACME, Outcome.FAILED, 60, Cause.FILES_PLANNED, False),
])  # fmt: skip
def test_after_one_that_did_not_come_back_no_neighbour_is_closed_for_a_day(
    who: Subject, outcome: Outcome, ago_s: float, cause: Cause, bars: bool
) -> None:
    known = ledger()
    known._remember(who, tried(Rung.CLEANUP, cause, outcome, ago_s))
    assert beside(member(), ledger=known, roster=ROSTER, **WELL)["neighbour_failed"] is bars
    known.clock_was_set(7200.0, NOW)
    moved = beside(member(), ledger=known, roster=ROSTER, **{**WELL, "now": NOW + 7200})
    assert moved["neighbour_failed"] is bars


# --- what it finds to do ------------------------------------------------------------------------------------------


def test_a_folder_is_due_only_while_the_window_is_open_for_new_work() -> None:
    assert due(member(), RATHER_FULL, ledger(), NOW) is not None
    assert due(member(left_s=900.0), RATHER_FULL, ledger(), NOW) is None
    assert wanted(member(left_s=900.0), RATHER_FULL, ledger(), NOW) is not None


def test_nothing_is_wanted_without_a_window_or_of_files_that_are_not_seen() -> None:
    assert wanted(replace(member(), window=None), RATHER_FULL, ledger(), NOW) is None
    assert wanted(replace(member(), can=Can(files=False)), RATHER_FULL, ledger(), NOW) is None
    assert wanted(replace(member(), can=Can(stop=False, stop_others=True)), RATHER_FULL, ledger(), NOW) is None


@pytest.mark.parametrize(("cause", "found"), [(Cause.FILES_PLANNED, True), (Cause.BAD_MAC, False)])
@pytest.mark.asyncio
async def test_no_other_story_of_it_becomes_a_planned_cleanup(cause: Cause, found: bool) -> None:
    known = ledger()
    await known.commit(None, incident(cause))
    assert (due(member(), RATHER_FULL, known, NOW) is not None) is found


@pytest.mark.asyncio
async def test_a_session_that_did_not_come_back_is_found_whatever_the_hour() -> None:
    known = ledger()
    story = incident(Cause.FILES_PLANNED, tried(Rung.CLEANUP, Cause.FILES_PLANNED, Outcome.FAILED, 60))
    await known.commit(None, replace(story, severity=Severity.CRITICAL))
    found = due(member(left_s=0), view(), known, NOW)
    assert found == Finding(Cause.FILES_PLANNED, Severity.CRITICAL)
    assert due(member(left_s=0), RATHER_FULL, known, NOW) is None


ENOUGH = Finding(Cause.FILES_HIGH, Severity.WARNING, {"enough": True})


@pytest.mark.parametrize(("finding", "where", "told"), [
    (ENOUGH, member(), "daily 02:00-04:00 UTC"),
    (Finding(Cause.FILES_HIGH, Severity.WARNING, {"enough": False}), member(), None),
    (ENOUGH, replace(member(), window=None), None),
    (ENOUGH, replace(member(), can=Can(stop=False)), None),
    (ENOUGH, member(left_s=0), None),
    (Finding(Cause.FILES_CRITICAL, Severity.WARNING, {"enough": True}), member(), None),
])  # fmt: skip
def test_whoever_reads_of_a_full_folder_reads_what_the_window_will_do(
    finding: Finding, where: Member, told: str | None
) -> None:
    assert told_with(finding, where, ledger(), NOW).detail.get("window") == told


def test_a_window_that_comes_too_early_is_not_promised() -> None:
    known = ledger()
    known._remember(ACME, tried(Rung.CLEANUP, Cause.FILES_PLANNED, Outcome.HEALED, 86_400))
    assert told_with(ENOUGH, member(), known, NOW) == ENOUGH


@pytest.mark.parametrize(("outcome", "ago_s", "found"), [
    (Outcome.HEALED, 6 * 3600 - 1, True),
    (Outcome.HEALED, 6 * 3600, False),
    (Outcome.FAILED, 60, False),
    (None, 60, True),
])  # fmt: skip
@pytest.mark.asyncio
async def test_a_folder_that_was_just_cleaned_is_over_by_that(
    outcome: Outcome | None, ago_s: float, found: bool
) -> None:
    known, story = ledger(), incident(Cause.FILES_HIGH)
    known._remember(ACME, tried(Rung.CLEANUP, Cause.FILES_PLANNED, outcome, ago_s))
    assert cleaned(member(), known, NOW) is found
    assert how_over(member(), story, Level.HEALTHY, known, NOW) == ("cleaned" if found else "")
    assert how_over(member(), story, Level.CRITICAL, known, NOW).startswith("grown worse")
    assert how_over(member(), incident(Cause.FORECAST), Level.CRITICAL, known, NOW) == ""
