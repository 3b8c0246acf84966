"""The promises about how an action ends: what was stopped runs again, and healed means verified."""

from __future__ import annotations

import pytest

from baileykeep.model.evidence import CredsLooked, Ended, Looked, LookedAgain, StepBegun
from baileykeep.model.incident import Cause, Outcome, Rung
from baileykeep.model.limits import LadderLimits, Limits
from tests.unit.rules.sights import (
    BEGUN,
    COVERED,
    HEALED,
    STOPPED,
    VERIFIED,
    Told,
    attempt,
    begun,
    breached,
    resumed,
    told,
    without,
)

FAILED = (Ended(attempt(outcome=Outcome.FAILED)), 0.0)


def test_what_was_stopped_is_started_before_the_end() -> None:
    assert breached(*BEGUN, *STOPPED, FAILED) == ["session_started_again"]
    assert breached(*BEGUN, *STOPPED, (StepBegun("start", must_come=True), 0), FAILED) == []
    assert breached(*BEGUN, *STOPPED, *VERIFIED, (StepBegun("stop"), 0), FAILED) == ["session_started_again"]
    assert breached(FAILED) == []


def test_a_dead_daemons_stop_is_made_good_or_found_to_be_over() -> None:
    half: Told = ((resumed(Rung.CLEANUP, "stop", "prove_stopped"), 0),)
    assert breached(*half, FAILED) == ["session_started_again"]
    assert breached(*half, (Looked(False, True), 0), FAILED) == []
    assert breached((resumed(Rung.CLEANUP, "stop", "start"), 0), FAILED) == []
    assert breached((resumed(Rung.CLEANUP, "stop", "start", "stop"), 0), FAILED) == ["session_started_again"]
    again: Told = (*half, (Looked(False), 0), (LookedAgain(True), 0), (StepBegun("stop"), 0), (Looked(False, True), 0))
    assert breached(*again, FAILED) == ["session_started_again"]


def test_a_session_stays_closed_only_over_creds_that_are_damaged() -> None:
    closed = (StepBegun("left_closed", must_come=True), 0.0)
    assert breached(*BEGUN, *STOPPED, closed, FAILED) == ["session_started_again"]
    assert breached(*BEGUN, *STOPPED, (CredsLooked(False), 0), closed, FAILED) == ["session_started_again"]
    assert breached(*BEGUN, *STOPPED, (CredsLooked(True), 0), closed, FAILED) == []
    assert breached(*BEGUN, (CredsLooked(True), 0), closed, FAILED) == []
    assert breached((resumed(Rung.CLEANUP, "stop", "left_closed"), 0), FAILED) == []


@pytest.mark.parametrize("step", [StepBegun("start", must_come=True), StepBegun("reconnect")])
def test_nothing_is_opened_over_damaged_creds_before_they_are_replaced(step: StepBegun) -> None:
    assert breached(*BEGUN, (CredsLooked(True), 0), (step, 0)) == ["damaged_creds_are_not_opened"]
    assert breached(*BEGUN, (CredsLooked(True), 0), (CredsLooked(False), 0), (step, 0)) == []
    assert breached(*BEGUN, (CredsLooked(True), 0), *STOPPED, (StepBegun("put_back"), 0), (step, 0)) == []
    assert breached((step, 0)) == ["intent_before_effect"]


@pytest.mark.parametrize("looks", [
    (),
    ((Looked(False, True), 5.0),),
    ((Looked(False, True), 5.0), (Looked(False, True), 29.0)),
    ((Looked(False, True), 5.0), (Looked(False, False), 15.0), (Looked(False, True), 15.0)),
    ((Looked(False, True), 5.0), (Looked(False, True), 30.0), (Looked(False, False), 5.0)),
])  # fmt: skip
def test_healed_is_said_only_of_what_was_steady(looks: Told) -> None:
    story = (*BEGUN, *STOPPED, *COVERED, *without(VERIFIED, Looked), *looks, *HEALED)
    assert breached(*story) == ["healed_means_verified"]


def test_a_restarted_process_must_have_been_looked_at() -> None:
    healed = (Ended(attempt(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN, outcome=Outcome.HEALED)), 0.0)
    story = ((resumed(Rung.RESTART_PROCESS, "restart_process", cause=Cause.GATEWAY_DOWN), 0.0),)
    assert breached(*story, healed) == ["healed_means_verified"]
    assert breached(*story, (StepBegun("verify"), 0), healed) == []
    assert breached(healed) == []


def test_an_end_that_broke_a_promise_is_an_end_all_the_same() -> None:
    watch, found = told(*BEGUN, *STOPPED, FAILED)
    assert found == ["session_started_again"]
    assert watch.act is None


def test_what_was_never_seen_open_is_not_healed_even_where_no_steady_time_is_asked_for() -> None:
    healed = (Ended(attempt(Rung.RECONNECT, outcome=Outcome.HEALED)), 0.0)
    at_once = Limits(ladder=LadderLimits(steady_s=0))
    story = ((begun(), 0.0), *BEGUN[1:], (StepBegun("reconnect"), 0.0))
    assert breached(*story, (Looked(False, running=True), 0), healed, limits=at_once) == ["healed_means_verified"]
    assert breached(*story, (Looked(False, True), 0), healed, limits=at_once) == []
