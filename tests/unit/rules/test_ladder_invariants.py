"""The golden rules, whatever the case: no decision to act or to ask may break one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.limits import Limits, RelinkLimits
from baileykeep.model.symptoms import Detail, Scope, gateway
from baileykeep.rules import gates, ladder, questions
from baileykeep.rules.cause import PROVED
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.ladder import Can, Case, Fleet, decide
from baileykeep.rules.view import Timer
from tests.unit.rules.cases import ACME, ACTING, NOW, approval, case, inventory, tried, view

MAIN = gateway("main")
ADDRESSES: Detail = {"addresses": ("4915100000001.0",)}

ATTEMPTS = st.lists(
    st.builds(
        lambda rung, cause, outcome, ago_s, operator: tried(rung, cause, outcome, ago_s, operator=operator),
        st.sampled_from(Rung),
        st.sampled_from(sorted(ladder.LADDER)),
        st.sampled_from(Outcome),
        st.floats(0, 3 * 86_400),
        st.sampled_from([None, "ann"]),
    ),
    max_size=8,
)
FLEETS = st.builds(
    Fleet,
    act=st.booleans(),
    started_at=st.sampled_from([NOW - 60, NOW - 86_400]),
    shutting_down=st.booleans(),
    online=st.booleans(),
    whatsapp=st.booleans(),
    paused=st.booleans(),
    braked=st.booleans(),
    not_before=st.sampled_from([None, NOW - 1, NOW + 60]),
    gateway_down=st.booleans(),
    jumped_at=st.sampled_from([None, NOW - 60]),
    busy=st.booleans(),
    breach=st.booleans(),
)
VIEWS = st.builds(
    lambda conn, unknown, phase, counted, after, since: view(
        conn=conn,
        unknown=unknown,
        timer=Timer(phase, 700.0),
        inventory=inventory(counted, min(after, counted)),
        critical_since=since,
        proved_at=NOW - 700,
    ),
    st.sampled_from(ConnState),
    st.booleans(),
    st.sampled_from(Phase),
    st.integers(0, 230),
    st.integers(0, 230),
    st.sampled_from([None, NOW - 60, NOW - 90_000]),
)
ANSWERS = st.none() | st.builds(
    lambda rung, state, cause, ago_s, spent: replace(
        approval(rung, state, "ann"), cause=cause, answered_at=NOW - ago_s, spent=spent
    ),
    st.sampled_from([Rung.RELINK, Rung.CLEANUP, Rung.RESTORE_CREDS]),
    st.sampled_from(ApprovalState),
    st.sampled_from(sorted(ladder.LADDER)),
    st.floats(0, 7200),
    st.booleans(),
)
CASES = st.builds(
    lambda cause, attempts, history, seen, fleet, can, policy, answer, handed, subject: case(
        cause,
        *attempts,
        history=tuple(sorted((*attempts, *history), key=lambda a: a.begun_at)),
        seen=seen,
        fleet=fleet,
        can=can,
        limits=Limits(relink=RelinkLimits(approval=policy)),
        approval=answer,
        needs_human=handed,
        subject=subject,
        detail=ADDRESSES,
    ),
    st.sampled_from(Cause),
    ATTEMPTS,
    ATTEMPTS,
    VIEWS,
    FLEETS | st.just(ACTING),
    st.builds(Can, *[st.booleans()] * 6) | st.just(Can()),
    st.sampled_from(["ask", "auto", "never"]),
    ANSWERS,
    st.booleans(),
    st.sampled_from([ACME, ACME, MAIN]),
)


def agreed(made: Case, rung: Rung) -> bool:
    answer = made.incident.approval
    return (
        answer is not None
        and (answer.rung, answer.state, answer.spent) == (rung, ApprovalState.APPROVED, False)
        and answer.cause is made.incident.cause
    )


@settings(max_examples=400, deadline=None)
@given(CASES)
def test_the_golden_rules_hold_in_every_case(made: Case) -> None:
    decision, fleet, cause = decide(made), made.fleet, made.incident.cause
    assert decide(made) == decision
    if decision.verb not in (Verb.ACT, Verb.ASK):
        return
    rung = decision.rung
    assert rung is not None
    assert rung in ladder.LADDER[cause]
    assert fleet.act
    assert not any((fleet.shutting_down, fleet.breach, fleet.busy, fleet.paused))
    assert fleet.online
    assert fleet.whatsapp
    assert fleet.started_at + 120 <= NOW
    assert not fleet.braked or cause in PROVED or rung is Rung.RESTART_PROCESS
    assert made.incident.subject.scope is Scope.COMPANY or rung is Rung.RESTART_PROCESS
    assert rung in (Rung.SNAPSHOT, Rung.RESTART_PROCESS) or not (made.view.unknown or fleet.gateway_down)
    assert not (cause is Cause.LOGGED_OUT and rung is Rung.RECONNECT)
    if rung in gates.REMOVES_FILES:
        assert fleet.jumped_at is None or rung is not Rung.CLEANUP
        assert made.can.files
        assert made.can.stop or made.can.stop_others
    if decision.verb is Verb.ACT:
        _check_act(made, rung, decision)


def _check_act(made: Case, rung: Rung, decision: Decision) -> None:
    cause, policy = made.incident.cause, made.limits.relink.approval
    if rung is Rung.RELINK:
        assert policy != "never"
        assert agreed(made, rung) or (cause is Cause.LOGGED_OUT and policy == "auto")
    if rung is Rung.CLEANUP:
        assert made.view.inventory is not None
        target = ladder.cleanup_target(made)
        assert target is not None
        assert made.view.inventory.counted_after < target <= made.view.inventory.counted
    if rung in questions.STOPS and not made.can.stop:
        assert agreed(made, rung)
    if decision.reason is not Reason.APPROVED and rung is not Rung.SNAPSHOT:
        assert len(ladder.spent_today(made.history, NOW)) < made.limits.ladder.daily_budget
