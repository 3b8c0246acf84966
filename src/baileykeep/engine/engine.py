"""Facts in, reviews out: routes each fact to the units it concerns and lets the orchestrator look at what changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
import structlog

from baileykeep.bus import Bus
from baileykeep.clock import Clock
from baileykeep.engine.detectors import COMPANY, GATEWAY, ON_HOST
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.moves import Memories, Moves
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.supervise import Supervisor
from baileykeep.engine.units import CompanyUnit, Unit
from baileykeep.journal.base import Journal
from baileykeep.model import codec
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import (
    CompanyFact,
    ConnectionSeen,
    DiskSeen,
    Fact,
    FilesSeen,
    GatewaySeen,
    LogFact,
    NetworkSeen,
    PairingDone,
    ProcessSeen,
    StoreSeen,
    StreamClosed,
    StreamOpened,
    Tick,
)
from baileykeep.model.incident import Cause, Incident
from baileykeep.model.limits import Limits
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST, Scope, Subject, Symptom, company, gateway
from baileykeep.rules import disconnect
from baileykeep.rules.cause import PROVED

log = structlog.get_logger(__name__)

TICK_S = 5.0
FIRST_SAVE_S = 1.0
SAVE_EVERY_S = 10.0
CHUNK = 50
"""So many units get their tick, or are put into words to be saved, before others may run."""

Beside = Callable[[], AbstractAsyncContextManager[Memories]]
"""What must be stored in the same transaction as the detectors' states, and stands still until they were put down."""


@asynccontextmanager
async def _nothing() -> AsyncIterator[Memories]:
    yield {}


TURNS = (StreamClosed, StreamOpened, PairingDone)
"""Log lines after which a company is looked at once more even without a symptom."""


@dataclass(frozen=True, slots=True)
class Services:
    """What an engine works with."""

    roster: Roster
    journal: Journal
    moves: Moves
    ledger: Ledger
    holds: Holds
    bus: Bus

    @property
    def clock(self) -> Clock:
        """The time that everybody goes by."""
        return self.moves.clock


class Engine:
    """Owns the units. `observe` is synchronous and never blocks; everything slow happens in `run`."""

    def __init__(self, services: Services):
        self._services = services
        self._supervisors: dict[Subject, Supervisor] = {}
        self.orchestrator: Orchestrator | None = None
        self.beside: Beside = _nothing
        self._saving = anyio.Lock()
        services.moves.join(self)
        self.sync()

    # --- units ----------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Bring the units in step with the roster; states of those that stay are kept."""
        members = self._services.roster.members()
        for subject in self._supervisors.keys() - members.keys():
            del self._supervisors[subject]
        for subject, member in members.items():
            known = self._supervisors.get(subject)
            if known is None:
                self._supervisors[subject] = Supervisor(_unit(member))
            else:
                known.unit.limits = member.limits

    def unit(self, subject: Subject) -> Unit | None:
        """The unit of a subject, None when it is not watched."""
        supervisor = self._supervisors.get(subject)
        return supervisor.unit if supervisor is not None else None

    def units(self) -> Iterable[Unit]:
        """The detectors of everybody who is watched."""
        return [s.unit for s in self._supervisors.values()]

    def companies(self) -> list[CompanyUnit]:
        """The units of all companies."""
        return [s.unit for s in self._supervisors.values() if isinstance(s.unit, CompanyUnit)]

    def release(self) -> None:
        """Give units that were set aside another chance: the configuration changed."""
        for supervisor in self._supervisors.values():
            supervisor.release()

    def crashed(self, subject: Subject, error: Exception) -> None:
        """A rule failed while a subject was looked at; that counts like a crash of its detectors."""
        supervisor = self._supervisors.get(subject)
        if supervisor is not None:
            for symptom in supervisor.crashed(error, self._services.clock.now()):
                self._services.bus.publish(symptom)

    # --- facts ----------------------------------------------------------------------------------------------

    def observe(self, fact: Fact) -> None:
        """Fold one fact into every unit it concerns and publish what follows."""
        now = self._services.clock.now()
        for subject in self._concerned(fact):
            self._fold(subject, fact, now)

    def _fold(self, subject: Subject, fact: Fact, now: float) -> None:
        supervisor = self._supervisors.get(subject)
        if supervisor is None:
            return
        for symptom in supervisor.observe(fact, now):
            self._services.bus.publish(symptom)
        if _worth_a_look(fact):
            self._services.bus.touch(subject)

    def _concerned(self, fact: Fact) -> list[Subject]:
        if isinstance(fact, CompanyFact):
            return self._company_and_gateway(fact)
        if isinstance(fact, LogFact):
            named = [company(fact.company)] if fact.company is not None else []
            return [*named, gateway(fact.gateway)]
        if isinstance(fact, GatewaySeen | ProcessSeen | StoreSeen):
            return [gateway(fact.gateway)]
        if isinstance(fact, DiskSeen):
            return [HOST]
        return list(self._supervisors) if isinstance(fact, NetworkSeen | Tick) else []

    def _company_and_gateway(self, fact: CompanyFact) -> list[Subject]:
        subject = company(fact.company)
        member = self._services.roster.member(subject) if isinstance(fact, FilesSeen) else None
        return [subject, gateway(member.gateway)] if member is not None else [subject]

    # --- running --------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up where the last daemon stopped: detector states, holds. Before `run`."""
        journal = self._services.journal
        for text, saved in (await journal.recall("detectors")).items():
            supervisor = self._supervisors.get(Subject.parse(text))
            if supervisor is not None:
                _load(supervisor.unit, saved)
        for saved in (await journal.recall("holds")).values():
            self._services.holds.load(saved)

    def believe(self, incidents: Iterable[Incident]) -> None:
        """What an open story says was proved stays proved, even where the detectors' states were not saved in time."""
        for incident in incidents:
            unit = self.unit(incident.subject)
            if isinstance(unit, CompanyUnit) and incident.cause in PROVED and incident.cause is not Cause.HALF_PAIRED:
                unit.remember_proof(incident.cause, incident.opened_at)

    async def run(self, orchestrator: Orchestrator) -> None:
        """Decide, tick and save until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.decide, orchestrator)
            group.start_soon(self._tick)
            group.start_soon(self._save_often)

    async def decide(self, orchestrator: Orchestrator) -> None:
        """Let the orchestrator look at everybody who changed, until cancelled.

        Between two reviews symptoms are journaled, and go first: a fleet in trouble must not delay a new one.
        """
        self.orchestrator = orchestrator
        bus, due = self._services.bus, dict[Subject, None]()
        while True:
            drained = bus.take() if due else await bus.drain()
            await self._journal_symptoms([d.symptom for d in drained.deliveries])
            due = {**dict.fromkeys(drained.symptomatic()), **due, **dict.fromkeys(sorted(drained.touched))}
            if due:
                subject = next(iter(due))
                del due[subject]
                if self._services.moves.unsaved:
                    await self.save()
                await orchestrator.review(subject)

    async def _journal_symptoms(self, symptoms: list[Symptom]) -> None:
        entries = [Entry(s.at, EntryKind.SYMPTOM, s.subject, data=codec.encode(s)) for s in symptoms]
        if not entries:
            return
        try:
            await self._services.journal.write(entries)
        except JournalError as error:
            log.warning("symptoms_not_journaled", count=len(entries), error=error.cause)

    async def _tick(self) -> None:
        clock = self._services.clock
        while True:
            await self.tick()
            await clock.sleep(TICK_S)

    async def tick(self) -> None:
        """Let time pass for every unit, count who is down, and look at every open story again."""
        services = self._services
        now = services.clock.now()
        for position, subject in enumerate(list(self._supervisors)):
            self._fold(subject, Tick(at=now), now)
            if position % CHUNK == CHUNK - 1:
                await anyio.lowlevel.checkpoint()
        self._count_down(now)
        for incident in services.ledger.all_open():
            services.bus.touch(incident.subject)
        for subject, supervisor in self._supervisors.items():
            if supervisor.unit.worth_a_look:
                services.bus.touch(subject)

    def _count_down(self, now: float) -> None:
        """Feed the fleet brakes: one per gateway, and one for the whole host."""
        gateways: dict[Subject, list[CompanyUnit]] = {}
        everybody = self.companies()
        for unit in everybody:
            member = self._services.roster.member(unit.subject)
            if member is not None:
                gateways.setdefault(gateway(member.gateway), []).append(unit)
        for where, units in gateways.items():
            self._brake(where, units, now)
        if len(gateways) > 1 or self._services.holds.braked(HOST):
            self._brake(HOST, everybody, now)

    def _brake(self, where: Subject, units: list[CompanyUnit], now: float) -> None:
        supervisor = self._supervisors.get(where)
        if supervisor is None:
            return
        own = self.orchestrator.running if self.orchestrator is not None else {}
        down = [unit.subject.id for unit in units if unit.subject not in own and _dropped(unit)]
        limits = supervisor.unit.limits
        for symptom in self._services.holds.count_down(where, down, len(units), now, limits):
            supervisor.unit.note(symptom)
            self._services.bus.publish(symptom)

    def clock_was_set(self, by_s: float, now: float) -> None:
        """States and holds keep their distance from now."""
        host = self._services.roster.member(HOST)
        self._services.holds.clock_was_set(by_s, now, host.limits if host is not None else Limits())
        for unit in self.units():
            unit.clock_was_set(by_s)

    def moved(self) -> Memories:
        """Nothing besides what is saved of every unit that changed."""
        return {}

    async def _save_often(self) -> None:
        await self._services.clock.sleep(FIRST_SAVE_S)
        while True:
            await self.save()
            await self._services.clock.sleep(SAVE_EVERY_S)

    async def save(self) -> bool:
        """Remember what changed since the last time; False when it could not be written, and is tried again.

        All of it in one transaction, together with what is `beside`: after a crash states and reading positions agree,
        so that no line of a log is lost or counted twice.
        """
        async with self._saving:
            memories: dict[tuple[str, str], Any] = {
                (str(HOST), "holds"): self._services.holds.save(self._services.clock.now())
            }
            move, moved = self._services.moves.memories()
            async with self.beside() as others:
                changed = [unit for unit in self.units() if unit.changed]
                for position, unit in enumerate(changed):
                    memories[str(unit.subject), "detectors"] = unit.save()
                    if position % CHUNK == CHUNK - 1:
                        await anyio.lowlevel.checkpoint()
            stored = await self._store(changed, {**memories, **moved, **others})
            if stored:
                self._services.moves.stored(move)
            return stored

    async def _store(self, changed: list[Unit], memories: Memories) -> bool:
        try:
            await self._services.journal.remember(memories)
        except JournalError as error:
            log.warning("states_not_saved", error=error.cause)
            for unit in changed:
                unit.changed = True
            return False
        return True


def _load(unit: Unit, saved: Mapping[str, Any]) -> None:
    """A state that another version wrote, and that cannot be read, is forgotten rather than fatal."""
    try:
        unit.load(saved)
    except (TypeError, ValueError, KeyError) as error:
        log.warning("state_not_readable", subject=str(unit.subject), error=repr(error))
        unit.reset()


def _unit(member: Member) -> Unit:
    if member.subject.scope is Scope.COMPANY:
        return CompanyUnit(member.subject, COMPANY, member.limits)
    detectors = GATEWAY if member.subject.scope is Scope.GATEWAY else ON_HOST
    return Unit(member.subject, detectors, member.limits)


def _worth_a_look(fact: Fact) -> bool:
    if isinstance(fact, ConnectionSeen):
        return not disconnect.is_up(fact)
    return isinstance(fact, TURNS)


def _dropped(unit: CompanyUnit) -> bool:
    """Down, and not for a reason that a code proved."""
    if unit.state("disconnect").phase is disconnect.Phase.UP:
        return False
    view = unit.view()
    return not view.up and view.cause not in PROVED
