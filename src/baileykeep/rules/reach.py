"""What is out of reach: this host, WhatsApp from here, or one gateway; told apart before a session is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind

MISCONFIGURED = frozenset({Problem.UNAUTHORIZED, Problem.TLS, Problem.NOT_FOUND, Problem.BAD_ANSWER})
"""Answers that no waiting cures: wrong key, wrong URL, wrong certificate."""

PROCESS_DOWN = frozenset({ProcessState.STOPPED, ProcessState.ERRORED})


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
    """What is known of one gateway. `alive_at` is the last sign of life: an answer, a log line or an auth write."""

    problem: Problem | None = None
    since: float | None = None
    alive_at: float | None = None
    process: ProcessState = ProcessState.UNKNOWN
    active: SymptomKind | None = None


def step_gateway(
    state: GatewayState, subject: Subject, fact: Fact, now: float, limits: Limits
) -> tuple[GatewayState, tuple[Symptom, ...]]:
    """Gateway down (the manager says so, or nothing moved for five minutes) and misconfigured, each on change."""
    known = _learn(state, fact, now)
    if known is None:
        return state, ()
    finding = _finding(known, now, limits)
    if finding is state.active:
        return known, ()
    over = _symptom(state.active, subject, now, known, active=False)
    new = _symptom(finding, subject, now, known, active=True)
    return replace(known, active=finding), (*over, *new)


def _learn(state: GatewayState, fact: Fact, now: float) -> GatewayState | None:
    """The state after a fact, or None when the fact says nothing about a gateway."""
    if isinstance(fact, GatewaySeen):
        if fact.problem is None:
            return replace(state, problem=None, since=None, alive_at=now)
        return replace(state, problem=fact.problem, since=state.since if state.since is not None else now)
    if isinstance(fact, ProcessSeen):
        return replace(state, process=fact.state)
    if isinstance(fact, LogFact | FilesSeen):
        return replace(state, alive_at=now)
    return state if isinstance(fact, Tick) else None


def _finding(state: GatewayState, now: float, limits: Limits) -> SymptomKind | None:
    if state.problem is None:
        return None
    if state.process in PROCESS_DOWN:
        return SymptomKind.GATEWAY_DOWN
    if state.problem in MISCONFIGURED:
        return SymptomKind.GATEWAY_MISCONFIGURED
    quiet_since = max(state.since or now, state.alive_at or 0.0)
    dead = now - quiet_since >= limits.disconnect.gateway_dead_after_s
    if dead:
        return SymptomKind.GATEWAY_DOWN
    moving = state.alive_at is not None and state.since is not None and state.alive_at > state.since
    refused_long = now - (state.since or now) >= limits.disconnect.gateway_dead_after_s
    return SymptomKind.GATEWAY_MISCONFIGURED if moving and refused_long else None


def _symptom(
    kind: SymptomKind | None, subject: Subject, now: float, state: GatewayState, *, active: bool
) -> tuple[Symptom, ...]:
    if kind is None:
        return ()
    detail = {"problem": state.problem.value if state.problem else None, "process": state.process.value}
    return (Symptom(subject, kind, now, active=active, severity=Severity.CRITICAL, detail=detail),)
