"""The whole simulated day: gateways, files, network and people around the daemon's real core, driven from one seed."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
import anyio.abc

from baileykeep.app.core import Core
from baileykeep.gateways.base import Capabilities
from baileykeep.journal.memory import MemoryJournal
from tests.simulation.archives import Archives
from tests.simulation.configuration import FOLDER, write_config
from tests.simulation.folders import Folder, Shape, identity
from tests.simulation.gateways import GatewayTruth, Model
from tests.simulation.lives import Time, settled
from tests.simulation.oracles import Oracles
from tests.simulation.pace import Pace
from tests.simulation.people import People
from tests.simulation.senses import Senses
from tests.simulation.service import Service
from tests.simulation.sessions import Session

MODELS = (
    Model(
        "shared", 6,
        Capabilities(reconnect=True, stop=True, start=True, reset=True, force_relink=True, qr=True, pairing_code=True),
        managed=True, tells_codes=True, tells_paired=True,
    ),
    Model("alone", 1, Capabilities(reconnect=True, start=True, qr=True), managed=True, tells_codes=False,
          tells_paired=False),
    Model("plain", 3, Capabilities(reconnect=True, qr=True), managed=False, tells_codes=True, tells_paired=False),
)  # fmt: skip
"""A shared process with everything, a process for one company alone, and one that can only reconnect."""

LAZY_S = 300.0
"""While no action runs, whoever sleeps may wake so late: as on a busy machine."""


class World:
    """One day. `root` is a folder of its own, removed by whoever made it."""

    def __init__(self, seed: int, root: Path):
        self.seed = seed
        self.root = root
        self.time = Time()
        self.rng = random.Random(f"world {seed}")
        self.lines: list[tuple[float, str, str]] = []
        self._hash = hashlib.blake2b(digest_size=16)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._numbers = itertools.count(1)
        self.online = self.whatsapp = True
        self.network_since = 0.0
        self.disk_error: int | None = None
        self.rots_until = 0.0
        self.journal_slow_until = self.journal_fails_until = 0.0
        self.telegram_out_until = self.telegram_busy_until = 0.0
        self.banned_until: dict[str, float] = {}
        self.no_restart_until: dict[str, float] = {}
        self.events_how = ""
        self._pruned_at = self._log_due = 0.0
        self.journal = MemoryJournal()
        self.sessions: dict[str, Session] = {}
        self.gateways: dict[str, GatewayTruth] = {}
        self.archives = Archives(root / "backups")
        self.oracles = Oracles(self)
        self.pace = Pace(self)
        self.service = Service(self)
        self.people = People(self, random.Random(f"people {seed}"))
        self._build()

    def _build(self) -> None:
        numbers = itertools.count(1)
        for model in MODELS:
            truth = GatewayTruth.make(self, model, self.root)
            self.gateways[model.name] = truth
            for _ in range(model.companies):
                self._company(truth, f"c{next(numbers)}")
        self.by_path = {str(s.folder.path.resolve()): ident for ident, s in self.sessions.items()}
        write_config(self)

    def _company(self, truth: GatewayTruth, ident: str) -> None:
        rng = random.Random(f"company {self.seed} {ident}")
        phone = f"4915{rng.randrange(10**9):09d}"
        generation = rng.choice((6, 6, 7))
        base = Shape(generation=generation, pre_keys=30, sessions=0, sender_keys=0)
        young, old = rng.choice((2, 5, 9)), rng.choice((0, 0, 4, 12))
        shape = Shape(
            generation=generation, pre_keys=base.pre_keys, sessions=young + old, old_sessions=old, sender_keys=1,
            old_sender_keys=rng.choice((0, 2)), lid_mappings=2 if generation >= 7 else 0,
        )  # fmt: skip
        path = self.root / FOLDER.format(gateway=truth.model.name, company=ident)
        session = Session(self, truth, ident, Folder(path, shape, phone, rng, self.wall))
        session.valid = identity(session.folder.creds)
        self.sessions[ident] = truth.sessions[ident] = session

    @property
    def core(self) -> Core | None:
        """The heart of the daemon that runs now."""
        return self.service.core

    @property
    def senses(self) -> Senses | None:
        """Its watchers."""
        return self.service.senses

    # --- time and trace -----------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Virtual seconds since the start; never jumps."""
        return self.time.mono

    @property
    def wall(self) -> float:
        """What clocks on the wall show, in epoch seconds."""
        return self.time.wall

    @property
    def reaches_whatsapp(self) -> bool:
        """Whether anybody here reaches WhatsApp."""
        return self.online and self.whatsapp

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Let something happen."""
        heapq.heappush(self._events, (max(moment, self.now), next(self._order), act))

    def next_number(self) -> int:
        """A number that was never used before."""
        return next(self._numbers)

    def trace(self, who: str, text: str) -> None:
        """One line of the story."""
        self.lines.append((self.now, who, text))
        self._hash.update(f"{self.now:.2f} {who} {text}\n".encode())

    @property
    def digest(self) -> str:
        """All that happened, in one word."""
        return self._hash.hexdigest()

    # --- what the truth tells the senses -----------------------------------------------------------------------

    def changed(self, session: Session, *, news: bool = True) -> None:
        """A socket moved: a look is due soon, and its log line with it."""
        self.oracles.moved(session)
        if news:
            self.pace.news()
        self.logged(session.gateway)

    def wrote(self, session: Session) -> None:
        """A folder was written."""
        if self.senses is not None:
            self.senses.file_event(session.id)

    def logged(self, _truth: GatewayTruth) -> None:
        """A log grew: it is read within a second, and once more for what its parser holds back."""
        if self._log_due > self.now:
            return
        self._log_due = self.now + 1.0
        for delay_s in (0.7, 2.2):
            self.at(self.now + delay_s, self._read_logs)

    def _read_logs(self) -> None:
        if self.senses is not None:
            self.service.spawn(self.senses.read_logs)

    def qr_shown(self, session: Session) -> None:
        """A QR is out somewhere."""
        self.people.qr_shown(session)

    def prune_wanted(self) -> bool:
        """Whether a day has gone since history was forgotten."""
        if self.now - self._pruned_at < 11 * 3600:
            return False
        self._pruned_at = self.now
        return True

    # --- running ------------------------------------------------------------------------------------------------

    async def run(self, end_s: float) -> None:
        """Let the day pass until `end_s`, or until something was broken that must not be."""
        async with anyio.create_task_group() as outer:
            self.service.outer = outer
            for session in self.sessions.values():
                session.open()
            self.at(10.0, self.service.start_daemon)
            await settled()
            while self.now < end_s and not self.oracles.breaches:
                await self._step(end_s)
            self.oracles.finish()
            self._end()

    async def _step(self, end_s: float) -> None:
        moments = [end_s, self.pace.due]
        if self._events:
            moments.append(self._events[0][0])
        wake = self.time.next_wake()
        if wake is not None:
            acting = self.core is None or self.core.acting()
            moments.append(wake if acting else max(wake, min(self.pace.due, self.now + LAZY_S)))
        self.time.step_to(min(moments))
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()
        await settled()
        if self.now >= self.pace.due:
            self.pace.beat()
            await settled()
        self.oracles.look()

    def _end(self) -> None:
        self.service.end()
        self._events.clear()
        for truth in self.gateways.values():
            truth.log.close()


def make_root() -> Path:
    """A folder for one day, in memory where the machine offers it."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="baileykeep-sim-", dir=shared if shared.is_dir() else None))


def drop_root(root: Path) -> None:
    """The end of a day."""
    shutil.rmtree(root, ignore_errors=True)


__all__ = ["Mapping", "World", "drop_root", "make_root"]
