"""Quieter signs in a log that sessions go bad: stale sessions, and contacts who wait for a message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import Fact, LogFact, StaleSessionClosed, WaitingForMessage
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Scope, Severity, Subject, Symptom, SymptomKind

QUEUED_FOR_S = 8 * DAY
"""Stale sessions queue a cleanup for so long: a window that opens once a week comes within it."""


@dataclass(frozen=True, slots=True)
class State:
    """`stale` are the newest stale-session lines, no more than the limit; `waiting_at` the last waiting contact.

    `queued_at` is when there were last so many stale-session lines: what the next maintenance window cleans for.
    """

    stale: tuple[Moment, ...] = ()
    stale_active: bool = False
    waiting_at: Moment | None = None
    queued_at: Moment | None = None


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Raise at the limit (stale) or at the first line (waiting); over when the window was quiet."""
    window_s = limits.bad_mac.stale_window_s
    mine = isinstance(fact, LogFact) and _about(fact, subject)
    stale_at = min(fact.at, now) if mine and isinstance(fact, StaleSessionClosed) else None
    waiting_at = min(fact.at, now) if mine and isinstance(fact, WaitingForMessage) else None
    if state.queued_at is not None and now - state.queued_at >= QUEUED_FOR_S:
        state = replace(state, queued_at=None)
    state, first = _stale(state, subject, stale_at, now, window_s, limits.bad_mac.stale_sessions)
    state, second = _waiting(state, subject, waiting_at, now, window_s)
    return state, first + second


def _about(fact: LogFact, subject: Subject) -> bool:
    if subject.scope is Scope.COMPANY:
        return fact.company == subject.id
    return subject.scope is Scope.GATEWAY and fact.company is None and fact.gateway == subject.id


def _stale(
    state: State, subject: Subject, at: float | None, now: float, window_s: float, limit: int
) -> tuple[State, tuple[Symptom, ...]]:
    added = (*state.stale, at) if at is not None else state.stale
    times = tuple(moment for moment in added if moment > now - window_s)[-limit:]
    active = len(times) >= limit or (state.stale_active and bool(times))
    if times == state.stale and active == state.stale_active:
        return state, ()
    queued_at = max(times) if len(times) >= limit else state.queued_at
    after = replace(state, stale=times, stale_active=active, queued_at=queued_at)
    if active == state.stale_active:
        return after, ()
    detail = {"count": len(times), "window_s": window_s}
    severity = Severity.WARNING if active else Severity.INFO
    return after, (Symptom(subject, SymptomKind.STALE_SESSIONS, now, active, severity, detail),)


def _waiting(
    state: State, subject: Subject, at: float | None, now: float, window_s: float
) -> tuple[State, tuple[Symptom, ...]]:
    last = at if at is not None else state.waiting_at
    current = last if last is not None and last > now - window_s else None
    before, active = state.waiting_at is not None, current is not None
    after = state if current == state.waiting_at else replace(state, waiting_at=current)
    if before == active:
        return after, ()
    severity = Severity.WARNING if active else Severity.INFO
    return after, (Symptom(subject, SymptomKind.WAITING_FOR_MESSAGE, now, active, severity),)
