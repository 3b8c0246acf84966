"""What a maintenance window is there for while all is well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from baileykeep.model.inventory import Level
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.symptoms import Severity
from baileykeep.rules import ladder
from baileykeep.rules.incidents import cleared
from baileykeep.rules.ladder import decide
from baileykeep.rules.planned import left_down, target, wanted
from baileykeep.rules.view import CompanyView, Timer
from tests.unit.rules.cases import ACTING, NOW, case, incident, inventory, tried, view

OPEN = replace(ACTING, window=True)
PLANNED = Cause.FILES_PLANNED


def up(counted: int, after: int, **changes: Any) -> CompanyView:
    """A session that is well, with so many counted files of which a cleanup leaves `after`."""
    known = {"conn": ConnState.CONNECTED, "timer": Timer(), "inventory": inventory(counted, after), **changes}
    return view(**known)


def found(seen: CompanyView, *history: Attempt) -> tuple[int, int] | None:
    """What is wanted: how many files there are, and how many would be left."""
    finding = wanted(seen, history, Limits(), NOW)
    if finding is None:
        return None
    assert (finding.cause, finding.severity) == (PLANNED, Severity.INFO)
    counted, left = finding.detail["counted"], finding.detail["left"]
    assert isinstance(counted, int)
    assert isinstance(left, int)
    return counted, left


@pytest.mark.parametrize(("counted", "after", "bound", "worth"), [
    (99, 60, None, False),
    (100, 95, 96, True),
    (100, 96, 96, False),
    (119, 95, 96, True),
    (120, 115, 116, True),
    (149, 116, 116, False),
    (150, 60, None, False),
])  # fmt: skip
def test_the_level_that_asks_must_be_left(counted: int, after: int, bound: int | None, worth: bool) -> None:
    seen = up(counted, after)
    assert target(seen, (), Limits()) == bound
    assert found(seen) == ((counted, after) if worth else None)


def test_a_level_that_only_lingers_asks_for_nothing() -> None:
    lingers = replace(inventory(97, 60), level=Level.MONITOR)
    assert found(up(97, 60, inventory=lingers)) is None
    lower = replace(inventory(117, 90), level=Level.WARNING)
    assert found(up(117, 90, inventory=lower)) == (117, 90)


def test_only_a_session_that_is_surely_well_is_closed_for_it() -> None:
    odd = inventory(110, 60)
    odd = replace(odd, pre_keys=replace(odd.pre_keys, anomalies=("pre-key-900.json",)))
    assert found(up(110, 60, inventory=odd)) is None, "what a log or an alert tells only after a minute counts at once"
    assert found(up(110, 60, conn=ConnState.DISCONNECTED)) is None
    assert found(up(110, 60, unknown=True)) is None
    assert found(up(110, 60, inventory=None)) is None
    assert target(up(110, 60, inventory=None, stale_at=NOW), (), Limits()) is None
    counted_less = replace(inventory(110, 60), reclaimable=0)
    assert found(up(110, 60, inventory=counted_less)) is None


@pytest.mark.parametrize(("ago_s", "worth"), [(7 * DAY - 1, False), (7 * DAY, True)])
@pytest.mark.parametrize("outcome", [Outcome.HEALED, Outcome.FAILED, Outcome.DONE])
def test_once_in_a_week_whoever_cleaned(ago_s: float, worth: bool, outcome: Outcome) -> None:
    last = tried(Rung.CLEANUP, Cause.DISCONNECTED, outcome, ago_s, operator="ann")
    assert (found(up(110, 60), last) is not None) is worth


def test_one_of_our_own_that_was_refused_counts_for_its_session_may_have_been_closed() -> None:
    assert found(up(110, 60), tried(Rung.CLEANUP, PLANNED, Outcome.REFUSED, DAY)) is None


def test_the_newest_cleanup_counts() -> None:
    long_ago = tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, 7 * DAY + 60)
    assert found(up(110, 60), long_ago, tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, DAY)) is None


def test_what_never_came_to_a_cleanup_bars_none() -> None:
    never = (
        tried(Rung.CLEANUP, PLANNED, Outcome.SUPERSEDED, 60),
        tried(Rung.CLEANUP, PLANNED, Outcome.FAILED, 70, untouched=True),
        tried(Rung.CLEANUP, PLANNED, None, 5),
        tried(Rung.RECONNECT, Cause.DISCONNECTED, Outcome.HEALED, 80),
        tried(Rung.CLEANUP, Cause.DISCONNECTED, Outcome.REFUSED, 90, operator="ann"),
    )
    assert found(up(110, 60), *never) == (110, 60)


def test_stale_sessions_queue_whatever_may_go_but_not_from_a_folder_that_is_nearly_empty() -> None:
    at = NOW - DAY
    assert found(up(60, 59, stale_at=at)) == (60, 59)
    assert found(up(60, 60, stale_at=at)) is None
    assert found(up(50, 40, stale_at=at)) == (50, 40)
    assert found(up(49, 10, stale_at=at)) is None
    assert found(up(119, 110, stale_at=at)) == (119, 110), "more than its level alone would ask for"


def test_what_was_cleaned_since_is_no_longer_queued() -> None:
    week = 7 * DAY + 60
    assert found(up(60, 50, stale_at=NOW - week - 1), tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, week)) is None
    assert found(up(60, 50, stale_at=NOW - week), tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, week)) is None
    assert found(up(60, 50, stale_at=NOW - week + 1), tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, week)) == (60, 50)


# --- on the ladder ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fleet", "reason"), [
    (ACTING, Reason.WAIT_FOR_WINDOW),
    (replace(ACTING, window=False), Reason.WAIT_FOR_WINDOW),
    (replace(OPEN, neighbour=True), Reason.ACTION_RUNNING),
    (replace(OPEN, other_incident=True), Reason.OTHER_INCIDENT),
    (replace(OPEN, neighbour_failed=True), Reason.NEIGHBOUR_FAILED),
    (replace(OPEN, paused=True), Reason.PAUSED),
    (replace(OPEN, act=False), Reason.OBSERVING),
])  # fmt: skip
def test_it_waits(fleet: ladder.Fleet, reason: Reason) -> None:
    decision = decide(case(PLANNED, seen=up(110, 60), fleet=fleet))
    assert (decision.verb, decision.reason) == (Verb.HOLD, reason)


def test_it_is_done_in_the_window_and_aims_at_its_level() -> None:
    made = case(PLANNED, seen=up(130, 60), fleet=OPEN)
    assert decide(made) == Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.CLEANUP)
    assert ladder.cleanup_target(made) == 116
    queued = case(PLANNED, seen=up(60, 59, stale_at=NOW - 60), fleet=OPEN)
    assert decide(queued).verb is Verb.ACT
    assert ladder.cleanup_target(queued) == 60
    assert ladder.cleanup_target(case(PLANNED, seen=view(inventory=None))) is None


def test_a_week_must_have_passed_on_the_ladder_too() -> None:
    lately = (tried(Rung.CLEANUP, Cause.DISCONNECTED, Outcome.HEALED, DAY),)
    decision = decide(case(PLANNED, seen=up(130, 60), fleet=OPEN, history=lately))
    assert (decision.reason, decision.until) == (Reason.COOLDOWN, NOW + 6 * DAY)


def test_nobody_is_called_for_what_was_only_planned() -> None:
    small = case(PLANNED, seen=up(90, 60), fleet=OPEN)
    assert decide(small) == Decision(Verb.HOLD, Reason.LEVEL_TOO_LOW)
    done = case(PLANNED, tried(Rung.CLEANUP, PLANNED, Outcome.UNDONE, 60), seen=up(130, 60), fleet=OPEN)
    assert decide(done) == Decision(Verb.HOLD, Reason.NO_RUNG_LEFT)
    down = case(PLANNED, tried(Rung.CLEANUP, PLANNED, Outcome.FAILED, 60), seen=view(), fleet=OPEN)
    assert decide(down).verb is Verb.HUMAN


@pytest.mark.parametrize(("ago_s", "verb"), [(299, Verb.HOLD), (300, Verb.HUMAN)])
def test_a_session_that_was_only_just_started_again_has_its_time_to_open(ago_s: float, verb: Verb) -> None:
    refused = tried(Rung.CLEANUP, PLANNED, Outcome.REFUSED, ago_s)
    assert decide(case(PLANNED, refused, seen=view(), fleet=OPEN)).verb is verb
    open_end = replace(refused, ended_at=None)
    assert decide(case(PLANNED, open_end, seen=view(), fleet=OPEN)).verb is verb
    long = replace(refused, begun_at=NOW - 5000)
    earlier = tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, 9000)
    assert decide(case(PLANNED, earlier, long, seen=view(), fleet=OPEN)).verb is verb


@pytest.mark.parametrize(("attempts", "seen", "down"), [
    ((), view(), False),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.FAILED, 60),), view(), True),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.FAILED, 60),), up(60, 60), False),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.FAILED, 90), tried(Rung.CLEANUP, outcome=Outcome.HEALED)), view(), False),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.REFUSED, 60),), view(), True),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.UNDONE, 60),), view(), True),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.FAILED, 60, untouched=True),), view(), False),
    ((tried(Rung.CLEANUP, PLANNED, Outcome.HEALED, 60),), view(), False),
])  # fmt: skip
def test_only_a_session_that_did_not_come_back_is_no_longer_planned(
    attempts: tuple[Attempt, ...], seen: CompanyView, down: bool
) -> None:
    assert left_down(incident(PLANNED, *attempts), seen) is down
    assert not left_down(None, seen)


@pytest.mark.parametrize(("outcome", "healed", "text"), [
    (Outcome.HEALED, True, "Cleaned, after"),
    (Outcome.SUPERSEDED, False, "Left for another window, after"),
    (Outcome.REFUSED, False, "Not cleaned, after"),
    (Outcome.UNDONE, False, "Not cleaned, after"),
    (Outcome.FAILED, False, "Not cleaned, after"),
    (None, False, "Left for another window, after"),
])  # fmt: skip
def test_how_a_planned_cleanup_is_over(outcome: Outcome | None, healed: bool, text: str) -> None:
    attempts = () if outcome is None else (tried(Rung.CLEANUP, Cause.FILES_PLANNED, outcome, 60),)
    over = cleared(incident(Cause.FILES_PLANNED, *attempts, clear_since=NOW - 60), NOW, 30, healed=healed)
    assert over.story[-1].text.startswith(text)
