"""Whether the database that holds a gateway's logins answers, and fast enough."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import Fact, StoreSeen
from baileykeep.model.limits import DatabaseLimits, Limits
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind

KEPT = 20
"""So many answers are looked at together: one in twenty beyond the limit is a p95 beyond it."""

CALM = 5
"""So many fast answers in a row end an alert."""


@dataclass(frozen=True, slots=True)
class State:
    """`failed` looks in a row; the last answers, newest last; and what was told."""

    failed: int = 0
    answers_s: tuple[float, ...] = ()
    unreachable: bool = False
    slow: bool = False


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """STORE_UNREACHABLE and STORE_SLOW, each on change. Without an answer nothing is known of its speed."""
    if not isinstance(fact, StoreSeen):
        return state, ()
    if fact.took_s is None:
        failed = state.failed + 1
        after = replace(state, failed=failed, unreachable=failed >= limits.database.failed_in_a_row)
    else:
        answers = (*state.answers_s, fact.took_s)[-KEPT:]
        after = State(answers_s=answers, slow=_slow(answers, limits.database, told=state.slow))
    return after, (*_unreachable(state, after, subject, now), *_slowness(state, after, subject, now))


def _slow(answers: tuple[float, ...], limits: DatabaseLimits, *, told: bool) -> bool:
    late = [took > limits.slow_s for took in answers]
    if told:
        return any(late[-CALM:])
    in_a_row = len(late) >= limits.slow_in_a_row and all(late[-limits.slow_in_a_row :])
    return in_a_row or (len(late) == KEPT and sum(late) > KEPT // 20)


def _unreachable(before: State, after: State, subject: Subject, now: float) -> tuple[Symptom, ...]:
    if before.unreachable is after.unreachable:
        return ()
    return (Symptom(subject, SymptomKind.STORE_UNREACHABLE, now, after.unreachable, Severity.CRITICAL),)


def _slowness(before: State, after: State, subject: Subject, now: float) -> tuple[Symptom, ...]:
    if before.slow is after.slow:
        return ()
    detail = {"took_ms": round(1000 * max(after.answers_s[-CALM:]))} if after.slow else {}
    return (Symptom(subject, SymptomKind.STORE_SLOW, now, after.slow, Severity.WARNING, detail),)
