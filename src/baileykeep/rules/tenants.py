"""What a company itself is told, and when: what happened to it and what it can do, never how we repair it.

1. `seen` says how its WhatsApp is for it, from what is known of its session.
2. `step` says what of that is worth a message: a trouble that lasted, another trouble, and its end. Never a flicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from baileykeep.model.incident import Cause, Incident
from baileykeep.model.limits import DAY, TenantLimits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity
from baileykeep.rules.notify import Contact
from baileykeep.rules.view import CompanyView


class Condition(StrEnum):
    """How WhatsApp is for a company. DOWN is whatever it cannot help with."""

    CONNECTED = "connected"
    DOWN = "down"
    NEEDS_SCAN = "needs_scan"
    ELSEWHERE = "elsewhere"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


CONDITIONS: Mapping[Cause, Condition] = MappingProxyType(
    {
        Cause.LOGGED_OUT: Condition.NEEDS_SCAN,
        Cause.HALF_PAIRED: Condition.NEEDS_SCAN,
        Cause.WAITING_QR: Condition.NEEDS_SCAN,
        Cause.QR_SCAN_FAILED: Condition.NEEDS_SCAN,
        Cause.NO_QR: Condition.NEEDS_SCAN,
        Cause.REPLACED: Condition.ELSEWHERE,
        Cause.ACCOUNT_BLOCKED: Condition.REFUSED,
        Cause.BAD_MAC: Condition.UNREADABLE,
    }
)
"""Any other cause is no business of the company's but for the fact that nobody gets an answer."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom of a company to tell, and how. `zone` is an IANA name, `scan_url` a page that shows its QR."""

    contacts: tuple[Contact, ...]
    name: str
    language: str = "en"
    zone: str = "UTC"
    scan_url: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How it is at a moment, and since when; `cause` and `incident` are for machines."""

    condition: Condition
    since: Moment
    cause: str = ""
    incident: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What the company was told last, about a trouble that began at `since`; what is seen, and since when steadily.

    `sent` are the troubles it was told of lately.
    """

    told: Condition = Condition.CONNECTED
    since: Moment | None = None
    seen: Condition = Condition.CONNECTED
    steady_since: Moment | None = None
    sent: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What to say: the trouble that began at `since`, or that `after` is over."""

    seen: Seen
    since: Moment
    after: Condition


def seen(view: CompanyView, story: Incident | None, *, gateway_down: bool, now: float) -> Seen | None:
    """How it is; None while nobody can tell, and for a company that was never connected: it has nothing to lose."""
    last_up_at = view.timer.last_up_at
    if last_up_at is None:
        return None
    cause, ident = (story.cause.value, story.id) if story is not None else ("", "")
    condition = CONDITIONS.get(story.cause, Condition.DOWN) if story is not None else Condition.DOWN
    if condition is Condition.UNREADABLE and story is not None:
        return Seen(condition, story.opened_at, cause, ident)
    if view.up:
        return None if view.unknown else Seen(Condition.CONNECTED, now)
    grave = story is not None and (story.severity is not Severity.INFO or condition is not Condition.DOWN)
    if grave or gateway_down:
        return Seen(condition, last_up_at, cause or Cause.GATEWAY_DOWN.value, ident)
    return None


def step(state: State, found: Seen | None, now: float, limits: TenantLimits) -> tuple[State, Message | None]:
    """The state after looking, and the message that this is worth."""
    if found is None:
        return replace(state, steady_since=None), None
    if found.condition is not state.seen or state.steady_since is None:
        state = replace(state, seen=found.condition, steady_since=now)
    if not _news(state.told, found.condition) or not _lasted(state, found, now, limits):
        return state, None
    if found.condition is Condition.CONNECTED:
        message = Message(found, state.since if state.since is not None else now, state.told)
        return replace(state, told=Condition.CONNECTED, since=None), message
    sent = tuple(at for at in state.sent if 0 <= now - at < DAY)
    if len(sent) >= limits.most_a_day:
        return state, None
    since = found.since if state.since is None else state.since
    return replace(state, told=found.condition, since=since, sent=(*sent, now)), Message(found, since, state.told)


def _news(told: Condition, found: Condition) -> bool:
    """Whoever was told what to do need not hear that it still is not connected."""
    vague = found is Condition.DOWN and told is not Condition.CONNECTED
    return found is not told and not vague


def _lasted(state: State, found: Seen, now: float, limits: TenantLimits) -> bool:
    if found.condition is Condition.UNREADABLE:
        return True
    steady = state.steady_since is not None and now - state.steady_since >= limits.settle_s
    return steady and (found.condition is not Condition.DOWN or now - found.since >= limits.tell_after_s)
