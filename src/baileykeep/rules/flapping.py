"""A session that opens and drops again and again.

A drop is the end of an open connection. The log and the status poll may both tell of it, each with its own delay;
the second teller inside `MERGE_S` does not count. Attempts that never got open are no drops, and neither is the
restart (515) that ends every pairing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from baileykeep.model.facts import CloseKind, ConnectionSeen, ConnState, Fact, PairingDone, StreamClosed, StreamOpened
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind

MERGE_S = 30.0
PAIRING_S = 60.0
RESTART_REQUIRED = 515


class Teller(StrEnum):
    """Who told of a drop."""

    LOG = "log"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class State:
    """`drops` are the times inside the window; `told_by` told of the last one alone, until the other did, too.

    `announced` is the count that was last told, 0 while it is over.
    """

    open: bool = False
    drops: tuple[Moment, ...] = ()
    told_by: Teller | None = None
    told_at: Moment | None = None
    paired_at: Moment | None = None
    active: bool = False
    announced: int = 0


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Raise at `flap_drops` inside `flap_window_s`, again at each multiple; over after a window without a drop."""
    at = min(fact.at, now)
    if isinstance(fact, PairingDone | StreamOpened | StreamClosed) and fact.company == subject.id:
        state = _logged(state, fact, at)
    elif isinstance(fact, ConnectionSeen):
        state = _polled(state, fact, at)
    return _judged(state, subject, now, limits)


def _logged(state: State, fact: PairingDone | StreamOpened | StreamClosed, at: float) -> State:
    if isinstance(fact, PairingDone):
        return replace(state, paired_at=at)
    if isinstance(fact, StreamOpened):
        return replace(state, open=True)
    restart = fact.kind is CloseKind.RESTART_REQUIRED or fact.code == RESTART_REQUIRED
    return _closed(state, Teller.LOG, at, restart=restart)


def _polled(state: State, fact: ConnectionSeen, at: float) -> State:
    if fact.state is ConnState.UNKNOWN:
        return state
    if fact.state is ConnState.CONNECTED:
        return replace(state, open=True)
    return _closed(state, Teller.STATUS, at, restart=fact.code == RESTART_REQUIRED)


def _closed(state: State, teller: Teller, at: float, *, restart: bool) -> State:
    if not state.open:
        return state
    pairing = restart and state.paired_at is not None and at - state.paired_at <= PAIRING_S
    if pairing:
        return replace(state, open=False, told_by=teller, told_at=at)
    if _already_told(state, teller, at):
        return replace(state, open=False, told_by=None)
    return replace(state, open=False, drops=(*state.drops, at), told_by=teller, told_at=at)


def _already_told(state: State, teller: Teller, at: float) -> bool:
    told = state.told_at is not None and abs(at - state.told_at) <= MERGE_S
    return told and state.told_by is not None and state.told_by is not teller


def _judged(state: State, subject: Subject, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    window_s, limit = limits.disconnect.flap_window_s, limits.disconnect.flap_drops
    drops = tuple(moment for moment in state.drops if now - window_s < moment <= now)
    drops = drops[-10 * limit :]
    if drops != state.drops:
        state = replace(state, drops=drops)
    if len(drops) >= state.announced + limit:
        state = replace(state, active=True, announced=len(drops))
        return state, (_symptom(subject, now, len(drops), window_s, active=True),)
    if state.active and not drops:
        state = replace(state, active=False, announced=0)
        return state, (_symptom(subject, now, 0, window_s, active=False),)
    return state, ()


def _symptom(subject: Subject, now: float, count: int, window_s: float, *, active: bool) -> Symptom:
    severity = Severity.WARNING if active else Severity.INFO
    detail = {"count": count, "window_s": window_s}
    return Symptom(subject, SymptomKind.FLAPPING, now, active, severity, detail)
