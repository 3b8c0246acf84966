"""What one daemon gets to see: gateways, files, logs, network and disk, as facts and with faults of their own.

Files and logs go through the real watchers (`AuthFiles.drain`, `LogTailer.poll` over bytes on a RAM disk). Polls of
gateways, processes, network and disk are made here, at the simulation's pace and not every few seconds.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from baileykeep.app import parts
from baileykeep.app.core import Core
from baileykeep.app.log_files import LogFiles
from baileykeep.gateways.base import SessionStatus
from baileykeep.model.facts import (
    ConnectionSeen,
    ConnState,
    DiskSeen,
    GatewaySeen,
    NetworkSeen,
    ProcessSeen,
)
from baileykeep.watchers.auth_files import AuthFiles
from baileykeep.watchers.log_tail import LogTailer
from tests.simulation.gateways import GatewayTruth, process_status

if TYPE_CHECKING:
    from tests.simulation.world import World

ALL_WELL_S = 890.0
"""A session that is as it was is told this often; one that is not well at every look."""

SWEEP_S = 60.0
OFFLINE_AFTER_S = 15.0
VOLUME = 100 << 30
LOW = 50 << 20
SILENT = SessionStatus(ConnState.UNKNOWN)


async def _no_events(*_args: Any) -> None:
    raise AssertionError("nobody runs the watcher itself")


class Senses:
    """All watchers of one daemon."""

    def __init__(self, world: World, core: Core):
        self._world = world
        self._core = core
        self._told: dict[str, tuple[object, float]] = {}
        self._rng = random.Random(f"senses {world.seed} {world.service.lives}")
        eyes, poll = parts.Eyes(core.sites, core.clock), core.settings.limits.poll
        self.files = AuthFiles(
            core.sites.folders, eyes.inventory, eyes.creds, clock=core.clock, poll=poll, emit=core.observe,
            events=_no_events,
        )  # fmt: skip
        self.logs = LogFiles(core.sites, core.observe, core.clock, core.given.journal, core.engine.save)
        core.engine.beside = self.logs.still
        self._tailer: LogTailer | None = None
        self._unswept: dict[str, float] = {}
        self._draining = False

    async def begin(self) -> None:
        """Look at everything once."""
        self._tailer = await self.logs.begin()
        await self.files.refresh()
        await self.files.drain()

    def close(self) -> None:
        """Close what a process closes when it ends."""
        if self._tailer is not None:
            self._tailer.close()

    # --- files --------------------------------------------------------------------------------------------------

    def file_event(self, company: str) -> None:
        """Something was written in a folder. The event may get lost, come late, or twice; the sweep finds all."""
        world = self._world
        self._unswept.setdefault(company, world.now)
        how = world.events_how
        if how == "dropped" and self._rng.random() < 0.7:
            return
        delay_s = self._rng.uniform(20.0, 300.0) if how == "late" else 1.0
        world.at(world.now + delay_s, lambda: self._mark(company))
        if how == "twice":
            world.at(world.now + delay_s + 1.5, lambda: self._mark(company))

    def _mark(self, company: str) -> None:
        self._unswept.pop(company, None)
        self.files.mark(company)
        if not self._draining:
            self._draining = True
            self._world.service.spawn_in(self._core, self._drain)

    async def _drain(self) -> None:
        self._draining = False
        await self.files.drain()

    async def sweep(self) -> None:
        """What events missed, found by the sweep."""
        now = self._world.now
        missed = [company for company, at in self._unswept.items() if now - at >= SWEEP_S]
        await self.files.refresh()
        for company in missed:
            self._mark(company)

    # --- logs ---------------------------------------------------------------------------------------------------

    async def read_logs(self) -> None:
        """One look at all log files, and on while there is more."""
        if self._tailer is not None:
            while await self._tailer.poll():
                continue

    # --- polls --------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """One round of everything that is asked."""
        wall, world, tell = self._core.clock.now(), self._world, self._core.observe
        online = world.online or world.now - world.network_since < OFFLINE_AFTER_S
        whatsapp = online and world.whatsapp
        if self._is_news("network", (online, whatsapp)):
            tell(NetworkSeen(at=wall, online=online, whatsapp=whatsapp))
        free = LOW if world.disk_error is not None else VOLUME // 2
        if self._is_news("disk", free):
            tell(DiskSeen(at=wall, path="/", bytes_free=free, bytes_total=VOLUME, inodes_free=None, inodes_total=None))
        for truth in world.gateways.values():
            self._poll_gateway(truth, wall)

    def _poll_gateway(self, truth: GatewayTruth, wall: float) -> None:
        problem, name, tell = truth.trouble(), truth.model.name, self._core.observe
        if truth.model.managed:
            process = process_status(truth)
            if self._is_news(f"process {name}", process):
                tell(ProcessSeen(at=wall, gateway=name, state=process.state, restarts=process.restarts))
        for company, session in truth.sessions.items():
            status = truth.answer(session) if problem is None else SILENT
            self._world.oracles.reported(company, status)
            good = status.state is ConnState.CONNECTED and status.paired is not False
            if self._is_news(company, (status, problem), always=not good):
                tell(
                    ConnectionSeen(
                        at=wall, company=company, state=status.state, paired=status.paired, code=status.code,
                        has_qr=status.has_qr, problem=problem,
                    )
                )  # fmt: skip
        if self._is_news(f"gateway {name}", problem, always=problem is not None):
            tell(GatewaySeen(at=wall, gateway=name, problem=problem))

    def _is_news(self, what: str, value: object, *, always: bool = False) -> bool:
        before, now = self._told.get(what), self._world.now
        if not always and before is not None and before[0] == value and now - before[1] < ALL_WELL_S:
            return False
        self._told[what] = (value, now)
        return True
