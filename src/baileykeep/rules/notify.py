"""Which change of an incident people are told, how loudly, and to whom.

Edits are silent; what sounds is a rise in severity, a human newly needed, and a question (asked, repeated, passed on).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from baileykeep.model.incident import Approval, ApprovalState, Cause, Incident, Rung
from baileykeep.model.limits import RelinkLimits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Scope, Severity
from baileykeep.rules import lacks, words
from baileykeep.rules.lacks import Lacks


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to tell: a channel's name and an address inside it (Telegram: the chat's id as text)."""

    channel: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.channel} {self.address}"


@dataclass(frozen=True, slots=True)
class Routes:
    """Who is told at once, and who only when a question stays unanswered."""

    first: tuple[Contact, ...] = ()
    second: tuple[Contact, ...] = ()


class Why(StrEnum):
    """What made a notice more than a silent edit."""

    NOTHING = ""
    OPENED = "opened"
    SEVERITY = "severity"
    HUMAN = "human"
    APPROVAL = "approval"
    REMINDER = "reminder"
    SECOND_CONTACT = "second_contact"
    RESOLVED = "resolved"


QUESTIONS = frozenset({Why.APPROVAL, Why.REMINDER, Why.SECOND_CONTACT})
"""What makes a notice one about an open question."""


class ApprovalStep(StrEnum):
    """What is due for a question that nobody answered."""

    REMIND = "remind"
    ESCALATE = "escalate"
    EXPIRE = "expire"


def approval_clock(approval: Approval, now: float, limits: RelinkLimits) -> ApprovalStep | None:
    """The one step that is due now, the latest first; None when the question is answered or still fresh."""
    waited = now - approval.asked_at
    if approval.state is not ApprovalState.OPEN:
        return None
    if waited >= limits.approval_ttl_s:
        return ApprovalStep.EXPIRE
    if approval.escalated_at is not None:
        return None
    if waited >= limits.escalate_after_s:
        return ApprovalStep.ESCALATE
    if waited >= limits.remind_after_s and approval.reminded_at is None:
        return ApprovalStep.REMIND
    return None


@dataclass(frozen=True, slots=True)
class _Change:
    """All that the notices of one change have in common."""

    why: Why
    incident: Incident
    name: str
    now: float
    quiet: bool
    limits: RelinkLimits
    lacks: Lacks


_DEFAULT = RelinkLimits()
_NOTHING = Lacks()


def notices(
    before: Incident | None,
    after: Incident,
    *,
    name: str,
    routes: Routes,
    now: float,
    quiet: bool = False,
    limits: RelinkLimits = _DEFAULT,
    lacking: Lacks = _NOTHING,
) -> tuple[Notice, ...]:
    """The notices this change is worth; none when a reader would see no difference.

    `quiet` says that it is night for these contacts: then a mere warning makes no sound.
    The second contacts join when a question is passed on to them, and then see that story to its end.
    """
    if before is not None and _visible(before) == _visible(after):
        return ()
    change = _Change(_why(before, after), after, name, now, quiet, limits, lacking)
    told = [_notice(contact, before is None, change) for contact in routes.first]
    if _escalated(after) or _escalated(before):
        told += [_notice(contact, not _escalated(before), change) for contact in routes.second]
    return tuple(told)


def _visible(incident: Incident) -> tuple[object, ...]:
    """What a reader sees, without numbers that merely tick (those ride along with the next real change)."""
    return (
        incident.cause,
        incident.severity,
        incident.story,
        incident.approval,
        incident.needs_human,
        incident.acked_by,
        incident.closed_at,
    )


def _why(before: Incident | None, after: Incident) -> Why:
    if after.closed_at is not None:
        return Why.RESOLVED if before is not None and before.needs_human else Why.NOTHING
    asked = _asked(before, after)
    if asked is not Why.NOTHING:
        return asked
    if before is None:
        return Why.OPENED
    if after.needs_human and not before.needs_human:
        return Why.HUMAN
    return Why.SEVERITY if after.severity.rank > before.severity.rank else Why.NOTHING


def _asked(before: Incident | None, after: Incident) -> Why:
    """What is new about an open question."""
    new, old = after.approval, before.approval if before else None
    if new is None or new.state is not ApprovalState.OPEN:
        return Why.NOTHING
    if old is None or (old.rung, old.revision) != (new.rung, new.revision):
        return Why.APPROVAL
    if new.escalated_at is not None and old.escalated_at is None:
        return Why.SECOND_CONTACT
    return Why.REMINDER if new.reminded_at is not None and old.reminded_at is None else Why.NOTHING


def _escalated(incident: Incident | None) -> bool:
    return bool(incident and incident.approval and incident.approval.escalated_at is not None)


def _sounds(why: Why, severity: Severity, quiet: bool) -> bool:
    if severity is Severity.INFO or why in (Why.NOTHING, Why.RESOLVED):
        return False
    return not (quiet and severity is Severity.WARNING and why in (Why.OPENED, Why.SEVERITY))


def _notice(contact: Contact, first: bool, change: _Change) -> Notice:
    incident = change.incident
    return Notice(
        at=change.now,
        channel=contact.channel,
        key=f"{incident.id}@{contact.address}",
        incident=incident.id,
        subject=incident.subject,
        severity=incident.severity,
        sound=_sounds(change.why, incident.severity, change.quiet),
        data={
            "to": contact.address,
            "first": first,
            "why": change.why.value,
            "reply": "" if first else _reply(change),
            **view(incident, change.name, change.limits, change.lacks),
        },
    )


def view(incident: Incident, name: str, limits: RelinkLimits = _DEFAULT, lacking: Lacks = _NOTHING) -> dict[str, Any]:
    """An incident as plain JSON for any channel to render; all text is unescaped."""
    cause = words.WORDS[incident.cause]
    return {
        "scope": incident.subject.scope.value,
        "subject_id": incident.subject.id,
        "company": incident.subject.id if incident.subject.scope is Scope.COMPANY else None,
        "name": name,
        "headline": words.headline(incident, name),
        "cause": incident.cause.value,
        "title": cause.title,
        "meaning": words.meaning(incident),
        "severity": incident.severity.value,
        "story": [{"at": line.at, "text": line.text} for line in incident.story],
        "what_to_do": words.what_to_do(incident, lacks.left(lacking, incident.cause)),
        "buttons": _buttons(incident, limits, lacking),
        "needs_human": incident.needs_human,
        "acked_by": incident.acked_by,
        "closed": incident.closed_at is not None,
        "revision": incident.revision,
        "approval": _approval(incident.approval, limits.approval_ttl_s),
    }


def _approval(approval: Approval | None, ttl_s: float) -> Mapping[str, Any] | None:
    if approval is None:
        return None
    return {
        "rung": approval.rung.value,
        "revision": approval.revision,
        "state": approval.state.value,
        "expires_at": approval.asked_at + ttl_s,
    }


BY_HAND: Mapping[Cause, tuple[str, ...]] = {
    Cause.WAITING_QR: ("show_qr", "reset"),
    Cause.QR_SCAN_FAILED: ("show_qr", "reset"),
    Cause.NO_QR: ("relink", "reset"),
    Cause.LOGGED_OUT: ("relink", "reset"),
    Cause.HALF_PAIRED: ("relink", "reset"),
    Cause.PHANTOM: ("relink", "reset"),
    Cause.BAD_MAC: ("relink",),
    Cause.AFTER_REPAIR: ("relink",),
    Cause.REPORTED_CORRUPT: ("relink", "reset"),
    Cause.DISCONNECTED: ("relink",),
    Cause.CREDS_CHANGED: ("relink",),
    Cause.PHONE_MISMATCH: ("relink",),
}
"""What a human may begin where pairing anew is the cure, once the ladder has nothing left to do by itself."""

AT_ONCE = frozenset({Cause.WAITING_QR, Cause.QR_SCAN_FAILED, Cause.NO_QR})
"""Causes in which somebody is pairing just now: these need not wait for the ladder."""


def _impossible(lacking: Lacks) -> frozenset[str]:
    """What would only be refused: it is not offered."""
    lines = {"show_qr": lacking.qr, "relink": lacks.why(lacking, Rung.RELINK), "reset": lacking.reset}
    return frozenset(do for do, reason in lines.items() if reason)


def _by_hand(incident: Incident, limits: RelinkLimits, lacking: Lacks) -> tuple[str, ...]:
    running = bool(incident.attempts) and incident.attempts[-1].outcome is None
    due = incident.needs_human or incident.cause in AT_ONCE
    allowed = due and not running and limits.approval != "never" and incident.subject.scope is Scope.COMPANY
    offered = BY_HAND.get(incident.cause, ()) if allowed else ()
    return tuple(do for do in offered if do not in _impossible(lacking))


def _buttons(incident: Incident, limits: RelinkLimits, lacking: Lacks) -> list[dict[str, Any]]:
    """An answer names the revision of the question it answers; the others that of the incident."""
    if incident.closed_at is not None or incident.severity is Severity.INFO:
        return []
    approval = incident.approval
    found: list[tuple[str, int]] = []
    if approval is not None and approval.state is ApprovalState.OPEN:
        found = [("approve", approval.revision), ("reject", approval.revision)]
    else:
        found = [(do, incident.revision) for do in _by_hand(incident, limits, lacking)]
    if incident.acked_by is None:
        found.append(("ack", incident.revision))
    if incident.subject.scope is not Scope.HOST:
        found.append(("resume" if incident.cause is Cause.BREACH else "pause", incident.revision))
    return [{"do": do, "incident": incident.id, "revision": revision} for do, revision in found]


def _reply(change: _Change) -> str:
    head, approval = words.headline(change.incident, change.name), change.incident.approval
    if approval is not None and change.why in QUESTIONS:
        return _question(approval, change, head)
    starts = {
        Why.SEVERITY: f"Now {words.SEVERITIES[change.incident.severity]}. {head}",
        Why.HUMAN: f"A human is needed. {head}",
        Why.RESOLVED: f"Resolved. {head}",
    }
    return starts.get(change.why, "")


def _question(approval: Approval, change: _Change, head: str) -> str:
    left = words.duration(approval.asked_at + change.limits.approval_ttl_s - change.now)
    starts = {
        Why.APPROVAL: "Your answer is needed.",
        Why.REMINDER: f"No answer yet, {left} left.",
        Why.SECOND_CONTACT: f"Still no answer, {left} left; the second contact is asked too.",
    }
    return f"{starts[change.why]} May Baileykeep {words.RUNGS[approval.rung].to}? {head}"
