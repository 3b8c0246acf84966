"""Which changes of an incident a company's own people are told, when, and what they can do.

They hear of their connection only; disks, folders and gateways are our own business. One lane per company and one
key for all its notices: in the outbox the newest state covers those that nobody heard of yet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from baileykeep.model.incident import Cause, Incident, Topic
from baileykeep.model.limits import DAY
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Scope
from baileykeep.rules.tenant_texts import said

CHANNEL = "webhook"
LONGEST_NAME = 80
URGENT_S = 60.0
"""What needs them waits only so long, in case it turns into something else."""


class State(StrEnum):
    """What a company's people are told of their connection; the value is the webhook's type."""

    DOWN = "session.down"
    UNSTABLE = "session.unstable"
    NEEDS_SCAN = "session.needs_scan"
    REPLACED = "session.replaced_elsewhere"
    BLOCKED = "session.account_blocked"
    RECOVERED = "session.recovered"


STATES: Mapping[Cause, State] = MappingProxyType({
    Cause.DISCONNECTED: State.DOWN,
    Cause.CLIENT_TOO_OLD: State.DOWN,
    Cause.FLAPPING: State.UNSTABLE,
    Cause.LOGGED_OUT: State.NEEDS_SCAN,
    Cause.WAITING_QR: State.NEEDS_SCAN,
    Cause.QR_SCAN_FAILED: State.NEEDS_SCAN,
    Cause.REPLACED: State.REPLACED,
    Cause.ACCOUNT_BLOCKED: State.BLOCKED,
})  # fmt: skip

_MEANING = {State.DOWN: "down", State.UNSTABLE: "unstable", State.NEEDS_SCAN: "needs_scan",
            State.REPLACED: "replaced", State.BLOCKED: "blocked", State.RECOVERED: "recovered"}  # fmt: skip
_STEP = {State.REPLACED: "close_others", State.BLOCKED: "ask_whatsapp", State.RECOVERED: "nothing"}
_PATIENT = frozenset({State.DOWN, State.UNSTABLE})

_UP = frozenset({Cause.FILES_HIGH, Cause.FILES_CRITICAL, Cause.FORECAST, Cause.STALE_SESSIONS, Cause.AFTER_REPAIR})
"""A story that goes on with one of these is no longer about the connection."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When they are told: seconds down, seconds up again, and messages a day that need nobody's hand."""

    after_s: float = 900.0
    settle_s: float = 120.0
    daily: int = 6


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who is told, and how. `local` writes a moment in the company's zone; `acts` is false while observing."""

    name: str
    language: str
    local: Callable[[float], str]
    scan_url: str = ""
    pace: Pace = Pace()
    acts: bool = False
    connected: bool = False
    down_since: float | None = None


def notices(before: Incident | None, after: Incident, tenant: Tenant, now: float) -> tuple[Notice, ...]:
    """The notice this change is worth; none where the company would see no difference."""
    if after.subject.scope is not Scope.COMPANY or after.topic is not Topic.HEALTH:
        return ()
    state = _state(after, tenant)
    if state is None or (before is not None and state is _state(before, tenant)):
        return ()
    since = now if state is State.RECOVERED else _since(after, tenant)
    data = {"to": after.subject.id, "first": False, "why": "", "type": state.value,
            "body": _body(state, after, tenant, since)}  # fmt: skip
    told = Notice(
        now, CHANNEL, f"tenant:{after.subject.id}", after.id, after.subject, after.severity, False, data,
        not_before=max(now, _due(state, since, now, tenant.pace)),
    )  # fmt: skip
    return (told,)


def _state(incident: Incident, tenant: Tenant) -> State | None:
    if incident.closed_at is not None or incident.cause in _UP:
        return State.RECOVERED if tenant.connected else None
    return STATES.get(incident.cause)


def _since(incident: Incident, tenant: Tenant) -> float:
    """A story of a session that is down opens some minutes after it went down."""
    if incident.cause is Cause.DISCONNECTED and tenant.down_since is not None:
        return tenant.down_since
    return float(incident.updated_at)


def _due(state: State, since: float, now: float, pace: Pace) -> float:
    if state in _PATIENT:
        return since + pace.after_s
    return now + (pace.settle_s if state is State.RECOVERED else min(pace.settle_s, URGENT_S))


def _body(state: State, incident: Incident, tenant: Tenant, since: float) -> dict[str, Any]:
    name, link = clean(tenant.name), tenant.scan_url.replace("{company}", incident.subject.id)
    return {
        "company": incident.subject.id,
        "name": name,
        "language": tenant.language,
        "state": state.value.partition(".")[2],
        "since": since,
        "cause": incident.cause.value,
        "meaning": said(tenant.language, _MEANING[state], name=name, since=tenant.local(since)),
        "what_to_do": said(tenant.language, _step(state, incident, tenant), link=link),
        "scan_url": link if state is State.NEEDS_SCAN else "",
        "incident": incident.id,
        "revision": incident.revision,
    }


def _step(state: State, incident: Incident, tenant: Tenant) -> str:
    """Only promises that hold: nobody reconnects while observing, nor what was handed to a human."""
    if state is State.NEEDS_SCAN:
        return "scan_here" if tenant.scan_url else "scan"
    if state in _PATIENT:
        ours = tenant.acts and incident.cause is not Cause.CLIENT_TOO_OLD and not incident.needs_human
        return "reconnecting" if ours and incident.hold is None else "reported"
    return _STEP[state]


def clean(name: str) -> str:
    """A name on one line, without characters that are not seen or turn the text around."""
    seen = "".join(" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(seen.split())[:LONGEST_NAME]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a company's people were told last, and when they were told anything in the last day."""

    state: str = State.RECOVERED.value
    times: tuple[float, ...] = ()


def worth(heard: Heard, state: State, now: float, pace: Pace) -> bool:
    """Nothing twice, no end of what they never heard of, and on a bad day no more than the daily number of outages."""
    if state.value == heard.state:
        return False
    today = sum(0 <= now - at < DAY for at in heard.times)
    return state not in _PATIENT or today < pace.daily


def after_telling(heard: Heard, state: State, now: float) -> Heard:
    """What they have heard once this was told."""
    return Heard(state.value, (*(at for at in heard.times if 0 <= now - at < DAY), now))
