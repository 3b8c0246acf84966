"""The daemon: all parts wired together, in the one direction in which facts flow."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup, TaskStatus

from baileykeep import __version__
from baileykeep.api.embed import serve
from baileykeep.api.http import check_listen, make_app
from baileykeep.app import parts
from baileykeep.app.channels import listeners, make_channels, renew
from baileykeep.app.control import ControlService
from baileykeep.app.gateways import GatewayTasks
from baileykeep.app.housekeeping import Housekeeping
from baileykeep.app.log_files import LogFiles
from baileykeep.app.meters import Meters
from baileykeep.app.reload import ConfigWatcher
from baileykeep.app.sites import Door, Knowledge, Sites
from baileykeep.app.snapshot import Sources
from baileykeep.app.socket_server import SocketServer
from baileykeep.backups.vault import Vault
from baileykeep.bus import Bus
from baileykeep.clock import Clock
from baileykeep.config.diff import Diff
from baileykeep.config.problems import Problem, errors
from baileykeep.config.settings import Settings
from baileykeep.engine.courier import Courier
from baileykeep.engine.desk import Desk
from baileykeep.engine.engine import Engine, Services
from baileykeep.engine.executor import Executor
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.orchestrator import Orchestrator, Parts
from baileykeep.journal.base import Journal
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import Fact, FilesSeen, PhoneCompared
from baileykeep.model.incident import Attempt, Incident
from baileykeep.model.overview import BackupsView
from baileykeep.model.records import Entry, EntryKind, Notice
from baileykeep.model.symptoms import HOST, Scalar, Severity, Subject, Symptom, SymptomKind, company
from baileykeep.rules.notify import Routes, notices
from baileykeep.telemetry import Metrics
from baileykeep.watchers.auth_files import AuthFiles
from baileykeep.watchers.disk import Disk

log = structlog.get_logger(__name__)

SOCKET = "control.sock"
FINISH_WITHIN_S = 75.0
"""Real seconds that running actions get at shutdown; what is not done by then starts its session again and ends."""

METERS_S = 10.0
CLOSE_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Given:
    """What a daemon is made from. `journal` is open; it is closed by whoever opened it."""

    settings: Settings
    problems: Sequence[Problem]
    clock: Clock
    journal: Journal
    rng: random.Random


class Daemon:
    """One per installation. `run` returns when cancelled or after `shut_down`."""

    def __init__(self, given: Given):
        self.given = given
        self.settings = given.settings
        self.clock = given.clock
        self.url: str | None = None
        self._ready = False
        self._group: TaskGroup | None = None
        self._scope = anyio.CancelScope()
        installation = given.settings.installation
        self.meters = Meters(Metrics())
        self.vault = Vault(installation.backups_dir, limits=given.settings.limits.backups)
        self.sites = Sites(given.settings, given.clock, self.vault, parts.make_door(given.clock))
        self.holds = Holds(act=installation.mode == "act", started_at=given.clock.now())
        self.bus = Bus()
        self.ledger = Ledger(given.journal, self._tell, lambda: self.courier.nudge())
        self.engine = Engine(Services(self.sites, given.journal, given.clock, self.ledger, self.holds, self.bus))
        self.sites.know = self._know
        self.channels = make_channels(given.settings, given.journal, given.clock, self._command)
        self.courier = Courier(given.journal, self.channels, given.clock, given.settings.limits.notify)
        self.config = ConfigWatcher(
            given.settings.directory, given.clock, self, given.settings, problems=given.problems
        )
        self.sources = Sources(
            self.sites, self.engine, self.ledger, self.holds, given.clock, self._copies,
            self._problems_now,
        )  # fmt: skip
        self.control: ControlService | None = None

    # --- running --------------------------------------------------------------------------------------------

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Everything, until cancelled. Reports started once all watchers run and the HTTP side answers."""
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    self._group = group
                    orchestrator = await self._wake(group)
                    await self._serve(group, orchestrator)
                    self._ready = True
                    task_status.started()
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()

    async def _wake(self, group: TaskGroup) -> Orchestrator:
        """Remember everything an earlier daemon knew, then take up what it had begun."""
        journal, clock = self.given.journal, self.clock
        self.sites.recall((await journal.recall("companies")).get(str(HOST), {}))
        await self.sites.look_around()
        self.engine.sync()
        await self.engine.load()
        unfinished = await self.ledger.load(clock.now())
        self.engine.believe(self.ledger.all_open())
        executor = Executor(journal, clock, self.sites)
        orchestrator = Orchestrator(
            Parts(
                self.ledger,
                self.holds,
                self.sites,
                executor,
                clock,
                self.engine.unit,
                self.meters.decision,
                self._ended,
                self.engine.crashed,
            ),
            group,
        )
        started = {"version": __version__, "text": f"Daemon {__version__} started."}
        await journal.write([Entry(clock.now(), EntryKind.DAEMON_STARTED, HOST, data=started)])
        for running in unfinished:
            await orchestrator.resume(running)
        await self.problems(self.given.problems)
        return orchestrator

    async def _serve(self, group: TaskGroup, orchestrator: Orchestrator) -> None:
        """Start every long-lived task."""
        given = self.given
        self.control = ControlService(self.sources, orchestrator, Desk(orchestrator), given.journal, self._reload)
        self.gateways = GatewayTasks(self.sites, self.observe, self.clock, given.rng, group)
        self.logs = LogFiles(self.sites, self.observe, self.clock, given.journal, self.engine.save)
        self.housekeeping = Housekeeping(
            sites=self.sites, engine=self.engine, orchestrator=orchestrator, journal=given.journal,
            vault=self.vault, clock=self.clock, moved=self._moved,
        )  # fmt: skip
        eyes, poll = parts.Eyes(self.sites, self.clock), self.settings.limits.poll
        self.files = AuthFiles(
            self.sites.folders, eyes.inventory, eyes.creds, clock=self.clock, poll=poll, emit=self.observe
        )
        disk = Disk(self._volumes, clock=self.clock, poll=poll, emit=self.observe)
        group.start_soon(self.engine.run, orchestrator)
        for task in (self.files, disk, self.logs, self.housekeeping, self.courier, self.config):
            group.start_soon(task.run)
        for watcher in parts.host_watchers(self.settings, self.observe, self.clock, given.rng):
            group.start_soon(watcher.run)
        for listen in listeners(self.channels):
            group.start_soon(listen)
        self.gateways.sync()
        group.start_soon(self._meter)
        await group.start(SocketServer(self.control, self.settings.installation.state_dir / SOCKET).run)
        await group.start(self._http)

    async def _http(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        table = self.settings.installation.http
        host, _, port = table.listen.rpartition(":")
        token = table.token.get_secret_value() if table.token is not None else None
        check_listen(host, token)
        assert self.control is not None  # noqa: S101 - made just before
        app = make_app(self.control, token=token, metrics=self.meters.metrics.render, ready=self._is_ready)
        async with serve(app, host.strip("[]"), int(port)) as url:
            self.url = url
            task_status.started()
            await anyio.sleep_forever()

    async def _meter(self) -> None:
        while True:
            await self.meters.refresh(self.sources)
            await self.clock.sleep(METERS_S)

    async def shut_down(self) -> None:
        """Begin nothing new, let running actions finish (or at least start their session again), then end."""
        self.holds.shutting_down = True
        self._ready = False
        with anyio.move_on_after(FINISH_WITHIN_S):
            while self.acting():
                await anyio.sleep(0.1)
        await self._last_words()
        self._scope.cancel()

    def acting(self) -> bool:
        """Whether any action is under way."""
        return self.control is not None and bool(self.control.orchestrator.running)

    def end_now(self) -> None:
        """End without waiting; sessions that an action had stopped are still started again."""
        self._scope.cancel()

    async def _last_words(self) -> None:
        """What must not be lost by an orderly stop; a killed daemon lives without it."""
        stopped = Entry(self.clock.now(), EntryKind.DAEMON_STOPPED, HOST, data={"text": "Daemon stopped."})
        try:
            await self.engine.save()
            await self.logs.save()
            await self.given.journal.write([stopped])
        except JournalError as error:
            log.warning("last_words_lost", error=error.cause)

    async def _close(self) -> None:
        for channel in self.channels.values():
            await channel.aclose()
        await self.sites.aclose()

    # --- what flows -----------------------------------------------------------------------------------------

    def observe(self, fact: Fact) -> None:
        """Every fact of every watcher comes through here."""
        self.meters.fact(fact)
        self.engine.observe(fact)
        self.housekeeping.notice(fact)
        if isinstance(fact, FilesSeen):
            self._compare_phone(fact)

    def _compare_phone(self, fact: FilesSeen) -> None:
        wanted, stored = self.settings.company(fact.company).facts.phone, fact.inventory.creds.phone
        if wanted is not None and stored is not None:
            self.engine.observe(PhoneCompared(at=fact.at, company=fact.company, same=wanted == stored))

    def _ended(self, subject: Subject, attempt: Attempt) -> None:
        self.meters.action(attempt)
        self.files.mark(subject.id)
        self.housekeeping.recount(subject.id)

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
        return notices(before, after, name=name, routes=routes, now=self.clock.now(), limits=limits)

    def _moved(self) -> None:
        """Companies came or went."""
        self.gateways.sync()
        self.logs.sync()

    def _volumes(self) -> list[Path]:
        installation = self.settings.installation
        return [*self.sites.folders().values(), installation.state_dir, installation.backups_dir]

    def _copies(self, ident: str) -> BackupsView:
        return self.housekeeping.copies(ident)

    def _problems_now(self) -> list[str]:
        configured = map(str, errors(self.config.current_problems))
        return [*configured, *map(str, self.sites.oddities), *self._journal_problem()]

    def _journal_problem(self) -> list[str]:
        problem = self.control.orchestrator.journal_problem if self.control is not None else None
        return [f"the journal cannot be written, so nothing is begun: {problem}"] if problem else []

    def _is_ready(self) -> tuple[bool, dict[str, Any]]:
        return self._ready and not self._journal_problem(), {
            "companies": len(self.sites.companies()),
            "mode": "act" if self.holds.act else "observe",
        }

    async def _command(self, command: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
        assert self.control is not None  # noqa: S101 - channels run only after it was made
        return await self.control.call(command, args, operator)

    # --- configuration --------------------------------------------------------------------------------------

    async def _reload(self) -> Mapping[str, Any]:
        problems = await self.config.reload()
        return {"problems": [str(problem) for problem in problems]}

    async def change(self, diff: Diff, settings: Settings) -> None:
        """Implements `app.reload.Apply`: everything fallible (new gateways) is made before anything is replaced."""
        renewed = diff.gateways_added | diff.gateways_changed
        outdated = await self.sites.change(settings, renewed, diff.gateways_removed)
        if outdated and self._group is not None:
            self._group.start_soon(self._close_when_free, outdated)
        self.settings = settings
        self.holds.act = settings.installation.mode == "act"
        self.engine.release()
        self.courier.limits = settings.limits.notify
        renew(self.channels, settings)
        self.engine.sync()
        self.gateways.renew(renewed | diff.gateways_removed)
        self._moved()
        for subject in self.sites.members():
            self.bus.touch(subject)
        text = f"Configuration applied: {', '.join(sorted(diff.companies)) or 'installation'}."
        entry = Entry(self.clock.now(), EntryKind.CONFIG, HOST, data={"text": text, "restart": list(diff.restart)})
        await self.given.journal.write([entry])

    async def _close_when_free(self, doors: Sequence[Door]) -> None:
        """An action that was begun keeps its connection until it ends."""
        while self.acting():
            await self.clock.sleep(CLOSE_LOOK_S)
        for door in doors:
            await door.gateway.aclose()

    async def problems(self, problems: Sequence[Problem]) -> None:
        """Implements `app.reload.Apply`: a bad edit becomes an alert; a mended one closes it."""
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
