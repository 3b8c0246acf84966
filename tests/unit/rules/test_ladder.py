"""The ladder, cell by cell: which rung, which gate, which question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.limits import HOUR, Limits, RelinkLimits
from baileykeep.rules import ladder
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.ladder import Can, Case, Fleet, decide, may_request
from baileykeep.rules.view import CompanyView, Timer
from tests.unit.rules.cases import ACTING, NOW, approval, case, inventory, tried, view

RECONNECTED = tried(Rung.RECONNECT, ago_s=600)
CLEANED = tried(Rung.CLEANUP, ago_s=400)
FULL = view(inventory=inventory(160, 140))
PACKED = view(inventory=inventory(210, 205))


def said(decision: Decision) -> tuple[Verb, Reason, Rung | None]:
    return decision.verb, decision.reason, decision.rung


def test_every_rung_of_a_plain_disconnect_comes_in_order() -> None:
    assert said(decide(case())) == (Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT)
    assert said(decide(case(Cause.DISCONNECTED, RECONNECTED, seen=FULL))) == (
        Verb.ACT, Reason.NEXT_RUNG, Rung.CLEANUP,
    )  # fmt: skip
    assert said(decide(case(Cause.DISCONNECTED, RECONNECTED, CLEANED, seen=PACKED))) == (
        Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK,
    )  # fmt: skip


def test_a_small_folder_is_neither_cleaned_nor_relinked_but_handed_to_a_human() -> None:
    assert said(decide(case(Cause.DISCONNECTED, RECONNECTED))) == (Verb.HUMAN, Reason.LEVEL_TOO_LOW, None)


def test_after_a_human_was_called_reconnecting_goes_on_with_a_growing_pause() -> None:
    handed = case(Cause.DISCONNECTED, RECONNECTED, needs_human=True)
    assert said(decide(handed)) == (Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT)
    twice = case(Cause.DISCONNECTED, RECONNECTED, tried(Rung.RECONNECT, ago_s=601), needs_human=True)
    assert said(decide(twice)) == (Verb.HOLD, Reason.COOLDOWN, Rung.RECONNECT)


@pytest.mark.parametrize(
    ("counted", "after", "reason"),
    [
        (149, 100, Reason.LEVEL_TOO_LOW),
        (160, 160, Reason.NOTHING_RECLAIMABLE),
        (160, 150, Reason.NOT_ENOUGH_RECLAIMABLE),
        (190, 180, Reason.NOT_ENOUGH_RECLAIMABLE),
    ],
)
def test_a_cleanup_that_would_not_help_is_never_begun(counted: int, after: int, reason: Reason) -> None:
    seen = view(inventory=inventory(counted, after))
    skipped = ladder.SKIPS[Rung.CLEANUP](case(seen=seen))
    assert skipped is reason
    decision = decide(case(Cause.FILES_DANGER if counted >= 180 else Cause.DISCONNECTED, RECONNECTED, seen=seen))
    assert decision.rung is not Rung.CLEANUP


def test_a_cleanup_that_just_helps_is_begun() -> None:
    assert ladder.SKIPS[Rung.CLEANUP](case(seen=view(inventory=inventory(150, 149)))) is None
    assert ladder.SKIPS[Rung.CLEANUP](case(seen=view(inventory=inventory(200, 179)))) is None


def test_danger_is_cleaned_at_once_while_connected_without_a_question() -> None:
    up = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(190, 120))
    assert said(decide(case(Cause.FILES_DANGER, seen=up))) == (Verb.ACT, Reason.NEXT_RUNG, Rung.CLEANUP)


def test_danger_on_a_shared_process_without_a_stop_call_is_asked_first() -> None:
    up = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(190, 120))
    shared = Can(stop=False, stop_others=True)
    assert said(decide(case(Cause.FILES_DANGER, seen=up, can=shared))) == (
        Verb.ASK, Reason.STOPS_OTHERS, Rung.CLEANUP,
    )  # fmt: skip
    nothing = Can(stop=False)
    assert said(decide(case(Cause.FILES_DANGER, seen=up, can=nothing))) == (Verb.HUMAN, Reason.CANNOT_STOP, None)


def test_connected_and_critical_waits_a_day_and_then_asks() -> None:
    def seen(since: float) -> CompanyView:
        return view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(160, 140), critical_since=since)

    assert said(decide(case(Cause.FILES_CRITICAL, seen=seen(NOW - 23 * HOUR))))[:2] == (
        Verb.HOLD, Reason.WAIT_FOR_WINDOW,
    )  # fmt: skip
    assert said(decide(case(Cause.FILES_CRITICAL, seen=seen(NOW - 25 * HOUR))))[:2] == (
        Verb.ASK, Reason.CONNECTED_CLEANUP,
    )  # fmt: skip
    by_day = replace(ACTING, window=False)
    assert said(decide(case(Cause.FILES_CRITICAL, seen=seen(NOW - 25 * HOUR), fleet=by_day)))[:2] == (
        Verb.HOLD, Reason.WAIT_FOR_WINDOW,
    )  # fmt: skip
    by_night = replace(ACTING, window=True)
    assert decide(case(Cause.FILES_CRITICAL, seen=seen(NOW - HOUR), fleet=by_night)).verb is Verb.ACT
    cleaned = (tried(Rung.CLEANUP, Cause.FILES_CRITICAL, Outcome.HEALED, 6 * 86_400),)
    again = decide(case(Cause.FILES_CRITICAL, seen=seen(NOW - HOUR), fleet=by_night, history=cleaned))
    assert said(again)[:2] == (Verb.HOLD, Reason.COOLDOWN)
    down = view(timer=Timer(Phase.WAITING, 60.0), inventory=inventory(160, 140))
    assert said(decide(case(Cause.FILES_CRITICAL, seen=down)))[:2] == (Verb.HOLD, Reason.TOO_EARLY)


def test_a_removed_device_is_never_reconnected() -> None:
    assert Rung.RECONNECT not in ladder.LADDER[Cause.LOGGED_OUT]
    assert said(decide(case(Cause.LOGGED_OUT)))[2] is Rung.SNAPSHOT
    taken = tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60)
    assert said(decide(case(Cause.LOGGED_OUT, taken))) == (Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK)


@pytest.mark.parametrize(
    ("policy", "cause", "verb"),
    [
        ("ask", Cause.LOGGED_OUT, Verb.ASK),
        ("auto", Cause.LOGGED_OUT, Verb.ACT),
        ("auto", Cause.DISCONNECTED, Verb.ASK),
        ("never", Cause.LOGGED_OUT, Verb.HUMAN),
        ("never", Cause.DISCONNECTED, Verb.HUMAN),
    ],
)
def test_auto_approval_counts_only_for_a_proven_dead_login(policy: str, cause: Cause, verb: Verb) -> None:
    done = (
        tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60),
        RECONNECTED,
        CLEANED,
    )
    limits = Limits(relink=RelinkLimits(approval=policy))
    assert decide(case(cause, *done, seen=PACKED, limits=limits)).verb is verb


@pytest.mark.parametrize(
    ("state", "verb", "reason"),
    [
        (ApprovalState.OPEN, Verb.HOLD, Reason.APPROVAL_PENDING),
        (ApprovalState.APPROVED, Verb.ACT, Reason.APPROVED),
        (ApprovalState.REJECTED, Verb.HUMAN, Reason.APPROVAL_REJECTED),
        (ApprovalState.EXPIRED, Verb.HUMAN, Reason.APPROVAL_EXPIRED),
    ],
)
def test_what_an_answer_does(state: ApprovalState, verb: Verb, reason: Reason) -> None:
    asked = case(
        Cause.DISCONNECTED, RECONNECTED, CLEANED, seen=PACKED, approval=approval(Rung.RELINK, state, "ann")
    )  # fmt: skip
    assert said(decide(asked))[:2] == (verb, reason)


@pytest.mark.parametrize("state", [ApprovalState.REJECTED, ApprovalState.EXPIRED])
def test_a_refused_cleanup_is_not_asked_again(state: ApprovalState) -> None:
    up = view(
        conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(160, 140), critical_since=NOW - 25 * HOUR
    )  # fmt: skip
    asked = case(Cause.FILES_CRITICAL, seen=up, approval=approval(Rung.CLEANUP, state))
    assert decide(asked).verb is Verb.HOLD


def test_an_approval_for_another_rung_does_not_count() -> None:
    other = approval(Rung.CLEANUP, ApprovalState.APPROVED, "ann")
    asked = case(Cause.DISCONNECTED, RECONNECTED, CLEANED, seen=PACKED, approval=other)
    assert decide(asked).verb is Verb.ASK


HOLDING = [
    (replace(ACTING, shutting_down=True), Reason.SHUTTING_DOWN),
    (replace(ACTING, breach=True), Reason.BREACH),
    (replace(ACTING, busy=True), Reason.ACTION_RUNNING),
    (replace(ACTING, paused=True), Reason.PAUSED),
    (replace(ACTING, online=False), Reason.NETWORK_DOWN),
    (replace(ACTING, whatsapp=False), Reason.WHATSAPP_DOWN),
    (replace(ACTING, braked=True), Reason.BRAKE),
    (replace(ACTING, not_before=NOW + 5), Reason.BRAKE),
    (replace(ACTING, gateway_down=True), Reason.GATEWAY_DOWN),
    (replace(ACTING, started_at=NOW - 119), Reason.STARTING_UP),
    (replace(ACTING, act=False), Reason.OBSERVING),
]


@pytest.mark.parametrize(("fleet", "reason"), HOLDING, ids=[str(reason) for _, reason in HOLDING])
def test_what_holds_everybody(fleet: Fleet, reason: Reason) -> None:
    assert said(decide(case(fleet=fleet)))[:2] == (Verb.HOLD, reason)


def test_gates_open_again_at_their_bounds() -> None:
    assert decide(case(fleet=replace(ACTING, started_at=NOW - 120))).verb is Verb.ACT
    assert decide(case(fleet=replace(ACTING, not_before=NOW))).verb is Verb.ACT
    jumped = replace(ACTING, jumped_at=NOW - 3600)
    assert decide(case(Cause.DISCONNECTED, RECONNECTED, seen=FULL, fleet=jumped)).verb is Verb.ACT


def test_an_unknown_state_holds_all_but_a_copy() -> None:
    assert said(decide(case(seen=view(unknown=True))))[:2] == (Verb.HOLD, Reason.UNKNOWN_STATE)
    assert decide(case(Cause.LOGGED_OUT, seen=view(unknown=True))).rung is Rung.SNAPSHOT


def test_a_cause_proved_by_code_ignores_the_brake() -> None:
    braked = replace(ACTING, braked=True)
    assert decide(case(Cause.LOGGED_OUT, fleet=braked)).verb is Verb.ACT


def test_a_clock_that_jumped_bars_removals_only() -> None:
    jumped = replace(ACTING, jumped_at=NOW - 3599)
    assert decide(case(fleet=jumped)).verb is Verb.ACT
    held = decide(case(Cause.DISCONNECTED, RECONNECTED, seen=FULL, fleet=jumped))
    assert said(held)[:2] == (Verb.HOLD, Reason.CLOCK_JUMPED)


def test_too_early_before_the_second_timer() -> None:
    early = view(timer=Timer(Phase.WARNED, 700.0))
    assert said(decide(case(seen=early)))[:2] == (Verb.HOLD, Reason.TOO_EARLY)


def test_replaced_is_tried_once_after_a_cooldown_and_then_a_human() -> None:
    fresh = view(cause=Cause.REPLACED, proved_at=NOW - 599)
    assert said(decide(case(Cause.REPLACED, seen=fresh)))[:2] == (Verb.HOLD, Reason.TOO_EARLY)
    later = view(cause=Cause.REPLACED, proved_at=NOW - 600)
    assert decide(case(Cause.REPLACED, seen=later)).rung is Rung.RECONNECT
    once = tried(Rung.RECONNECT, Cause.REPLACED, Outcome.FAILED, 700)
    assert decide(case(Cause.REPLACED, once, seen=later)).verb is Verb.HUMAN
    told = decide(case(Cause.REPLACED, once, seen=later, needs_human=True))
    assert told.verb is Verb.HOLD


def test_cooldowns_hold_across_incidents() -> None:
    before = (tried(Rung.RECONNECT, ago_s=599),)
    held = decide(case(history=before))
    assert said(held)[:2] == (Verb.HOLD, Reason.COOLDOWN)
    assert held.until == NOW + 1
    assert decide(case(history=(tried(Rung.RECONNECT, ago_s=600),))).verb is Verb.ACT


def test_a_superseded_attempt_counts_for_nothing() -> None:
    nothing = tried(Rung.RECONNECT, outcome=Outcome.SUPERSEDED, ago_s=10)
    assert decide(case(Cause.DISCONNECTED, nothing)).rung is Rung.RECONNECT


def test_the_daily_budget_ends_automatic_repairs() -> None:
    spent = tuple(tried(Rung.RECONNECT, ago_s=3600.0 * n) for n in range(1, 6))
    assert said(decide(case(history=spent)))[:2] == (Verb.HOLD, Reason.BUDGET_SPENT)
    by_hand = (*spent[1:], tried(Rung.RECONNECT, ago_s=7000, operator="ann"))
    assert decide(case(history=by_hand)).verb is Verb.ACT
    old = (*spent[1:], tried(Rung.RECONNECT, ago_s=86_400))
    assert decide(case(history=old)).verb is Verb.ACT
    assert decide(case(Cause.LOGGED_OUT, history=spent)).rung is Rung.SNAPSHOT


def test_nothing_is_begun_while_an_attempt_has_no_outcome() -> None:
    running = tried(Rung.RECONNECT, outcome=None, ago_s=5)
    assert said(decide(case(Cause.DISCONNECTED, running)))[:2] == (Verb.NONE, Reason.ACTION_RUNNING)


def test_a_verified_repair_gets_time_to_show() -> None:
    healed = tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, Outcome.HEALED, 179)
    detail = {"addresses": ("4915100000001.0",)}
    assert said(decide(case(Cause.BAD_MAC, healed, detail=detail)))[:2] == (Verb.HOLD, Reason.TOO_EARLY)
    longer = tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, Outcome.HEALED, 180)
    assert decide(case(Cause.BAD_MAC, longer, detail=detail)).rung is Rung.RELINK


def test_bad_macs_are_repaired_once_an_hour_by_name_only() -> None:
    detail = {"addresses": ("4915100000001.0",)}
    assert decide(case(Cause.BAD_MAC, detail=detail)).rung is Rung.REPAIR_SESSIONS
    assert decide(case(Cause.BAD_MAC)).verb is Verb.ASK
    lately = (tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, Outcome.HEALED, 3599),)
    assert decide(case(Cause.BAD_MAC, detail=detail, history=lately)).rung is Rung.RELINK


@pytest.mark.parametrize(("sure", "verb"), [(True, Verb.ACT), (False, Verb.ASK)])
def test_creds_are_put_back_by_itself_only_when_the_guard_is_sure(sure: bool, verb: Verb) -> None:
    seen = view(creds_sure=sure)
    assert decide(case(Cause.CREDS_DAMAGED, seen=seen)).verb is verb
    running = replace(seen, conn=ConnState.CONNECTED, paired=True)
    assert said(decide(case(Cause.CREDS_DAMAGED, seen=running)))[:2] == (Verb.HOLD, Reason.SESSION_RUNNING)


def test_a_gateway_without_files_or_calls_leaves_rungs_out() -> None:
    blind = Can(reconnect=False, stop=False, relink=False, files=False)
    assert decide(case(can=blind)).verb is Verb.HUMAN
    assert decide(case(Cause.LOGGED_OUT, can=blind)).verb is Verb.HUMAN
    assert decide(case(Cause.BAD_MAC, can=blind, detail={"addresses": ("1.0",)})).verb is Verb.HUMAN
    assert decide(case(Cause.GATEWAY_DOWN, can=blind)).verb is Verb.HUMAN
    unstoppable = Can(stop=False)
    assert decide(case(Cause.BAD_MAC, can=unstoppable, detail={"addresses": ("1.0",)})).verb is Verb.HUMAN


def test_a_dead_gateway_process_is_restarted_with_a_backoff() -> None:
    can = Can(restart_process=True)
    assert decide(case(Cause.GATEWAY_DOWN, can=can)).rung is Rung.RESTART_PROCESS
    lately = (tried(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN, ago_s=599),)
    assert said(decide(case(Cause.GATEWAY_DOWN, can=can, history=lately)))[:2] == (Verb.HOLD, Reason.COOLDOWN)


@pytest.mark.parametrize("cause", sorted(ladder.HUMAN_ONLY))
def test_what_only_a_human_can_cure(cause: Cause) -> None:
    assert said(decide(case(cause))) == (Verb.HUMAN, Reason.HUMAN_ONLY, None)


@pytest.mark.parametrize("cause", sorted(set(Cause) - ladder.HUMAN_ONLY - set(ladder.LADDER)))
def test_what_is_only_told(cause: Cause) -> None:
    assert said(decide(case(cause))) == (Verb.NONE, Reason.ALERT_ONLY, None)


@pytest.mark.parametrize(
    ("asked", "rung", "reason"),
    [
        (case(fleet=replace(ACTING, paused=True, act=False)), Rung.RECONNECT, Reason.OPERATOR),
        (case(fleet=replace(ACTING, shutting_down=True)), Rung.RECONNECT, Reason.SHUTTING_DOWN),
        (case(fleet=replace(ACTING, busy=True)), Rung.RECONNECT, Reason.ACTION_RUNNING),
        (case(can=Can(files=False)), Rung.CLEANUP, Reason.CANNOT_DO),
        (case(can=Can(stop=False)), Rung.RELINK, Reason.CANNOT_STOP),
        (case(fleet=replace(ACTING, jumped_at=NOW - 1)), Rung.CLEANUP, Reason.CLOCK_JUMPED),
    ],
)
def test_what_an_operator_may_ask_for(asked: Case, rung: Rung, reason: Reason) -> None:
    assert may_request(asked, rung).reason is reason


def test_a_second_outage_in_one_story_starts_its_rungs_anew() -> None:
    healed = tried(Rung.CLEANUP, outcome=Outcome.HEALED, ago_s=7 * HOUR)
    again = case(
        Cause.DISCONNECTED, tried(Rung.RECONNECT, ago_s=8 * HOUR), healed, RECONNECTED,
        seen=view(inventory=inventory(210, 140)), fresh_since=NOW - HOUR,
    )  # fmt: skip
    assert said(decide(again)) == (Verb.ACT, Reason.NEXT_RUNG, Rung.CLEANUP)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (view(conn=ConnState.CONNECTED, paired=True, timer=Timer(Phase.UP, 0.0, None, NOW)), Reason.SESSION_RUNNING),
        (view(unknown=True), Reason.UNKNOWN_STATE),
    ],
)
def test_a_cleanup_by_hand_stops_a_session_only_by_force(seen: CompanyView, reason: Reason) -> None:
    asked = case(seen=seen)
    assert said(may_request(asked, Rung.CLEANUP)) == (Verb.HOLD, reason, Rung.CLEANUP)
    assert may_request(asked, Rung.CLEANUP, force=True).verb is Verb.ACT
    assert may_request(case(), Rung.CLEANUP).verb is Verb.ACT


def test_a_rung_that_failed_before_its_first_step_is_tried_again_a_few_times() -> None:
    once = tried(Rung.CLEANUP, ago_s=599, untouched=True)
    assert said(decide(case(Cause.DISCONNECTED, RECONNECTED, once, seen=FULL)))[:2] == (Verb.HOLD, Reason.COOLDOWN)
    later = tried(Rung.CLEANUP, ago_s=600, untouched=True)
    assert decide(case(Cause.DISCONNECTED, RECONNECTED, later, seen=FULL)).rung is Rung.CLEANUP
    often = [tried(Rung.CLEANUP, ago_s=600.0 * n, untouched=True) for n in (3, 2, 1)]
    assert decide(case(Cause.DISCONNECTED, RECONNECTED, *often, seen=FULL)).verb is Verb.HUMAN
