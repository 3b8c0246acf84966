"""Each promise kept by a whole action, and breached by the same with one thing wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.backup import BackupKind
from baileykeep.model.evidence import (
    BackedUp,
    CredsLooked,
    Ended,
    Intended,
    Looked,
    LookedAgain,
    Planned,
    Removed,
    Removing,
    Sight,
    StepBegun,
    StillBefore,
    Way,
)
from baileykeep.model.incident import Cause, Outcome, Rung
from baileykeep.model.limits import DAY, CleanupLimits, LadderLimits, Limits
from baileykeep.rules import invariants_steps as steps
from baileykeep.rules.invariants import INVARIANTS, promise
from baileykeep.rules.watch import MOST_TRIES, Watch
from baileykeep.rules.words import STEPS
from tests.unit.rules.sights import (
    BEGUN,
    COLD,
    COVERED,
    FOLDER,
    HEALED,
    MONO,
    NOW,
    OLD_KEY,
    OLD_SESSION,
    PLAN,
    REMOVING,
    STOPPED,
    VERIFIED,
    WHOLE_CLEANUP,
    attempt,
    begun,
    files,
    instead,
    resumed,
    told,
    without,
)

Told = tuple[tuple[Sight, float], ...]


def breached(*story: tuple[Sight, float], **more: Any) -> list[str]:
    return told(*story, **more)[1]


def test_every_promise_is_one_sentence_and_has_its_own_name() -> None:
    texts = [promise(name) for name in INVARIANTS]
    assert len(set(texts)) == len(texts)
    assert promise("network_and_brake_obeyed") == (
        "Offline, or with WhatsApp out of reach, nothing is begun by itself, and under the fleet brake only what a "
        "code proved, or the restart of a gateway's process"
    )
    assert all(30 < len(text) < 300 and "\n" not in text and not text.endswith(".") for text in texts)


def test_every_step_of_every_action_is_of_one_kind() -> None:
    kinds = (steps.HARMLESS, steps.ON_SESSION, steps.ON_FILES)
    assert frozenset().union(*kinds) == set(STEPS)
    assert sum(map(len, kinds)) == len(STEPS)


def test_a_whole_cleanup_keeps_every_promise_and_leaves_only_its_try() -> None:
    watch, found = told(*WHOLE_CLEANUP)
    assert found == []
    assert watch.act is None
    assert [(t.rung, t.by_itself) for t in watch.tries] == [(Rung.CLEANUP, True)]


# --- steps ------------------------------------------------------------------------------------------------------


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


# --- ends -------------------------------------------------------------------------------------------------------


def test_what_was_stopped_is_started_before_the_end() -> None:
    failed = (Ended(attempt(outcome=Outcome.FAILED)), 0.0)
    assert breached(*BEGUN, *STOPPED, failed) == ["session_started_again"]
    assert breached(*BEGUN, *STOPPED, (StepBegun("start", must_come=True), 0), failed) == []
    assert breached(*BEGUN, *STOPPED, *VERIFIED, (StepBegun("stop"), 0), failed) == ["session_started_again"]
    assert breached(failed) == []


def test_a_dead_daemons_stop_is_made_good_or_found_to_be_over() -> None:
    failed = (Ended(attempt(outcome=Outcome.FAILED)), 0.0)
    half: Told = ((resumed(Rung.CLEANUP, "stop", "prove_stopped"), 0),)
    assert breached(*half, failed) == ["session_started_again"]
    assert breached(*half, (Looked(False, True), 0), failed) == []
    assert breached((resumed(Rung.CLEANUP, "stop", "start"), 0), failed) == []
    assert breached((resumed(Rung.CLEANUP, "stop", "start", "stop"), 0), failed) == ["session_started_again"]
    again: Told = (*half, (Looked(False), 0), (LookedAgain(True), 0), (StepBegun("stop"), 0), (Looked(False, True), 0))
    assert breached(*again, failed) == ["session_started_again"]


def test_a_session_stays_closed_only_over_creds_that_are_damaged() -> None:
    failed = (Ended(attempt(outcome=Outcome.FAILED)), 0.0)
    closed = (StepBegun("left_closed", must_come=True), 0.0)
    assert breached(*BEGUN, *STOPPED, closed, failed) == ["session_started_again"]
    assert breached(*BEGUN, *STOPPED, (CredsLooked(False), 0), closed, failed) == ["session_started_again"]
    assert breached(*BEGUN, *STOPPED, (CredsLooked(True), 0), closed, failed) == []
    assert breached(*BEGUN, (CredsLooked(True), 0), closed, failed) == []
    assert breached((resumed(Rung.CLEANUP, "stop", "left_closed"), 0), failed) == []


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


# --- what leaves a folder -----------------------------------------------------------------------------------------


def removed(sight: Removing, *, plan: Planned | None = PLAN, backup: BackedUp | None = None, **more: Any) -> list[str]:
    """What is breached when this leaves the folder after a proved stop, this plan and this backup."""
    rung = more.pop("rung", Rung.CLEANUP)
    first = (begun(rung, Cause.FILES_DANGER, manual=True, operator="ann"), 0.0)
    planned: Told = ((plan, 0.0),) if plan is not None else ()
    story = (first, *BEGUN[1:], *STOPPED, (backup or BackedUp(COLD), 0.0), *planned, (sight, 0.0))
    return breached(*story, **more)


def test_nothing_goes_without_a_cold_backup_of_all_of_it_that_was_read_again() -> None:
    assert removed(REMOVING) == []
    name = ["backup_before_removal"]
    assert breached(*without(WHOLE_CLEANUP, BackedUp, Removed)) == name
    assert removed(replace(REMOVING, backup=None)) == name
    assert removed(replace(REMOVING, backup=replace(COLD, name="b2"))) == name
    for bad in ({"sha256": ""}, {"kind": BackupKind.HOT}, {"whole": False}, {"paired": False}, {"token": "t0"}):
        assert removed(replace(REMOVING, backup=replace(COLD, **bad))) == name
    for bad in ({"sha256": ""}, {"kind": BackupKind.HOT}):
        assert removed(REMOVING, backup=BackedUp(replace(COLD, **bad))) == name


def test_a_backup_of_a_session_that_ran_does_not_count() -> None:
    early = (*BEGUN, (BackedUp(COLD), 0.0), *STOPPED, (PLAN, 0.0), (REMOVING, 0.0))
    assert breached(*early) == ["backup_before_removal"]


def test_a_removal_of_no_action_breaks_all_that_could_cover_it() -> None:
    assert breached((REMOVING, 0)) == ["backup_before_removal", "removed_within_plan_within_listing"]


@pytest.mark.parametrize("changes", [
    {"names": (OLD_SESSION, OLD_SESSION)},
    {"names": (OLD_SESSION, "session-4915100000009.0.json")},
    {"names": (OLD_SESSION, OLD_KEY, "pre-key-2.json")},
])  # fmt: skip
def test_what_goes_is_in_the_plan_and_there(changes: dict[str, Any]) -> None:
    found = removed(replace(REMOVING, **changes))
    assert "removed_within_plan_within_listing" in found


def test_the_plan_is_of_the_folder_as_it_lies_there() -> None:
    name = ["removed_within_plan_within_listing"]
    assert removed(REMOVING, plan=replace(PLAN, token="t0")) == name
    assert removed(REMOVING, plan=None) == name
    assert removed(REMOVING, plan=replace(PLAN, files=FOLDER[1:])) == name


def test_what_is_not_there_any_more_is_not_removed() -> None:
    left = tuple(file for file in FOLDER if file.name != OLD_KEY)
    assert "removed_within_plan_within_listing" in removed(replace(REMOVING, files=left))


def test_each_way_belongs_to_its_rungs() -> None:
    aside = replace(REMOVING, way=Way.NAMED_ASIDE, names=(OLD_SESSION,))
    assert removed(aside, rung=Rung.REPAIR_SESSIONS) == []
    assert removed(aside, rung=Rung.CLEANUP) == ["removed_within_plan_within_listing"]
    assert removed(REMOVING, rung=Rung.RELINK) == ["removed_within_plan_within_listing"]


def test_a_whole_folder_goes_but_for_what_is_not_baileys_own() -> None:
    ours = tuple(file.name for file in FOLDER if file.name != "notes.txt")
    plan = replace(PLAN, names=ours)
    aside = replace(REMOVING, way=Way.WHOLE_ASIDE, names=ours, backup=replace(COLD, paired=False))
    assert removed(aside, plan=plan, rung=Rung.RELINK) == []
    everything = (*ours, "notes.txt")
    found = removed(replace(aside, names=everything), plan=replace(plan, names=everything), rung=Rung.RELINK)
    assert found == ["never_list_kept"]


def test_what_an_unfinished_pairing_left_goes_after_its_own_backup_and_needs_no_plan() -> None:
    left = replace(REMOVING, way=Way.PUT_BACK, names=("creds.json",), token="t9")
    assert removed(left, plan=None, rung=Rung.RELINK) == []
    assert removed(replace(left, backup=None), plan=None, rung=Rung.RELINK) == ["backup_before_removal"]


@pytest.mark.parametrize("name", [
    "creds.json", "notes.txt", "lid-mapping-4915100000001.json", "app-state-sync-key-AAAA.json",
    "device-list-4915100000001.json", "session-4915100000001.0.json.bak",
])  # fmt: skip
def test_the_never_list_stays(name: str) -> None:
    folder = (*files(name), *(file for file in FOLDER if file.name != name))
    sight = replace(REMOVING, names=(name,), files=folder)
    assert removed(sight, plan=replace(PLAN, names=(name,), files=folder)) == ["never_list_kept"]


def test_a_mistaken_category_is_seen_by_the_name_and_a_mistaken_name_by_the_category() -> None:
    creds = replace(files(OLD_SESSION)[0], name="creds.json")
    folder = (creds, *(file for file in FOLDER if file.name != "creds.json"))
    sight = replace(REMOVING, names=("creds.json",), files=folder)
    assert removed(sight, plan=replace(PLAN, names=("creds.json",), files=folder)) == ["never_list_kept"]
    assert removed(replace(REMOVING, way=Way.NAMED_ASIDE, names=(OLD_KEY,)), rung=Rung.REPAIR_SESSIONS) == [
        "never_list_kept"
    ]


@pytest.mark.parametrize(
    ("there", "gone", "ok"), [(31, 1, True), (30, 1, False), (40, 10, True), (40, 11, False), (5, 0, True)]
)
def test_thirty_pre_keys_stay(there: int, gone: int, ok: bool) -> None:
    keys = files(*(f"pre-key-{n}.json" for n in range(1, there + 1)))
    folder = (*keys, *files(OLD_SESSION))
    names = (OLD_SESSION, *(key.name for key in keys[:gone]))
    plan = replace(PLAN, names=names, files=folder)
    found = removed(replace(REMOVING, names=names, files=folder), plan=plan)
    assert found == ([] if ok else ["thirty_pre_keys_kept"])


def test_the_floor_is_fourteen_days_or_what_is_configured_and_never_less_than_seven() -> None:
    def clean(
        days: float, *, forced: bool = False, limits: Limits | None = None, up_days: float | None = 0
    ) -> list[str]:
        folder = (*files(OLD_SESSION, days=days), *files("creds.json", days=0))
        up = None if up_days is None else PLAN.made_at - up_days * DAY
        plan = replace(PLAN, names=(OLD_SESSION,), files=folder, forced=forced, last_up_at=up)
        return removed(replace(REMOVING, names=(OLD_SESSION,), files=folder), plan=plan, limits=limits)

    young = ["age_floor_kept"]
    assert clean(14) == []
    assert clean(13.9) == young
    assert clean(7, forced=True) == []
    assert clean(6.9, forced=True) == young
    assert clean(7, limits=Limits(cleanup=CleanupLimits(min_age_days=3))) == []
    assert clean(6.9, limits=Limits(cleanup=CleanupLimits(min_age_days=3))) == young
    assert clean(20, limits=Limits(cleanup=CleanupLimits(min_age_days=21))) == young
    assert clean(30, up_days=20) == young
    assert clean(30, up_days=None) == []
    assert clean(30, up_days=-5) == []


def test_a_group_is_forgotten_only_with_its_key() -> None:
    memory, key = "sender-key-memory-123@g.us.json", "sender-key-123@g.us--4915100000001--0.json"
    folder = (*files(memory, key), *FOLDER)

    def clean(*names: str) -> list[str]:
        plan = replace(PLAN, names=names, files=folder)
        return removed(replace(REMOVING, names=names, files=folder), plan=plan)

    assert clean(memory, key) == []
    assert clean(key) == []
    assert clean(memory) == ["group_memory_goes_with_its_key"]
    whole = replace(REMOVING, way=Way.WHOLE_ASIDE, names=(memory,), files=folder)
    assert removed(whole, plan=replace(PLAN, names=(memory,), files=folder), rung=Rung.RELINK) == []


@pytest.mark.parametrize(("jump_s", "ok"), [(3600, True), (3601, False), (-3601, False)])
def test_nothing_is_cleaned_when_the_clock_jumped_meanwhile(jump_s: float, ok: bool) -> None:
    found = removed(REMOVING, plan=replace(PLAN, last_up_at=None), jump_s=jump_s)
    assert found == ([] if ok else ["nothing_removed_after_a_clock_jump"])
    ours = ("creds.json",)
    aside = replace(REMOVING, way=Way.WHOLE_ASIDE, names=ours)
    assert removed(aside, plan=replace(PLAN, names=ours), rung=Rung.RELINK, jump_s=jump_s) == []


def test_what_went_besides_what_was_named_is_told() -> None:
    more = (Removed((OLD_SESSION, "creds.json")), 0.0)
    assert breached(*BEGUN, *STOPPED, *without(COVERED, Removed), more) == ["only_what_was_planned_is_gone"]
    assert breached((Removed(("creds.json",)), 0)) == ["only_what_was_planned_is_gone"]


# --- what is remembered ---------------------------------------------------------------------------------------------


def test_what_is_barred_is_not_taken_in_and_what_happened_is() -> None:
    watch, _ = told(*BEGUN, (StepBegun("remove"), 0))
    assert watch.act is not None
    assert watch.act.steps == ()
    watch, _ = told(*BEGUN, (StepBegun("stop", journaled=False, must_come=True), 0))
    assert watch.act is not None
    assert watch.act.steps == ("stop",)


def test_a_try_that_did_nothing_is_forgotten_and_an_untouched_one_marked() -> None:
    watch, _ = told(*BEGUN, (Ended(attempt(outcome=Outcome.SUPERSEDED)), 0))
    assert watch.tries == ()
    watch, _ = told(*BEGUN, (Ended(attempt(outcome=Outcome.FAILED, untouched=True)), 0))
    assert [t.untouched for t in watch.tries] == [True]
    another = replace(watch.tries[0], action="a0", begun_at=NOW - 2 * DAY, untouched=False)
    for untouched in (True, False):
        ended = (Ended(attempt(outcome=Outcome.FAILED, untouched=untouched)), 0)
        watch, _ = told(*BEGUN, ended, watch=Watch(None, (another,)))
        assert [(t.action, t.untouched) for t in watch.tries] == [("a0", False), ("a1", untouched)]


def test_old_tries_are_forgotten_and_their_number_is_bounded() -> None:
    watch, _ = told(*WHOLE_CLEANUP)
    old = Watch(None, tuple(replace(watch.tries[0], action=f"b{n}", begun_at=n) for n in range(5)))
    again, _ = told((resumed(Rung.CLEANUP), 0), watch=old)
    assert [t.action for t in again.tries] == ["a1"]
    many = Watch(None, tuple(replace(watch.tries[0], action=f"b{n}") for n in range(MOST_TRIES + 9)))
    again, _ = told((resumed(Rung.CLEANUP), 0), watch=many)
    assert len(again.tries) == MOST_TRIES
    assert again.tries[-1].action == "a1"


def test_sights_of_no_action_change_nothing() -> None:
    assert told((Intended(), 0), (Looked(True), 0))[0] == Watch()
