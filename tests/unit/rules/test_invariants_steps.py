"""The promises about steps: kept by a whole action, and breached by the same with one thing wrong; and their edges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.evidence import Intended, Looked, LookedAgain, Removed, Removing, Sight, StepBegun, StillBefore
from baileykeep.model.incident import Rung
from baileykeep.model.limits import LadderLimits, Limits
from baileykeep.rules import invariants_steps as steps
from tests.unit.rules.sights import (
    BEGUN,
    COVERED,
    MONO,
    REMOVING,
    STOPPED,
    Told,
    attempt,
    begun,
    breached,
    instead,
    resumed,
    without,
    wrong,
)


def test_a_step_without_a_begun_action_is_barred() -> None:
    assert breached((StepBegun("stop"), 0)) == ["intent_before_effect"]
    other = replace(attempt(Rung.RECONNECT), action_id="a2")
    story = ((replace(begun(), attempt=other), 0.0), (Intended(), 0.0), (LookedAgain(True), 0.0))
    assert breached(*story, (StepBegun("reconnect"), 0)) == ["intent_before_effect"]


def test_an_effect_before_the_intent_is_journaled_is_barred() -> None:
    story = (*without(BEGUN, Intended), (StepBegun("stop"), 0.0))
    assert breached(*story) == ["intent_before_effect"]


@pytest.mark.parametrize(("sight", "ok"), [
    (StepBegun("verify", journaled=False), False),
    (StepBegun("stop", journaled=False, must_come=True), False),
    (StepBegun("start", journaled=False, must_come=True), True),
    (StepBegun("start", must_come=True), True),
    (StepBegun("wait_for_scan", journaled=False, must_come=True), True),
])  # fmt: skip
def test_only_a_start_may_do_without_the_journal(sight: StepBegun, ok: bool) -> None:
    assert breached(*BEGUN, (sight, 0)) == ([] if ok else ["intent_before_effect"])


def test_the_symptom_is_looked_at_before_the_first_effect() -> None:
    assert breached(*without(BEGUN, LookedAgain), (StepBegun("verify"), 0)) == []
    assert breached(*without(BEGUN, LookedAgain), (StepBegun("stop"), 0)) == ["looked_again_before_acting"]
    gone = instead(BEGUN, LookedAgain, wrong=False)
    assert breached(*gone, (StepBegun("stop"), 0)) == ["looked_again_before_acting"]


def test_a_look_at_the_symptom_does_not_last_for_ever_but_longer_than_an_action_takes() -> None:
    assert breached(*BEGUN, (StepBegun("stop"), 301)) == ["looked_again_before_acting"]
    assert breached(*BEGUN, (StepBegun("stop"), 300), (StepBegun("reconnect"), 600)) == []


def test_an_operator_need_not_wait_for_a_symptom() -> None:
    story = ((begun(Rung.RECONNECT, manual=True, operator="ann"), 0.0), (Intended(), 0.0))
    assert breached(*story, (StepBegun("reconnect"), 0)) == []


def test_an_action_of_a_dead_daemon_is_looked_into_before_anything_is_done_again() -> None:
    story = ((resumed(Rung.RECONNECT, "reconnect"), 0.0), (LookedAgain(True), 0.0))
    assert breached(*story, (StepBegun("reconnect"), 0)) == ["nothing_repeated_blindly"]
    assert breached(*story, (Looked(False), 0), (StepBegun("reconnect"), 0)) == []
    assert breached(*story, (StepBegun("start", must_come=True), 0)) == []


def test_a_process_is_not_restarted_twice_for_one_decision() -> None:
    story = ((resumed(Rung.RESTART_PROCESS, "restart_process"), 0.0), (LookedAgain(True), 0.0), (Looked(False), 0.0))
    assert breached(*story, (StepBegun("restart_process"), 0)) == ["nothing_repeated_blindly"]
    first = ((resumed(Rung.RESTART_PROCESS), 0.0), *story[1:])
    assert breached(*first, (StepBegun("restart_process"), 0)) == []


def test_taking_a_set_aside_back_after_a_crash_needs_no_symptom_but_a_proved_stop() -> None:
    story: Told = ((resumed(Rung.RELINK, "stop", "set_aside"), 0), (Looked(False), 0))
    assert breached(*story, (StepBegun("put_back"), 0)) == ["stopped_before_files_change"]
    assert breached(*story, *STOPPED, (StepBegun("put_back"), 0)) == []


@pytest.mark.parametrize("looks", [
    (),
    ((Looked(True, token="t1"), 0.0),),
    ((Looked(True, token="t1"), 0.0), (Looked(True, token="t1"), 9.0)),
    ((Looked(True, token="t1"), 0.0), (Looked(True, token="t2"), 20.0)),
    ((Looked(True, token="t1"), 0.0), (Looked(True, token="t1"), 20.0), (Looked(False), 0.0)),
    ((Looked(True, token="t1"), 0.0), (Looked(False), 5.0), (Looked(True, token="t1"), 5.0)),
    ((Looked(True, token="t1"), 0.0), (Looked(True, token="t1"), 20.0), (StepBegun("verify"), 61.0)),
    ((Looked(True, token="t1"), 0.0), (Looked(True, token="t1"), 20.0), (StepBegun("stop"), 0.0)),
    ((Looked(True, token="t1"), 0.0), (Looked(True, token="t1"), 20.0), (StepBegun("start", must_come=True), 0.0)),
    ((Looked(True), 0.0), (Looked(True), 20.0)),
])  # fmt: skip
@pytest.mark.parametrize("step", [*sorted(steps.ON_FILES), "something_new"])
def test_files_do_not_change_before_the_stop_is_proved(looks: Told, step: str) -> None:
    found = breached(*BEGUN, (StepBegun("stop"), 0), *looks, (StepBegun(step), 0))
    assert found == ["stopped_before_files_change"]


@pytest.mark.parametrize(("before", "looks"), [
    (StillBefore(MONO - 20, MONO - 4, "t1"), ()),
    (StillBefore(MONO - 20, MONO - 4, "t1"), ((Looked(True, token="t2"), 0.0),)),
    (StillBefore(MONO - 20, MONO - 4, "t1"), ((Looked(False), 0.0),)),
    (StillBefore(MONO - 20, MONO - 4, "t1"), ((Looked(True), 0.0), (StepBegun("stop"), 0.0), (Looked(True), 0.0))),
    (StillBefore(MONO - 90, MONO - 31, "t1"), ((Looked(True, token="t1"), 0.0),)),
    (StillBefore(MONO - 20, MONO + 1, "t1"), ((Looked(True, token="t1"), 0.0),)),
    (StillBefore(MONO - 9, MONO - 4, "t1"), ((Looked(True, token="t1"), 0.0),)),
])  # fmt: skip
def test_looks_before_the_action_prove_nothing_unless_its_own_finds_the_same(before: StillBefore, looks: Told) -> None:
    found = breached(*BEGUN, (StepBegun("stop"), 0), (before, 0), *looks, (StepBegun("set_aside"), 0))
    assert found == ["stopped_before_files_change"]


def test_looks_before_the_action_count_when_its_own_finds_the_same() -> None:
    before = StillBefore(MONO - 10, MONO - 4, "t1")
    proof = ((before, 0.0), (Looked(True, token="t1"), 0.0))
    assert breached(*BEGUN, (StepBegun("stop"), 0), *proof, (StepBegun("set_aside"), 0)) == []


def test_looks_before_the_action_count_no_more_once_it_started_the_session() -> None:
    story: Told = (*BEGUN, (StepBegun("stop"), 0), (StepBegun("start", must_come=True), 0), (StepBegun("stop"), 0))
    before, own = (StillBefore(MONO - 20, MONO - 4, "t1"), 0.0), (Looked(True, token="t1"), 0.0)
    assert breached(*story, before, own, (StepBegun("put_back"), 0)) == ["stopped_before_files_change"]


def test_looks_before_the_action_do_not_replace_its_own() -> None:
    own, before = (Looked(True, token="t1"), 0.0), (StillBefore(MONO - 20, MONO - 4, "t1"), 0.0)
    assert breached(*BEGUN, (StepBegun("stop"), 0), own, before, own, (StepBegun("set_aside"), 0)) == [
        "stopped_before_files_change"
    ]


@pytest.mark.parametrize("step", sorted(steps.ON_FILES))
def test_files_may_change_after_it(step: str) -> None:
    assert breached(*BEGUN, *STOPPED, (StepBegun(step), 60)) == []


def test_a_longer_quiet_time_is_waited_for_where_it_is_configured() -> None:
    longer = Limits(ladder=LadderLimits(quiet_folder_s=11))
    assert breached(*BEGUN, *STOPPED, (StepBegun("remove"), 0), limits=longer) == ["stopped_before_files_change"]
    wider = Limits(ladder=LadderLimits(stopped_gap_s=11))
    assert breached(*BEGUN, *STOPPED, (StepBegun("remove"), 0), limits=wider) == ["stopped_before_files_change"]


@pytest.mark.parametrize("step", ["stop", "reconnect", "reset"])
def test_an_action_taken_up_looks_at_the_symptom_again_before_it_goes_on(step: str) -> None:
    story: Told = ((resumed(Rung.RECONNECT, "verify"), 0), (Looked(False), 0))
    assert breached(*story, (StepBegun(step), 0)) == ["looked_again_before_acting"]
    assert breached(*story, (LookedAgain(True), 0), (StepBegun(step), 0)) == []


def test_a_session_that_opened_meanwhile_bars_the_removal_that_was_prepared() -> None:
    before = without(COVERED, Removing, Removed)
    opened = (Looked(False, True), 0.0)
    assert breached(*BEGUN, *STOPPED, *before, opened, (REMOVING, 0)) == ["stopped_before_files_change"]
    assert breached(*BEGUN, *STOPPED, *before, (REMOVING, 61)) == ["stopped_before_files_change"]
    assert breached(*BEGUN, *STOPPED, *before, (REMOVING, 60)) == []


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
        before: Told = (*BEGUN, *STOPPED, *without(COVERED, "remove", Removing, Removed))
        moved = (*before, (step, 0.0))
        assert wrong(*moved, remove) == ["the session is connected, or nobody knows"]
        look = (Looked(True, token="t1"), 5.0)
        assert wrong(*moved, look, remove) == ["the stop is not proved"]
        assert wrong(*moved, (Looked(True), 5.0), remove) == ["the stop is not proved"]
        assert wrong(*moved, look, look, look, remove) == []
        assert breached(*moved, look, look, look, (REMOVING, 0)) == ["backup_before_removal"]
