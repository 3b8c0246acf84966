"""Simulated gateways and their processes: the truth, and the doors through which one daemon reaches it."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from baileykeep.demo.logs import GatewayLog
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.model.errors import GatewayError, ProcessError
from baileykeep.model.facts import ConnState, Problem, ProcessState
from baileykeep.processes.base import Identity, ProcessStatus
from tests.simulation.lives import Life
from tests.simulation.sessions import Link, Session

if TYPE_CHECKING:
    from tests.simulation.world import World

TIMEOUT_S = 10.0
STATES = {
    Link.OPEN: ConnState.CONNECTED,
    Link.CONNECTING: ConnState.CONNECTING,
    Link.CLOSED: ConnState.DISCONNECTED,
    Link.QR: ConnState.WAITING_QR,
}


@dataclass(frozen=True, slots=True)
class Model:
    """What kind of gateway this is. `managed`: a process manager may restart it. `attributes`: logs name companies."""

    name: str
    companies: int
    can: Capabilities
    managed: bool
    tells_codes: bool
    tells_paired: bool
    attributes: bool = True


@dataclass(slots=True)
class GatewayTruth:
    """One gateway as it is. `problem` is what its HTTP side does to every call, until it is over."""

    world: World
    model: Model
    log_dir: Path
    log: GatewayLog
    up: bool = True
    problem: Problem | None = None
    restarts: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)

    @classmethod
    def make(cls, world: World, model: Model, root: Path) -> GatewayTruth:
        """With empty logs and no sessions yet."""
        folder = root / "logs" / model.name
        rng = random.Random(f"log {model.name}")
        log = GatewayLog(folder, lambda: world.wall, rng, "companyId" if model.attributes else None)
        return cls(world, model, folder, log)

    def trouble(self) -> Problem | None:
        """What a call meets now."""
        return Problem.REFUSED if not self.up else self.problem

    def answer(self, session: Session) -> SessionStatus:
        """What the gateway says of a session, which need not be so."""
        now, troubles = self.world.now, session.troubles
        if session.link is not Link.OPEN and now < troubles.says_connected_until:
            return SessionStatus(ConnState.CONNECTED, True if self.model.tells_paired else None)
        paired = session.paired and now >= troubles.phantom_until
        tells = self.model.tells_paired and session.link is Link.OPEN
        code = session.code if self.model.tells_codes and session.link is Link.CLOSED else None
        return SessionStatus(STATES[session.link], paired if tells else None, code, session.link is Link.QR)

    def stop(self) -> None:
        """The process ends, and with it every socket."""
        self.up = False
        self.world.trace(self.model.name, "~ process stopped")
        for session in self.sessions.values():
            session.vanish()

    def start(self) -> None:
        """The process starts, and opens every session it finds."""
        if self.up:
            return
        self.up = True
        self.restarts += 1
        self.world.trace(self.model.name, "~ process started")
        for place, session in enumerate(self.sessions.values()):
            if session.folder.there:
                session.later(2.0 + 0.3 * place, session.open)

    # --- its log ------------------------------------------------------------------------------------------------

    def rotate(self, *, copy: bool, number: int) -> None:
        """Rename and make anew, or copy and empty, as log rotation does."""
        for path in (self.log.stdout, self.log.stderr):
            old = path.with_name(f"{path.name}.{number}")
            if copy:
                shutil.copyfile(path, old)
                os.truncate(path, 0)
            else:
                path.rename(old)
        if not copy:
            self.log.close()
            self.log = GatewayLog(
                self.log_dir, lambda: self.world.wall, random.Random(f"log {number}"),
                "companyId" if self.model.attributes else None,
            )  # fmt: skip

    def write_raw(self, data: bytes) -> None:
        """Bytes at the end of the log, be they half a line."""
        with self.log.stdout.open("ab", buffering=0) as file:
            file.write(data)


class SimGateway:
    """One daemon's connection to a gateway (see `gateways.base.Gateway`)."""

    def __init__(self, truth: GatewayTruth, life: Life):
        self.name = truth.model.name
        self.capabilities = truth.model.can
        self._truth = truth
        self._life = life

    async def _call(self, verb: str, company: str) -> Session:
        """Go through the door; raises as the gateway would."""
        truth, world = self._truth, self._truth.world
        self._life.cross(f"gateway.{verb} {company}")
        problem = truth.trouble()
        if problem is Problem.TIMEOUT:
            await world.time.sleep(self._life, TIMEOUT_S)
            problem = truth.trouble()
        else:
            await world.time.sleep(self._life, 0)
        world.oracles.called(self._life, truth, company, verb)
        if problem is not None:
            raise GatewayError(f"gateway {self.name}: {problem}", code=problem.value)
        return truth.sessions[company]

    def _done(self, verb: str, session: Session) -> None:
        self._truth.world.trace(session.id, f"> {verb}")
        self._life.cross(f"gateway.{verb} {session.id} done")

    def _lame(self, session: Session) -> bool:
        """Whether it answers 200 and does nothing."""
        return self._truth.world.now < session.troubles.does_nothing_until

    async def status(self, company: str) -> SessionStatus:
        return self._truth.answer(await self._call("status", company))

    async def status_all(self) -> Mapping[str, SessionStatus]:
        raise GatewayError("no bulk status here", code=Problem.NOT_SUPPORTED.value)

    async def reconnect(self, company: str) -> None:
        session = await self._call("reconnect", company)
        if not self._lame(session):
            session.troubles.hangs_until = 0.0
            if session.link is not Link.OPEN:
                session.open()
        self._done("reconnect", session)

    async def stop(self, company: str) -> None:
        session = await self._call("stop", company)
        session.stopped_by_us = True
        if session.link is not Link.CLOSED:
            session.stop()
        session.wants_up = False
        self._done("stop", session)

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        session = await self._call("start", company)
        self._truth.world.oracles.starting(session, fresh=force_relink)
        session.stopped_by_us = False
        if not self._lame(session) or force_relink:
            session.troubles.hangs_until = 0.0
            if session.link is not Link.OPEN or force_relink:
                session.open(force=force_relink)
        self._done("start" + (" fresh" if force_relink else ""), session)

    async def reset(self, company: str) -> None:
        session = await self._call("reset", company)
        session.end_login("reset by hand")
        session.open(force=True)
        self._done("reset", session)

    async def qr(self, company: str) -> str | None:
        session = await self._call("qr", company)
        return "2@" + "x" * 40 if session.link is Link.QR else None

    async def pairing_code(self, company: str, phone: str) -> str:
        session = await self._call("pairing_code", company)
        session.open()
        return "ABCD1234"

    async def clear_cache(self, company: str) -> None:
        await self._call("clear_cache", company)

    async def aclose(self) -> None:
        """Nothing to close."""


class SimProcess:
    """One daemon's hold on a gateway's process (see `processes.base.ProcessManager`)."""

    kind = "pm2"
    can_act = True

    def __init__(self, truth: GatewayTruth, life: Life):
        self._truth = truth
        self._life = life

    @property
    def identity(self) -> Identity:
        return Identity(self.kind, "/home/gateway/.pm2", self._truth.model.name)

    async def _call(self, verb: str) -> None:
        self._life.cross(f"process.{verb} {self._truth.model.name}")
        await self._truth.world.time.sleep(self._life, 0)
        self._truth.world.oracles.process_called(self._life, self._truth, verb)

    def _done(self, verb: str) -> None:
        self._truth.world.trace(self._truth.model.name, f"> {verb} process")
        self._life.cross(f"process.{verb} done")

    async def status(self) -> ProcessStatus:
        await self._call("status")
        return process_status(self._truth)

    async def start(self) -> None:
        await self._call("start")
        for session in self._truth.sessions.values():
            session.stopped_by_us = False
        self._truth.start()
        self._done("start")

    async def stop(self) -> None:
        await self._call("stop")
        for session in self._truth.sessions.values():
            session.stopped_by_us = True
        self._truth.stop()
        self._done("stop")

    async def restart(self) -> None:
        await self._call("restart")
        if self._truth.world.now < self._truth.world.no_restart_until.get(self._truth.model.name, 0.0):
            raise ProcessError("pm2 says errored")
        self._truth.stop()
        self._truth.start()
        self._done("restart")


def process_status(truth: GatewayTruth) -> ProcessStatus:
    """What the manager says."""
    return ProcessStatus(ProcessState.RUNNING if truth.up else ProcessState.STOPPED, truth.restarts)
