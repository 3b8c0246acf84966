"""The safety monitor: hears of every effect before it happens, and bars what would break a promise.

It decides nothing and repairs nothing. A breach, or a crash of its own, raises `Breached` in the action, so that the
effect does not happen; from then on the company (or gateway) is held, watched and told about until an operator says
`resume`. What it knows of running actions lives in memory; what it remembers of attempts survives a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from baileykeep.clock import Clock
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Running
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.units import Unit
from baileykeep.journal.base import Journal
from baileykeep.model import codec
from baileykeep.model.errors import Breached, JournalError
from baileykeep.model.evidence import (
    Begun,
    Breach,
    Ended,
    Evidence,
    Intended,
    Removing,
    Resumed,
    Sight,
    Situation,
    StepBegun,
    Story,
)
from baileykeep.model.incident import Attempt, Incident, Outcome
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.moments import shifted
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST, Scope, Severity, Subject, Symptom, SymptomKind, gateway
from baileykeep.rules import invariants, words, words_steps
from baileykeep.rules.brake import stagger_until
from baileykeep.rules.invariants_begin import BY_WINDOW
from baileykeep.rules.watch import Watch

log = structlog.get_logger(__name__)

LOOK_S = 5.0
MOST_KEPT = 1000
CRASHED = "monitor"
"""The name of a breach that is a failure of the monitor itself."""

DRAWER = "watch"


ABOUT_FOLDER = frozenset(
    {SymptomKind.DOWN, SymptomKind.FILES, SymptomKind.FORECAST, SymptomKind.STALE_SESSIONS, SymptomKind.TENANT_UNTOLD}
)
"""Symptoms that do not keep a window's cleanup from a session that is up."""


@dataclass(frozen=True, slots=True)
class Senses:
    """What the monitor sees for itself, past the orchestrator."""

    holds: Holds
    roster: Roster
    units: Callable[[Subject], Unit | None]
    publish: Callable[[Symptom], None]
    journal: Journal
    clock: Clock


class Monitor:
    """One per daemon. `witness` may be called from worker threads; everything else belongs to the event loop."""

    def __init__(self, sees: Senses):
        self.breaches: list[Breach] = []
        self._sees = sees
        self._watches: dict[Subject, Watch] = {}
        self._limits: dict[Subject, Limits] = {}
        self._untold: list[Breach] = []
        self._failed: dict[Subject, float] = {}

    # --- what actions tell ------------------------------------------------------------------------------------

    def begun(self, running: Running, member: Member, incident: Incident | None, history: tuple[Attempt, ...]) -> None:
        """An action is about to be journaled. Raises `Breached` when it must not be."""
        story = None
        if incident is not None:
            story = Story(incident.cause, incident.attempts, incident.approval, incident.fresh_since)
        self._limits[running.subject] = member.limits
        sight = Begun(running.attempt, running.manual, self._situation(member), story, history)
        self.witness(running.subject, running.attempt.action_id, sight)

    def intended(self, running: Running) -> None:
        """The intent is in the journal."""
        self.witness(running.subject, running.attempt.action_id, Intended())

    def withdrawn(self, running: Running) -> None:
        """The intent could not be journaled: nothing was begun."""
        tries = self._watches.get(running.subject, Watch()).tries
        left = tuple(t for t in tries if t.action != running.attempt.action_id)
        self._watches[running.subject] = Watch(None, left)

    def resumed(self, running: Running, steps: Iterable[str]) -> None:
        """An action of a dead daemon is taken up."""
        member = self._sees.roster.member(running.subject)
        self._limits[running.subject] = member.limits if member is not None else Limits()
        sight = Resumed(running.attempt, running.manual, tuple(steps))
        self.witness(running.subject, running.attempt.action_id, sight)

    def uses(self, subject: Subject, limits: Limits) -> None:
        """The limits that the action goes by, whatever is configured meanwhile."""
        self._limits[subject] = limits

    def ended(self, running: Running) -> None:
        """An action ended; its attempt carries the outcome."""
        attempt = running.attempt
        if attempt.cause in BY_WINDOW and attempt.outcome is Outcome.FAILED and not attempt.untouched:
            self._failed[running.subject] = attempt.begun_at
        self.witness(running.subject, running.attempt.action_id, Ended(running.attempt))

    def witness(self, subject: Subject, action: str, sight: Sight) -> None:
        """Check one sight. Raises `Breached` when what it announces must not happen."""
        clock = self._sees.clock
        evidence = Evidence(subject, action, clock.now(), clock.monotonic(), sight)
        found = self._checked(evidence)
        if not found:
            return
        for name, wrong in found:
            self._note(evidence, name, wrong)
        if invariants.is_barred(evidence):
            name, wrong = found[0]
            raise Breached(
                f"barred by a safety check ({name}): {wrong}",
                next_step="all automatic actions for it are off until `baileykeep resume`",
            )

    def _checked(self, evidence: Evidence) -> tuple[tuple[str, str], ...]:
        """The breaches; a crash in here is one, so that what cannot be checked does not happen."""
        subject = evidence.subject
        try:
            limits = self._limits.get(subject) or Limits()
            watch, found = invariants.step(self._watches.get(subject, Watch()), evidence, limits)
        except Exception as error:
            log.exception("monitor_crashed", subject=str(subject), sight=type(evidence.sight).__name__)
            return ((CRASHED, f"the safety check itself failed ({type(error).__name__})"),)
        self._watches[subject] = watch
        return found

    def _situation(self, member: Member) -> Situation:
        """Read from the holds and the symptoms themselves, not from what the orchestrator made of them."""
        holds, now = self._sees.holds, self._sees.clock.now()
        places = (gateway(member.gateway), HOST)
        host = self._symptoms(HOST)
        brakes = [state for place in places if (state := holds.brakes.get(place)) is not None]
        waits = [stagger_until(state, member.subject.id, member.limits.brake) for state in brakes]
        return Situation(
            acting=holds.act,
            shutting_down=holds.shutting_down,
            paused=any(holds.pauses.get(s, now) > now for s in (member.subject, *places)),
            breached=member.subject in holds.breached,
            online=SymptomKind.HOST_OFFLINE not in host,
            whatsapp=SymptomKind.WHATSAPP_UNREACHABLE not in host,
            braked=any(state.on_since is not None for state in brakes),
            waits_until=max((w for w in waits if w is not None), default=None),
            started_at=holds.started_at,
            jumped_at=holds.jumped_at,
            beside=self._beside(member),
            can_reconnect=member.can.reconnect,
            window=bool(member.window_at(now)),
            window_left_s=_left_s(member, now),
            neighbours=tuple(str(subject) for subject, _ in self._running_beside(member)),
            unwell=tuple(kind.value for kind in self._symptoms(member.subject) if kind not in ABOUT_FOLDER),
            failed_near=self._failed_near(member, now),
        )

    def _failed_near(self, member: Member, now: float) -> tuple[str, ...]:
        near = {member.gateway, *member.shares}
        others = [subject for subject, at in self._failed.items() if now - at < DAY and subject != member.subject]
        placed = ((subject, self._sees.roster.member(subject)) for subject in others)
        return tuple(str(subject) for subject, other in placed if other is not None and other.gateway in near)

    def _symptoms(self, subject: Subject) -> Mapping[SymptomKind, Symptom]:
        unit = self._sees.units(subject)
        return unit.symptoms if unit is not None else {}

    def _beside(self, member: Member) -> tuple[str, ...]:
        """Running actions that one more would cross: its gateway's, a company's of it, one on the same process."""
        return tuple(
            str(subject)
            for subject, other in self._running_beside(member)
            if other.can.by_process or member.can.by_process or Scope.GATEWAY in (subject.scope, member.subject.scope)
        )

    def _running_beside(self, member: Member) -> list[tuple[Subject, Member]]:
        """Those of the same gateway or process on which an action runs."""
        near = {member.gateway, *member.shares}
        others = [(subject, self._sees.roster.member(subject)) for subject, w in self._watches.items() if w.act]
        return [
            (subject, other)
            for subject, other in others
            if other is not None and subject != member.subject and other.gateway in near
        ]

    # --- breaches ---------------------------------------------------------------------------------------------

    def _note(self, evidence: Evidence, name: str, wrong: str) -> None:
        breach = Breach(evidence.subject, name, wrong, evidence.at, evidence.action, _barred(evidence))
        log.error("promise_breached", subject=str(breach.subject), invariant=name, wrong=wrong, barred=breach.barred)
        self.breaches = [*self.breaches, breach][-MOST_KEPT:]
        self._untold.append(breach)
        self._sees.holds.breached.setdefault(breach.subject, breach)

    async def report(self) -> None:
        """Journal what was breached, with the hold that follows from it, and raise its symptom."""
        untold, self._untold = self._untold, []
        for breach in untold:
            if not await self._journaled(breach):
                self._untold.append(breach)
        self.keep_telling()

    async def _journaled(self, breach: Breach) -> bool:
        now = self._sees.clock.now()
        data = {"invariant": breach.invariant, "text": _sentence(breach), "barred": breach.barred}
        entry = Entry(breach.at, EntryKind.BREACH, breach.subject, action=breach.action, data=data)
        holds = {(str(HOST), "holds"): self._sees.holds.save(now)}
        try:
            await self._sees.journal.write((entry,), (), holds)
        except JournalError as error:
            log.warning("breach_not_journaled", subject=str(breach.subject), error=error.cause)
            return False
        return True

    def keep_telling(self) -> None:
        """A held subject has its symptom, also after a restart or after its detectors were reset."""
        for subject, breach in self._sees.holds.breached.items():
            unit = self._sees.units(subject)
            if unit is None or SymptomKind.BREACH in unit.symptoms:
                continue
            symptom = _symptom(breach, self._sees.clock.now())
            unit.note(symptom)
            unit.changed = True
            self._sees.publish(symptom)

    def release(self, subject: Subject) -> bool:
        """An operator has looked: automatic action may go on. False when nothing was held."""
        if self._sees.holds.breached.pop(subject, None) is None:
            return False
        unit = self._sees.units(subject)
        if unit is not None:
            unit.symptoms.pop(SymptomKind.BREACH, None)
            unit.changed = True
        return True

    async def run(self) -> None:
        """Until cancelled: tell again what could not be told."""
        while True:
            await self.report()
            await self._sees.clock.sleep(LOOK_S)

    # --- over restarts ----------------------------------------------------------------------------------------

    def memories(self, subject: Subject) -> dict[tuple[str, str], Any]:
        """What to store together with an action's begin and end."""
        watch = Watch(None, self._watches.get(subject, Watch()).tries)
        return {(str(subject), DRAWER): codec.encode(watch)}

    def clock_was_set(self, by_s: float, _now: float) -> None:
        """Attempts keep their distance from now."""
        self._watches = {subject: shifted(watch, by_s) for subject, watch in self._watches.items()}
        self._failed = {subject: at + by_s for subject, at in self._failed.items()}

    def moved(self) -> dict[tuple[str, str], Any]:
        """The attempts of everybody."""
        return {key: value for subject in self._watches for key, value in self.memories(subject).items()}

    async def load(self) -> None:
        """Remember the attempts that an earlier daemon's monitor knew."""
        for text, saved in (await self._sees.journal.recall(DRAWER)).items():
            try:
                self._watches[Subject.parse(text)] = codec.decode(Watch, saved)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                log.warning("watch_not_readable", subject=text, error=repr(error))


def _barred(evidence: Evidence) -> str:
    """What did not happen; empty for what had happened already."""
    sight = evidence.sight
    if not invariants.is_barred(evidence):
        return ""
    if isinstance(sight, Begun):
        return words.RUNGS[sight.attempt.rung].doing
    if isinstance(sight, StepBegun):
        return words_steps.step(sight.name)
    return f"removing {len(sight.names)} files" if isinstance(sight, Removing) else "what came next"


def _sentence(breach: Breach) -> str:
    barred = f" Barred: {breach.barred}." if breach.barred else ""
    return f"Safety check {breach.invariant} failed: {breach.text}.{barred}"


def _symptom(breach: Breach, now: float) -> Symptom:
    barred = f"; barred: {breach.barred[:1].lower()}{breach.barred[1:]}" if breach.barred else ""
    detail = {"promise": breach.invariant.replace("_", " "), "wrong": f"{breach.text}{barred}"}
    return Symptom(breach.subject, SymptomKind.BREACH, now, severity=Severity.CRITICAL, detail=detail)


def _left_s(member: Member, now: float) -> float:
    """How long its maintenance window stays open; 0 while none is."""
    closes_at = member.window.closes_at(now) if member.window is not None else None
    return closes_at - now if closes_at is not None else 0.0
