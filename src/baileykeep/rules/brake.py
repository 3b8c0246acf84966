"""The fleet brake: when many companies of one gateway drop together, something else is wrong.

The brake goes on when at least half of a gateway's companies, and at least three, dropped inside two minutes. It
lifts when half of those are back, or after half an hour; then first rungs are staggered over the companies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.limits import BrakeLimits, Limits
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind


@dataclass(frozen=True, slots=True)
class Drop:
    """One company that went down, and when."""

    company: str
    at: float


@dataclass(frozen=True, slots=True)
class State:
    """`drops` are the companies now down; `on_since` is set while the brake holds, `lifted_at` after it did."""

    drops: tuple[Drop, ...] = ()
    on_since: float | None = None
    caught: tuple[str, ...] = ()
    lifted_at: float | None = None
    told: bool = False


def step(
    state: State, subject: Subject, down: frozenset[str], total: int, now: float, limits: Limits
) -> tuple[State, tuple[Symptom, ...]]:
    """Fold the set of companies of one gateway (or host) that are down right now.

    `down` leaves out companies whose cause was proved by a code: they keep their own incident.
    """
    known = {drop.company: drop for drop in state.drops}
    drops = tuple(known.get(company) or Drop(company, now) for company in sorted(down))
    after = replace(state, drops=drops)
    if state.on_since is None:
        return _maybe_pull(after, total, now, limits.brake), ()
    after, lifted = _maybe_lift(after, subject, down, now, limits.brake)
    return (after, lifted) if after.on_since is None else _maybe_tell(after, subject, total, now, limits.brake)


def _maybe_pull(state: State, total: int, now: float, limits: BrakeLimits) -> State:
    """The brake holds at once; it is told of a little later, when our own probes had time to find the network gone."""
    recent = tuple(drop.company for drop in state.drops if now - drop.at <= limits.window_s)
    if len(recent) < limits.min_companies or len(recent) < limits.share * total:
        return state
    caught = tuple(drop.company for drop in state.drops)
    return replace(state, on_since=now, caught=caught, lifted_at=None, told=False)


def _maybe_tell(
    state: State, subject: Subject, total: int, now: float, limits: BrakeLimits
) -> tuple[State, tuple[Symptom, ...]]:
    if state.told or now - (state.on_since or now) < limits.tell_after_s:
        return state, ()
    detail = {"down": len(state.drops), "total": total}
    symptom = Symptom(subject, SymptomKind.FLEET_DOWN, now, severity=Severity.EMERGENCY, detail=detail)
    return replace(state, told=True), (symptom,)


def _maybe_lift(
    state: State, subject: Subject, down: frozenset[str], now: float, limits: BrakeLimits
) -> tuple[State, tuple[Symptom, ...]]:
    caught = frozenset(state.caught) | down
    back = len(caught - down)
    if back * 2 < len(caught) and now - (state.on_since or now) < limits.lift_after_s:
        return replace(state, caught=tuple(sorted(caught))), ()
    detail = {"back": back, "caught": len(caught)}
    lifted = Symptom(subject, SymptomKind.FLEET_DOWN, now, active=False, severity=Severity.EMERGENCY, detail=detail)
    after = replace(state, on_since=None, caught=tuple(sorted(down)), lifted_at=now, told=False)
    return after, (lifted,) if state.told else ()


def stagger_until(state: State, company: str, limits: BrakeLimits) -> float | None:
    """After a lift, when this company's first rung may come; None when it need not wait."""
    if state.lifted_at is None or company not in state.caught:
        return None
    return state.lifted_at + limits.stagger_s * state.caught.index(company)
