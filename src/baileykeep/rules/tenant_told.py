"""Whether a company's own people can be told: staff must know when they hear nothing."""

from __future__ import annotations

from dataclasses import dataclass

from baileykeep.model.facts import Fact, TenantTold
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind


@dataclass(frozen=True, slots=True)
class State:
    """The channels that take nothing, each with its problem, by name."""

    problems: tuple[tuple[str, str], ...] = ()


def step(state: State, subject: Subject, fact: Fact, now: float, _limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """TENANT_UNTOLD on change: over when every channel took a message again, or the addresses changed."""
    if not isinstance(fact, TenantTold):
        return state, ()
    others = tuple(pair for pair in state.problems if fact.channel and pair[0] != fact.channel)
    mine = ((fact.channel, fact.problem),) if fact.problem else ()
    after = State(tuple(sorted((*others, *mine))))
    if after == state:
        return state, ()
    return after, (_symptom(after, subject, now),)


def _symptom(state: State, subject: Subject, now: float) -> Symptom:
    severity = Severity.WARNING if state.problems else Severity.INFO
    detail = {"problem": "; ".join(problem for _, problem in state.problems)}
    return Symptom(subject, SymptomKind.TENANT_UNTOLD, now, bool(state.problems), severity, detail)
