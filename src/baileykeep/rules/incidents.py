"""How an incident's story moves: opened, risen, held, asked, tried, healed, closed. Pure; the journal stores each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import (
    IN_VAIN,
    Approval,
    ApprovalState,
    Attempt,
    Cause,
    Incident,
    Outcome,
    Rung,
    StoryLine,
)
from baileykeep.model.symptoms import Severity, Subject
from baileykeep.rules import words
from baileykeep.rules.findings import topic_of
from baileykeep.rules.view import Finding

KEEP_FIRST, KEEP_LAST = 4, 16
"""A story is bounded: the first lines and the last ones are kept."""


def opened(finding: Finding, subject: Subject, ident: str, now: float) -> Incident:
    """A new story."""
    incident = Incident(
        ident, subject, topic_of(finding.cause), finding.cause, finding.severity, now, now, detail=finding.detail
    )
    return told(incident, words.line_opened(incident), now)


def by_hand(subject: Subject, ident: str, now: float) -> Incident:
    """The story of a pairing that somebody asks for while nothing is wrong; what is begun is its first line."""
    return Incident(ident, subject, topic_of(Cause.WAITING_QR), Cause.WAITING_QR, Severity.INFO, now, now)


def told(incident: Incident, text: str, now: float) -> Incident:
    """The same story with one more line; an empty one, or one that only repeats the last, is left out."""
    if not text or (incident.story and incident.story[-1].text == text):
        return incident
    story = (*incident.story, StoryLine(now, text))
    if len(story) > KEEP_FIRST + KEEP_LAST:
        story = (*story[:KEEP_FIRST], *story[-KEEP_LAST:])
    return replace(incident, story=story, revision=incident.revision + 1, updated_at=now)


def warned(incident: Incident, signs: Iterable[str], now: float) -> Incident:
    """The same story with those warnings that it does not hold yet."""
    for text in signs:
        if all(line.text != text for line in incident.story):
            incident = told(incident, text, now)
    return incident


def found(incident: Incident, finding: Finding, now: float) -> Incident:
    """The story after looking again and finding this. Severity only rises; a new cause starts its own row of rungs."""
    came_back = incident.clear_since is not None
    other = finding.cause is not incident.cause
    fresh_since = now if (other or came_back) and _healed_for_good(incident) else incident.fresh_since
    after = replace(incident, clear_since=None, detail=finding.detail, fresh_since=fresh_since)
    if other:
        after = replace(after, cause=finding.cause, hold=None, needs_human=False, approval=_void(after.approval))
        after = told(after, words.line_changed(after), now)
    if finding.severity.rank > incident.severity.rank:
        after = replace(after, severity=finding.severity, revision=after.revision + 1, updated_at=now)
    return after


def _healed_for_good(incident: Incident) -> bool:
    """Whether a verified repair ended the trouble that the story was about until now.

    Not for Bad MACs: a session that opens again proves nothing about what its contacts will send.
    """
    last = incident.attempts[-1] if incident.attempts else None
    healed = last is not None and last.outcome is Outcome.HEALED and last.cause is incident.cause
    return healed and incident.cause is not Cause.BAD_MAC


def _void(approval: Approval | None) -> Approval | None:
    """What is left of a question once the story it belongs to has turned or ended: a yes is worth nothing any more."""
    if approval is None or approval.state not in (ApprovalState.OPEN, ApprovalState.APPROVED):
        return approval
    state = ApprovalState.EXPIRED if approval.state is ApprovalState.OPEN else approval.state
    return replace(approval, state=state, spent=True)


OUTGROWN, CLEANED = "grown worse, and told as a graver story", "cleaned"
"""How a full folder is over, beside healing and going away by itself."""


def cleared(incident: Incident, now: float, steady_s: float, *, healed: bool, how: str = "") -> Incident:
    """The story after looking again and finding nothing; it closes once that held, at once after a verified repair.

    `how` it ended, where it was no recovery by itself.
    """
    since = min(incident.clear_since if incident.clear_since is not None else now, now)
    if not healed and now - since < steady_s:
        return replace(incident, clear_since=since)
    healing = CLEANED if incident.cause is Cause.FILES_PLANNED else "healed"
    return closed(incident, healing if healed else how or _how_it_came_back(incident), now)


def _how_it_came_back(incident: Incident) -> str:
    last = incident.attempts[-1].outcome if incident.attempts else None
    if incident.cause is Cause.FILES_PLANNED:
        return "not cleaned" if last in IN_VAIN else "left for another window"
    return "as it was before" if last in (Outcome.UNDONE, Outcome.REFUSED) else "recovered by itself"


def closed(incident: Incident, closing: str, now: float) -> Incident:
    """The end of the story; `closing` says how in a few words."""
    after = replace(
        incident, approval=_void(incident.approval), closed_at=now, closing=closing, hold=None, needs_human=False
    )
    return told(after, words.line_closed(after), now)


def decided(incident: Incident, decision: Decision, now: float) -> Incident:
    """The story after a decision that is not an action; the same hold again changes nothing."""
    if decision.verb is Verb.ASK and decision.rung is not None:
        return _asked(incident, decision, decision.rung, now)
    if decision.verb is Verb.HUMAN:
        return _handed_over(incident, decision, now)
    if decision.verb is Verb.HOLD:
        return _held(incident, decision, now)
    return incident


def _asked(incident: Incident, decision: Decision, rung: Rung, now: float) -> Incident:
    severity = max(incident.severity, Severity.CRITICAL, key=lambda s: s.rank)
    after = told(replace(incident, severity=severity, hold=None), words.line_decision(decision, incident), now)
    revision = max(after.revision, incident.revision + 1)
    others = str(decision.detail.get("others", ""))
    return replace(
        after, revision=revision, approval=Approval(rung, revision, now, cause=incident.cause, others=others)
    )


def _handed_over(incident: Incident, decision: Decision, now: float) -> Incident:
    if incident.needs_human:
        return incident
    severity = max(incident.severity, Severity.CRITICAL, key=lambda s: s.rank)
    after = replace(incident, severity=severity, needs_human=True, hold=None)
    cannot = decision.detail.get("cannot")
    for line in cannot if isinstance(cannot, tuple) else ():
        after = told(after, line, now)
    return told(after, words.line_decision(decision, incident), now)


QUIET_HOLDS = frozenset({Reason.TOO_EARLY, Reason.STARTING_UP, Reason.ACTION_RUNNING, Reason.APPROVAL_PENDING})
"""Holds that a reader need not be told: the story already says what is awaited."""


def _held(incident: Incident, decision: Decision, now: float) -> Incident:
    key = f"{decision.reason}:{decision.rung or ''}"
    if incident.hold == key:
        return incident
    after = replace(incident, hold=key)
    said_already = incident.needs_human and decision.rung is None
    quiet = said_already or decision.reason in QUIET_HOLDS
    return after if quiet else told(after, words.line_decision(decision, incident), now)


def begun(incident: Incident, attempt: Attempt, now: float) -> Incident:
    """A rung is being climbed. A yes to it is used up: it was given for one attempt. Who begins by hand what was asked
    about has answered."""
    approval = incident.approval
    if approval is not None and approval.rung is attempt.rung and approval.state is ApprovalState.APPROVED:
        approval = replace(approval, spent=True)
    if approval is not None and approval.state is ApprovalState.OPEN and _answers(approval, attempt):
        approval = replace(
            approval, state=ApprovalState.APPROVED, operator=attempt.operator, answered_at=now, spent=True
        )
    after = replace(incident, attempts=(*incident.attempts, attempt), hold=None, approval=approval)
    return told(after, words.line_begun(attempt.rung, attempt.operator), now)


def _answers(approval: Approval, attempt: Attempt) -> bool:
    """A reset is a relink, too."""
    by_hand = attempt.operator is not None
    return by_hand and (attempt.rung is approval.rung or {attempt.rung, approval.rung} <= words.PAIRING)


def ended(incident: Incident, attempt: Attempt, now: float) -> Incident:
    """A rung was climbed, or not; `attempt` carries the outcome and replaces the one that was begun."""
    attempts = tuple(attempt if a.action_id == attempt.action_id else a for a in incident.attempts)
    after = replace(incident, attempts=attempts)
    return told(after, words.line_ended(attempt), now) if attempt.outcome is not Outcome.SUPERSEDED else after


def answered(incident: Incident, state: ApprovalState, operator: str, now: float) -> Incident:
    """A human (or, with operator "", the clock) answered the open question. Only the first answer counts."""
    if incident.approval is None or incident.approval.state is not ApprovalState.OPEN:
        return incident
    approval = replace(incident.approval, state=state, operator=operator or None, answered_at=now)
    after = replace(incident, approval=approval, hold=None)
    return told(after, words.line_approval_answered(approval), now)


def acknowledged(incident: Incident, operator: str, now: float) -> Incident:
    """Somebody has it in hand."""
    return told(replace(incident, acked_by=operator), words.line_acked(operator), now)
