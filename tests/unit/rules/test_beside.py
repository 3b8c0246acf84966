"""A process that several gateways share is restarted by itself only when nobody on it works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.decisions import Reason, Verb
from baileykeep.model.facts import Problem, ProcessState
from baileykeep.model.incident import ApprovalState, Cause, Rung
from baileykeep.model.symptoms import SymptomKind, gateway
from baileykeep.rules import incidents, words
from baileykeep.rules.ladder import Can, decide
from baileykeep.rules.reach import Beside, GatewayState, beside
from tests.unit.rules.cases import ACTING, NOW, approval, case

MAIN = gateway("main")
SILENT = GatewayState(problem=Problem.REFUSED, process=ProcessState.RUNNING)
DOWN = replace(SILENT, active=SymptomKind.GATEWAY_DOWN)
WRONG_KEY = replace(SILENT, problem=Problem.UNAUTHORIZED, active=SymptomKind.GATEWAY_MISCONFIGURED)
STOPPED = GatewayState(process=ProcessState.STOPPED)
CAN = Can(restart_process=True, others="Acme, Bella and Chai")


@pytest.mark.parametrize(
    ("own", "others", "found"),
    [
        (DOWN, [], Beside.DOWN),
        (DOWN, [DOWN, DOWN], Beside.DOWN),
        (DOWN, [DOWN, SILENT], Beside.WAITING),
        (DOWN, [SILENT, GatewayState()], Beside.LIVE),
        (DOWN, [WRONG_KEY], Beside.LIVE),
        (DOWN, [STOPPED], Beside.DOWN),
        (replace(DOWN, process=ProcessState.ERRORED), [GatewayState()], Beside.DOWN),
    ],
)
def test_how_the_others_are(own: GatewayState, others: list[GatewayState], found: Beside) -> None:
    assert beside(own, others) is found


def test_who_works_on_the_process_is_not_stopped_without_a_word() -> None:
    down = case(Cause.GATEWAY_DOWN, subject=MAIN, can=CAN)
    assert decide(down).verb is Verb.ACT
    live = replace(down, fleet=replace(ACTING, beside=Beside.LIVE))
    asked = decide(live)
    assert (asked.verb, asked.reason, asked.rung) == (Verb.ASK, Reason.STOPS_OTHERS, Rung.RESTART_PROCESS)
    for state, verb, reason in (
        (ApprovalState.APPROVED, Verb.ACT, Reason.APPROVED),
        (ApprovalState.OPEN, Verb.HOLD, Reason.APPROVAL_PENDING),
        (ApprovalState.REJECTED, Verb.HOLD, Reason.APPROVAL_REJECTED),
        (ApprovalState.EXPIRED, Verb.HOLD, Reason.APPROVAL_EXPIRED),
    ):
        answer = replace(approval(Rung.RESTART_PROCESS, state, "ann"), cause=Cause.GATEWAY_DOWN)
        said = decide(replace(live, incident=replace(live.incident, approval=answer)))
        assert (said.verb, said.reason) == (verb, reason)


def test_one_that_is_about_to_be_called_down_is_waited_for() -> None:
    waiting = case(Cause.GATEWAY_DOWN, subject=MAIN, can=CAN, fleet=replace(ACTING, beside=Beside.WAITING))
    assert (decide(waiting).verb, decide(waiting).reason) == (Verb.HOLD, Reason.TOO_EARLY)


@pytest.mark.parametrize("others", ["", "Acme, Bella and Chai"])
def test_whoever_is_asked_reads_who_is_stopped_by_a_yes(others: str) -> None:
    can = replace(CAN, others=others)
    asked = case(Cause.GATEWAY_DOWN, subject=MAIN, can=can, fleet=replace(ACTING, beside=Beside.LIVE))
    after = incidents.decided(asked.incident, decide(asked), NOW)
    also = f" It also stops {others}." if others else ""
    assert words.what_to_do(after) == f"Say yes or no: may Baileykeep restart the gateway?{also}"
    line = "Asking whether to restart the gateway: it stops other companies too, so a human must agree."
    assert after.story[-1].text == line + also


def test_who_else_is_stopped_is_not_told_where_nobody_is() -> None:
    unsure = case(Cause.CREDS_DAMAGED, can=replace(CAN, stop=True))
    assert decide(unsure).detail == {}
