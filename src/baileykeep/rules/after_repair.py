"""Messages that still cannot be read after a repair: told even where they come too slowly to be a storm."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import DecryptFailed, Fact, SessionsRepaired
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind
from baileykeep.rules.bad_mac import COUNTED


@dataclass(frozen=True, slots=True)
class State:
    """`count` failures since the repair of the last day, None while there was none."""

    repaired_at: Moment | None = None
    count: int = 0


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Count from a repair on for a day; beyond the bound it is a symptom until that day or the next repair."""
    bound = limits.bad_mac.after_repair_alert
    after = _folded(state, fact, now)
    active = after.count > bound
    if active == (state.count > bound):
        return after, ()
    severity = Severity.WARNING if active else Severity.INFO
    detail: Detail = {"bound": bound}
    return after, (Symptom(subject, SymptomKind.AFTER_REPAIR, now, active, severity, detail),)


def _folded(state: State, fact: Fact, now: float) -> State:
    if isinstance(fact, SessionsRepaired):
        return State(fact.at)
    if state.repaired_at is None:
        return state
    if now - state.repaired_at >= DAY:
        return State()
    failed = isinstance(fact, DecryptFailed) and fact.kind in COUNTED and fact.at > state.repaired_at
    return replace(state, count=state.count + 1) if failed else state
