"""The fleet brake: when many companies of one gateway drop together, something else is wrong.

The brake goes on when at least half of a gateway's companies, and at least three, dropped inside two minutes. It
lifts when half of those are back, or after half an hour; then first rungs are staggered over the companies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.limits import BrakeLimits, Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind


@dataclass(frozen=True, slots=True)
class Drop:
    """One company that went down, and when."""

    company: str
    at: Moment


@dataclass(frozen=True, slots=True)
class State:
    """`drops` are the companies now down; `on_since` is set while the brake holds, `lifted_at` after it did.

    `caught` are the companies that dropped together (and those that followed while it held); once it lifted, those
    that are still down, in the order of their turns.
    """

    drops: tuple[Drop, ...] = ()
    on_since: Moment | None = None
    caught: tuple[str, ...] = ()
    lifted_at: Moment | None = None
    told: bool = False


def step(
    state: State, subject: Subject, down: frozenset[str], total: int, now: float, limits: Limits
) -> tuple[State, tuple[Symptom, ...]]:
    """Fold the set of companies of one gateway (or host) that are down right now.

    `down` leaves out companies whose cause was proved by a code: they keep their own incident.
    """
    state = _not_ahead(state, now)
    known = {drop.company: drop for drop in state.drops}
    drops = tuple(known.get(company) or Drop(company, now) for company in sorted(down))
    after = replace(state, drops=drops)
    if state.on_since is None:
        return _maybe_pull(after, total, now, limits.brake), ()
    after, lifted = _maybe_lift(after, state.on_since, subject, down, now, limits.brake)
    if after.on_since is None:
        return after, lifted
    return _maybe_tell(after, after.on_since, subject, total, now, limits.brake)


def _not_ahead(state: State, now: float) -> State:
    """Where the clock was set back, no moment lies in the future: the brake would hold until then, or be pulled then.

    A drop that seems to come takes the same distance into the past: what was long ago stays so.
    """
    return replace(
        state,
        drops=tuple(Drop(drop.company, now - abs(now - drop.at)) for drop in state.drops),
        on_since=min(state.on_since, now) if state.on_since is not None else None,
        lifted_at=min(state.lifted_at, now) if state.lifted_at is not None else None,
    )


def _maybe_pull(state: State, total: int, now: float, limits: BrakeLimits) -> State:
    """The brake holds at once; it is told of a little later, when our own probes had time to find the network gone.

    A drop that already pulled the brake once does not pull it again.
    """
    fresh = [drop for drop in state.drops if state.lifted_at is None or drop.at > state.lifted_at]
    recent = tuple(drop.company for drop in fresh if now - drop.at <= limits.window_s)
    if len(recent) < limits.min_companies or len(recent) < limits.share * total:
        return state
    return replace(state, on_since=now, caught=recent, lifted_at=None)


def _maybe_tell(
    state: State, on_since: float, subject: Subject, total: int, now: float, limits: BrakeLimits
) -> tuple[State, tuple[Symptom, ...]]:
    if state.told or now - on_since < limits.tell_after_s:
        return state, ()
    detail = {"down": len(state.drops), "total": total}
    symptom = Symptom(subject, SymptomKind.FLEET_DOWN, now, severity=Severity.EMERGENCY, detail=detail)
    return replace(state, told=True), (symptom,)


def _maybe_lift(
    state: State, on_since: float, subject: Subject, down: frozenset[str], now: float, limits: BrakeLimits
) -> tuple[State, tuple[Symptom, ...]]:
    followed = {drop.company for drop in state.drops if on_since < drop.at}
    caught = frozenset(state.caught) | followed
    back = len(caught - down)
    if back * 2 < len(caught) and now - on_since < limits.lift_after_s:
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
