"""What humans say to the ladder: yes, no, seen, do it now, forget it."""

from __future__ import annotations

from typing import Any

import structlog

from baileykeep.actions.base import Order
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.model.decisions import Reason, Verb
from baileykeep.model.errors import JournalError, Refused, UsageError
from baileykeep.model.incident import Approval, ApprovalState, Cause, Incident, Rung, Topic
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind
from baileykeep.rules import findings, incidents, ladder, words
from baileykeep.rules.view import Finding

log = structlog.get_logger(__name__)

NEEDS_FORCE = frozenset({Reason.SESSION_RUNNING, Reason.UNKNOWN_STATE})
"""A cleanup by hand is refused for these unless the operator said that the session may be stopped."""


CURED_BY_A_BACKUP = frozenset({Cause.CREDS_CHANGED, Cause.FOLDER_MISSING})
"""What is only told may be cured by a backup that is put back by hand; that is told there."""


class Desk:
    """Every human's word goes through here, with the operator's name, under the orchestrator's lock."""

    def __init__(self, orchestrator: Orchestrator):
        self._orchestrator = orchestrator
        self._parts = orchestrator.parts

    async def answer(self, ident: str, state: ApprovalState, operator: str, revision: int | None) -> Incident:
        """Approve or reject. The first answer wins; an answer to an older question is refused."""
        async with self._orchestrator.lock:
            incident = self._parts.ledger.find(ident)
            if incident is None:
                raise Refused("this incident is over; nothing was done", code="symptom_gone")
            approval = incident.approval
            if approval is None or approval.state is not ApprovalState.OPEN:
                raise Refused(_already(incident), code="approval_answered")
            if revision is not None and revision != approval.revision:
                raise Refused("this question was replaced by a newer one", code="approval_outdated")
            self._check_fresh(incident, approval)
            after = incidents.answered(incident, state, operator, self._parts.clock.now())
            await self._parts.ledger.commit(incident, after, [self._said(after, operator, state.value)])
        await self._orchestrator.review(after.subject)
        return after

    def _check_fresh(self, incident: Incident, approval: Approval) -> None:
        """A question that outlived its time may not be answered, even before the clock had a chance to say so."""
        member = self._parts.roster.member(incident.subject)
        ttl_s = member.limits.relink.approval_ttl_s if member is not None else 0.0
        if self._parts.clock.now() - approval.asked_at >= ttl_s:
            raise Refused("this question is too old", next_step="look again; it will be asked anew", code="expired")

    async def acknowledge(self, ident: str, operator: str) -> Incident:
        """Somebody has it in hand."""
        async with self._orchestrator.lock:
            incident = self._parts.ledger.find(ident)
            if incident is None:
                raise Refused("this incident is already over", code="symptom_gone")
            after = incidents.acknowledged(incident, operator, self._parts.clock.now())
            await self._parts.ledger.commit(incident, after, [self._said(after, operator, "acknowledged")])
            return after

    async def report_corrupt(self, subject: Subject, operator: str) -> Incident:
        """Somebody (a gateway, say) calls a login corrupt: that opens a question to humans, nothing more."""
        unit, now = self._parts.units(subject), self._parts.clock.now()
        if unit is None:
            raise UsageError(f"{subject} is not watched", code="unknown_company")
        unit.note(Symptom(subject, SymptomKind.REPORTED_CORRUPT, now, severity=Severity.CRITICAL))
        await self._orchestrator.review(subject)
        incident = self._parts.ledger.get(subject, Topic.HEALTH)
        if incident is None:
            raise JournalError("the report could not be stored", next_step="try again in a minute")
        async with self._orchestrator.lock:
            said = self._said(incident, operator, "Reported the login as corrupt.")
            await self._parts.ledger.commit(incident, incident, [said])
        return incident

    async def release(self, subject: Subject, operator: str) -> bool:
        """An operator has looked at a breach: automatic action may go on. False when nothing was held."""
        async with self._orchestrator.lock:
            if not self._parts.monitor.release(subject):
                return False
            incident = self._parts.ledger.get(subject, Topic.WATCH)
            if incident is not None and incident.cause is Cause.BREACH:
                after = incidents.closed(incident, f"released by {operator}", self._parts.clock.now())
                await self._parts.ledger.commit(incident, after, [self._said(after, operator, "Released.")])
        await self._orchestrator.review(subject)
        return True

    async def forget(self, subject: Subject, operator: str) -> None:
        """Close every story of a subject that is gone for good."""
        async with self._orchestrator.lock:
            for topic in Topic:
                incident = self._parts.ledger.get(subject, topic)
                if incident is not None:
                    after = incidents.closed(incident, "forgotten", self._parts.clock.now())
                    await self._parts.ledger.commit(incident, after, [self._said(after, operator, "Forgotten.")])

    def story(self, subject: Subject, topic: Topic) -> Incident | None:
        """The open story of a topic."""
        return self._parts.ledger.get(subject, topic)

    async def tell(self, subject: Subject, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        """Something happened in the middle of an action: a line in its story, where it has one, and in the journal."""
        running = self._orchestrator.running.get(subject)
        async with self._orchestrator.lock:
            now = self._parts.clock.now()
            incident = self._parts.ledger.find(running.incident or "") if running is not None else None
            story, action = (running.incident, running.attempt.action_id) if running is not None else (None, None)
            entry = Entry(now, kind, subject, story, action, data={"text": text})
            try:
                if incident is None:
                    await self._parts.ledger.note(entry)
                else:
                    await self._parts.ledger.commit(incident, incidents.told(incident, text, now), [entry])
            except JournalError as error:
                log.warning("not_told", subject=str(subject), error=error.cause)

    def _said(self, incident: Incident, operator: str, text: str) -> Entry:
        now = self._parts.clock.now()
        data: dict[str, Any] = {"text": text}
        return Entry(now, EntryKind.OPERATOR, incident.subject, incident=incident.id, operator=operator, data=data)

    async def request(self, subject: Subject, rung: Rung, order: Order) -> str:
        """An operator asks for a rung by hand. Returns the action's id; Refused when safety says no."""
        member, unit = self._parts.roster.member(subject), self._parts.units(subject)
        if member is None or unit is None:
            raise UsageError(f"{subject} is not watched", code="unknown_company")
        async with self._orchestrator.lock:
            before = self._story_of(subject, rung)
            now = self._parts.clock.now()
            case = self._orchestrator.case(before or _nothing_wrong(subject, now), member, unit)
            decision = ladder.may_request(case, rung, force=order.force)
            if decision.verb is not Verb.ACT:
                step = "add --force, which stops the session first" if decision.reason in NEEDS_FORCE else ""
                raise Refused(words.why_not(decision), next_step=step, code=decision.reason.value)
            story = before or (incidents.by_hand(subject, self._new_id(now), now) if rung in words.PAIRING else None)
            return (await self._orchestrator.begin(member, before, story, rung, order, manual=True)).attempt.action_id

    def _new_id(self, now: float) -> str:
        return self._parts.ledger.new_id(now, "i")

    def _story_of(self, subject: Subject, rung: Rung) -> Incident | None:
        """The open story that an action by hand belongs to."""
        health, watched = (self._parts.ledger.get(subject, topic) for topic in (Topic.HEALTH, Topic.WATCH))
        cured = rung is Rung.RESTORE and watched is not None and watched.cause in CURED_BY_A_BACKUP
        return watched if health is None and cured else health


def _nothing_wrong(subject: Subject, now: float) -> Incident:
    """A stand-in for an incident where an operator acts on a healthy company; never stored."""
    return incidents.opened(Finding(Cause.DISCONNECTED, findings.SEVERITY[Cause.DISCONNECTED]), subject, "", now)


def _already(incident: Incident) -> str:
    approval = incident.approval
    if approval is None:
        return "nothing was asked"
    by = f" by {approval.operator}" if approval.operator else ""
    return f"already {approval.state.value}{by}"
