"""How a story moves: what is written down, what counts as news, and what a human's answer is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import ApprovalState, Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.symptoms import Severity
from baileykeep.rules.findings import topic_of
from baileykeep.rules.incidents import (
    KEEP_FIRST,
    KEEP_LAST,
    OUTGROWN,
    QUIET_HOLDS,
    acknowledged,
    answered,
    begun,
    by_hand,
    cleared,
    closed,
    decided,
    ended,
    found,
    opened,
    told,
)
from baileykeep.rules.view import Finding
from tests.unit.rules.cases import ACME, NOW

DOWN = Finding(Cause.DISCONNECTED, Severity.WARNING, {"down_s": 600})
DEAD = Finding(Cause.LOGGED_OUT, Severity.CRITICAL)
ASK = Decision(Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK)
HUMAN = Decision(Verb.HUMAN, Reason.NO_RUNG_LEFT)


def story(finding: Finding = DOWN) -> Incident:
    return opened(finding, ACME, "i1", NOW)


def asked() -> Incident:
    return decided(story(), ASK, NOW + 1)


def attempt(rung: Rung = Rung.RECONNECT, outcome: Outcome | None = None, **more: object) -> Attempt:
    return replace(Attempt(rung, Cause.DISCONNECTED, NOW, "a1", outcome=outcome), **more)  # type: ignore[arg-type]


def texts(incident: Incident) -> list[str]:
    return [line.text for line in incident.story]


def test_a_story_begins_with_what_is_wrong() -> None:
    incident = story()
    assert (incident.topic, incident.cause, incident.severity) == (Topic.HEALTH, Cause.DISCONNECTED, Severity.WARNING)
    assert texts(incident) == ["Disconnected for 10 min."]
    assert story(Finding(Cause.FORECAST, Severity.INFO)).topic is Topic.WATCH


def test_a_line_that_says_nothing_new_is_left_out() -> None:
    incident = story()
    assert told(incident, "", NOW) is incident
    assert told(incident, texts(incident)[0], NOW) is incident
    assert told(incident, "News.", NOW + 1).revision == incident.revision + 1


def test_a_story_is_bounded_and_keeps_its_beginning_and_end() -> None:
    incident = story()
    for n in range(100):
        incident = told(incident, f"Line {n}.", NOW + n)
    assert len(incident.story) == KEEP_FIRST + KEEP_LAST
    assert texts(incident)[1] == "Line 0."
    assert texts(incident)[-1] == "Line 99."
    assert incident.revision == 102


# --- looking again ----------------------------------------------------------------------------------------------


def test_the_same_finding_only_moves_its_numbers() -> None:
    incident = story()
    after = found(replace(incident, clear_since=NOW), replace(DOWN, detail={"down_s": 615}), NOW + 15)
    assert after == replace(incident, detail={"down_s": 615})


def test_severity_rises_and_never_falls() -> None:
    risen = found(story(), Finding(Cause.DISCONNECTED, Severity.CRITICAL), NOW + 1)
    assert (risen.severity, risen.revision) == (Severity.CRITICAL, story().revision + 1)
    assert found(risen, DOWN, NOW + 2).severity is Severity.CRITICAL


def test_another_cause_starts_its_own_row_of_rungs() -> None:
    handed = decided(story(), HUMAN, NOW + 1)
    turned = found(replace(handed, hold="x"), DEAD, NOW + 2)
    assert (turned.cause, turned.severity, turned.needs_human, turned.hold) == (
        Cause.LOGGED_OUT, Severity.CRITICAL, False, None,
    )  # fmt: skip
    assert len(turned.story) == len(handed.story) + 1


def test_another_cause_ends_an_open_question() -> None:
    turned = found(asked(), DEAD, NOW + 2)
    assert turned.approval is not None
    assert (turned.approval.state, turned.approval.spent) == (ApprovalState.EXPIRED, True)


def test_another_cause_takes_the_worth_of_a_yes_away_but_not_that_it_was_said() -> None:
    agreed = answered(asked(), ApprovalState.APPROVED, "ann", NOW + 2)
    turned = found(agreed, DEAD, NOW + 3)
    assert turned.approval is not None
    assert (turned.approval.state, turned.approval.operator, turned.approval.spent) == (
        ApprovalState.APPROVED, "ann", True,
    )  # fmt: skip


def test_a_no_outlives_another_cause() -> None:
    refused = answered(asked(), ApprovalState.REJECTED, "ann", NOW + 2)
    assert found(refused, DEAD, NOW + 3).approval == refused.approval
    assert found(story(), DEAD, NOW + 3).approval is None


# --- closing ----------------------------------------------------------------------------------------------------


def test_a_story_closes_once_nothing_was_found_for_long_enough() -> None:
    first = cleared(story(), NOW + 10, 30, healed=False)
    assert (first.closed_at, first.clear_since) == (None, NOW + 10)
    assert cleared(first, NOW + 39, 30, healed=False).closed_at is None
    over = cleared(first, NOW + 40, 30, healed=False)
    assert over.closed_at == NOW + 40
    assert over.closing == "recovered by itself"


def test_a_verified_repair_closes_at_once() -> None:
    over = cleared(story(), NOW + 10, 30, healed=True)
    assert (over.closed_at, over.closing) == (NOW + 10, "healed")


def test_found_again_in_between_begins_the_wait_anew() -> None:
    first = found(cleared(story(), NOW + 10, 30, healed=False), DOWN, NOW + 20)
    assert cleared(first, NOW + 41, 30, healed=False).closed_at is None


@pytest.mark.parametrize("jump_s", [-3600, -8 * 3600])
def test_a_clock_that_was_set_back_keeps_no_story_open(jump_s: float) -> None:
    first = cleared(story(), NOW + 10, 30, healed=False)
    after = cleared(first, NOW + jump_s, 30, healed=False)
    assert cleared(after, NOW + jump_s + 30, 30, healed=False).closed_at is not None


def test_a_closed_story_asks_and_awaits_nothing() -> None:
    over = closed(replace(asked(), hold="x", needs_human=True), "forgotten", NOW + 60)
    assert over.approval is not None
    assert (over.approval.state, over.hold, over.needs_human) == (ApprovalState.EXPIRED, None, False)
    assert texts(over)[-1] == "Forgotten, after 1 min."
    assert over.revision > asked().revision


# --- deciding ---------------------------------------------------------------------------------------------------


def test_a_question_names_its_revision_and_its_cause_and_is_loud() -> None:
    incident = asked()
    assert incident.approval is not None
    assert incident.approval.revision == incident.revision
    assert (incident.approval.rung, incident.approval.cause) == (Rung.RELINK, Cause.DISCONNECTED)
    assert incident.severity is Severity.CRITICAL
    assert decided(story(Finding(Cause.CREDS_DAMAGED, Severity.EMERGENCY)), ASK, NOW).severity is Severity.EMERGENCY


def test_a_question_that_is_asked_again_is_another_one() -> None:
    again = decided(asked(), ASK, NOW + 100)
    assert again.approval is not None
    assert asked().approval != again.approval
    assert again.approval.revision > asked().revision


def test_a_human_is_called_once() -> None:
    called = decided(story(), HUMAN, NOW + 1)
    assert called.needs_human
    assert called.revision > story().revision
    assert decided(called, HUMAN, NOW + 2) is called


def test_the_same_hold_again_changes_nothing() -> None:
    held = decided(story(), Decision(Verb.HOLD, Reason.PAUSED, Rung.RECONNECT), NOW + 1)
    assert len(held.story) == 2
    assert decided(held, Decision(Verb.HOLD, Reason.PAUSED, Rung.RECONNECT), NOW + 2) is held
    other = decided(held, Decision(Verb.HOLD, Reason.BRAKE, Rung.RECONNECT), NOW + 3)
    assert len(other.story) == 3
    assert decided(story(), Decision(Verb.HOLD, Reason.NO_RUNG_LEFT), NOW).hold == "no_rung_left:"


@pytest.mark.parametrize("reason", sorted(QUIET_HOLDS))
def test_waiting_that_explains_itself_is_not_told(reason: Reason) -> None:
    held = decided(story(), Decision(Verb.HOLD, reason, Rung.RECONNECT), NOW + 1)
    assert held == replace(story(), hold=f"{reason}:reconnect")


def test_nothing_to_decide_changes_nothing() -> None:
    incident = story()
    assert decided(incident, Decision(Verb.NONE, Reason.ALERT_ONLY), NOW) is incident
    assert decided(incident, Decision(Verb.ASK, Reason.ENDS_LOGIN), NOW) is incident


# --- acting -----------------------------------------------------------------------------------------------------


def test_an_attempt_begins_and_ends() -> None:
    running = begun(replace(story(), hold="x"), attempt(), NOW + 1)
    assert (running.attempts, running.hold) == ((attempt(),), None)
    assert texts(running)[-1] == "Reconnecting."
    done = ended(running, attempt(outcome=Outcome.HEALED), NOW + 2)
    assert done.attempts == (attempt(outcome=Outcome.HEALED),)
    assert texts(done)[-1].startswith("Reconnected")


def test_only_the_attempt_that_ended_is_replaced() -> None:
    both = begun(begun(story(), attempt(), NOW), attempt(action_id="a2"), NOW)
    done = ended(both, attempt(action_id="a2", outcome=Outcome.FAILED), NOW)
    assert [a.outcome for a in done.attempts] == [None, Outcome.FAILED]


def test_an_attempt_that_was_not_needed_is_not_told() -> None:
    running = begun(story(), attempt(), NOW + 1)
    assert texts(ended(running, attempt(outcome=Outcome.SUPERSEDED), NOW + 2)) == texts(running)


def test_an_operator_is_named() -> None:
    running = begun(story(), attempt(operator="ann"), NOW + 1)
    assert texts(running)[-1] == "Reconnecting, asked for by ann."


def test_a_yes_is_used_up_by_its_attempt() -> None:
    agreed = answered(asked(), ApprovalState.APPROVED, "ann", NOW + 2)
    used = begun(agreed, attempt(Rung.RELINK), NOW + 3).approval
    other = begun(agreed, attempt(Rung.RECONNECT), NOW + 3).approval
    assert used is not None
    assert used.spent
    assert other == agreed.approval
    assert begun(asked(), attempt(Rung.RELINK), NOW + 3).approval == asked().approval


# --- humans -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rung", "answers"), [(Rung.RELINK, True), (Rung.RESET, True), (Rung.RECONNECT, False)])
def test_who_does_by_hand_what_was_asked_about_has_answered(rung: Rung, answers: bool) -> None:
    after = begun(asked(), attempt(rung, operator="ann"), NOW + 3).approval
    assert after is not None
    if answers:
        said = (after.state, after.operator, after.answered_at, after.spent)
        assert said == (ApprovalState.APPROVED, "ann", NOW + 3, True)
    else:
        assert after == asked().approval


def test_a_question_about_another_rung_is_answered_only_by_that_rung() -> None:
    about = asked().approval
    assert about is not None
    of_cleanup = replace(asked(), approval=replace(about, rung=Rung.CLEANUP))
    assert begun(of_cleanup, attempt(Rung.RELINK, operator="ann"), NOW).approval == of_cleanup.approval
    done = begun(of_cleanup, attempt(Rung.CLEANUP, operator="ann"), NOW).approval
    assert done is not None
    assert done.spent
    already = replace(about, state=ApprovalState.REJECTED)
    rejected = replace(asked(), approval=already)
    assert begun(rejected, attempt(Rung.RELINK, operator="ann"), NOW).approval == already


@pytest.mark.parametrize("state", [ApprovalState.APPROVED, ApprovalState.REJECTED])
def test_an_answer_carries_its_time_and_the_operators_name(state: ApprovalState) -> None:
    after = answered(replace(asked(), hold="x"), state, "ann", NOW + 5)
    assert after.approval is not None
    assert (after.approval.state, after.approval.operator, after.approval.answered_at) == (state, "ann", NOW + 5)
    assert after.hold is None
    assert "ann" in texts(after)[-1]


def test_the_clock_answers_without_a_name() -> None:
    after = answered(asked(), ApprovalState.EXPIRED, "", NOW + 1800)
    assert after.approval is not None
    assert after.approval.operator is None


def test_the_first_answer_counts() -> None:
    first = answered(asked(), ApprovalState.REJECTED, "ann", NOW + 5)
    assert answered(first, ApprovalState.APPROVED, "bob", NOW + 6) is first
    assert answered(story(), ApprovalState.APPROVED, "bob", NOW) == story()


def test_an_acknowledgement_names_who() -> None:
    after = acknowledged(story(), "ann", NOW + 1)
    assert after.acked_by == "ann"
    assert texts(after)[-1] == "Acknowledged by ann."


MOVES = st.sampled_from(["down", "dead", "clear", "ask", "human", "hold", "yes", "no", "begin", "end"])


@given(st.lists(MOVES, max_size=60))
def test_revisions_only_grow_and_a_yes_is_worth_one_attempt(moves: list[str]) -> None:
    incident, yeses, tries = story(), 0, 0
    for n, move in enumerate(moves):
        before, now = incident, NOW + n
        incident = {
            "down": lambda i, t: found(i, DOWN, t),
            "dead": lambda i, t: found(i, DEAD, t),
            "clear": lambda i, t: cleared(i, t, 1e9, healed=False),
            "ask": lambda i, t: decided(i, ASK, t),
            "human": lambda i, t: decided(i, HUMAN, t),
            "hold": lambda i, t: decided(i, Decision(Verb.HOLD, Reason.PAUSED), t),
            "yes": lambda i, t: answered(i, ApprovalState.APPROVED, "ann", t),
            "no": lambda i, t: answered(i, ApprovalState.REJECTED, "ann", t),
            "begin": lambda i, t: begun(i, attempt(Rung.RELINK), t),
            "end": lambda i, t: ended(i, attempt(Rung.RELINK, Outcome.FAILED), t),
        }[move](incident, now)
        approval = before.approval
        yeses += move == "yes" and approval is not None and approval.state is ApprovalState.OPEN
        counts = approval is not None and approval.state is ApprovalState.APPROVED and not approval.spent
        tries += move == "begin" and counts
        assert incident.revision >= before.revision
        assert incident.revision > before.revision or incident.story == before.story
        assert incident.severity.rank >= before.severity.rank
    assert tries <= yeses
    assert topic_of(incident.cause) is incident.topic


def test_what_became_a_graver_story_did_not_recover() -> None:
    full = story(Finding(Cause.FILES_HIGH, Severity.WARNING))
    quiet = cleared(full, NOW, 30, healed=False, how=OUTGROWN)
    assert quiet.closed_at is None
    assert texts(cleared(quiet, NOW + 30, 30, healed=False, how=OUTGROWN))[-1].startswith("Grown worse")
    assert texts(cleared(quiet, NOW + 30, 30, healed=False))[-1].startswith("Recovered by itself")


def test_after_a_human_was_called_the_same_reason_is_not_told_twice() -> None:
    handed = decided(story(), Decision(Verb.HUMAN, Reason.NOTHING_RECLAIMABLE), NOW)
    held = decided(handed, Decision(Verb.HOLD, Reason.NOTHING_RECLAIMABLE), NOW + 5)
    assert held.story == handed.story
    assert held.hold is not None


@pytest.mark.parametrize(
    ("outcome", "cause", "fresh_since"),
    [
        (Outcome.HEALED, Cause.DISCONNECTED, NOW + 5),
        (Outcome.FAILED, Cause.DISCONNECTED, 0.0),
        (Outcome.HEALED, Cause.BAD_MAC, 0.0),
    ],
)
def test_only_a_verified_repair_gives_the_next_trouble_fresh_rungs(
    outcome: Outcome, cause: Cause, fresh_since: float
) -> None:
    repaired = replace(story(), cause=cause, attempts=(attempt(outcome=outcome, cause=cause),))
    turned = found(repaired, Finding(Cause.FILES_CRITICAL, Severity.WARNING), NOW + 5)
    assert turned.fresh_since == fresh_since
    assert found(turned, DOWN, NOW + 9).fresh_since == fresh_since


def test_trouble_that_comes_back_after_a_verified_repair_starts_its_rungs_anew() -> None:
    healed = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, NOW, "a1", NOW + 60, Outcome.HEALED)
    repaired = replace(story(), attempts=(healed,), clear_since=NOW + 100)
    assert found(repaired, DOWN, NOW + 110).fresh_since == NOW + 110
    assert found(replace(repaired, clear_since=None), DOWN, NOW + 110).fresh_since == 0.0
    failed = replace(healed, action_id="a0", outcome=Outcome.FAILED)
    assert found(replace(repaired, attempts=(failed, healed)), DOWN, NOW + 110).fresh_since == NOW + 110
    assert found(replace(repaired, attempts=(healed, failed)), DOWN, NOW + 110).fresh_since == 0.0


def test_a_pairing_by_hand_begins_with_what_is_begun() -> None:
    made = by_hand(ACME, "i1", NOW)
    assert (made.topic, made.severity, made.story) == (Topic.HEALTH, Severity.INFO, ())
    assert texts(begun(made, attempt(Rung.RELINK, operator="ann"), NOW)) == [
        "Relinking with a new QR code, asked for by ann."
    ]


@pytest.mark.parametrize(("outcome", "closing"), [
    (Outcome.UNDONE, "as it was before"),
    (Outcome.REFUSED, "as it was before"),
    (Outcome.FAILED, "recovered by itself"),
])  # fmt: skip
def test_what_was_put_back_did_not_recover(outcome: Outcome, closing: str) -> None:
    tried = begun(story(), attempt(Rung.RELINK), NOW)
    waiting = cleared(ended(tried, attempt(Rung.RELINK, outcome), NOW), NOW, 30, healed=False)
    assert cleared(waiting, NOW + 30, 30, healed=False).closing == closing
