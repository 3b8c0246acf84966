"""Runs the ladder: looks at a subject, decides, journals the intent, acts, journals the outcome, tells people.

All changes to a story happen under one lock, one subject at a time. Actions run beside it, at most one a company.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import anyio
import structlog
from anyio.abc import TaskGroup

from baileykeep.actions.base import Order, Result
from baileykeep.clock import Clock
from baileykeep.engine import neighbours, windows
from baileykeep.engine.executor import RELINKING, Executor
from baileykeep.engine.holds import Holds, silenced, without_brake
from baileykeep.engine.ledger import Ledger, Running
from baileykeep.engine.monitor import Monitor
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.units import CompanyUnit, Unit, Units
from baileykeep.model import codec
from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.errors import Breached, JournalError
from baileykeep.model.incident import ApprovalState, Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.inventory import Level
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Scope, Subject, SymptomKind
from baileykeep.rules import findings, incidents, ladder, repair_signs, words
from baileykeep.rules.cause import USELESS_LOGIN
from baileykeep.rules.notify import ApprovalStep, approval_clock
from baileykeep.rules.view import CompanyView, Finding

log = structlog.get_logger(__name__)

LOOK_WITHIN_S, LOOK_EVERY_S = 60.0, 0.25
"""How long, after a restart, an action that was begun waits until its company was looked at anew."""

RETRY_OUTCOME_S = 5.0
"""Between two tries to journal how an action ended."""

NOES = frozenset({ApprovalState.REJECTED, ApprovalState.EXPIRED})

SLOW_TO_SHOW = frozenset({Cause.FILES_CRITICAL, Cause.FILES_DANGER, Cause.BAD_MAC})
"""What is seen by counting or over a window may still look wrong for a moment after a verified repair."""

Observer = Callable[[Subject, Decision], None]
Look = Callable[[Subject], Awaitable[None]]


async def _no_look(_subject: Subject) -> None:
    """Nobody to ask: what was seen last must do."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an orchestrator is made of."""

    ledger: Ledger
    holds: Holds
    roster: Roster
    executor: Executor
    clock: Clock
    units: Units
    monitor: Monitor
    decided: Observer = lambda _subject, _decision: None
    ended: Callable[[Subject, Attempt], None] = lambda _subject, _attempt: None
    crashed: Callable[[Subject, Exception], None] = lambda _subject, _error: None
    look: Look = _no_look


class Orchestrator:
    """One per daemon. `group` is where actions run; it belongs to whoever runs the engine."""

    def __init__(self, parts: Parts, group: TaskGroup):
        self.parts = parts
        self._group = group
        self.lock = anyio.Lock()
        self.running: dict[Subject, Running] = {}
        self.journal_problem: str | None = None

    # --- looking at one subject ---------------------------------------------------------------------------

    async def review(self, subject: Subject) -> None:
        """Look at everything about a subject and move its stories on. A journal that fails stops nothing but this."""
        member, unit = self.parts.roster.member(subject), self.parts.units(subject)
        if member is None or unit is None:
            return
        async with self.lock:
            try:
                await self._review(member, unit)
                self._note_journal(None)
            except JournalError as error:
                self._note_journal(error)
            except Breached as breached:
                log.warning("begin_barred", subject=str(subject), error=breached.cause)
            except Exception as error:
                log.exception("review_crashed", subject=str(subject))
                self.parts.crashed(subject, error)

    def _note_journal(self, error: JournalError | None) -> None:
        """Log once when the journal cannot be written, and once when it can again; meanwhile nothing is begun."""
        cause = error.cause if error is not None else None
        if (cause is None) != (self.journal_problem is None):
            log.warning("journal_unavailable" if cause else "journal_available_again", error=cause)
        self.journal_problem = cause

    async def _review(self, member: Member, unit: Unit) -> None:
        found = self._findings(member, unit)
        for topic in Topic:
            finding = found.get(topic)
            before = self.parts.ledger.get(member.subject, topic)
            if before is None and (finding is None or self._untold(member, unit, finding)):
                continue
            await self._move(member, unit, before, self._looked(member, before, finding, topic))

    def _untold(self, member: Member, unit: Unit, finding: Finding) -> bool:
        """Whether somebody else already speaks for this finding, or it may wait, so that no story begins."""
        if finding.cause is Cause.FILES_PLANNED:
            story = self._looked(member, None, finding, Topic.HEALTH)
            return ladder.decide(self.case(story, member, unit)).verb is not Verb.ACT
        if finding.cause is Cause.FILES_HIGH and windows.cleaned(member, self.parts.ledger, self.parts.clock.now()):
            return True
        running = self.running.get(member.subject)
        relinking = running is not None and running.attempt.rung in RELINKING
        by_relink = relinking and finding.cause in findings.OWN_DOING
        by_us = by_relink or (running is not None and finding.cause is Cause.DISCONNECTED)
        return by_us or silenced(finding.cause, self._fleet(member))

    def _findings(self, member: Member, unit: Unit) -> Mapping[Topic, Finding]:
        if not isinstance(unit, CompanyUnit):
            return findings.of_symptoms(unit.symptoms.values())
        view = unit.view()
        found = findings.of_company(view, member.limits)
        ledger, now = self.parts.ledger, self.parts.clock.now()
        if self.parts.holds.act:
            found = {topic: windows.told_with(finding, member, ledger, now) for topic, finding in found.items()}
        due = windows.due(member, view, ledger, now)
        return {Topic.HEALTH: due, **found} if due is not None else found

    def _looked(self, member: Member, before: Incident | None, finding: Finding | None, topic: Topic) -> Incident:
        """The story after looking, before any decision."""
        now, limits = self.parts.clock.now(), member.limits.ladder
        if before is None:
            assert finding is not None  # noqa: S101 - the caller leaves out what neither was nor is wrong
            ident = self.parts.ledger.new_id(now, "i" if topic is Topic.HEALTH else "w")
            return incidents.opened(finding, member.subject, ident, now)
        if member.subject in self.running:
            return before
        healed = _just_healed(before, now, limits.settle_s)
        if healed and finding is not None and finding.cause in SLOW_TO_SHOW:
            return before
        if finding is not None:
            return incidents.found(before, finding, now)
        if self._still_waits(before):
            return before
        how = windows.how_over(member, before, self._level(member), self.parts.ledger, now)
        return incidents.cleared(before, now, limits.steady_s, healed=healed, how=how)

    def _still_waits(self, incident: Incident) -> bool:
        """A QR that went away unscanned is no recovery; only a session that is open is."""
        unit = self.parts.units(incident.subject)
        return incident.cause is Cause.WAITING_QR and isinstance(unit, CompanyUnit) and not unit.view().up

    def _level(self, member: Member) -> Level:
        unit = self.parts.units(member.subject)
        return unit.view().level if isinstance(unit, CompanyUnit) else Level.EXCELLENT

    async def _move(self, member: Member, unit: Unit, before: Incident | None, looked: Incident) -> None:
        """Decide on a story that was just looked at, and store what came of it."""
        if looked.closed_at is not None or looked.clear_since is not None:
            await self._commit(before, looked)
            return
        looked = self._approval_moved(looked, member)
        self._drop_answered_report(unit, looked)
        case = self.case(looked, member, unit)
        looked = incidents.warned(looked, repair_signs.signs(case), case.now)
        decision = ladder.decide(replace(case, incident=looked))
        if decision.verb is Verb.ACT and decision.rung is not None:
            await self._act(member, before, replace(case, incident=looked), decision, decision.rung)
            return
        after = incidents.decided(looked, decision, self.parts.clock.now())
        await self._commit(before, after, decision)

    @staticmethod
    def _drop_answered_report(unit: Unit, incident: Incident) -> None:
        """A report of a corrupt login is over once humans said no, or nothing, or the relink was tried."""
        approval = incident.approval
        about_it = approval is not None and approval.cause is Cause.REPORTED_CORRUPT
        said_no = about_it and approval is not None and approval.state in NOES
        tried = any(a.outcome is not None for a in incident.tried(Rung.RELINK, Cause.REPORTED_CORRUPT))
        if incident.cause is Cause.REPORTED_CORRUPT and (said_no or tried):
            unit.symptoms.pop(SymptomKind.REPORTED_CORRUPT, None)

    async def _commit(self, before: Incident | None, after: Incident, decision: Decision | None = None) -> None:
        if before is not None and replace(after, detail=before.detail, clear_since=before.clear_since) == before:
            self.parts.ledger.refresh(after)
            return
        entries = []
        held_as_before = before is not None and before.hold == after.hold
        quiet = decision is None or decision.verb is Verb.NONE or (decision.verb is Verb.HOLD and held_as_before)
        if decision is not None and not quiet:
            entries.append(self._decision_entry(after, decision))
            self.parts.decided(after.subject, decision)
        await self.parts.ledger.commit(before, after, entries)

    def _decision_entry(self, incident: Incident, decision: Decision) -> Entry:
        data = {**codec.encode(decision), "cause": incident.cause.value, "text": words.why_held(decision.reason)}
        now = self.parts.clock.now()
        return Entry(now, EntryKind.DECISION, incident.subject, incident=incident.id, data=data)

    # --- what a decision depends on -----------------------------------------------------------------------

    def _fleet(self, member: Member) -> ladder.Fleet:
        parts, subject = self.parts, member.subject
        outside = {s: tuple(u.symptoms) for s in self._outside(member) if (u := parts.units(s)) is not None}
        fleet = parts.holds.fleet(
            subject, member.gateway, outside, member.limits, parts.clock.now(), busy=self._busy(member)
        )
        near = windows.neighbours(member, self.running, parts.roster)
        around = windows.beside(member, parts.units, parts.ledger, near, parts.roster, parts.clock.now())
        fleet = replace(fleet, **around)
        if subject.scope is not Scope.GATEWAY:
            return fleet if subject.scope is Scope.COMPANY else without_brake(fleet)
        return replace(without_brake(fleet), beside=neighbours.on_its_process(member, parts.units))

    def _busy(self, member: Member) -> bool:
        """Whether an action runs that one more would cross: its own, its gateway's, or one on a shared process."""
        others = (self.parts.roster.member(subject) for subject in self.running)
        return member.subject in self.running or neighbours.busy(member, others)

    @staticmethod
    def _outside(member: Member) -> tuple[Subject, ...]:
        return (Subject(Scope.GATEWAY, member.gateway), Subject(Scope.HOST, "host"))

    def case(self, incident: Incident, member: Member, unit: Unit) -> ladder.Case:
        """Everything that a decision about this story depends on, at this moment."""
        parts = self.parts
        view = unit.view() if isinstance(unit, CompanyUnit) else CompanyView(member.subject.id, unknown=False)
        history = neighbours.history(member, parts.ledger)
        return ladder.Case(incident, view, self._fleet(member), member.can, member.limits, parts.clock.now(), history)

    def _approval_moved(self, incident: Incident, member: Member) -> Incident:
        """Remind, go to the second contact, expire: what the clock does to an unanswered question."""
        now, approval = self.parts.clock.now(), incident.approval
        step = approval_clock(approval, now, member.limits.relink) if approval is not None else None
        if approval is None or step is None:
            return incident
        if step is ApprovalStep.EXPIRE:
            return incidents.answered(incident, ApprovalState.EXPIRED, "", now)
        if step is ApprovalStep.ESCALATE:
            asked = replace(approval, reminded_at=approval.reminded_at or now, escalated_at=now)
            return incidents.told(replace(incident, approval=asked), words.line_approval_escalated(asked), now)
        asked = replace(approval, reminded_at=now)
        return incidents.told(replace(incident, approval=asked), words.line_approval_reminded(asked), now)

    # --- acting ---------------------------------------------------------------------------------------------

    async def _act(
        self, member: Member, before: Incident | None, case: ladder.Case, decision: Decision, rung: Rung
    ) -> None:
        looked = case.incident
        approved = looked.approval if decision.reason is Reason.APPROVED else None
        operator = approved.operator if approved is not None else None
        self.parts.decided(member.subject, decision)
        order = self._order(case, rung, operator)
        await self.begin(member, before, looked, rung, order, why=self._decision_entry(looked, decision))

    @staticmethod
    def _order(case: ladder.Case, rung: Rung, operator: str | None) -> Order:
        addresses = case.incident.detail.get("addresses")
        return Order(
            operator=operator,
            addresses=addresses if isinstance(addresses, tuple) else (),
            proved_dead=case.incident.cause in USELESS_LOGIN and case.view.proof_holds,
            target=ladder.cleanup_target(case) if rung is Rung.CLEANUP else None,
        )

    async def begin(
        self,
        member: Member,
        before: Incident | None,
        looked: Incident | None,
        rung: Rung,
        order: Order,
        *,
        manual: bool = False,
        why: Entry | None = None,
    ) -> Running:
        """Journal the intent; only then start. Returns what runs now."""
        parts, now = self.parts, self.parts.clock.now()
        cause = looked.cause if looked is not None else Cause.DISCONNECTED
        attempt = Attempt(rung, cause, now, parts.ledger.new_id(now, "a"), operator=order.operator)
        running = Running(member.subject, attempt, codec.encode(order), looked.id if looked else None, manual)
        after = incidents.begun(looked, attempt, now) if looked is not None else None
        await self._announce(member, running, looked)
        try:
            await parts.ledger.action_begun(running, before, after, why, parts.monitor.memories(member.subject))
        except JournalError:
            parts.monitor.withdrawn(running)
            raise
        parts.monitor.intended(running)
        self.running[member.subject] = running
        unit = parts.units(member.subject)
        if rung in RELINKING and isinstance(unit, CompanyUnit):
            unit.expect_new_login()
        self._group.start_soon(self._run, running, False)
        return running

    async def _announce(self, member: Member, running: Running, incident: Incident | None) -> None:
        """Let the safety monitor look at an action before it is begun. Raises `Breached` when it must not be."""
        parts = self.parts
        try:
            parts.monitor.begun(running, member, incident, neighbours.history(member, parts.ledger))
        except Breached:
            await parts.monitor.report()
            raise

    async def resume(self, running: Running) -> None:
        """Take up an action that a dead daemon had begun; the clock may have been set since."""
        running = replace(running, attempt=self.parts.ledger.known(running.subject, running.attempt))
        self.running[running.subject] = running
        self._group.start_soon(self._run, running, True)

    async def _run(self, running: Running, resuming: bool) -> None:
        work = self.parts.executor.resume if resuming else self.parts.executor.run
        result = await work(running, lambda: self._still_wrong(running, resuming=resuming))
        await self._end(running, result)
        await self.parts.monitor.report()
        await self.review(running.subject)

    async def _still_wrong(self, running: Running, *, resuming: bool) -> bool:
        """The symptom, looked at again just before acting. What an operator asked for is always wanted."""
        if running.manual:
            return True
        await self.parts.look(running.subject)
        if resuming:
            return await self._still_wrong_after_all(running)
        member, unit = self.parts.roster.member(running.subject), self.parts.units(running.subject)
        incident = self.parts.ledger.find(running.incident or "")
        if member is None or unit is None or incident is None:
            return False
        finding = self._findings(member, unit).get(incident.topic)
        return finding is not None and finding.cause is running.attempt.cause

    async def _still_wrong_after_all(self, running: Running) -> bool:
        """The same for an action that stopped its session before a crash: being down is no other trouble then."""
        unit = self.parts.units(running.subject)
        if not await self._looked_at(running.subject) or not isinstance(unit, CompanyUnit):
            return False
        found = findings.everything(unit.view(), unit.limits)
        return any(finding.cause is running.attempt.cause for finding in found)

    async def _looked_at(self, subject: Subject) -> bool:
        """Wait until the watchers have looked at a company since this daemon began; False when they cannot.

        What an earlier daemon saw last it may not have stored: damaged creds would pass for whole ones.
        """
        clock, member, unit = self.parts.clock, self.parts.roster.member(subject), self.parts.units(subject)
        deadline = clock.monotonic() + LOOK_WITHIN_S
        while isinstance(unit, CompanyUnit) and member is not None and clock.monotonic() < deadline:
            if unit.connection_seen and (unit.folder_seen or not member.can.files):
                return True
            await clock.sleep(LOOK_EVERY_S)
        return False

    async def _end(self, running: Running, result: Result) -> None:
        now = self.parts.clock.now()
        begun = self.parts.ledger.known(running.subject, running.attempt)
        attempt = replace(begun, ended_at=now, outcome=result.outcome, note=result.note, untouched=result.untouched)
        ended = replace(running, attempt=attempt)
        self.parts.monitor.ended(ended)
        while not await self._ended(ended, now):
            await self.parts.clock.sleep(RETRY_OUTCOME_S)

    async def _ended(self, ended: Running, now: float) -> bool:
        """Journal an outcome; False when the journal cannot take it just now."""
        async with self.lock:
            before = self.parts.ledger.find(ended.incident) if ended.incident else None
            after = incidents.ended(before, ended.attempt, now) if before is not None else None
            try:
                await self.parts.ledger.action_ended(ended, before, after, self.parts.monitor.memories(ended.subject))
            except JournalError as error:
                log.warning("outcome_not_journaled", subject=str(ended.subject), error=error.cause)
                return False
            self.running.pop(ended.subject, None)
        self.parts.ended(ended.subject, ended.attempt)
        return True


def _just_healed(incident: Incident, now: float, settle_s: float) -> bool:
    """Whether the last thing that happened in a story is a repair that was verified a moment ago."""
    last = incident.attempts[-1] if incident.attempts else None
    if last is None or last.outcome is not Outcome.HEALED:
        return False
    return now - (last.ended_at if last.ended_at is not None else last.begun_at) < settle_s
