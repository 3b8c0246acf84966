"""What humans' answers are worth to the ladder, and what it leaves alone whatever the cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.inventory import Level
from baileykeep.model.limits import HOUR, Limits, RelinkLimits
from baileykeep.model.symptoms import HOST, Detail, Subject, gateway
from baileykeep.rules import ladder, words
from baileykeep.rules.ladder import Can, Case, decide
from baileykeep.rules.view import Timer
from tests.unit.rules.cases import ACTING, NOW, approval, case, inventory, tried, view

RECONNECTED = tried(Rung.RECONNECT, ago_s=600)
CLEANED = tried(Rung.CLEANUP, ago_s=400)
PACKED = view(inventory=inventory(210, 205))


def said(decision: Decision) -> tuple[Verb, Reason, Rung | None]:
    return decision.verb, decision.reason, decision.rung


MAIN = gateway("main")
ADDRESSES: Detail = {"addresses": ("4915100000001.0",)}


@pytest.mark.parametrize("cause", sorted(set(ladder.LADDER) - {Cause.GATEWAY_DOWN}))
@pytest.mark.parametrize("subject", [MAIN, HOST])
def test_what_is_said_of_a_gateway_never_repairs_some_company_by_guess(cause: Cause, subject: Subject) -> None:
    decision = decide(case(cause, subject=subject, detail=ADDRESSES, seen=PACKED))
    assert said(decision) == (Verb.NONE, Reason.ALERT_ONLY, None)


@pytest.mark.parametrize("handed", [False, True])
def test_asking_is_no_repair_and_no_budget_forbids_it(handed: bool) -> None:
    spent = tuple(tried(Rung.RECONNECT, ago_s=3600.0 * n) for n in range(1, 6))
    taken = tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60)
    asked = case(Cause.LOGGED_OUT, taken, history=spent, needs_human=handed)
    assert said(decide(asked)) == (Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK)
    agreed = replace(asked.incident, approval=approval(Rung.RELINK, ApprovalState.APPROVED, "ann"))
    assert decide(replace(asked, incident=agreed)).reason is Reason.APPROVED
    auto = replace(asked, limits=Limits(relink=RelinkLimits(approval="auto")))
    assert decide(auto).reason is Reason.BUDGET_SPENT


def test_a_second_throw_out_within_a_day_is_not_answered_by_another() -> None:
    seen = view(cause=Cause.REPLACED, proved_at=NOW - 700)
    before = (tried(Rung.RECONNECT, Cause.REPLACED, Outcome.HEALED, 86_399),)
    assert said(decide(case(Cause.REPLACED, seen=seen, history=before))) == (Verb.HUMAN, Reason.COOLDOWN, None)
    for harmless in (
        tried(Rung.RECONNECT, Cause.REPLACED, Outcome.HEALED, 86_400),
        tried(Rung.RECONNECT, Cause.REPLACED, Outcome.SUPERSEDED, 3600),
        tried(Rung.RECONNECT, Cause.REPLACED, Outcome.HEALED, 3600, operator="ann"),
        tried(Rung.RECONNECT, Cause.DISCONNECTED, Outcome.HEALED, 3600),
    ):
        assert decide(case(Cause.REPLACED, seen=seen, history=(harmless,))).verb is Verb.ACT


UNSTOPPABLE, SHARED = Can(stop=False), Can(stop=False, stop_others=True)


@pytest.mark.parametrize(
    ("cause", "rung"), [(Cause.CREDS_DAMAGED, Rung.RESTORE_CREDS), (Cause.HALF_PAIRED, Rung.PAIR_AGAIN)]
)
def test_what_changes_files_needs_files_and_a_session_that_can_be_stopped(cause: Cause, rung: Rung) -> None:
    seen = view(creds_sure=True)
    assert said(decide(case(cause, seen=seen))) == (Verb.ACT, Reason.NEXT_RUNG, rung)
    assert said(decide(case(cause, seen=seen, can=UNSTOPPABLE))) == (Verb.HUMAN, Reason.CANNOT_STOP, None)
    assert said(decide(case(cause, seen=seen, can=Can(files=False)))) == (Verb.HUMAN, Reason.CANNOT_DO, None)
    assert said(decide(case(cause, seen=seen, can=SHARED))) == (Verb.ASK, Reason.STOPS_OTHERS, rung)


def test_even_an_automatic_relink_asks_before_it_stops_others() -> None:
    taken = tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60)
    limits = Limits(relink=RelinkLimits(approval="auto"))
    asked = case(Cause.LOGGED_OUT, taken, limits=limits, can=SHARED)
    assert said(decide(asked)) == (Verb.ASK, Reason.STOPS_OTHERS, Rung.RELINK)


def test_whoever_agrees_that_a_login_ends_reads_that_others_are_stopped_for_it() -> None:
    taken = tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60)
    asked = decide(case(Cause.LOGGED_OUT, taken, can=SHARED))
    assert said(asked) == (Verb.ASK, Reason.ENDS_LOGIN_STOPS_OTHERS, Rung.RELINK)
    assert words.why_held(asked.reason) == "it ends the login and stops other companies too, so a human must agree"


def asked_of(present: Cause, state: ApprovalState, **about: Any) -> Case:
    """A session in front of its relink, with an answer about one."""
    taken = (tried(Rung.SNAPSHOT, Cause.LOGGED_OUT, Outcome.DONE, 60), RECONNECTED, CLEANED)
    reconnected = tried(Rung.RECONNECT, Cause.PHANTOM, ago_s=700)
    answer = replace(approval(Rung.RELINK, state, "ann"), **about)
    return case(present, *taken, reconnected, seen=PACKED, approval=answer)


def test_a_yes_counts_only_for_the_cause_it_was_given_for() -> None:
    yes = asked_of(Cause.DISCONNECTED, ApprovalState.APPROVED, cause=Cause.DISCONNECTED)
    assert said(decide(yes)) == (Verb.ACT, Reason.APPROVED, Rung.RELINK)
    for cause in (Cause.PHANTOM, Cause.LOGGED_OUT):
        other = asked_of(cause, ApprovalState.APPROVED, cause=Cause.DISCONNECTED)
        assert said(decide(other)) == (Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK)


def test_a_yes_counts_once() -> None:
    used = asked_of(Cause.DISCONNECTED, ApprovalState.APPROVED, spent=True)
    assert decide(used).verb is Verb.ASK


@pytest.mark.parametrize(("ago_s", "verb"), [(1799, Verb.ACT), (1800, Verb.ASK), (86_400, Verb.ASK)])
def test_a_yes_does_not_outlive_its_question(ago_s: float, verb: Verb) -> None:
    """It may have been held up by a pause or the brake, and nobody knows whether it is still meant."""
    late = asked_of(Cause.DISCONNECTED, ApprovalState.APPROVED, answered_at=NOW - ago_s, asked_at=NOW - 90_000)
    assert decide(late).verb is verb
    unsaid = asked_of(Cause.DISCONNECTED, ApprovalState.APPROVED, asked_at=NOW - ago_s)
    assert decide(unsaid).verb is verb


@pytest.mark.parametrize("state", [ApprovalState.REJECTED, ApprovalState.EXPIRED])
def test_a_no_stays_until_something_more_pressing_is_wrong(state: ApprovalState) -> None:
    assert decide(asked_of(Cause.DISCONNECTED, state, cause=Cause.DISCONNECTED)).verb is Verb.HUMAN
    assert decide(asked_of(Cause.DISCONNECTED, state, cause=Cause.PHANTOM)).verb is Verb.HUMAN
    assert decide(asked_of(Cause.LOGGED_OUT, state, cause=Cause.DISCONNECTED)).verb is Verb.ASK
    assert decide(asked_of(Cause.LOGGED_OUT, state, cause=Cause.LOGGED_OUT)).verb is Verb.HUMAN


@pytest.mark.parametrize(
    ("cause", "counted", "rung"),
    [
        (Cause.FILES_DANGER, 180, Rung.CLEANUP),
        (Cause.FILES_DANGER, 178, None),
        (Cause.FILES_CRITICAL, 147, None),
    ],
)
def test_a_level_that_only_lingers_stops_nobody(cause: Cause, counted: int, rung: Rung | None) -> None:
    full = replace(inventory(counted, 100), level=Level.DANGER if cause is Cause.FILES_DANGER else Level.CRITICAL)
    seen = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=full, critical_since=NOW - 25 * HOUR)
    decision = decide(case(cause, seen=seen))
    assert decision.rung is rung
    assert decision.verb is (Verb.HOLD if rung is None else Verb.ACT)


def test_a_clock_that_was_set_back_does_not_prolong_the_start() -> None:
    assert decide(case(fleet=replace(ACTING, started_at=NOW + 8 * HOUR))).verb is Verb.ACT
    assert decide(case(fleet=replace(ACTING, started_at=NOW))).reason is Reason.STARTING_UP


def test_only_what_stops_the_session_asks_where_that_stops_others() -> None:
    assert said(decide(case(can=SHARED))) == (Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT)
    assert said(decide(case(Cause.LOGGED_OUT, can=SHARED))) == (Verb.ACT, Reason.NEXT_RUNG, Rung.SNAPSHOT)
    assert said(decide(case(Cause.GATEWAY_DOWN, can=replace(SHARED, restart_process=True)))) == (
        Verb.ACT, Reason.NEXT_RUNG, Rung.RESTART_PROCESS,
    )  # fmt: skip
    for cause, rung in ((Cause.HALF_PAIRED, Rung.PAIR_AGAIN), (Cause.BAD_MAC, Rung.REPAIR_SESSIONS)):
        assert said(decide(case(cause, can=SHARED, detail=ADDRESSES))) == (Verb.ASK, Reason.STOPS_OTHERS, rung)


def test_why_creds_are_asked_about() -> None:
    assert said(decide(case(Cause.CREDS_DAMAGED))) == (Verb.ASK, Reason.UNSURE_CREDS, Rung.RESTORE_CREDS)
