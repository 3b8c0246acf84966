"""The beating heart: everything between the facts of watchers and what is done and told, wired once.

The daemon puts sockets, watchers and the configuration around it. A simulation puts a world of its own around it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio.abc import TaskGroup

from baileykeep import __version__
from baileykeep.actions import stillness
from baileykeep.app.control import ControlService
from baileykeep.app.digest import Digests
from baileykeep.app.housekeeping import Housekeeping
from baileykeep.app.offsite import Offsite
from baileykeep.app.sites import Door, Knowledge, MakeDoor, Sites
from baileykeep.app.snapshot import Sources
from baileykeep.app.vitals import Vitals, memory_mb
from baileykeep.backups.vault import Vault
from baileykeep.bus import Bus
from baileykeep.channels.base import Channel, Command
from baileykeep.clock import Clock
from baileykeep.config.diff import Diff
from baileykeep.config.problems import Problem, errors
from baileykeep.config.settings import Settings
from baileykeep.config.tenant import tenant_of
from baileykeep.engine.courier import Courier
from baileykeep.engine.desk import Desk
from baileykeep.engine.engine import Engine, Services
from baileykeep.engine.executor import RELINKING, Executor
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.lookout import Lookout
from baileykeep.engine.monitor import Monitor, Senses
from baileykeep.engine.moves import DRAWER as CLOCK
from baileykeep.engine.moves import Moves
from baileykeep.engine.orchestrator import Orchestrator, Parts
from baileykeep.engine.pairing import Board, Sees
from baileykeep.engine.tenants import Sees as TenantSees
from baileykeep.engine.tenants import Tenants
from baileykeep.engine.units import CompanyUnit
from baileykeep.fsys import Fsys
from baileykeep.journal.base import Journal
from baileykeep.model.decisions import Decision
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import Fact, FilesSeen, GatewaySeen, PhoneCompared, SessionsRepaired, TenantTold
from baileykeep.model.incident import Attempt, Incident, Outcome, Rung
from baileykeep.model.inventory import CredsState
from baileykeep.model.overview import BackupsView
from baileykeep.model.records import Entry, EntryKind, Notice
from baileykeep.model.symptoms import HOST, Scalar, Scope, Severity, Subject, Symptom, SymptomKind, company
from baileykeep.rules.cause import USELESS_LOGIN
from baileykeep.rules.lacks import Lacks
from baileykeep.rules.notify import Contact, Routes, notices
from baileykeep.watchers import connection, process


@dataclass(frozen=True, slots=True)
class Given:
    """What a daemon is made from. `journal` is open; it is closed by whoever opened it.

    `memory_mb` tells what its process holds; None where that is not the daemon's alone.
    """

    settings: Settings
    problems: Sequence[Problem]
    clock: Clock
    journal: Journal
    rng: random.Random
    memory_mb: Callable[[], float | None] = memory_mb


MakeChannels = Callable[[Settings, Journal, Clock, Command], dict[str, Channel]]


@dataclass(frozen=True, slots=True)
class Outside:
    """The doors to the world: gateways with their processes, ways to people, and the files."""

    make_door: MakeDoor
    make_channels: MakeChannels
    fsys: Fsys


class Around:
    """What hangs around a core and hears of it; here nothing does."""

    def fact(self, fact: Fact) -> None:
        """A fact came in. Called for each, so it must stay cheap."""

    def decision(self, subject: Subject, decision: Decision) -> None:
        """The ladder decided something, be it to hold."""

    def ended(self, subject: Subject, attempt: Attempt) -> None:
        """An action ended: whatever it touched is worth a new look."""

    async def look(self, subject: Subject) -> None:
        """Sense at once what otherwise comes at its own pace; awaited before every rung."""

    def moved(self) -> None:
        """Companies or gateways came, moved or went."""

    async def reload(self) -> Sequence[Problem]:
        """Read the configuration again; returns what is wrong with it."""
        return ()

    def config_problems(self) -> Sequence[Problem]:
        """What is wrong with the configuration now."""
        return ()


class Core:
    """One per daemon. `wake` before anything else, then `start`; facts come in through `observe`."""

    def __init__(self, given: Given, outside: Outside, around: Around):
        self.given = given
        self.settings = given.settings
        moves = self._moves = Moves(given.clock)
        self.clock = clock = moves.clock
        self._around = around
        installation = given.settings.installation
        self.vault = Vault(installation.backups_dir, outside.fsys, given.settings.limits.backups)
        self.sites = Sites(given.settings, clock, self.vault, outside.make_door, outside.fsys)
        self.holds = Holds(act=installation.mode == "act", started_at=clock.now())
        self.bus = Bus()
        self.ledger = Ledger(given.journal, self._tell, self._posted)
        self.engine = Engine(Services(self.sites, given.journal, moves, self.ledger, self.holds, self.bus))
        self.monitor = Monitor(Senses(self.holds, self.sites, self.engine.unit, self.bus.publish, given.journal, clock))
        moves.join(self.ledger)
        moves.join(self.monitor)
        self.lookout = Lookout(self.ledger.all_open, self._look_whether_still, clock)
        self.sites.know = self._know
        self.sites.still = self.lookout.row
        self.channels = outside.make_channels(given.settings, given.journal, clock, self._command)
        self.courier = Courier(given.journal, self.channels, clock, given.settings.limits.notify)
        self.courier.observer = self._delivered
        moves.join(self.courier)
        self.offsite = Offsite(self.sites, self.engine, self.vault, self.bus, clock)
        self.tenants = Tenants(
            TenantSees(
                self.sites, self.engine.unit, self.ledger, self.holds, given.journal, clock, self.courier.nudge
            )
        )  # fmt: skip
        moves.join(self.tenants)
        self.sources = Sources(
            self.sites, self.engine, self.ledger, self.holds, clock, self._copies,
            self.problems_now, self.offsite.view,
        )  # fmt: skip
        self.orchestrator: Orchestrator
        self.control: ControlService
        self.housekeeping: Housekeeping
        self.board: Board
        self.digests: Digests

    # --- its life -------------------------------------------------------------------------------------------

    async def wake(self, group: TaskGroup) -> None:
        """Remember everything an earlier daemon knew, then take up, in `group`, what it had begun."""
        journal, clock = self.given.journal, self.clock
        self.sites.recall((await journal.recall("companies")).get(str(HOST), {}))
        await self.sites.look_around()
        self.engine.sync()
        await self.engine.load()
        unfinished = await self.ledger.load(clock.now())
        self.engine.believe(self.ledger.all_open())
        await self.monitor.load()
        await self.tenants.load()
        self._moves.load(await journal.recall(CLOCK))
        if self._moves.unsaved:
            await self.engine.save()
        self._assemble(group)
        started = {"version": __version__, "text": f"Daemon {__version__} started."}
        await journal.write([Entry(clock.now(), EntryKind.DAEMON_STARTED, HOST, data=started)])
        for running in unfinished:
            await self.orchestrator.resume(running)
        await self.tell_problems(self.given.problems)

    def _assemble(self, group: TaskGroup) -> None:
        journal, clock = self.given.journal, self.clock
        executor = Executor(journal, clock, self.sites, self.monitor)
        self.orchestrator = Orchestrator(
            Parts(
                self.ledger, self.holds, self.sites, executor, clock, self.engine.unit, self.monitor,
                self._around.decision, self._ended, self.engine.crashed, self._look,
            ),
            group,
        )  # fmt: skip
        desk = Desk(self.orchestrator)
        self.board = Board(
            Sees(
                self.sites, self.engine.unit, lambda: self.orchestrator.running, self.sites.gateway_of,
                self.sites.phone, self.channels, desk, clock,
            )
        )  # fmt: skip
        self.sites.pairing = self.board.at
        self.digests = Digests(self.sources, journal, self._posted)
        self.control = ControlService(
            self.sources, self.orchestrator, desk, journal, self._reload, self.board, self.digests
        )
        self.housekeeping = Housekeeping(
            sites=self.sites, engine=self.engine, orchestrator=self.orchestrator, journal=journal,
            vault=self.vault, clock=clock, moved=self._around.moved,
        )  # fmt: skip

    def start(self, group: TaskGroup) -> None:
        """Decide, keep house and tell people, until the group is cancelled."""
        given = self.given
        group.start_soon(self.engine.run, self.orchestrator)
        group.start_soon(self.housekeeping.run)
        group.start_soon(self.offsite.run)
        group.start_soon(self.courier.run)
        group.start_soon(self.board.run)
        group.start_soon(self.lookout.run)
        group.start_soon(self.digests.run)
        group.start_soon(self.monitor.run)
        group.start_soon(self.tenants.run)
        group.start_soon(Vitals(self.engine, self.bus, given.journal, self.clock, given.memory_mb).run)

    def start_unclocked(self, group: TaskGroup) -> None:
        """The same without what merely repeats itself: whoever calls this beats time as it sees fit."""
        group.start_soon(self.engine.decide, self.orchestrator)
        group.start_soon(self.housekeeping.keep_copies)
        group.start_soon(self.courier.run)
        group.start_soon(self.board.run)
        group.start_soon(self.lookout.run)

    def acting(self) -> bool:
        """Whether any action is under way."""
        return bool(self.orchestrator.running)

    async def aclose(self) -> None:
        """Close every connection."""
        for channel in self.channels.values():
            await channel.aclose()
        await self.sites.aclose()

    # --- what flows -----------------------------------------------------------------------------------------

    def observe(self, fact: Fact) -> None:
        """Every fact of every watcher comes through here."""
        fact = self._moves.restamped(fact)
        self._around.fact(fact)
        self.engine.observe(fact)
        self.housekeeping.notice(fact)
        if isinstance(fact, FilesSeen):
            self._compare_phone(fact)

    def _delivered(self, channel: str, notice: Notice, problem: str) -> None:
        """Whether a company's own people can be told; of an address that is no longer theirs nothing follows."""
        member, ident = self.sites.member(notice.subject), notice.subject.id
        contact = Contact(channel, str(notice.data.get("to", "")))
        if member is not None and member.tenant is not None and contact in member.tenant.contacts:
            self.observe(TenantTold(at=self.clock.now(), company=ident, channel=str(contact), problem=problem))

    def _posted(self) -> None:
        """A story moved on: somebody may have to be told, or is asked now."""
        self.courier.nudge()
        self.lookout.nudge()

    async def _look(self, subject: Subject) -> None:
        """Ask for the state at this very moment; where nobody answers, what was seen last must do.

        A session that is down may have been ended for good, which only a line in the log tells.
        """
        await self._around.look(subject)
        if subject.scope is Scope.COMPANY:
            await self._look_at_company(subject.id)
        elif subject.scope is Scope.GATEWAY:
            await self._look_at_process(subject.id)
            for ident in self.sites.companies(subject.id)[:1]:
                await self._look_at_company(ident)

    async def _look_at_company(self, ident: str) -> None:
        with contextlib.suppress(BaileykeepError):
            where = self.sites.placement(ident).gateway
            status = await self.sites.doors[where].gateway.status(ident)
            self.observe(GatewaySeen(at=self.clock.now(), gateway=where))
            self.observe(connection.seen(ident, status, self.clock.now()))

    async def _look_whether_still(self, ident: str) -> stillness.Look | None:
        store = self.sites.store(ident)
        if store is None:
            return None
        return await stillness.look(self.sites.reach(ident), store)

    async def _look_at_process(self, where: str) -> None:
        door = self.sites.doors.get(where)
        if door is None or door.process is None:
            return
        with contextlib.suppress(BaileykeepError):
            status = await door.process.status()
            self.observe(process.seen(where, status, self.clock.now()))

    def _compare_phone(self, fact: FilesSeen) -> None:
        """A folder without a paired login is nobody's; what cannot be read tells nothing."""
        wanted, creds = self.settings.company(fact.company).facts.phone, fact.inventory.creds
        if wanted is None or creds.state not in (CredsState.WHOLE, CredsState.MISSING):
            return
        same = creds.phone == wanted or not creds.paired
        self.engine.observe(PhoneCompared(at=fact.at, company=fact.company, same=same))

    def _ended(self, subject: Subject, attempt: Attempt) -> None:
        self._around.ended(subject, attempt)
        if attempt.rung in RELINKING:
            self._relink_ended(subject, attempt)
        if attempt.rung is Rung.REPAIR_SESSIONS and attempt.outcome is Outcome.HEALED and attempt.ended_at is not None:
            self.engine.observe(SessionsRepaired(at=attempt.ended_at, company=subject.id))
        self.housekeeping.recount(subject.id)

    def _relink_ended(self, subject: Subject, attempt: Attempt) -> None:
        """Nothing of it stays in a chat. Where no login came of it the old one is still dead, though another phone's
        may have been open for a moment."""
        self.board.ended(subject.id)
        unit = self.engine.unit(subject)
        if not isinstance(unit, CompanyUnit):
            return
        unit.expect_new_login()
        if attempt.outcome is not Outcome.HEALED and attempt.cause in USELESS_LOGIN:
            unit.remember_lost_login(attempt.cause, attempt.begun_at)

    def _know(self, ident: str) -> Knowledge:
        unit = self.engine.unit(company(ident))
        if unit is None:
            return Knowledge()
        return Knowledge(unit.state("pool"), unit.state("disconnect").last_up_at, unit.state("files").level)

    def _tell(self, before: Incident | None, after: Incident) -> Sequence[Notice]:
        member = self.sites.member(after.subject) or self.sites.member(HOST)
        name = member.name if member is not None else after.subject.id
        routes = member.routes if member is not None else Routes()
        limits = self.settings.limits.relink
        now, lacking = self.clock.now(), member.can.lacks if member is not None else Lacks()
        return notices(before, after, name=name, routes=routes, now=now, limits=limits, lacking=lacking)

    def _copies(self, ident: str) -> BackupsView:
        copies = self.housekeeping.copies(ident)
        if self.offsite.table.to is None:
            return copies
        return {**copies, "offsite_at": self.offsite.away(ident).newest_at}

    async def _command(self, command: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
        return await self.control.call(command, args, operator)

    # --- configuration --------------------------------------------------------------------------------------

    async def _reload(self) -> Mapping[str, Any]:
        return {"problems": [str(problem) for problem in await self._around.reload()]}

    async def change(self, diff: Diff, settings: Settings) -> list[Door]:
        """Everything fallible (new gateways) is made before anything is replaced; returns the doors out of use."""
        renewed = diff.gateways_added | diff.gateways_changed
        outdated = await self.sites.change(settings, renewed, diff.gateways_removed)
        before, self.settings = self.settings, settings
        for ident in self.sites.companies():
            if tenant_of(before, ident) != tenant_of(settings, ident):
                self.observe(TenantTold(at=self.clock.now(), company=ident))
        self.holds.act = settings.installation.mode == "act"
        self.engine.release()
        self.courier.limits = settings.limits.notify
        self.engine.sync()
        return outdated

    async def changed(self, diff: Diff) -> None:
        """After `change` and whatever follows it outside: look at everybody anew, and note it."""
        self._around.moved()
        for subject in self.sites.members():
            self.bus.touch(subject)
        text = f"Configuration applied: {', '.join(sorted(diff.companies)) or 'installation'}."
        entry = Entry(self.clock.now(), EntryKind.CONFIG, HOST, data={"text": text, "restart": list(diff.restart)})
        await self.given.journal.write([entry])

    async def tell_problems(self, problems: Sequence[Problem]) -> None:
        """A bad edit becomes an alert; a mended one closes it."""
        unit = self.engine.unit(HOST)
        if unit is None:
            return
        bad = errors(problems)
        if not bad and SymptomKind.CONFIG_BAD not in unit.symptoms:
            return
        detail: dict[str, Scalar | tuple[str, ...]] = {"reason": str(bad[0]) if bad else None, "count": len(bad)}
        symptom = Symptom(HOST, SymptomKind.CONFIG_BAD, self.clock.now(), bool(bad), Severity.WARNING, detail)
        unit.note(symptom)
        self.bus.publish(symptom)

    def problems_now(self) -> list[str]:
        """Everything that keeps this daemon from doing all of its work, in words."""
        configured = map(str, errors(self._around.config_problems()))
        return [*configured, *map(str, self.sites.oddities), *self.journal_problem()]

    def journal_problem(self) -> list[str]:
        """Why the journal cannot be written, where it cannot."""
        problem = self.orchestrator.journal_problem
        return [f"the journal cannot be written, so nothing is begun: {problem}"] if problem else []
