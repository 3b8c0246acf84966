"""Builders for facts and rows of facts, as the detectors of one company get them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from baileykeep.model.facts import CloseKind, ConnectionSeen, ConnState, Fact, NetworkSeen, StreamClosed
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Subject, Symptom
from tests.unit.rules.cases import ACME, NOW

LIMITS = Limits()
POLL_S = LIMITS.poll.connection_s

Step = Callable[[Any, Subject, Fact, float, Limits], tuple[Any, tuple[Symptom, ...]]]


def seen(state: ConnState, at: float = NOW, **more: Any) -> ConnectionSeen:
    """One status poll."""
    return ConnectionSeen(at=at, company="acme", state=state, **more)


def up(at: float = NOW) -> ConnectionSeen:
    """Connected and paired."""
    return seen(ConnState.CONNECTED, at, paired=True)


def down(at: float = NOW, code: int | None = None) -> ConnectionSeen:
    """Disconnected, with the status code where the gateway tells it."""
    return seen(ConnState.DISCONNECTED, at, code=code)


def network(online: bool = True, whatsapp: bool = True, at: float = NOW) -> NetworkSeen:
    """What our own probes say."""
    return NetworkSeen(at=at, online=online, whatsapp=whatsapp)


def closed(kind: CloseKind, code: int | None = None, at: float = NOW) -> StreamClosed:
    """One close in the log."""
    return StreamClosed(at=at, gateway="main", company="acme", kind=kind, code=code)


def fold(
    step: Step, state: Any, facts: Iterable[Fact], subject: Subject = ACME, limits: Limits = LIMITS
) -> tuple[Any, list[Symptom]]:
    """All facts in a row, each at its own time."""
    told: list[Symptom] = []
    for fact in facts:
        state, symptoms = step(state, subject, fact, fact.at, limits)
        told.extend(symptoms)
    return state, told
