"""One company that is paired anew: real files, vault and actions, the stand-in's session behind a gateway in memory.

Time moves when somebody waits, and what a test wants to happen happens on the way. `die_at` kills the daemon at its
n-th operation, as SIGKILL would: nothing that it does afterwards has any effect.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from baileykeep.actions.base import FailedScan, Order, Result, Site, Steps
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.demo.folders import Shape, make_folder
from baileykeep.demo.logs import GatewayLog
from baileykeep.demo.session import Busy, Session, State
from baileykeep.demo.session import World as Around
from baileykeep.engine.executor import Executor
from baileykeep.engine.ledger import Running
from baileykeep.engine.monitor import Monitor
from baileykeep.engine.roster import Roster
from baileykeep.fsys import Fsys
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model import codec
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem, ProcessState
from baileykeep.model.incident import Attempt, Cause, Rung
from baileykeep.model.limits import Limits
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import Subject, company
from baileykeep.processes.base import ProcessStatus
from baileykeep.stores.files import FileStore
from tests.unit.actions.lives import Doomed, Life, is_kill

WHO = company("1")
CONNECTS_S = 3.0
PHONE, OTHER_PHONE = "4915100000001", "4917600009999"
STATES = {
    State.NOT_STARTED: ConnState.DISCONNECTED,
    State.CONNECTING: ConnState.CONNECTING,
    State.WAITING_QR: ConnState.WAITING_QR,
    State.CONNECTED: ConnState.CONNECTED,
}
TENANT = Capabilities(reconnect=True, stop=True, start=True, force_relink=True, qr=True, pairing_code=True)


class Clock(VirtualClock):
    """Whoever waits has waited; on the way happens what was planned for that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.planned: list[tuple[float, Callable[[], None], bool]] = []

    def plan(self, after_s: float, happens: Callable[[], None], *, by_gateway: bool = False) -> None:
        """So many seconds from now this happens."""
        self.planned.append((self.monotonic() + after_s, happens, by_gateway))
        self.planned.sort(key=lambda one: one[0])

    def forget(self) -> None:
        """Nothing more comes of what people had in mind."""
        self.planned = [one for one in self.planned if one[2]]

    async def sleep(self, seconds: float) -> None:
        end = self.monotonic() + max(0.0, seconds)
        while self.planned and self.planned[0][0] <= end:
            at, happens, _ = self.planned.pop(0)
            self.step_to(at)
            happens()
        self.step_to(end)


class Files(Fsys):
    """Every operation counts for the life of the daemon that does it; `full` fails those that need room."""

    def __init__(self, life: Life):
        self.life = life
        self.full = False

    def before(self, operation: str, name: str) -> None:
        self.life.operation(f"{operation} {name}")
        if self.full and operation in ("create", "data", "mkdir"):
            raise OSError(28, "No space left on device")


class Journal(MemoryJournal):
    """The same for what is written down."""

    life = Life()

    async def write(self, *args: Any, **kwargs: Any) -> None:
        self.life.operation("journal")
        await super().write(*args, **kwargs)


class Gateway:
    """The stand-in's session, asked without HTTP. `before` is called with each verb and may fail it."""

    name = "main"

    def __init__(self, session: Session, capabilities: Capabilities):
        self.session = session
        self.capabilities = capabilities
        self.life = Life()
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda _verb: None
        self.lies: SessionStatus | None = None

    def _do(self, verb: str) -> None:
        self.life.operation(verb)
        self.asked.append(verb)
        self.before(verb)

    async def status(self, _company: str) -> SessionStatus:
        self.life.operation("status")
        if self.lies is not None:
            return self.lies
        state = STATES[self.session.state]
        return SessionStatus(state, self.session.paired, has_qr=state is ConnState.WAITING_QR)

    async def status_all(self) -> Mapping[str, SessionStatus]:
        raise AssertionError("nobody asks for all")

    async def reconnect(self, _company: str) -> None:
        self._do("reconnect")
        self.session.open()

    async def stop(self, _company: str) -> None:
        self._do("stop")
        self.session.close()

    async def start(self, _company: str, *, force_relink: bool = False) -> None:
        self._do("force" if force_relink else "start")
        if force_relink:
            self.session.wipe()
        self.session.open()

    async def reset(self, _company: str) -> None:
        self._do("reset")
        self.session.wipe()
        self.session.open()

    async def qr(self, _company: str) -> str | None:
        return self.session.qr

    async def pairing_code(self, _company: str, phone: str) -> str:
        self._do("code")
        try:
            return self.session.request_code(phone)
        except Busy as busy:
            raise GatewayError(f"gateway main: 409: {busy}", code=Problem.SERVER_ERROR.value) from busy

    async def clear_cache(self, _company: str) -> None:
        raise AssertionError("nobody asks for it")

    async def aclose(self) -> None:
        """Nothing to close."""


class People:
    """Implements `actions.base.Pairing`: who waits, and what they are told and wish."""

    def __init__(self, gateway: Gateway, clock: Clock):
        self._gateway, self._clock = gateway, clock
        self.phone: str | None = PHONE
        self.told: list[str] = []
        self.wish: str | None = None
        self.code: tuple[str, float] | None = None
        self.waits = 0
        self.ends = False
        self.failed: FailedScan | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        self.waits += 1
        try:
            yield
        finally:
            self.waits -= 1
            self.code = None

    async def look(self) -> bool:
        return self.code is not None or self._gateway.session.state is State.WAITING_QR

    def offer(self, code: str | None) -> None:
        self.code = (code, self._clock.monotonic()) if code is not None else None

    def code_over(self) -> bool:
        return self.code is not None and self._clock.monotonic() - self.code[1] >= 180

    def wanted_code(self) -> str | None:
        wish, self.wish = self.wish, None
        return wish

    def failed_scan(self) -> FailedScan | None:
        return self.failed

    def closing(self) -> None:
        """Nothing is read from a log here."""

    def ending(self) -> bool:
        return self.ends

    async def tell(self, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        self.told.append(text)


class Process:
    """The manager of the gateway's process, which carries one session only."""

    can_act = True

    def __init__(self, world: World):
        self._world = world
        self.runs = True

    async def stop(self) -> None:
        self._world.gateway.life.operation("process stop")
        self.runs = False
        self._world.session.close()

    async def start(self) -> None:
        self._world.gateway.life.operation("process start")
        self.runs = True
        self._world.session.open()

    async def status(self) -> ProcessStatus:
        return ProcessStatus(ProcessState.RUNNING if self.runs else ProcessState.STOPPED)


class Blind:
    """A monitor that sees nothing."""

    def witness(self, *_: Any) -> None: ...

    def resumed(self, *_: Any) -> None: ...

    def uses(self, *_: Any) -> None: ...


class World:
    """One company, connected with a login of `PHONE` until a test says otherwise."""

    def __init__(self, root: Path):
        self.root = root
        self.clock = Clock()
        rng = random.Random(1)
        log = GatewayLog(root / "logs", self.clock.now, rng, None)
        around = Around(log, self.clock.now, rng, self._later, CONNECTS_S)
        self.folder = root / "sessions" / "1"
        make_folder(self.folder, Shape.counting(60), phone=PHONE, now=self.clock.now(), rng=rng)
        for path in sorted(self.folder.glob("*-*.json"))[5:]:
            path.unlink()
        self.session = Session("1", self.folder, 6, PHONE, around)
        self.session.on_server = 25
        self.session.open(0)
        self.gateway = Gateway(self.session, TENANT)
        self.people = People(self.gateway, self.clock)
        self.process: Process | None = None
        self.journal = Journal()
        self.limits = Limits()
        self.still_wrong = True
        self.order = Order()
        self.manual = False
        self.has_store = True
        self.rung = Rung.RELINK
        self.old = self.identity()
        self.live(Life())

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        self.clock.plan(seconds, step, by_gateway=True) if seconds > 0 else step()

    def live(self, life: Life) -> None:
        """A new daemon."""
        self.fsys = Files(life)
        self.vault = Vault(self.root / "backups", self.fsys, self.limits.backups)
        self.gateway.life = self.journal.life = life
        self.life = life

    def close(self) -> None:
        """The gateway's log is a real file."""
        self.session.world.log.close()

    # --- engine.roster.Roster

    def site(self, _who: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool) -> Site:
        store = FileStore("1", self.folder, self.fsys) if self.has_store else None
        return Site(
            "1", cast(Any, self.gateway), cast(Any, self.process), True, store, self.vault, self.clock, self.limits,
            steps, still_wrong, may_stop_others=by_human, phone=self.people.phone, pairing=self.people,
        )  # fmt: skip

    # --- what a daemon does

    async def act(self) -> Result:
        """The action from its beginning."""
        return await self._executor().run(self._running(), self._wrong)

    async def take_up(self) -> Result:
        """The same action by the next daemon."""
        return await self._executor().resume(self._running(), self._wrong)

    async def killed_at(self, operation: int) -> bool:
        """Whether the daemon came to its n-th operation, which killed it."""
        return await self._killed(Life(operation))

    async def killed_when(self, holds: Callable[[], bool]) -> None:
        """The daemon is killed at its first operation after this holds; nothing comes of what people had in mind."""
        await self._killed(Doomed(holds))
        self.clock.forget()

    async def _killed(self, life: Life) -> bool:
        self.live(life)
        try:
            await self.act()
        except BaseException as error:
            if not is_kill(error):
                raise
        self.people.waits, self.people.code, self.people.wish = 0, None, None
        self.live(Life())
        return life.over

    def _executor(self) -> Executor:
        return Executor(self.journal, self.clock, cast(Roster, self), cast(Monitor, Blind()))

    def _running(self) -> Running:
        attempt = Attempt(self.rung, Cause.LOGGED_OUT, self.clock.now(), "a1", operator=self.order.operator)
        return Running(WHO, attempt, codec.encode(self.order), manual=self.manual)

    async def _wrong(self) -> bool:
        return self.still_wrong

    # --- what a test looks at

    def identity(self, creds: bytes | None = None) -> str | None:
        """Whose login lies in the folder, if any."""
        path = self.folder / "creds.json"
        if creds is None and not path.exists():
            return None
        return str(json.loads(creds or path.read_bytes())["signedIdentityKey"]["public"]["data"])

    def kept(self) -> list[str]:
        """Whose logins lie among the set-asides, oldest first."""
        asides = [b.name for b in self.vault.list("1") if b.kind.value == "aside"]
        found = [self.vault.load("1", name)[2].get("creds.json") for name in asides]
        return [self.identity(creds) or "" for creds in found if creds]

    def scan(self, phone: str = PHONE) -> None:
        """Somebody scans what is out, or types the code."""
        self.session.scan(phone)

    def scan_after(self, seconds: float, phone: str = PHONE) -> None:
        """The same, so many seconds after a QR or a code is out."""
        self.when(lambda: self.session.state is State.WAITING_QR, seconds, lambda: self.scan(phone))

    def when(self, holds: Callable[[], bool], seconds: float, happens: Callable[[], None]) -> None:
        """So many seconds after `holds` this happens."""

        def look() -> None:
            self.clock.plan(seconds, happens) if holds() else self.clock.plan(0.5, look)

        self.clock.plan(0.5, look)
