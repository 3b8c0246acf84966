"""From conclusions to stories: which finding steers, and which one is silenced by a wider one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Cause, Topic
from baileykeep.model.inventory import Level
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Detail, Severity, Symptom, SymptomKind
from baileykeep.rules import findings
from baileykeep.rules.cause import PROVED, USELESS_LOGIN
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.findings import HEALTH, RANK, SILENCED, WATCH, most_pressing, of_company, of_symptoms, topic_of
from baileykeep.rules.view import CompanyView, Finding, Timer
from tests.unit.rules.cases import ACME, NOW, inventory, view

LIMITS = Limits()
UP = view(conn=ConnState.CONNECTED, paired=True, timer=Timer())


def symptom(kind: SymptomKind, severity: Severity = Severity.WARNING) -> Symptom:
    return Symptom(ACME, kind, NOW, severity=severity, detail={"mark": kind.value})


def with_symptoms(seen: CompanyView, *kinds: SymptomKind) -> CompanyView:
    return replace(seen, symptoms={kind: symptom(kind) for kind in kinds})


def causes(seen: CompanyView) -> dict[Topic, Cause]:
    return {topic: finding.cause for topic, finding in of_company(seen, LIMITS).items()}


def test_every_cause_has_its_place_exactly_once() -> None:
    assert sorted([*HEALTH, *WATCH]) == sorted(Cause)
    assert set(RANK) == set(Cause)
    assert all(topic_of(cause) is Topic.HEALTH for cause in HEALTH)
    assert all(topic_of(cause) is Topic.WATCH for cause in WATCH)


@pytest.mark.parametrize("kind", sorted(set(SymptomKind) - {SymptomKind.DOWN, SymptomKind.FILES}))
def test_every_other_symptom_is_a_cause_of_its_own(kind: SymptomKind) -> None:
    cause = Cause(kind.value)
    found = of_company(with_symptoms(UP, kind), LIMITS)
    assert found == {topic_of(cause): Finding(cause, Severity.WARNING, {"mark": kind.value})}


def test_a_healthy_company_has_none() -> None:
    assert of_company(UP, LIMITS) == {}
    assert causes(with_symptoms(UP, SymptomKind.DOWN)) == {}


@pytest.mark.parametrize(
    ("phase", "found"),
    [(Phase.UP, False), (Phase.WAITING, False), (Phase.WARNED, True), (Phase.OVERDUE, True)],
)
def test_a_disconnect_is_told_from_its_tenth_minute(phase: Phase, found: bool) -> None:
    seen = view(timer=Timer(phase, 700.4))
    assert (Topic.HEALTH in causes(seen)) is found
    if found:
        detail = {"down_s": 700, "phase": phase.value, "code": None, "since": None}
        assert of_company(seen, LIMITS)[Topic.HEALTH].detail == detail


@pytest.mark.parametrize(
    ("cause", "severity"),
    [
        (Cause.LOGGED_OUT, Severity.CRITICAL),
        (Cause.HALF_PAIRED, Severity.WARNING),
        (Cause.ACCOUNT_BLOCKED, Severity.CRITICAL),
        (Cause.REPLACED, Severity.WARNING),
        (Cause.CLIENT_TOO_OLD, Severity.CRITICAL),
        (Cause.MULTI_DEVICE_MISMATCH, Severity.CRITICAL),
    ],
)
def test_what_a_code_proved_is_told_at_once(cause: Cause, severity: Severity) -> None:
    seen = view(timer=Timer(Phase.WAITING, 0.0), cause=cause, code=499)
    assert of_company(seen, LIMITS)[Topic.HEALTH] == Finding(
        cause, severity, {"down_s": 0, "phase": "waiting", "code": 499, "since": None}
    )


def test_a_status_that_says_connected_hides_even_a_proof() -> None:
    assert causes(view(conn=ConnState.CONNECTED, cause=Cause.LOGGED_OUT)) == {}


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.WARNED])
@pytest.mark.parametrize(("down_s", "found"), [(0.0, False), (59.9, False), (60.0, True)])
def test_a_qr_that_is_just_being_scanned_is_no_story(down_s: float, found: bool, phase: Phase) -> None:
    """Not even where an outage is warned of before the minute is over."""
    seen = view(conn=ConnState.WAITING_QR, timer=Timer(phase, down_s), cause=Cause.WAITING_QR)
    assert (Topic.HEALTH in causes(seen)) is found


@pytest.mark.parametrize(
    ("counted", "topic", "cause", "severity"),
    [
        (119, None, None, None),
        (120, Topic.WATCH, Cause.FILES_HIGH, Severity.WARNING),
        (149, Topic.WATCH, Cause.FILES_HIGH, Severity.WARNING),
        (150, Topic.HEALTH, Cause.FILES_CRITICAL, Severity.WARNING),
        (179, Topic.HEALTH, Cause.FILES_CRITICAL, Severity.WARNING),
        (180, Topic.HEALTH, Cause.FILES_DANGER, Severity.EMERGENCY),
        (200, Topic.HEALTH, Cause.FILES_DANGER, Severity.EMERGENCY),
    ],
)
def test_levels_become_stories(
    counted: int, topic: Topic | None, cause: Cause | None, severity: Severity | None
) -> None:
    seen = with_symptoms(replace(UP, inventory=inventory(counted)), SymptomKind.FILES)
    found = {t: (f.cause, f.severity) for t, f in of_company(seen, LIMITS).items()}
    assert found == ({topic: (cause, severity)} if topic else {})


def test_a_level_that_nobody_listed_or_told_is_no_story() -> None:
    assert causes(replace(UP, inventory=inventory(190))) == {}
    assert causes(replace(with_symptoms(UP, SymptomKind.FILES), inventory=None)) == {}
    assert replace(UP, inventory=None).level is Level.EXCELLENT


PRESSING = [
    (Cause.CREDS_DAMAGED, Cause.LOGGED_OUT),
    (Cause.LOGGED_OUT, Cause.PHANTOM),
    (Cause.LOGGED_OUT, Cause.WAITING_QR),
    (Cause.REPLACED, Cause.DISCONNECTED),
    (Cause.PHANTOM, Cause.DISCONNECTED),
    (Cause.BAD_MAC, Cause.DISCONNECTED),
    (Cause.DISCONNECTED, Cause.FILES_DANGER),
    (Cause.FILES_DANGER, Cause.FILES_CRITICAL),
    (Cause.GATEWAY_DOWN, Cause.BAD_MAC),
    (Cause.GATEWAY_DOWN, Cause.FLEET_DOWN),
    (Cause.HOST_OFFLINE, Cause.FLEET_DOWN),
    (Cause.HOST_OFFLINE, Cause.DISK_LOW),
]


@pytest.mark.parametrize(("first", "second"), PRESSING)
def test_the_more_pressing_one_steers(first: Cause, second: Cause) -> None:
    both = [Finding(second, Severity.WARNING), Finding(first, Severity.WARNING)]
    assert most_pressing(both)[Topic.HEALTH].cause is first


def test_what_is_watched_never_hides_what_hurts() -> None:
    seen = with_symptoms(view(), SymptomKind.FORECAST, SymptomKind.FOLDER_MISSING)
    assert causes(seen) == {Topic.HEALTH: Cause.DISCONNECTED, Topic.WATCH: Cause.FOLDER_MISSING}


def test_a_gateway_and_the_host_have_their_symptoms_only() -> None:
    told = [symptom(SymptomKind.GATEWAY_DOWN), symptom(SymptomKind.DOWN), symptom(SymptomKind.STALE_SESSIONS)]
    found = of_symptoms(told)
    assert {t: f.cause for t, f in found.items()} == {
        Topic.HEALTH: Cause.GATEWAY_DOWN,
        Topic.WATCH: Cause.STALE_SESSIONS,
    }


def test_only_what_a_wider_story_explains_is_silenced() -> None:
    assert Cause.DISCONNECTED in SILENCED
    assert {Cause.GATEWAY_DOWN, Cause.FLEET_DOWN} <= SILENCED
    for cause in (Cause.LOGGED_OUT, Cause.REPLACED, Cause.CREDS_DAMAGED, Cause.FILES_DANGER, Cause.HOST_OFFLINE):
        assert cause not in SILENCED


def test_every_cause_that_brings_no_severity_of_its_own_has_one() -> None:
    told_by_view = PROVED | {Cause.CLIENT_TOO_OLD, Cause.MULTI_DEVICE_MISMATCH}
    assert told_by_view | {Cause.WAITING_QR, Cause.DISCONNECTED} <= set(findings.SEVERITY)


def test_of_a_company_that_nobody_looked_at_nothing_is_known() -> None:
    blank = CompanyView("acme")
    assert (blank.conn, blank.paired, blank.has_qr, blank.unknown) == (ConnState.UNKNOWN, None, False, True)
    assert (blank.cause, blank.proved_at, blank.code) == (Cause.DISCONNECTED, None, None)
    assert (blank.inventory, blank.level, blank.critical_since) == (None, Level.EXCELLENT, None)
    assert (blank.creds_sure, blank.symptoms) == (False, {})
    assert (blank.timer.phase, blank.timer.down_s) == (Phase.UP, 0.0)
    assert (blank.timer.since, blank.timer.last_up_at) == (None, None)


def test_connected_is_up_unless_somebody_denies_that_it_is_paired() -> None:
    for paired, up in ((True, True), (None, True), (False, False)):
        assert view(conn=ConnState.CONNECTED, paired=paired).up is up
        assert view(conn=ConnState.CONNECTING, paired=paired).up is False


def test_a_view_answers_what_is_asked_of_it() -> None:
    seen = with_symptoms(view(paired=False, conn=ConnState.CONNECTED), SymptomKind.PHANTOM)
    assert not seen.up
    assert UP.up
    assert seen.has(SymptomKind.PHANTOM)
    assert not seen.has(SymptomKind.BAD_MAC)


@pytest.mark.parametrize("cause", sorted(findings.NEW_LOGIN))
def test_while_a_new_login_is_on_its_way_the_old_creds_are_no_finding(cause: Cause) -> None:
    kinds = (SymptomKind.CREDS_DAMAGED, SymptomKind.CREDS_CHANGED, SymptomKind.FOLDER_MISSING)
    down = with_symptoms(view(cause=cause, timer=Timer(Phase.WAITING, 10.0)), *kinds)
    expected = {} if cause in USELESS_LOGIN else {Topic.WATCH: Cause.FOLDER_MISSING}
    if cause in PROVED:
        expected[Topic.HEALTH] = cause
    assert causes(down) == expected
    up = with_symptoms(replace(UP, cause=cause), *kinds)
    assert causes(up) == {Topic.HEALTH: Cause.CREDS_DAMAGED, Topic.WATCH: Cause.CREDS_CHANGED}
    other = with_symptoms(view(cause=Cause.DISCONNECTED), *kinds)
    assert causes(other) == {Topic.HEALTH: Cause.CREDS_DAMAGED, Topic.WATCH: Cause.CREDS_CHANGED}


@pytest.mark.parametrize(
    ("counted", "finding"),
    [
        (119, None),
        (120, (Cause.FILES_HIGH, Severity.WARNING)),
        (150, (Cause.FILES_CRITICAL, Severity.WARNING)),
        (180, (Cause.FILES_DANGER, Severity.EMERGENCY)),
        (200, (Cause.FILES_DANGER, Severity.EMERGENCY)),
    ],
)
def test_files_are_told_by_their_level(counted: int, finding: tuple[Cause, Severity] | None) -> None:
    seen = replace(with_symptoms(UP, SymptomKind.FILES), inventory=inventory(counted))
    expected = [] if finding is None else [Finding(*finding, {"mark": "files"})]
    assert list(of_company(seen, LIMITS).values()) == expected
    assert of_company(replace(seen, symptoms={}), LIMITS) == {}
    assert of_company(replace(seen, inventory=None), LIMITS) == {}


def test_what_is_told_of_an_outage() -> None:
    seen = view(code=428, timer=Timer(Phase.OVERDUE, 1000.6, NOW - 1000, NOW - 1000))
    detail: Detail = {"down_s": 1001, "phase": "overdue", "code": 428, "since": NOW - 1000}
    assert of_company(seen, LIMITS) == {Topic.HEALTH: Finding(Cause.DISCONNECTED, Severity.WARNING, detail)}
    removed = of_company(replace(seen, cause=Cause.LOGGED_OUT, device_removed=True), LIMITS)[Topic.HEALTH]
    assert removed.detail == {**detail, "device_removed": True}


@pytest.mark.parametrize(("down_s", "told"), [(59.9, False), (60.0, True)])
def test_a_qr_that_nobody_scans_is_told_after_a_minute(down_s: float, told: bool) -> None:
    seen = view(cause=Cause.WAITING_QR, timer=Timer(Phase.WAITING, down_s))
    assert bool(of_company(seen, LIMITS)) is told


@pytest.mark.parametrize(
    ("cause", "severity"),
    [
        (Cause.LOGGED_OUT, Severity.CRITICAL),
        (Cause.HALF_PAIRED, Severity.WARNING),
        (Cause.ACCOUNT_BLOCKED, Severity.CRITICAL),
        (Cause.MULTI_DEVICE_MISMATCH, Severity.CRITICAL),
        (Cause.CLIENT_TOO_OLD, Severity.CRITICAL),
        (Cause.REPLACED, Severity.WARNING),
    ],
)
def test_what_a_code_proves_is_told_at_once(cause: Cause, severity: Severity) -> None:
    seen = view(cause=cause, timer=Timer(Phase.WAITING, 0.0))
    found = of_company(seen, LIMITS)[Topic.HEALTH]
    assert (found.cause, found.severity) == (cause, severity)
