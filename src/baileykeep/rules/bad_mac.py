"""The Bad MAC counter: how many messages could not be decrypted inside a sliding window.

A failure is counted once whatever it printed. Harmless duplicates, lost pre-keys and missing sender keys are other
stories and do not count. The repair needs to know whose sessions are broken, so the addresses are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from baileykeep.model.facts import DecryptFailed, DecryptKind, Fact
from baileykeep.model.limits import BadMacLimits, Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Scope, Severity, Subject, Symptom, SymptomKind

PRESETS: Mapping[str, tuple[int, float]] = {
    "stable": (5, 60.0),
    "flapping": (3, 30.0),
    "unstable-network": (10, 120.0),
}
"""Failures and seconds of each named preset."""

COUNTED = frozenset({DecryptKind.BAD_MAC, DecryptKind.NO_MATCHING_SESSION})
"""The second is how the gateway's own log names the same failure when standard error is not watched."""

MAX_ADDRESSES = 64
"""More broken contacts than this are not listed one by one; the counter goes on."""


@dataclass(frozen=True, slots=True)
class State:
    """`times` are the newest failures, no more than the limit. `count` and `addresses` cover the storm so far."""

    times: tuple[Moment, ...] = ()
    count: int = 0
    addresses: tuple[str, ...] = ()
    active: bool = False


def bound(limits: BadMacLimits) -> tuple[int, float]:
    """Failures and window in seconds, from the preset and its overrides."""
    limit, window_s = PRESETS[limits.preset]
    return limits.limit or limit, limits.window_s or window_s


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Count a failure of this subject, or notice that its window is quiet."""
    limit, window_s = bound(limits.bad_mac)
    fresh = _forget(state, now - window_s)
    over = (_over(state, subject, now),) if state.active and not fresh.active else ()
    failure = _failure_of(fact, subject)
    if failure is None:
        return fresh, over
    counted = _count(fresh, min(failure.at, now), failure.address, now - window_s, limit)
    if len(counted.times) < limit and not fresh.active:
        return counted, over
    raised = replace(counted, active=True)
    news = not fresh.active or raised.addresses != fresh.addresses
    return raised, (*over, _symptom(raised, subject, now, window_s)) if news else over


def _failure_of(fact: Fact, subject: Subject) -> DecryptFailed | None:
    if not isinstance(fact, DecryptFailed) or fact.kind not in COUNTED:
        return None
    if subject.scope is Scope.COMPANY:
        return fact if fact.company == subject.id else None
    mine = subject.scope is Scope.GATEWAY and fact.company is None and fact.gateway == subject.id
    return fact if mine else None


def _forget(state: State, since: float) -> State:
    times = tuple(moment for moment in state.times if moment > since)
    if times == state.times:
        return state
    return replace(state, times=times) if times else State()


def _over(state: State, subject: Subject, now: float) -> Symptom:
    detail: Detail = {"count": state.count, "addresses": state.addresses}
    return Symptom(subject, SymptomKind.BAD_MAC, now, False, Severity.INFO, detail)


def _count(state: State, at: float, address: str | None, since: float, limit: int) -> State:
    if at <= since:
        return state
    known = state.addresses
    if address is not None and address not in known and len(known) < MAX_ADDRESSES:
        known = (*known, address)
    return replace(state, times=(*state.times, at)[-limit:], count=state.count + 1, addresses=known)


def _symptom(state: State, subject: Subject, now: float, window_s: float) -> Symptom:
    detail: Detail = {"count": state.count, "window_s": window_s, "addresses": state.addresses}
    return Symptom(subject, SymptomKind.BAD_MAC, now, True, Severity.CRITICAL, detail)
