"""What is out of reach: this host, WhatsApp from here, or one gateway; told apart before a session is judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from baileykeep.model.facts import (
    Fact,
    FilesSeen,
    GatewaySeen,
    LogFact,
    NetworkSeen,
    Problem,
    ProcessSeen,
    ProcessState,
    Tick,
)
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind

MISCONFIGURED = frozenset({Problem.UNAUTHORIZED, Problem.TLS, Problem.NOT_FOUND, Problem.BAD_ANSWER})
"""Answers that no waiting cures: wrong key, wrong URL, wrong certificate."""

PROCESS_DOWN = frozenset({ProcessState.STOPPED, ProcessState.ERRORED})


class Beside(StrEnum):
    """How other gateways on the same process are."""

    DOWN = "down"
    """All of them are down, or there are none: nobody is stopped who works."""
    WAITING = "waiting"
    """One gives no answer and is not yet called down."""
    LIVE = "live"
    """One answers, or nobody can tell that it does not."""


@dataclass(frozen=True, slots=True)
class HostState:
    """The last word of our own probes; None before the first."""

    online: bool | None = None
    whatsapp: bool | None = None


def step_host(
    state: HostState, subject: Subject, fact: Fact, now: float, _limits: Limits
) -> tuple[HostState, tuple[Symptom, ...]]:
    """Host offline and WhatsApp unreachable, each on change."""
    if not isinstance(fact, NetworkSeen):
        return state, ()
    symptoms = []
    if (state.online is not False) != fact.online:
        symptoms.append(
            Symptom(subject, SymptomKind.HOST_OFFLINE, now, active=not fact.online, severity=Severity.CRITICAL)
        )
    unreachable, was = fact.online and not fact.whatsapp, state.online is not False and state.whatsapp is False
    if unreachable != was:
        symptoms.append(
            Symptom(subject, SymptomKind.WHATSAPP_UNREACHABLE, now, active=unreachable, severity=Severity.CRITICAL)
        )
    return HostState(fact.online, fact.whatsapp), tuple(symptoms)


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What is known of one gateway. A sign of life is an answer, a log line or an auth write.

    While there is a `problem`, `quiet_s` counts since the last sign of life and `failing_s` since the problem began,
    in seconds that were really watched: a restart, a suspend or a clock that was set adds two polls at the most.
    `seen_at` is None without one. `moved` tells that there was a sign of life since the problem began, `written_at` is
    the newest auth write known.
    """

    problem: Problem | None = None
    quiet_s: float = 0.0
    failing_s: float = 0.0
    seen_at: Moment | None = None
    moved: bool = False
    written_at: float | None = None
    offline: bool = False
    process: ProcessState = ProcessState.UNKNOWN
    active: SymptomKind | None = None


def step_gateway(
    state: GatewayState, subject: Subject, fact: Fact, now: float, limits: Limits
) -> tuple[GatewayState, tuple[Symptom, ...]]:
    """Gateway down (the manager says so, or nothing moved for five minutes) and misconfigured, each on change."""
    known = _learn(_passed(state, now, limits), fact, now)
    if known is None:
        return state, ()
    finding = _finding(known, limits.disconnect.gateway_dead_after_s)
    if finding is state.active:
        return known, ()
    over = _symptom(state.active, subject, now, known, active=False)
    new = _symptom(finding, subject, now, known, active=True)
    return replace(known, active=finding), (*over, *new)


def _passed(state: GatewayState, now: float, limits: Limits) -> GatewayState:
    """The same a while later. Offline, a gateway elsewhere cannot answer us: then nothing is counted."""
    if state.seen_at is None:
        return state
    two_polls_s = 2 * max(limits.poll.connection_s, limits.poll.connection_down_s)
    gap_s = 0.0 if state.offline else min(max(0.0, now - state.seen_at), two_polls_s)
    return replace(state, quiet_s=state.quiet_s + gap_s, failing_s=state.failing_s + gap_s, seen_at=now)


def _learn(state: GatewayState, fact: Fact, now: float) -> GatewayState | None:
    """The state after a fact, or None when the fact says nothing about a gateway."""
    if isinstance(fact, GatewaySeen):
        return _answered(state, fact.problem, now)
    if isinstance(fact, ProcessSeen):
        return _process(state, fact.state)
    if isinstance(fact, NetworkSeen):
        return replace(state, offline=not fact.online)
    if isinstance(fact, FilesSeen):
        return _looked_at(state, fact.inventory.newest_mtime, now)
    if isinstance(fact, LogFact):
        return _alive(state)
    return state if isinstance(fact, Tick) else None


def _answered(state: GatewayState, problem: Problem | None, now: float) -> GatewayState:
    if problem is not None and state.problem is not None:
        return replace(state, problem=problem)
    return replace(state, problem=problem, quiet_s=0.0, failing_s=0.0, moved=False, seen_at=now if problem else None)


def _process(state: GatewayState, found: ProcessState) -> GatewayState:
    """A process that has just come up gets the whole silence again until it answers."""
    came_up = state.process in PROCESS_DOWN and found is ProcessState.RUNNING
    return replace(state, process=found, quiet_s=0.0 if came_up else state.quiet_s)


def _looked_at(state: GatewayState, written_at: float | None, now: float) -> GatewayState:
    """Our own looks at a folder are no sign of life; a write that came since the last look is."""
    known = state.written_at
    if written_at is None or written_at > now or (known is not None and written_at <= known):
        return state
    after = replace(state, written_at=written_at)
    return after if known is None else _alive(after)


def _alive(state: GatewayState) -> GatewayState:
    return replace(state, quiet_s=0.0, moved=True) if state.problem is not None else state


def _finding(state: GatewayState, dead_after_s: float) -> SymptomKind | None:
    if state.problem is None:
        return None
    if state.process in PROCESS_DOWN:
        return SymptomKind.GATEWAY_DOWN
    if state.problem in MISCONFIGURED:
        return SymptomKind.GATEWAY_MISCONFIGURED
    if state.quiet_s >= dead_after_s:
        return SymptomKind.GATEWAY_DOWN
    return SymptomKind.GATEWAY_MISCONFIGURED if state.moved and state.failing_s >= dead_after_s else None


def beside(own: GatewayState, others: Iterable[GatewayState]) -> Beside:
    """What a restart of the process would do to the others on it. A process that is down carries nobody who works."""
    waiting = False
    for other in others:
        if PROCESS_DOWN & {own.process, other.process} or other.active is SymptomKind.GATEWAY_DOWN:
            continue
        if other.problem is None or other.active is not None:
            return Beside.LIVE
        waiting = True
    return Beside.WAITING if waiting else Beside.DOWN


def _symptom(
    kind: SymptomKind | None, subject: Subject, now: float, state: GatewayState, *, active: bool
) -> tuple[Symptom, ...]:
    if kind is None:
        return ()
    detail = {"problem": state.problem.value if state.problem else None, "process": state.process.value}
    return (Symptom(subject, kind, now, active=active, severity=Severity.CRITICAL, detail=detail),)
