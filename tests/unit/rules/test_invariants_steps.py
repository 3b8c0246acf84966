"""The edges of the promises about steps, ends and the list itself."""

from __future__ import annotations

import pytest

from baileykeep.model.evidence import Ended, Looked, LookedAgain, Removed, Removing, Sight, StepBegun
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import LadderLimits, Limits
from baileykeep.rules import invariants_steps as steps
from baileykeep.rules.invariants import INVARIANTS, promise
from tests.unit.rules.sights import (
    BEGUN,
    COVERED,
    REMOVING,
    STOPPED,
    attempt,
    begun,
    resumed,
    told,
    without,
    wrong,
)

FAILED = (Ended(attempt(outcome=Outcome.FAILED)), 0.0)


def test_without_its_documentation_a_promise_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `python -OO`."""
    monkeypatch.setattr(steps.intent_before_effect, "__doc__", None)
    assert promise("intent_before_effect") == "intent_before_effect"
    assert set(INVARIANTS) > {promise("intent_before_effect")}


def test_an_end_that_broke_a_promise_is_an_end_all_the_same() -> None:
    watch, found = told(*BEGUN, *STOPPED, FAILED)
    assert found == ["session_started_again"]
    assert watch.act is None


def test_what_a_dead_daemon_left_is_taken_up_even_where_it_should_not_have_been() -> None:
    watch, found = told((begun(), 0), (resumed(Rung.CLEANUP, "stop"), 0))
    assert found == ["one_action_at_a_time"]
    assert watch.act is not None
    assert (watch.act.rung, watch.act.owes_start) == (Rung.CLEANUP, True)


@pytest.mark.parametrize("step", ["stop", "reconnect", "reset"])
def test_an_action_taken_up_looks_at_the_symptom_again_before_it_goes_on(step: str) -> None:
    story: tuple[tuple[Sight, float], ...] = ((resumed(Rung.RECONNECT, "verify"), 0), (Looked(False), 0))
    assert told(*story, (StepBegun(step), 0))[1] == ["looked_again_before_acting"]
    assert told(*story, (LookedAgain(True), 0), (StepBegun(step), 0))[1] == []


def test_a_session_that_opened_meanwhile_bars_the_removal_that_was_prepared() -> None:
    before = without(COVERED, Removing, Removed)
    opened = (Looked(False, True), 0.0)
    assert told(*BEGUN, *STOPPED, *before, opened, (REMOVING, 0))[1] == ["stopped_before_files_change"]
    assert told(*BEGUN, *STOPPED, *before, (REMOVING, 61))[1] == ["stopped_before_files_change"]
    assert told(*BEGUN, *STOPPED, *before, (REMOVING, 60))[1] == []


def test_a_session_that_runs_is_told_apart_from_a_stop_that_is_not_proved_yet_and_from_an_old_look() -> None:
    def before_removal(*looks: tuple[Sight, float]) -> list[str]:
        return wrong(*BEGUN, (StepBegun("stop"), 0), *looks, (StepBegun("remove"), 0))

    runs = "the session is connected, or nobody knows"
    assert before_removal() == [runs]
    assert before_removal((Looked(False, running=True), 0)) == [runs]
    assert before_removal((Looked(True, token="t1"), 0)) == ["the stop is not proved"]
    old = (*STOPPED, (StepBegun("verify"), 61.0))
    assert before_removal(*old) == ["the last look at the session is too old"]


def test_a_stop_and_a_start_end_whatever_was_proved_before_them() -> None:
    remove = (StepBegun("remove"), 0.0)
    for step in (StepBegun("stop"), StepBegun("start", must_come=True), StepBegun("restart_process")):
        before: tuple[tuple[Sight, float], ...] = (*BEGUN, *STOPPED, *without(COVERED, "remove", Removing, Removed))
        moved = (*before, (step, 0.0))
        assert wrong(*moved, remove) == ["the session is connected, or nobody knows"]
        look = (Looked(True, token="t1"), 5.0)
        assert wrong(*moved, look, remove) == ["the stop is not proved"]
        assert wrong(*moved, (Looked(True), 5.0), remove) == ["the stop is not proved"]
        assert wrong(*moved, look, look, look, remove) == []
        assert told(*moved, look, look, look, (REMOVING, 0))[1] == ["backup_before_removal"]


def test_what_was_never_seen_open_is_not_healed_even_where_no_steady_time_is_asked_for() -> None:
    healed = (Ended(attempt(Rung.RECONNECT, outcome=Outcome.HEALED)), 0.0)
    at_once = Limits(ladder=LadderLimits(steady_s=0))
    story = ((begun(), 0.0), *BEGUN[1:], (StepBegun("reconnect"), 0.0))
    assert told(*story, (Looked(False, running=True), 0), healed, limits=at_once)[1] == ["healed_means_verified"]
    assert told(*story, (Looked(False, True), 0), healed, limits=at_once)[1] == []
