"""What must hold before an action begins: kept by a plain case, breached by the same with one thing wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.evidence import Begun, Ended, Intended, Situation, Story
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, LadderLimits, Limits, RelinkLimits
from baileykeep.model.symptoms import gateway
from baileykeep.rules import invariants_begin as rules
from baileykeep.rules.cause import PROVED
from baileykeep.rules.gates import GOES_BY_AGE
from baileykeep.rules.ladder import RETRIED, UNTOUCHED_TRIES
from tests.unit.rules.sights import NOW, QUIET, agreed, attempt, begun, earlier, resumed, told, wrong

MAIN = gateway("main")
HOUR = 3600.0


def breached(sight: Begun, **more: Any) -> list[str]:
    return told((sight, 0), **more)[1]


def held(**changes: Any) -> Situation:
    return replace(QUIET, **changes)


def by_hand(rung: Rung, **more: Any) -> Begun:
    return begun(rung, manual=True, operator="ann", **more)


def test_what_it_must_agree_about_with_the_ladder_is_the_same() -> None:
    assert (rules.PROVED_BY_CODE, rules.GOES_BY_AGE) == (PROVED, GOES_BY_AGE)
    assert (rules.RETRIED, rules.UNTOUCHED_TRIES) == (RETRIED, UNTOUCHED_TRIES)


def test_a_plain_reconnect_keeps_every_promise() -> None:
    assert breached(begun()) == []
    assert breached(by_hand(Rung.RECONNECT)) == []


@pytest.mark.parametrize("second", [begun(), resumed(Rung.RECONNECT)])
def test_one_action_at_a_time(second: Begun) -> None:
    first, _ = told((begun(), 0), (Intended(), 0))
    again = replace(second, attempt=replace(second.attempt, begun_at=NOW + DAY, rung=Rung.SNAPSHOT))
    assert "one_action_at_a_time" in told((again, 0), watch=first)[1]
    over, _ = told((Ended(attempt(outcome=Outcome.SUPERSEDED)), 0), watch=first)
    assert "one_action_at_a_time" not in told((again, 0), watch=over)[1]


def test_a_crossing_action_is_barred_also_by_hand() -> None:
    beside = held(beside=("gateway:main",))
    assert breached(begun(situation=beside)) == ["one_action_at_a_time"]
    assert breached(by_hand(Rung.RECONNECT, situation=beside)) == ["one_action_at_a_time"]
    both = held(beside=("gateway:main", "company:beta"))
    assert wrong((begun(situation=both), 0)) == ["it would cross the action on gateway:main, company:beta"]


@pytest.mark.parametrize("change", [{"acting": False}, {"paused": True}, {"breached": True}])
def test_nothing_new_while_held_but_by_hand(change: dict[str, bool]) -> None:
    assert breached(begun(situation=held(**change))) == ["nothing_new_while_held"]
    assert breached(by_hand(Rung.RECONNECT, situation=held(**change))) == []


def test_it_is_said_what_holds() -> None:
    said = [wrong((begun(situation=held(**{name: name != "acting"})), 0)) for name in ("acting", "paused", "breached")]
    assert said == [["only observing"], ["paused"], ["held after a breach"]]


def test_nothing_new_while_shutting_down_not_even_by_hand() -> None:
    closing = held(shutting_down=True)
    assert breached(begun(situation=closing)) == ["nothing_new_while_held"]
    assert breached(by_hand(Rung.RECONNECT, situation=closing)) == ["nothing_new_while_held"]


@pytest.mark.parametrize("change", [{"online": False}, {"whatsapp": False}])
def test_without_a_network_nothing_begins_by_itself(change: dict[str, bool]) -> None:
    assert breached(begun(situation=held(**change))) == ["network_and_brake_obeyed"]
    assert breached(begun(Rung.SNAPSHOT, Cause.LOGGED_OUT, situation=held(**change))) == ["network_and_brake_obeyed"]
    assert breached(by_hand(Rung.RECONNECT, situation=held(**change))) == []


@pytest.mark.parametrize("change", [{"braked": True}, {"waits_until": NOW + 1}])
def test_the_fleet_brake_frees_what_a_code_proved_and_gateways(change: dict[str, Any]) -> None:
    assert breached(begun(situation=held(**change))) == ["network_and_brake_obeyed"]
    assert breached(begun(Rung.RECONNECT, Cause.REPLACED, situation=held(**change))) == []
    restart = begun(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN, situation=held(**change))
    assert breached(restart, subject=MAIN) == []
    assert breached(by_hand(Rung.RECONNECT, situation=held(**change))) == []


def test_it_is_said_which_network_is_gone_and_whose_brake_holds() -> None:
    def said(**changes: Any) -> list[str]:
        return wrong((begun(situation=held(**changes)), 0))

    assert said(online=False) == said(online=False, whatsapp=False) == ["this host is offline"]
    assert said(whatsapp=False) == ["WhatsApp cannot be reached from here"]
    assert said(braked=True) == ["the fleet brake is on"]
    assert said(waits_until=NOW + 1) == ["it is not its turn yet after the fleet brake"]


def test_a_turn_that_has_come_is_taken() -> None:
    assert breached(begun(situation=held(waits_until=NOW))) == []
    other = begun(Rung.RECONNECT, situation=held(braked=True))
    assert "network_and_brake_obeyed" not in breached(other, subject=MAIN)


@pytest.mark.parametrize(("ago_s", "ok"), [(0, False), (119, False), (120, True), (-1, True)])
def test_the_first_minutes_are_for_looking(ago_s: float, ok: bool) -> None:
    fresh = held(started_at=NOW - ago_s)
    assert breached(begun(situation=fresh)) == ([] if ok else ["looks_first_after_a_start"])
    assert breached(by_hand(Rung.RECONNECT, situation=fresh)) == []


# --- the order of rungs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rung", "cause"), [
    (Rung.RECONNECT, Cause.LOGGED_OUT), (Rung.CLEANUP, Cause.BAD_MAC), (Rung.SNAPSHOT, Cause.CONFIG_BAD),
])  # fmt: skip
def test_only_a_rung_of_the_cause_is_climbed(rung: Rung, cause: Cause) -> None:
    assert breached(begun(rung, cause)) == ["rungs_in_order"]


def test_the_story_must_be_about_that_cause() -> None:
    other = begun(story=Story(Cause.PHANTOM))
    assert breached(other) == ["rungs_in_order"]
    assert breached(replace(begun(), story=None)) == ["rungs_in_order"]


def test_a_gateway_gets_its_process_restarted_and_nothing_else_does() -> None:
    restart = begun(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN)
    assert breached(restart) == ["rungs_in_order"]
    assert breached(restart, subject=MAIN) == []
    assert breached(begun(), subject=MAIN) == ["rungs_in_order"]


def test_a_reconnect_comes_before_what_is_harsher() -> None:
    clean = begun(Rung.CLEANUP)
    assert breached(clean) == ["rungs_in_order"]
    assert breached(begun(Rung.CLEANUP, situation=held(can_reconnect=False))) == []
    assert breached(begun(Rung.CLEANUP, Cause.DISCONNECTED, earlier(Rung.RECONNECT, 700))) == []
    nothing = earlier(Rung.RECONNECT, 700, outcome=Outcome.SUPERSEDED)
    assert breached(begun(Rung.CLEANUP, Cause.DISCONNECTED, nothing)) == ["rungs_in_order"]
    other = earlier(Rung.RECONNECT, 700, Cause.PHANTOM)
    assert breached(begun(Rung.CLEANUP, Cause.DISCONNECTED, other)) == ["rungs_in_order"]
    running = earlier(Rung.RECONNECT, 700, outcome=None)
    assert breached(begun(Rung.CLEANUP, Cause.DISCONNECTED, running)) == ["rungs_in_order"]


def test_what_failed_before_its_first_step_counts_at_the_third_time() -> None:
    thrice = [earlier(Rung.RECONNECT, s, untouched=True) for s in (1000, 2000, 3000)]
    assert breached(begun(Rung.CLEANUP, Cause.DISCONNECTED, *thrice[:2])) == ["rungs_in_order"]
    assert breached(begun(Rung.CLEANUP, Cause.DISCONNECTED, *thrice)) == []


def test_no_rung_twice_in_one_story_but_a_reconnect() -> None:
    before = earlier(Rung.RESTORE_CREDS, 700, Cause.CREDS_DAMAGED)
    assert breached(begun(Rung.RESTORE_CREDS, Cause.CREDS_DAMAGED, before)) == ["rungs_in_order"]
    afresh = begun(Rung.RESTORE_CREDS, Cause.CREDS_DAMAGED, before, fresh_since=NOW - 600)
    assert breached(afresh) == []
    same = begun(Rung.RESTORE_CREDS, Cause.CREDS_DAMAGED, before, fresh_since=before.begun_at)
    assert breached(same) == ["rungs_in_order"]
    assert breached(begun(Rung.RECONNECT, Cause.DISCONNECTED, earlier(Rung.RECONNECT, 700))) == []
    twice = begun(Rung.RECONNECT, Cause.REPLACED, earlier(Rung.RECONNECT, 700, Cause.REPLACED))
    assert "rungs_in_order" in breached(twice)


def test_what_is_not_a_reconnect_is_not_retried_even_where_reconnects_are() -> None:
    for cause in sorted(rules.RETRIED):
        before = [earlier(Rung.RECONNECT, 8 * HOUR, cause), earlier(Rung.RELINK, 7 * HOUR, cause)]
        again = begun(Rung.RELINK, cause, *before, operator="ann", approval=agreed(cause=cause))
        assert breached(again) == ["rungs_in_order"]


def test_an_operator_may_climb_in_any_order() -> None:
    assert breached(by_hand(Rung.CLEANUP)) == []


# --- cooldowns and budgets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rung", "cause", "pause_s"), [
    (Rung.RECONNECT, Cause.DISCONNECTED, 600), (Rung.CLEANUP, Cause.FILES_DANGER, 6 * HOUR),
    (Rung.REPAIR_SESSIONS, Cause.BAD_MAC, HOUR), (Rung.SNAPSHOT, Cause.LOGGED_OUT, 0),
])  # fmt: skip
def test_a_rung_waits_for_its_cooldown_in_whichever_incident(rung: Rung, cause: Cause, pause_s: float) -> None:
    def after(s: float, **more: Any) -> list[str]:
        return breached(begun(rung, cause, history=[earlier(rung, s, Cause.PHANTOM, **more)]))

    assert after(pause_s) == []
    if pause_s:
        assert after(pause_s - 1) == ["cooldowns_kept"]
        assert after(pause_s - 1, operator="ann") == ["cooldowns_kept"]
        assert after(pause_s - 1, untouched=True) == []
        assert after(pause_s - 1, outcome=Outcome.SUPERSEDED) == []
        assert breached(by_hand(rung, history=[earlier(rung, 1)])) == []


@pytest.mark.parametrize(("cause", "window", "pause_s"), [
    (Cause.FILES_CRITICAL, True, 7 * DAY),
    (Cause.FILES_PLANNED, True, 7 * DAY),
    (Cause.FILES_CRITICAL, False, 6 * HOUR),
    (Cause.FILES_DANGER, True, 6 * HOUR),
])  # fmt: skip
def test_a_cleanup_by_window_waits_a_week_and_no_other(cause: Cause, window: bool, pause_s: float) -> None:
    def after(s: float) -> list[str]:
        before = [earlier(Rung.CLEANUP, s, Cause.PHANTOM)]
        operator, approval = (None, None) if window else ("ann", agreed(Rung.CLEANUP, cause))
        around = held(window=window, window_left_s=HOUR if window else 0.0)
        return breached(
            begun(Rung.CLEANUP, cause, history=before, situation=around, operator=operator, approval=approval)
        )

    assert after(pause_s) == []
    assert after(pause_s - 1) == ["cooldowns_kept"]


def test_a_rung_without_a_cooldown_waits_for_nothing_not_even_for_a_clock_that_was_set_back() -> None:
    assert breached(begun(Rung.SNAPSHOT, Cause.LOGGED_OUT, history=[earlier(Rung.SNAPSHOT, -10)])) == []
    assert breached(begun(history=[earlier(Rung.RECONNECT, -10)])) == ["cooldowns_kept"]


def test_a_process_waits_too() -> None:
    def after(s: float) -> list[str]:
        before = earlier(Rung.RESTART_PROCESS, s, Cause.GATEWAY_DOWN)
        return breached(begun(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN, history=[before]), subject=MAIN)

    assert after(600) == []
    assert after(599) == ["cooldowns_kept"]


@pytest.mark.parametrize(("tries", "pause_s"), [(1, 600), (2, 1200), (4, 4800)])
def test_reconnecting_again_waits_ever_longer(tries: int, pause_s: float) -> None:
    def after(s: float) -> list[str]:
        before = [earlier(Rung.RECONNECT, s + n * DAY) for n in range(tries)]
        return breached(begun(Rung.RECONNECT, Cause.DISCONNECTED, *before))

    assert after(pause_s) == []
    assert after(pause_s - 1) == ["cooldowns_kept"]


def test_the_pause_of_reconnects_stops_growing() -> None:
    before = [earlier(Rung.RECONNECT, 600 * 32 + n * DAY) for n in range(12)]
    assert breached(begun(Rung.RECONNECT, Cause.DISCONNECTED, *before)) == []


def test_a_login_used_twice_is_reconnected_once_a_day() -> None:
    def after(s: float, **more: Any) -> list[str]:
        before = earlier(Rung.RECONNECT, s, **{"cause": Cause.REPLACED, **more})
        return breached(begun(Rung.RECONNECT, Cause.REPLACED, history=[before]))

    assert after(DAY - 1) == ["cooldowns_kept"]
    assert after(DAY) == []
    assert after(DAY - 1, operator="ann") == []
    assert after(DAY - 1, cause=Cause.DISCONNECTED) == []
    other = earlier(Rung.RECONNECT, DAY - 1, Cause.REPLACED)
    assert breached(begun(Rung.RECONNECT, Cause.DISCONNECTED, history=[other])) == []


def test_what_the_monitor_remembers_counts_where_the_journal_forgot() -> None:
    first, _ = told((begun(), 0), (Ended(attempt(Rung.RECONNECT, outcome=Outcome.FAILED)), 0))
    later = replace(begun(), attempt=replace(begun().attempt, action_id="a9"))
    assert told((later, 0), watch=first, start=NOW + 599)[1] == ["cooldowns_kept"]
    assert told((later, 0), watch=first, start=NOW + 600)[1] == []


def test_five_repairs_a_day_and_no_more() -> None:
    def after(count: int, age_s: float = DAY - 1, **more: Any) -> list[str]:
        before = [earlier(Rung.RESTORE_CREDS, age_s - n, **more) for n in range(count)]
        return breached(begun(history=before))

    assert after(4) == []
    assert after(5) == ["daily_budget_kept"]
    assert after(5, age_s=DAY + 4) == []
    assert after(5, operator="ann") == []
    assert after(5, outcome=Outcome.SUPERSEDED) == []
    assert after(5, untouched=True) == ["daily_budget_kept"]
    a_day_ago = earlier(Rung.RESTORE_CREDS, DAY)
    assert breached(begun(history=[a_day_ago, *(earlier(Rung.RESTORE_CREDS, 7000 + n) for n in range(4))])) == []


def test_snapshots_and_what_a_human_agreed_to_need_no_budget() -> None:
    spent = [earlier(Rung.RESTORE_CREDS, 7000 + n) for n in range(5)]
    copies = [earlier(Rung.SNAPSHOT, 7000 + n) for n in range(5)]
    assert breached(begun(Rung.SNAPSHOT, Cause.LOGGED_OUT, history=spent)) == []
    assert breached(begun(history=copies)) == []
    assert breached(begun(history=spent, operator="ann")) == []
    fewer = Limits(ladder=LadderLimits(daily_budget=0))
    assert breached(begun(), limits=fewer) == ["daily_budget_kept"]


def test_an_attempt_known_to_both_counts_once() -> None:
    four = [earlier(Rung.RESTORE_CREDS, 7000 + n) for n in range(4)]
    watch, _ = told((replace(begun(), attempt=four[0]), 0))
    known = replace(watch, act=None, tries=tuple(replace(t, begun_at=four[0].begun_at) for t in watch.tries))
    assert told((begun(history=four), 0), watch=known)[1] == []


# --- consent ------------------------------------------------------------------------------------------------------


def relink(cause: Cause = Cause.LOGGED_OUT, **more: Any) -> Begun:
    more.setdefault("operator", "ann")
    more.setdefault("approval", agreed(cause=cause))
    before = [earlier(Rung.RECONNECT, 7000, cause)]
    return begun(Rung.RELINK, cause, *before, **more)


def test_a_login_ends_with_a_humans_fresh_word() -> None:
    assert breached(relink()) == []
    assert breached(relink(approval=agreed(cause=None, answered_at=None, asked_at=NOW - 60))) == []


@pytest.mark.parametrize("approval", [
    None,
    agreed(state=ApprovalState.OPEN),
    agreed(state=ApprovalState.REJECTED),
    agreed(spent=True),
    agreed(Rung.CLEANUP),
    agreed(cause=Cause.PHANTOM),
    agreed(answered_at=NOW - 1800),
    agreed(answered_at=None, asked_at=NOW - 1800),
])  # fmt: skip
def test_no_answer_an_old_one_or_one_to_something_else_is_no_consent(approval: Any) -> None:
    assert breached(relink(approval=approval)) == ["login_ends_only_with_consent"]


def test_consent_has_a_name_and_the_configuration_may_forbid_it() -> None:
    assert breached(relink(operator=None)) == ["login_ends_only_with_consent"]
    never = Limits(relink=RelinkLimits(approval="never"))
    assert breached(relink(), limits=never) == ["login_ends_only_with_consent"]
    assert breached(replace(relink(), story=None)) == ["rungs_in_order", "login_ends_only_with_consent"]


def test_by_itself_only_a_login_that_whatsapp_ended_and_only_where_that_is_configured() -> None:
    auto = Limits(relink=RelinkLimits(approval="auto"))
    assert breached(relink(operator=None, approval=None), limits=auto) == []
    assert breached(relink(Cause.PHANTOM, operator=None, approval=None), limits=auto) == [
        "login_ends_only_with_consent"
    ]
    assert breached(relink(Cause.PHANTOM), limits=auto) == []
    assert breached(relink(approval=None), limits=auto) == ["login_ends_only_with_consent"]


@pytest.mark.parametrize("rung", sorted(rules.BY_HAND_ONLY))
def test_some_rungs_are_climbed_by_hand_only(rung: Rung) -> None:
    assert breached(by_hand(rung)) == []
    for operator in (None, "ann"):
        assert "login_ends_only_with_consent" in breached(begun(rung, operator=operator))
    assert breached(begun(rung, manual=True)) == ["login_ends_only_with_consent"]


def test_a_half_paired_folder_needs_no_consent() -> None:
    assert breached(begun(Rung.PAIR_AGAIN, Cause.HALF_PAIRED)) == []


# --- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ago_s", "ok"), [(3599, False), (3600, True)])
def test_nothing_is_cleaned_for_an_hour_after_a_clock_jump(ago_s: float, ok: bool) -> None:
    jumped = held(jumped_at=NOW - ago_s)
    expected = [] if ok else ["no_cleanup_after_a_clock_jump"]
    assert breached(begun(Rung.CLEANUP, Cause.FILES_DANGER, situation=jumped)) == expected
    assert breached(by_hand(Rung.CLEANUP, situation=jumped)) == expected
    assert breached(by_hand(Rung.RELINK, situation=jumped)) == []
    assert breached(by_hand(Rung.RESET, situation=jumped)) == []
    assert breached(begun(situation=jumped)) == []
