"""The daemon: a core with its watchers, its sockets and its configuration around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup, TaskStatus

from baileykeep.api.embed import serve
from baileykeep.api.http import check_listen, make_app
from baileykeep.app import parts
from baileykeep.app.aliases import Aliases
from baileykeep.app.channels import listeners, make_channels, renew
from baileykeep.app.control import ControlService
from baileykeep.app.core import Around, Core, Given, Outside
from baileykeep.app.gateways import GatewayTasks
from baileykeep.app.hooks import Hooks
from baileykeep.app.log_files import LogFiles
from baileykeep.app.meters import Meters
from baileykeep.app.reload import ConfigWatcher
from baileykeep.app.sites import Door
from baileykeep.app.socket_server import SocketServer
from baileykeep.config.diff import Diff
from baileykeep.config.problems import Problem
from baileykeep.config.settings import Settings
from baileykeep.fsys import Fsys
from baileykeep.model.decisions import Decision
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import Fact
from baileykeep.model.incident import Attempt
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST, Scope, Subject
from baileykeep.telemetry import Metrics
from baileykeep.watchers.auth_files import AuthFiles
from baileykeep.watchers.auth_rows import AuthRows
from baileykeep.watchers.disk import Disk

__all__ = ["Daemon", "Given"]

log = structlog.get_logger(__name__)

SOCKET = "control.sock"
FINISH_WITHIN_S = 75.0
"""Real seconds that running actions get at shutdown; what is not done by then starts its session again and ends."""

METERS_S = 10.0
CLOSE_LOOK_S = 5.0


class Daemon(Around):
    """One per installation. `run` returns when cancelled or after `shut_down`."""

    def __init__(self, given: Given):
        self.given = given
        self.url: str | None = None
        self._ready = False
        self._group: TaskGroup | None = None
        self._scope = anyio.CancelScope()
        self._awake = False
        self.meters = Meters(Metrics())
        self.config = ConfigWatcher(
            given.settings.directory, given.clock, self, given.settings, problems=given.problems
        )
        self.core = core = Core(given, Outside(parts.make_door(given.clock), make_channels, Fsys()), self)
        self.clock = core.clock
        self.vault, self.sites, self.holds, self.bus = core.vault, core.sites, core.holds, core.bus
        self.ledger, self.engine, self.channels = core.ledger, core.engine, core.channels
        self.sources, self.observe = core.sources, core.observe
        self.hooks = Hooks(core.sites, core.observe, core.clock)
        self.names = Aliases.kept_in(given.settings.installation.state_dir)
        self.sites.real = self.names.real

    @property
    def settings(self) -> Settings:
        """The configuration that is in use."""
        return self.core.settings

    @property
    def control(self) -> ControlService | None:
        """What humans may ask; None before the daemon is awake."""
        return self.core.control if self._awake else None

    # --- running --------------------------------------------------------------------------------------------

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Everything, until cancelled. Reports started once all watchers run and the HTTP side answers."""
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    self._group = group
                    await self.core.wake(group)
                    self._awake = True
                    await self._serve(group)
                    self._ready = True
                    task_status.started()
        finally:
            with anyio.CancelScope(shield=True):
                await self.core.aclose()

    async def _serve(self, group: TaskGroup) -> None:
        """Start every long-lived task."""
        given = self.given
        self.gateways = GatewayTasks(self.sites, self.observe, self.clock, given.rng, group)
        self.logs = LogFiles(self.sites, self.observe, self.clock, given.journal, self.engine.save, self.names.of)
        self.engine.beside = self.logs.still
        eyes, poll = parts.Eyes(self.sites, self.clock), self.settings.limits.poll
        self.files = AuthFiles(
            self.sites.folders, eyes.inventory, eyes.creds, clock=self.clock, poll=poll, emit=self.observe
        )
        self.rows = AuthRows(
            self.sites.rows, eyes.glance, eyes.rows,
            clock=self.clock, limits=lambda: self.settings.limits.database, emit=self.observe,
        )  # fmt: skip
        disk = Disk(self._volumes, clock=self.clock, poll=poll, emit=self.observe)
        self.core.start(group)
        for task in (self.files, self.rows, disk, self.config):
            group.start_soon(task.run)
        await group.start(self.logs.run)
        for watcher in parts.host_watchers(self.settings, self.observe, self.clock, given.rng):
            group.start_soon(watcher.run)
        for listen in listeners(self.channels):
            group.start_soon(listen)
        self.gateways.sync()
        group.start_soon(self._meter)
        await group.start(SocketServer(self.core.control, self.settings.installation.state_dir / SOCKET).run)
        await group.start(self._http)

    async def _http(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        table = self.settings.installation.http
        host, _, port = table.listen.rpartition(":")
        token = table.token.get_secret_value() if table.token is not None else None
        check_listen(host, token)
        render = self.meters.metrics.render
        app = make_app(self.core.control, token=token, metrics=render, ready=self._is_ready, hears=self.hooks)
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
        if self._awake:
            self.core.board.ending = True
        with anyio.move_on_after(FINISH_WITHIN_S):
            while self.acting():
                await anyio.sleep(0.1)
        await self._last_words()
        self._scope.cancel()

    def acting(self) -> bool:
        """Whether any action is under way."""
        return self._awake and self.core.acting()

    def end_now(self) -> None:
        """End without waiting; sessions that an action had stopped are still started again."""
        self._scope.cancel()

    async def _last_words(self) -> None:
        """What must not be lost by an orderly stop; a killed daemon lives without it."""
        stopped = Entry(self.clock.now(), EntryKind.DAEMON_STOPPED, HOST, data={"text": "Daemon stopped."})
        try:
            await self.engine.save()
            await self.given.journal.write([stopped])
        except JournalError as error:
            log.warning("last_words_lost", error=error.cause)

    # --- what the core tells ----------------------------------------------------------------------------------

    def fact(self, fact: Fact) -> None:
        self.meters.fact(fact)
        self.hooks.notice(fact)

    def decision(self, subject: Subject, decision: Decision) -> None:
        self.meters.decision(subject, decision)

    def ended(self, subject: Subject, attempt: Attempt) -> None:
        self.meters.action(attempt)
        self.files.mark(subject.id)
        self.rows.mark(subject.id)

    async def look(self, subject: Subject) -> None:
        """Read the logs up to now, and look into the folder."""
        await self.logs.catch_up()
        if subject.scope is Scope.COMPANY:
            await self.files.look_now(subject.id)
            await self.rows.look_now(subject.id)

    def moved(self) -> None:
        self.gateways.sync()
        self.logs.sync()

    async def reload(self) -> Sequence[Problem]:
        return await self.config.reload()

    def config_problems(self) -> Sequence[Problem]:
        return self.config.current_problems

    def _volumes(self) -> list[Path]:
        installation = self.settings.installation
        return [*self.sites.folders().values(), installation.state_dir, installation.backups_dir]

    def _is_ready(self) -> tuple[bool, dict[str, Any]]:
        return self._ready and not self.core.journal_problem(), {
            "companies": len(self.sites.companies()),
            "mode": "act" if self.holds.act else "observe",
        }

    # --- configuration --------------------------------------------------------------------------------------

    async def change(self, diff: Diff, settings: Settings) -> None:
        """Implements `app.reload.Apply`."""
        outdated = await self.core.change(diff, settings)
        if outdated and self._group is not None:
            self._group.start_soon(self._close_when_free, outdated)
        renew(self.channels, settings)
        self.gateways.renew(diff.gateways_added | diff.gateways_changed | diff.gateways_removed)
        await self.core.changed(diff)

    async def _close_when_free(self, doors: Sequence[Door]) -> None:
        """An action that was begun keeps its connection until it ends."""
        while self.acting():
            await self.clock.sleep(CLOSE_LOOK_S)
        for door in doors:
            await door.gateway.aclose()

    async def problems(self, problems: Sequence[Problem]) -> None:
        """Implements `app.reload.Apply`."""
        await self.core.tell_problems(problems)
