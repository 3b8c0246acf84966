"""The disconnect timer: how long a session has really been down, and which part of the timeline that is.

Down time is the sum of observed gaps between polls, each capped at two polls, so that neither a restart of the
daemon nor a suspend of the host adds to it or forgets it. While the network is down, or while the gateway does not
answer, the session's state is not known to be bad and no time is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from baileykeep.model.facts import ConnectionSeen, ConnState, Fact, NetworkSeen
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind


class Phase(StrEnum):
    """Where on the timeline a session is."""

    UP = "up"
    WAITING = "waiting"
    WARNED = "warned"
    OVERDUE = "overdue"


class Event(StrEnum):
    """What moves the timer."""

    OPENED = "opened"
    CLOSED = "closed"
    WARN_DUE = "warn_due"
    ACT_DUE = "act_due"


TRANSITIONS: Mapping[tuple[Phase, Event], Phase] = {
    (Phase.UP, Event.CLOSED): Phase.WAITING,
    (Phase.WAITING, Event.WARN_DUE): Phase.WARNED,
    (Phase.WARNED, Event.ACT_DUE): Phase.OVERDUE,
    (Phase.WAITING, Event.OPENED): Phase.UP,
    (Phase.WARNED, Event.OPENED): Phase.UP,
    (Phase.OVERDUE, Event.OPENED): Phase.UP,
}
"""Everything that affects the timer; what is not listed changes nothing. The diagram in the docs is made from it."""

SEVERITY: Mapping[Phase, Severity] = {
    Phase.UP: Severity.INFO,
    Phase.WAITING: Severity.INFO,
    Phase.WARNED: Severity.WARNING,
    Phase.OVERDUE: Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class State:
    """`down_s` is the counted down time in seconds; `seen_at` the last poll; `held` while the network is down."""

    phase: Phase = Phase.UP
    down_s: float = 0.0
    seen_at: Moment | None = None
    down: bool = False
    since: Moment | None = None
    last_up_at: Moment | None = None
    held: bool = False


def is_up(fact: ConnectionSeen) -> bool:
    """Connected counts only when the gateway does not deny that the session is paired."""
    return fact.state is ConnState.CONNECTED and fact.paired is not False


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Fold one fact; a DOWN symptom comes with every change of phase."""
    if isinstance(fact, NetworkSeen):
        return _network(state, fact, now), ()
    if not isinstance(fact, ConnectionSeen):
        return state, ()
    after = _observe(state, fact, now, limits)
    if after.phase is state.phase:
        return after, ()
    return after, (_symptom(after, subject, now),)


def _network(state: State, fact: NetworkSeen, now: float) -> State:
    """While held, every look at the network moves the beginning of the next gap: no held second is ever added."""
    held = not (fact.online and fact.whatsapp)
    if not (held or state.held):
        return state
    return replace(state, held=held, seen_at=now if state.held and state.seen_at is not None else state.seen_at)


def _observe(state: State, fact: ConnectionSeen, now: float, limits: Limits) -> State:
    if fact.state is ConnState.UNKNOWN:
        return replace(state, seen_at=now)
    if is_up(fact):
        return replace(state, phase=_move(state.phase, Event.OPENED), down_s=0.0, seen_at=now, down=False, since=None,
                       last_up_at=now)  # fmt: skip
    down_s = state.down_s + _gap(state, now, limits)
    phase = _move(state.phase, Event.CLOSED)
    if down_s >= limits.disconnect.warn_after_s:
        phase = _move(phase, Event.WARN_DUE)
    if down_s >= limits.disconnect.act_after_s:
        phase = _move(phase, Event.ACT_DUE)
    since = state.since if state.since is not None else now
    return replace(state, phase=phase, down_s=down_s, seen_at=now, down=True, since=since)


def _gap(state: State, now: float, limits: Limits) -> float:
    """Seconds to add: none while held or right after the session was up; at most two polls otherwise."""
    if state.held or not state.down or state.seen_at is None:
        return 0.0
    two_polls_s = 2 * max(limits.poll.connection_s, limits.poll.connection_down_s)
    return min(max(0.0, now - state.seen_at), two_polls_s)


def _move(phase: Phase, event: Event) -> Phase:
    return TRANSITIONS.get((phase, event), phase)


def _symptom(state: State, subject: Subject, now: float) -> Symptom:
    return Symptom(
        subject,
        SymptomKind.DOWN,
        now,
        active=state.phase is not Phase.UP,
        severity=SEVERITY[state.phase],
        detail={"phase": state.phase.value, "down_s": round(state.down_s)},
    )
