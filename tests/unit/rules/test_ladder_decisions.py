"""Whole decisions: besides the reason also which rung is meant and when it makes sense to ask again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, HOUR, MINUTE
from baileykeep.rules import gates, ladder
from baileykeep.rules.case import since_last
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.ladder import Can, Case, Fleet, decide, may_request
from baileykeep.rules.view import Timer
from tests.unit.rules.cases import ACTING, NOW, approval, case, inventory, tried, view

RECONNECTED = tried(Rung.RECONNECT, ago_s=600)
CLEANED = tried(Rung.CLEANUP, ago_s=400)
PACKED = view(inventory=inventory(210, 205))
FULL = view(inventory=inventory(160, 140))
UP_AND_FULL = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(160, 140))
ADDRESSES = {"addresses": ("4915100000001.0",)}
COPIED = tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60)


def held(reason: Reason, rung: Rung | None, until: float | None = None) -> Decision:
    return Decision(Verb.HOLD, reason, rung, until)


@pytest.mark.parametrize(
    ("fleet", "reason", "until"),
    [
        (replace(ACTING, shutting_down=True), Reason.SHUTTING_DOWN, None),
        (replace(ACTING, breach=True), Reason.BREACH, None),
        (replace(ACTING, busy=True), Reason.ACTION_RUNNING, None),
        (replace(ACTING, paused=True), Reason.PAUSED, None),
        (replace(ACTING, online=False), Reason.NETWORK_DOWN, None),
        (replace(ACTING, whatsapp=False), Reason.WHATSAPP_DOWN, None),
        (replace(ACTING, braked=True), Reason.BRAKE, None),
        (replace(ACTING, not_before=NOW + 5), Reason.BRAKE, NOW + 5),
        (replace(ACTING, gateway_down=True), Reason.GATEWAY_DOWN, None),
        (replace(ACTING, store_down=True), Reason.STORE_DOWN, None),
        (replace(ACTING, started_at=NOW - 119), Reason.STARTING_UP, NOW + 1),
        (replace(ACTING, act=False), Reason.OBSERVING, None),
    ],
)
def test_a_hold_names_its_rung_and_its_end(fleet: Fleet, reason: Reason, until: float | None) -> None:
    assert decide(case(fleet=fleet)) == held(reason, Rung.RECONNECT, until)


def test_the_first_gate_that_answers_names_the_reason() -> None:
    """All at once; each taken away shows the next one."""
    taken_away: tuple[tuple[str, Any, Reason], ...] = (
        ("shutting_down", False, Reason.BREACH),
        ("breach", False, Reason.ACTION_RUNNING),
        ("busy", False, Reason.PAUSED),
        ("paused", False, Reason.NETWORK_DOWN),
        ("online", True, Reason.WHATSAPP_DOWN),
        ("whatsapp", True, Reason.BRAKE),
        ("braked", False, Reason.BRAKE),
        ("not_before", None, Reason.STARTING_UP),
        ("started_at", NOW - HOUR, Reason.GATEWAY_DOWN),
        ("gateway_down", False, Reason.UNKNOWN_STATE),
    )
    fleet = Fleet(
        act=True, started_at=NOW, shutting_down=True, online=False, whatsapp=False, paused=True, braked=True,
        not_before=NOW + 60, gateway_down=True, jumped_at=NOW, busy=True, breach=True,
    )  # fmt: skip
    early = view(unknown=True, timer=Timer(Phase.WARNED, 700.0))
    spent = tuple(tried(Rung.RECONNECT, ago_s=60.0 * n) for n in range(5, 0, -1))
    made = case(seen=early, fleet=fleet, history=spent)
    assert decide(made).reason is Reason.SHUTTING_DOWN
    for name, value, reason in taken_away:
        made = replace(made, fleet=replace(made.fleet, **{name: value}))
        assert decide(made).reason is reason, name
    made = replace(made, view=replace(made.view, unknown=False))
    assert decide(made).reason is Reason.TOO_EARLY
    made = replace(made, view=view())
    assert decide(made).reason is Reason.COOLDOWN
    made = replace(made, history=tuple(tried(Rung.RECONNECT, ago_s=HOUR * n) for n in range(5, 0, -1)))
    assert decide(made) == held(Reason.BUDGET_SPENT, Rung.RECONNECT, NOW - 5 * HOUR + DAY)
    made = replace(made, history=())
    assert decide(made) == Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT)


def test_the_brake_does_not_hold_what_a_code_proved_nor_the_restart_of_a_process() -> None:
    braked = replace(ACTING, braked=True, not_before=NOW + 60)
    assert decide(case(Cause.LOGGED_OUT, fleet=braked)).verb is Verb.ACT
    assert decide(case(Cause.GATEWAY_DOWN, fleet=braked, can=Can(restart_process=True))).verb is Verb.ACT


def test_a_dead_gateway_does_not_hold_its_own_cure_nor_a_copy() -> None:
    down = replace(ACTING, gateway_down=True)
    unknown = view(unknown=True)
    assert decide(case(Cause.GATEWAY_DOWN, seen=unknown, fleet=down, can=Can(restart_process=True))).verb is Verb.ACT
    copied = decide(case(Cause.LOGGED_OUT, seen=unknown, fleet=down))
    assert copied == Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.SNAPSHOT)
    gone = decide(case(Cause.LOGGED_OUT, COPIED, fleet=down))
    assert gone == held(Reason.GATEWAY_DOWN, Rung.RELINK)
    assert decide(case(Cause.LOGGED_OUT, COPIED, seen=unknown)) == held(Reason.UNKNOWN_STATE, Rung.RELINK)


def test_each_cause_has_its_own_timeline() -> None:
    early = view(timer=Timer(Phase.WARNED, 700.0))
    assert decide(case(seen=early)) == held(Reason.TOO_EARLY, Rung.RECONNECT)
    thrown_out = view(cause=Cause.REPLACED, proved_at=NOW - 599)
    assert decide(case(Cause.REPLACED, seen=thrown_out)) == held(Reason.TOO_EARLY, Rung.RECONNECT, NOW + 1)
    unproved = view(cause=Cause.REPLACED)
    since_opened = case(Cause.REPLACED, seen=unproved, opened_at=NOW - 599)
    assert decide(since_opened) == held(Reason.TOO_EARLY, Rung.RECONNECT, NOW + 1)
    at_last = case(Cause.REPLACED, seen=unproved, opened_at=NOW - 600)
    assert decide(at_last) == Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT)
    running = view(conn=ConnState.CONNECTED, paired=True, creds_sure=True)
    assert decide(case(Cause.CREDS_DAMAGED, seen=running)) == held(Reason.SESSION_RUNNING, Rung.RESTORE_CREDS)
    down = view(timer=Timer(Phase.WAITING, 60.0), inventory=inventory(160, 140))
    assert decide(case(Cause.FILES_CRITICAL, seen=down)) == held(Reason.TOO_EARLY, Rung.CLEANUP)


def test_critical_while_connected_waits_for_a_window_or_a_day() -> None:
    closed, opened = replace(ACTING, window=False), replace(ACTING, window=True)
    assert decide(case(Cause.FILES_CRITICAL, seen=UP_AND_FULL, fleet=closed)) == held(
        Reason.WAIT_FOR_WINDOW, Rung.CLEANUP
    )
    assert decide(case(Cause.FILES_CRITICAL, seen=UP_AND_FULL, fleet=opened)) == Decision(
        Verb.ACT, Reason.NEXT_RUNG, Rung.CLEANUP
    )
    crowded = replace(opened, neighbour=True)
    assert decide(case(Cause.FILES_CRITICAL, seen=UP_AND_FULL, fleet=crowded)) == held(
        Reason.ACTION_RUNNING, Rung.CLEANUP
    )
    unwell = replace(opened, other_incident=True)
    assert decide(case(Cause.FILES_CRITICAL, seen=UP_AND_FULL, fleet=unwell)) == held(
        Reason.OTHER_INCIDENT, Rung.CLEANUP
    )
    lately = replace(UP_AND_FULL, critical_since=NOW - DAY + 1)
    assert decide(case(Cause.FILES_CRITICAL, seen=lately)) == held(Reason.WAIT_FOR_WINDOW, Rung.CLEANUP, NOW + 1)
    long_ago = replace(UP_AND_FULL, critical_since=NOW - DAY)
    assert decide(case(Cause.FILES_CRITICAL, seen=long_ago)) == Decision(
        Verb.ASK, Reason.CONNECTED_CLEANUP, Rung.CLEANUP
    )
    unseen = decide(case(Cause.FILES_CRITICAL, seen=UP_AND_FULL))
    assert unseen == held(Reason.WAIT_FOR_WINDOW, Rung.CLEANUP, NOW + DAY)


def test_a_clock_that_jumped_holds_what_goes_by_age_for_an_hour() -> None:
    jumped = replace(ACTING, jumped_at=NOW - HOUR + 1)
    made = case(Cause.DISCONNECTED, RECONNECTED, seen=FULL, fleet=jumped)
    assert decide(made) == held(Reason.CLOCK_JUMPED, Rung.CLEANUP, NOW + 1)
    for cause, rung, steps in (
        (Cause.BAD_MAC, Rung.REPAIR_SESSIONS, ()),
        (Cause.HALF_PAIRED, Rung.PAIR_AGAIN, ()),
        (Cause.LOGGED_OUT, Rung.RELINK, (COPIED,)),
    ):
        free = decide(case(cause, *steps, fleet=jumped, detail=ADDRESSES))
        assert (free.rung, free.reason is Reason.CLOCK_JUMPED) == (rung, False)


def pause_of(rung: Rung, cause: Cause, ago_s: float, made: Case) -> Decision | None:
    lately = (tried(rung, cause, ago_s=ago_s),)
    return gates.cooldown(replace(made, history=lately), rung)


@pytest.mark.parametrize(
    ("rung", "cause", "fleet", "pause_s"),
    [
        (Rung.RECONNECT, Cause.DISCONNECTED, ACTING, 10 * MINUTE),
        (Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN, ACTING, 10 * MINUTE),
        (Rung.CLEANUP, Cause.FILES_DANGER, ACTING, 6 * HOUR),
        (Rung.CLEANUP, Cause.FILES_CRITICAL, ACTING, 6 * HOUR),
        (Rung.CLEANUP, Cause.FILES_CRITICAL, replace(ACTING, window=False), 6 * HOUR),
        (Rung.CLEANUP, Cause.FILES_CRITICAL, replace(ACTING, window=True), 7 * DAY),
        (Rung.CLEANUP, Cause.FILES_DANGER, replace(ACTING, window=True), 6 * HOUR),
    ],
)
def test_a_rung_rests_before_it_is_tried_again(rung: Rung, cause: Cause, fleet: Fleet, pause_s: float) -> None:
    made = case(cause, fleet=fleet)
    assert pause_of(rung, cause, pause_s - 1, made) == held(Reason.COOLDOWN, rung, NOW + 1)
    assert pause_of(rung, cause, pause_s, made) is None


@pytest.mark.parametrize(
    "rung", [Rung.SNAPSHOT, Rung.RESTORE_CREDS, Rung.REPAIR_SESSIONS, Rung.PAIR_AGAIN, Rung.RELINK]
)
def test_other_rungs_have_no_rest_of_their_own(rung: Rung) -> None:
    made = case(Cause.LOGGED_OUT)
    assert pause_of(rung, Cause.LOGGED_OUT, 0, made) is None
    # where the clock was set back it waits for the time at which it was tried
    assert pause_of(rung, Cause.LOGGED_OUT, -0.5, made) == held(Reason.COOLDOWN, rung, NOW + 0.5)


def test_what_was_superseded_a_moment_ago_may_be_tried_at_once() -> None:
    nothing_done = tried(Rung.RELINK, Cause.LOGGED_OUT, Outcome.SUPERSEDED, 5)
    assert decide(case(Cause.LOGGED_OUT, COPIED, nothing_done)).verb is Verb.ASK


def test_a_copy_is_taken_whatever_the_day_has_cost() -> None:
    spent = tuple(tried(Rung.RECONNECT, ago_s=HOUR * n) for n in range(9, 0, -1))
    assert decide(case(Cause.LOGGED_OUT, history=spent)) == Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.SNAPSHOT)
    asked = decide(case(Cause.LOGGED_OUT, COPIED, history=spent))
    assert asked == Decision(Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK)


@pytest.mark.parametrize(("tries", "pause_s"), [(1, 600), (2, 1200), (3, 2400), (5, 9600), (6, 19_200), (9, 19_200)])
def test_reconnecting_rests_longer_each_time_up_to_five_hours(tries: int, pause_s: float) -> None:
    before = [tried(Rung.RECONNECT, ago_s=DAY + n) for n in range(tries - 1)]
    for ago_s, expected in ((pause_s - 1, held(Reason.COOLDOWN, Rung.RECONNECT, NOW + 1)), (pause_s, None)):
        steps = (*before, tried(Rung.RECONNECT, ago_s=ago_s))[-tries:]
        assert gates.cooldown(case(Cause.DISCONNECTED, *steps), Rung.RECONNECT) == expected


def test_an_attempt_that_touched_nothing_rests_as_long_as_a_reconnect() -> None:
    for rung, cause in ((Rung.RELINK, Cause.LOGGED_OUT), (Rung.CLEANUP, Cause.FILES_DANGER)):
        full_disk = tried(rung, cause, ago_s=599, untouched=True)
        assert gates.cooldown(case(cause, full_disk), rung) == held(Reason.COOLDOWN, rung, NOW + 1)
        earlier = replace(full_disk, begun_at=NOW - 600)
        assert gates.cooldown(case(cause, earlier), rung) is None
        older = replace(full_disk, begun_at=NOW - 5000)
        assert gates.cooldown(case(cause, older, full_disk), rung) == held(Reason.COOLDOWN, rung, NOW + 1)
        assert gates.cooldown(case(Cause.BAD_MAC, full_disk), rung) is None


def test_the_newest_real_attempt_counts_whatever_order_they_come_in() -> None:
    made = case(
        history=(tried(Rung.RECONNECT, ago_s=50), tried(Rung.RECONNECT, ago_s=900), tried(Rung.CLEANUP, ago_s=5))
    )
    assert since_last(made, Rung.RECONNECT) == 50
    assert since_last(made, Rung.RELINK) == float("inf")
    superseded = tried(Rung.RELINK, outcome=Outcome.SUPERSEDED, ago_s=5)
    untouched = tried(Rung.RELINK, ago_s=5, untouched=True)
    assert since_last(case(history=(superseded, untouched)), Rung.RELINK) == float("inf")


def test_what_counts_against_the_budget_of_a_day() -> None:
    counts = tried(Rung.RECONNECT, ago_s=DAY - 1)
    history = (
        tried(Rung.RECONNECT, ago_s=DAY), counts, tried(Rung.RECONNECT, operator="ann"), tried(Rung.SNAPSHOT),
        tried(Rung.RECONNECT, outcome=Outcome.SUPERSEDED), tried(Rung.RELINK, outcome=None),
    )  # fmt: skip
    assert ladder.spent_today(history, NOW) == [counts, history[-1]]


def test_a_repair_that_was_verified_settles() -> None:
    healed = replace(tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, Outcome.HEALED, 400), ended_at=NOW - 179)
    assert decide(case(Cause.BAD_MAC, healed, detail=ADDRESSES)) == held(
        Reason.TOO_EARLY, Rung.REPAIR_SESSIONS, NOW + 1
    )
    before = tried(Rung.RELINK, Cause.BAD_MAC, ago_s=900)
    assert decide(case(Cause.BAD_MAC, before, healed, detail=ADDRESSES)).reason is Reason.TOO_EARLY
    assert decide(case(Cause.BAD_MAC, healed, before, detail=ADDRESSES)).reason is not Reason.TOO_EARLY
    unended = replace(healed, begun_at=NOW - 179, ended_at=None)
    assert decide(case(Cause.BAD_MAC, unended, detail=ADDRESSES)).until == NOW + 1
    for other in (
        replace(healed, ended_at=NOW - 180),
        replace(healed, outcome=Outcome.FAILED),
        replace(healed, cause=Cause.PHANTOM),
    ):
        assert decide(case(Cause.BAD_MAC, other, detail=ADDRESSES)).reason is not Reason.TOO_EARLY


def test_while_an_attempt_runs_its_rung_is_named() -> None:
    running = tried(Rung.RECONNECT, outcome=None, ago_s=5)
    assert decide(case(Cause.DISCONNECTED, CLEANED, running)) == Decision(
        Verb.NONE, Reason.ACTION_RUNNING, Rung.RECONNECT
    )
    assert decide(case(Cause.DISCONNECTED, running, RECONNECTED)).reason is not Reason.ACTION_RUNNING


def test_when_all_rungs_were_climbed_a_human_is_called_once() -> None:
    failed = tried(Rung.RESTORE_CREDS, Cause.CREDS_DAMAGED)
    made = case(Cause.CREDS_DAMAGED, failed, seen=view(creds_sure=True))
    assert decide(made) == Decision(Verb.HUMAN, Reason.NO_RUNG_LEFT)
    assert decide(replace(made, incident=replace(made.incident, needs_human=True))) == held(Reason.NO_RUNG_LEFT, None)


def test_the_last_rung_that_did_not_help_is_what_is_said_not_one_that_was_left_out_before_it() -> None:
    relinked = tried(Rung.RELINK, outcome=Outcome.UNDONE, ago_s=60)
    packed = view(inventory=inventory(210, 205))
    assert decide(case(Cause.DISCONNECTED, RECONNECTED, seen=packed)).rung is Rung.RELINK
    made = case(Cause.DISCONNECTED, RECONNECTED, relinked, seen=packed)
    assert decide(made) == Decision(Verb.HUMAN, Reason.NO_RUNG_LEFT)


def test_a_folder_that_shrank_by_itself_calls_nobody() -> None:
    small = replace(UP_AND_FULL, inventory=inventory(140, 100))
    for cause in (Cause.FILES_CRITICAL, Cause.FILES_DANGER):
        assert decide(case(cause, seen=small)) == held(Reason.LEVEL_TOO_LOW, None)
    nothing_goes = replace(UP_AND_FULL, inventory=inventory(160, 160))
    assert decide(case(Cause.FILES_CRITICAL, seen=nothing_goes)) == Decision(Verb.HUMAN, Reason.NOTHING_RECLAIMABLE)


def test_only_a_plain_disconnect_and_a_phantom_are_retried_after_a_human_was_called() -> None:
    for cause in (Cause.DISCONNECTED, Cause.PHANTOM):
        steps = (tried(Rung.RECONNECT, cause, ago_s=700), tried(Rung.RELINK, cause, ago_s=700))
        handed = case(cause, *steps, needs_human=True)
        assert decide(handed).rung is Rung.RECONNECT
        assert decide(replace(handed, can=Can(reconnect=False))).verb is Verb.HOLD
    thrown_out = tried(Rung.RECONNECT, Cause.REPLACED, ago_s=DAY)
    seen = view(cause=Cause.REPLACED, proved_at=NOW - 700)
    assert decide(case(Cause.REPLACED, thrown_out, seen=seen, needs_human=True)).verb is Verb.HOLD


def test_an_attempt_of_another_cause_uses_nothing_up() -> None:
    phantom = tried(Rung.RECONNECT, Cause.PHANTOM, ago_s=700)
    assert decide(case(Cause.DISCONNECTED, phantom)) == Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT)


def test_what_was_tried_before_the_last_healing_counts_no_more() -> None:
    at_once = case(Cause.DISCONNECTED, RECONNECTED, seen=FULL, fresh_since=RECONNECTED.begun_at)
    assert decide(at_once).rung is Rung.CLEANUP
    later = case(Cause.DISCONNECTED, RECONNECTED, seen=FULL, fresh_since=RECONNECTED.begun_at + 1)
    assert decide(later).rung is Rung.RECONNECT


def test_a_rung_that_could_not_begin_is_used_up_at_the_third_try() -> None:
    tries = [tried(Rung.RECONNECT, ago_s=1000 + n, untouched=True) for n in range(3)]
    assert ladder.UNTOUCHED_TRIES == 3
    assert decide(case(Cause.DISCONNECTED, *tries[:2], seen=FULL)).rung is Rung.RECONNECT
    assert decide(case(Cause.DISCONNECTED, *tries, seen=FULL)).rung is Rung.CLEANUP
    running = tried(Rung.RECONNECT, outcome=None)
    begun = case(Cause.DISCONNECTED, running, tried(Rung.CLEANUP, outcome=Outcome.SUPERSEDED), seen=FULL)
    assert decide(begun).rung is Rung.RECONNECT


@pytest.mark.parametrize(
    ("state", "reason", "until"),
    [
        (ApprovalState.OPEN, Reason.APPROVAL_PENDING, NOW - 60 + 1800),
        (ApprovalState.REJECTED, Reason.APPROVAL_REJECTED, None),
        (ApprovalState.EXPIRED, Reason.APPROVAL_EXPIRED, None),
    ],
)
def test_what_an_answer_holds(state: ApprovalState, reason: Reason, until: float | None) -> None:
    up = replace(UP_AND_FULL, critical_since=NOW - 2 * DAY)
    asked = case(Cause.FILES_CRITICAL, seen=up, approval=approval(Rung.CLEANUP, state))
    assert decide(asked) == held(reason, Rung.CLEANUP, until)


def test_observing_neither_asks_nor_acts_upon_an_answer() -> None:
    watching = replace(ACTING, act=False)
    for answer in (None, approval(Rung.RELINK, ApprovalState.APPROVED, "ann")):
        asked = case(Cause.LOGGED_OUT, COPIED, fleet=watching, approval=answer)
        assert decide(asked) == held(Reason.OBSERVING, Rung.RELINK)


# --- what an operator may ask for ----------------------------------------------------------------------------------

KNOWN = view(conn=ConnState.DISCONNECTED, unknown=False)


@pytest.mark.parametrize("rung", sorted(gates.REMOVES_FILES))
def test_by_hand_what_removes_files_needs_files_and_a_stop(rung: Rung) -> None:
    assert may_request(case(seen=KNOWN), rung) == Decision(Verb.ACT, Reason.OPERATOR, rung)
    assert may_request(case(seen=KNOWN, can=Can(files=False)), rung) == held(Reason.CANNOT_DO, rung)
    assert may_request(case(seen=KNOWN, can=Can(stop=False)), rung) == held(Reason.CANNOT_STOP, rung)
    assert may_request(case(seen=KNOWN, can=Can(stop=False, stop_others=True)), rung).verb is Verb.ACT
    jumped, asked = replace(ACTING, jumped_at=NOW - 60), Decision(Verb.ACT, Reason.OPERATOR, rung)
    expected = held(Reason.CLOCK_JUMPED, rung, NOW - 60 + HOUR) if rung is Rung.CLEANUP else asked
    assert may_request(case(seen=KNOWN, fleet=jumped), rung) == expected


@pytest.mark.parametrize("rung", [Rung.RECONNECT, Rung.RESTART_PROCESS, Rung.RESET])
def test_by_hand_the_rest_needs_nothing_but_a_free_company(rung: Rung) -> None:
    bare = case(seen=view(unknown=True), can=Can(files=False, stop=False), fleet=replace(ACTING, jumped_at=NOW))
    assert may_request(bare, rung) == Decision(Verb.ACT, Reason.OPERATOR, rung)
    busy = replace(bare, fleet=replace(ACTING, busy=True))
    assert may_request(busy, rung) == held(Reason.ACTION_RUNNING, rung)
    leaving = replace(bare, fleet=replace(ACTING, busy=True, shutting_down=True))
    assert may_request(leaving, rung) == held(Reason.SHUTTING_DOWN, rung)


def test_by_hand_a_running_or_unknown_session_is_cleaned_only_by_force() -> None:
    up = view(conn=ConnState.CONNECTED, paired=True)
    assert may_request(case(seen=up), Rung.CLEANUP) == held(Reason.SESSION_RUNNING, Rung.CLEANUP)
    assert may_request(case(seen=view(unknown=True)), Rung.CLEANUP) == held(Reason.UNKNOWN_STATE, Rung.CLEANUP)
    assert may_request(case(seen=up), Rung.CLEANUP, force=True).verb is Verb.ACT
    assert may_request(case(seen=view(unknown=True)), Rung.CLEANUP, force=True).verb is Verb.ACT
    assert may_request(case(seen=up), Rung.RELINK).verb is Verb.ACT


def test_a_question_names_others_only_where_they_are_known() -> None:
    alone = Can(stop=False, stop_others=True)
    asked = decide(case(Cause.BAD_MAC, seen=FULL, can=alone, detail=ADDRESSES))
    assert (asked.verb, asked.reason, asked.detail) == (Verb.ASK, Reason.STOPS_OTHERS, {})
    known = decide(case(Cause.BAD_MAC, seen=FULL, can=replace(alone, others="Salon Rosa"), detail=ADDRESSES))
    assert known.detail == {"others": "Salon Rosa"}


@pytest.mark.parametrize("rung", [Rung.RESTORE, Rung.RESTORE_CREDS, Rung.CLEANUP, Rung.RELINK])
def test_what_needs_a_stop_is_refused_where_nothing_can_be_stopped(rung: Rung) -> None:
    stuck = case(Cause.DISCONNECTED, can=Can(stop=False))
    assert may_request(stuck, rung, force=True).reason is Reason.CANNOT_STOP
