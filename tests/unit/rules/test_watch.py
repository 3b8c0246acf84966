"""What the safety monitor knows after each sight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.evidence import (
    BackedUp,
    CredsLooked,
    Ended,
    Intended,
    Looked,
    LookedAgain,
    Resumed,
    Sight,
    StepBegun,
    Try,
)
from baileykeep.model.incident import Cause, Outcome, Rung
from baileykeep.model.limits import DAY
from baileykeep.rules.watch import NEVER, Act, Watch
from baileykeep.rules.words_steps import STEPS
from tests.unit.rules.sights import (
    BEGUN,
    COLD,
    MONO,
    NOW,
    PLAN,
    REMOVING,
    STOPPED,
    attempt,
    begun,
    resumed,
    told,
    wrong,
)

Told = tuple[tuple[Sight, float], ...]


def act_after(*story: tuple[Sight, float]) -> Act:
    watch, _ = told(*story)
    assert watch.act is not None
    return watch.act


def test_an_action_begins_with_nothing_known_about_its_session() -> None:
    act = act_after((begun(), 0))
    assert (act.action, act.rung, act.cause, act.manual) == ("a1", Rung.RECONNECT, Cause.DISCONNECTED, False)
    assert (act.offset_s, act.past, act.resumed, act.intended, act.owes_start) == (NOW - MONO, (), False, False, False)
    assert (act.wrong_s, act.steps, act.looked_s, act.stopped, act.token) == (None, (), NEVER, False, None)
    assert (act.still_since_s, act.open_since_s, act.creds_damaged) == (None, None, False)
    assert (act.plan, act.removing, act.backup) == (None, (), None)


def test_nothing_runs_before_an_action_begins() -> None:
    assert (Watch().act, Watch().tries) == (None, ())


def test_one_that_is_taken_up_was_intended_and_has_its_past() -> None:
    act = act_after((resumed(Rung.CLEANUP, "stop", "backup"), 0))
    assert (act.resumed, act.intended, act.past, act.steps, act.owes_start) == (
        True, True, ("stop", "backup"), (), True,
    )  # fmt: skip


def test_a_session_that_stands_still_before_anything_was_done_is_not_proved_stopped_by_one_look() -> None:
    story: Told = (*BEGUN, (Looked(True), 0), (StepBegun("remove"), 0))
    assert told(*story)[1] == ["stopped_before_files_change"]


def test_a_step_without_any_look_at_the_symptom_is_told_apart_from_one_long_after_it() -> None:
    unlooked = [sight for sight in BEGUN if not isinstance(sight[0], LookedAgain)]
    assert wrong(*unlooked, (StepBegun("stop"), 0)) == [
        "the step stop comes without a look at the symptom, or although it is gone"
    ]
    assert wrong(*BEGUN, (StepBegun("stop"), 301)) == ["the step stop comes long after the look at the symptom"]


# --- looks ------------------------------------------------------------------------------------------------------


def looks(*seen: tuple[Looked, float]) -> Act:
    return act_after((begun(), 0), *seen)


def test_a_row_of_looks_lasts_as_long_as_the_folder_stays_and_nobody_is_seen_running() -> None:
    first, unlisted = Looked(True, token="t1"), Looked(True)
    assert looks((first, 1), (unlisted, 5), (first, 5)).still_since_s == MONO + 1
    assert looks((first, 1), (Looked(True, token="t2"), 5)).still_since_s == MONO + 6
    assert looks((first, 1), (Looked(False), 5)).still_since_s is None
    assert looks((first, 1), (Looked(False), 5), (first, 5)).still_since_s == MONO + 11
    assert looks((unlisted, 1), (unlisted, 50)).still_since_s is None


def test_open_is_counted_from_the_first_of_the_looks_in_a_row() -> None:
    opened = Looked(False, True)
    assert looks((opened, 1), (opened, 5)).open_since_s == MONO + 1
    assert looks((opened, 1), (Looked(False, running=True), 5)).open_since_s is None
    assert looks((opened, 1), (Looked(False), 5), (opened, 5)).open_since_s == MONO + 11
    assert looks((opened, 1), (opened, 5)).looked_s == MONO + 6


@pytest.mark.parametrize(("sight", "owes"), [
    (Looked(False, True), False), (Looked(False, running=True), False), (Looked(False), True), (Looked(True), True),
])  # fmt: skip
def test_what_a_dead_daemon_stopped_is_owed_a_start_until_it_is_seen_running(sight: Looked, owes: bool) -> None:
    assert act_after((resumed(Rung.CLEANUP, "stop"), 0), (sight, 0)).owes_start is owes
    anew: Told = ((resumed(Rung.CLEANUP, "stop"), 0), (Looked(False), 0), (LookedAgain(True), 0))
    assert act_after(*anew, (StepBegun("stop"), 0), (sight, 0)).owes_start


def test_being_seen_running_before_its_start_settles_nothing_of_what_we_stopped() -> None:
    assert act_after(*BEGUN, (StepBegun("stop"), 0), (Looked(False, True), 0)).owes_start


# --- steps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("past", "owes"), [
    ((), False),
    (("verify",), False),
    (("stop",), True),
    (("stop", "backup", "remove"), True),
    (("stop", "start", "verify"), False),
    (("stop", "restart_process"), False),
    (("stop", "left_closed"), False),
    (("stop", "start", "stop"), True),
    (("left_closed", "stop"), True),
])  # fmt: skip
def test_the_last_of_its_stops_and_starts_says_whether_a_dead_daemon_owes_a_start(
    past: tuple[str, ...], owes: bool
) -> None:
    assert act_after((resumed(Rung.CLEANUP, *past), 0)).owes_start is owes


@pytest.mark.parametrize("name", sorted(STEPS))
def test_only_stops_and_starts_end_what_was_proved(name: str) -> None:
    before = act_after(*BEGUN, *STOPPED)
    after = act_after(*BEGUN, *STOPPED, (StepBegun(name, must_come=True), 0))
    assert after.steps == (*before.steps, name)
    moves = name in ("stop", "start", "restart_process")
    assert (after.stopped, after.still_since_s is None, after.token is None) == (not moves, moves, moves)
    assert after.owes_start is (name not in ("start", "restart_process"))


@pytest.mark.parametrize("name", sorted(STEPS))
def test_damaged_creds_stay_so_until_files_are_put_in_their_place(name: str) -> None:
    act = act_after(*BEGUN, (CredsLooked(True), 0), *STOPPED, (StepBegun(name, must_come=True), 0))
    replacing = ("set_aside", "clear_pairing", "put_back", "restore", "restore_creds")
    assert act.creds_damaged is (name not in replacing)
    sound = act_after(*BEGUN, *STOPPED, (StepBegun(name, must_come=True), 0))
    assert not sound.creds_damaged


def test_leaving_closed_what_was_never_stopped_owes_no_start() -> None:
    closed = (StepBegun("left_closed", must_come=True), 0.0)
    assert not act_after(*BEGUN, closed).owes_start
    assert act_after(*BEGUN, *STOPPED, closed).owes_start


def test_a_backup_counts_only_when_the_stop_was_proved_before_it() -> None:
    backup: Told = ((BackedUp(COLD), 0),)
    stop, *looks = STOPPED
    early = (*BEGUN, stop, *backup, *looks)
    assert act_after(*early).backup is None
    assert told(*early, (PLAN, 0), (REMOVING, 0))[1] == ["backup_before_removal"]
    assert act_after(*BEGUN, *STOPPED, *backup).backup == COLD
    assert act_after(*BEGUN, *STOPPED, *backup, (BackedUp(replace(COLD, sha256="")), 0)).backup is None


def test_the_symptom_is_known_as_of_the_last_look_at_it() -> None:
    assert act_after(*BEGUN, (LookedAgain(True), 7)).wrong_s == MONO + 7
    assert act_after(*BEGUN, (LookedAgain(False), 7)).wrong_s is None


# --- tries ------------------------------------------------------------------------------------------------------


def tries_after(sight: Sight, *known: Try) -> tuple[Try, ...]:
    return told((sight, 0), watch=Watch(None, known))[0].tries


def one(action: str, ago_s: float = 1.0, **more: Any) -> Try:
    return replace(Try(action, Rung.RESTORE_CREDS, Cause.CREDS_DAMAGED, NOW - ago_s, True), **more)


@pytest.mark.parametrize(("operator", "manual", "by_itself"), [
    (None, False, True), ("ann", False, False), (None, True, False), ("ann", True, False),
])  # fmt: skip
def test_a_try_is_by_itself_when_nobody_asked_for_it_or_agreed(
    operator: str | None, manual: bool, by_itself: bool
) -> None:
    taken_up = Resumed(attempt(Rung.RECONNECT, operator=operator), manual)
    assert tries_after(taken_up) == (Try("a1", Rung.RECONNECT, Cause.DISCONNECTED, NOW, by_itself),)


@pytest.mark.parametrize(("ago_s", "kept"), [(8 * DAY - 1, True), (8 * DAY, False)])
def test_a_try_is_remembered_for_longer_than_the_longest_cooldown(ago_s: float, kept: bool) -> None:
    tries = tries_after(resumed(Rung.RECONNECT), one("b1", ago_s))
    assert [t.action for t in tries] == (["b1", "a1"] if kept else ["a1"])


def test_an_action_that_is_taken_up_is_the_try_that_it_was_and_the_newest_two_hundred_are_kept() -> None:
    assert [t.action for t in tries_after(resumed(Rung.RECONNECT), one("a1"), one("b1"))] == ["b1", "a1"]
    many = [one(f"b{n}") for n in range(300)]
    assert [t.action for t in tries_after(resumed(Rung.RECONNECT), *many)] == [
        *(f"b{n}" for n in range(101, 300)),
        "a1",
    ]


@pytest.mark.parametrize(("outcome", "left"), [
    (Outcome.SUPERSEDED, ["b1"]), (Outcome.UNDONE, ["b1", "a1"]), (Outcome.FAILED, ["b1", "a1"]),
])  # fmt: skip
def test_an_end_touches_only_its_own_try(outcome: Outcome, left: list[str]) -> None:
    ended = Ended(attempt(Rung.RECONNECT, outcome=outcome, untouched=True))
    tries = tries_after(ended, one("b1"), one("a1"))
    assert [(t.action, t.untouched) for t in tries] == [(action, action == "a1") for action in left]


def test_what_is_about_to_be_removed_is_known_only_of_an_action_that_runs() -> None:
    for sight in (REMOVING, Intended(), CredsLooked(True), StepBegun("stop")):
        assert told((sight, 0))[0] == Watch()
