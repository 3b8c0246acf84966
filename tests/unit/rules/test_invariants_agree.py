"""The ladder and the checks of its promises agree: what it decides to do may be begun. A false alarm is harm, too."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.evidence import Begun, Evidence, Situation, Story
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import ApprovalState, Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, Limits, RelinkLimits
from baileykeep.rules.invariants import step
from baileykeep.rules.ladder import LADDER, Can, Case, decide, may_request
from baileykeep.rules.watch import Watch
from tests.unit.rules.cases import ACME, ACTING, NOW, approval, case, inventory, tried, view
from tests.unit.rules.test_ladder_invariants import ADDRESSES, CASES, MAIN


def situation(made: Case) -> Situation:
    """What the monitor would have read from the same holds."""
    fleet = made.fleet
    return Situation(
        acting=fleet.act, shutting_down=fleet.shutting_down, paused=fleet.paused, breached=fleet.breach,
        online=fleet.online, whatsapp=fleet.whatsapp, braked=fleet.braked, waits_until=fleet.not_before,
        started_at=fleet.started_at, jumped_at=fleet.jumped_at, beside=("company:other",) if fleet.busy else (),
        can_reconnect=made.can.reconnect, window=bool(fleet.window),
        window_left_s=made.limits.ladder.window_margin_s + 1 if fleet.window else 0.0,
        neighbours=("company:other",) if fleet.neighbour else (),
        unwell=("flapping",) if fleet.other_incident else (),
        failed_near=("company:other",) if fleet.neighbour_failed else (),
    )  # fmt: skip


def breached(made: Case, decision: Decision, *, manual: bool = False) -> tuple[tuple[str, str], ...]:
    """What the checks say to an action that was decided."""
    assert decision.rung is not None
    incident, approval = made.incident, made.incident.approval
    agreed = approval.operator if decision.reason is Reason.APPROVED and approval is not None else None
    attempt = Attempt(decision.rung, incident.cause, NOW, "new", operator="ann" if manual else agreed)
    story = Story(incident.cause, incident.attempts, approval, incident.fresh_since)
    sight = Begun(attempt, manual, situation(made), story, made.history)
    return step(Watch(), Evidence(incident.subject, "new", NOW, 5000.0, sight), made.limits)[1]


AGES_S = st.sampled_from([1, 599, 600, 601, 1199, 1200, 3599, 3600, 21_599, 21_600, 86_399, 86_400, 7 * 86_400])
OPERATOR = st.sampled_from([None, None, "ann"])
FAILED_EARLY = ((601.0, 5000.0), (601.0, 5000.0, 9000.0), (601.0, 5000.0, 9000.0, 12_000.0))
ACTIVE = st.sampled_from([
    *(ACTING, ACTING, ACTING), replace(ACTING, window=True), replace(ACTING, not_before=NOW - 1),
    replace(ACTING, window=True, neighbour=True), replace(ACTING, window=True, other_incident=True),
    replace(ACTING, window=True, neighbour_failed=True),
])  # fmt: skip


@st.composite
def ready(draw: st.DrawFn) -> Case:
    """Cases in which the ladder mostly acts: the cause's own view, answers that may fit, attempts at the edges."""
    cause = draw(st.sampled_from(sorted(LADDER)))
    row = LADDER[cause]
    tries = st.builds(
        lambda rung, outcome, ago_s, operator, untouched: tried(
            rung, cause, outcome, ago_s, operator=operator, untouched=untouched
        ),
        st.sampled_from(row), st.sampled_from(Outcome), AGES_S, OPERATOR, st.booleans(),
    )  # fmt: skip
    attempts = draw(st.lists(tries, max_size=4, unique_by=lambda a: a.action_id))
    if draw(st.sampled_from([False, False, True])):
        attempts = [tried(row[0], cause, ago_s=ago, untouched=True) for ago in draw(st.sampled_from(FAILED_EARLY))]
    elsewhere = [
        tried(draw(st.sampled_from(row)), Cause.FLAPPING, ago_s=draw(AGES_S) + 0.5 * n, operator=draw(OPERATOR))
        for n in range(draw(st.sampled_from([0, 1, 4, 5])))
    ]
    answer = replace(
        approval(draw(st.sampled_from(row)), ApprovalState.APPROVED, "ann"),
        cause=draw(st.sampled_from([None, cause, cause])), answered_at=NOW - draw(st.sampled_from([0, 1799, 1800])),
        spent=draw(st.sampled_from([False, False, True])),
    )  # fmt: skip
    full = draw(st.sampled_from([(60, 60), (130, 100), (160, 100), (190, 100), (190, 170), (230, 100), (230, 190)]))
    connected = cause in (Cause.FILES_DANGER, Cause.FILES_CRITICAL, Cause.FILES_PLANNED)
    return case(
        cause, *sorted(attempts, key=lambda a: a.begun_at),
        seen=view(
            conn=ConnState.CONNECTED if connected else ConnState.DISCONNECTED, inventory=inventory(*full),
            critical_since=NOW - draw(st.sampled_from([60, 86_400])), proved_at=NOW - 700,
            creds_sure=draw(st.booleans()),
        ),
        fleet=draw(ACTIVE),
        can=Can(draw(st.booleans()), True, draw(st.booleans()), True, True, True),
        limits=Limits(relink=RelinkLimits(approval=draw(st.sampled_from(["ask", "auto", "never"])))),
        approval=draw(st.sampled_from([None, answer, answer])), needs_human=draw(st.booleans()),
        subject=MAIN if cause is Cause.GATEWAY_DOWN else ACME, detail=ADDRESSES,
        history=tuple(sorted((*attempts, *elsewhere), key=lambda a: a.begun_at)),
        fresh_since=draw(st.sampled_from([0.0, NOW - 3600, NOW - 2 * DAY])),
    )  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(ready())
def test_what_the_ladder_decides_to_do_may_be_begun(made: Case) -> None:
    decision = decide(made)
    if decision.verb is Verb.ACT:
        assert breached(made, decision) == ()


@settings(max_examples=200, deadline=None)
@given(CASES, st.sampled_from(Rung), st.booleans())
def test_what_an_operator_may_ask_for_may_be_begun(made: Case, rung: Rung, force: bool) -> None:
    decision = may_request(made, rung, force=force)
    if decision.verb is Verb.ACT:
        assert breached(made, decision, manual=True) == ()


def test_the_second_outage_of_a_story_begins_its_rungs_anew() -> None:
    before = tried(Rung.RECONNECT, outcome=Outcome.HEALED, ago_s=3600)
    again = case(Cause.DISCONNECTED, before, fresh_since=NOW - 600)
    decision = decide(again)
    assert (decision.verb, decision.rung) == (Verb.ACT, Rung.RECONNECT)
    assert breached(again, decision) == ()
