"""A phantom: the gateway says connected, but no phone is paired, so messages go nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import ConnectionSeen, ConnState, Fact
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind


@dataclass(frozen=True, slots=True)
class State:
    """`since` and `seen_at` are the first and the last poll of an unbroken row that saw the phantom."""

    since: Moment | None = None
    seen_at: Moment | None = None
    active: bool = False


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Raise once polls saw it for longer than `phantom_after_s`; over when paired or closed.

    Polls without an answer prove nothing: they neither end the row nor add to it.
    """
    if not isinstance(fact, ConnectionSeen) or fact.state is ConnState.UNKNOWN:
        return state, ()
    if fact.state is not ConnState.CONNECTED or fact.paired is not False:
        return State(), (_symptom(subject, now, active=False),) if state.active else ()
    since = _row_began(state, now, limits)
    state = replace(state, since=since, seen_at=now)
    if state.active or now - since <= limits.disconnect.phantom_after_s:
        return state, ()
    return replace(state, active=True), (_symptom(subject, now, active=True),)


def _row_began(state: State, now: float, limits: Limits) -> float:
    if state.since is None or state.seen_at is None:
        return now
    return state.since if 0 <= now - state.seen_at <= 2 * limits.poll.connection_s else now


def _symptom(subject: Subject, now: float, *, active: bool) -> Symptom:
    return Symptom(subject, SymptomKind.PHANTOM, now, active, Severity.WARNING if active else Severity.INFO)
