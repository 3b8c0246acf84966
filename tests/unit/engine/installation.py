"""A small installation for tests of the engine: the real orchestrator, journal, vault and folders, a gateway in memory.

Time is virtual; work in threads is real and is waited for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from baileykeep.actions.base import Site, Steps
from baileykeep.backups.vault import Vault
from baileykeep.bus import Bus
from baileykeep.clock import VirtualClock
from baileykeep.engine.desk import Desk
from baileykeep.engine.engine import Engine, Services
from baileykeep.engine.executor import Executor
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.monitor import Monitor, Senses
from baileykeep.engine.moves import DRAWER, Moves
from baileykeep.engine.orchestrator import Orchestrator, Parts
from baileykeep.engine.roster import Member
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.facts import ConnectionSeen, ConnState, FilesSeen
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import HOST, Subject, company, gateway
from baileykeep.rules.levels import inventory
from baileykeep.rules.notify import Contact, Routes, notices
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.files import FileStore
from tests.fakes.virtual_time import settled
from tests.unit.auth_folders import copy_of

ACME, OTHER = company("acme"), company("other")


class Sessions:
    """A gateway that starts and stops sessions at once, and notes what it was asked."""

    name = "main"
    capabilities = Capabilities(reconnect=True, stop=True, start=True)

    def __init__(self, *companies: str):
        self.states = dict.fromkeys(companies, ConnState.CONNECTED)
        self.asked: list[tuple[str, str]] = []
        self.dead: set[str] = set()

    def of(self, ident: str) -> list[str]:
        """What was asked for one company."""
        return [what for what, whom in self.asked if whom == ident]

    def _open(self, what: str, ident: str) -> None:
        self.asked.append((what, ident))
        self.states[ident] = ConnState.DISCONNECTED if ident in self.dead else ConnState.CONNECTED

    async def status(self, company: str) -> SessionStatus:
        return SessionStatus(self.states[company], paired=True)

    async def status_all(self) -> Mapping[str, SessionStatus]:
        raise AssertionError("this gateway has no such call")

    async def reconnect(self, company: str) -> None:
        self._open("reconnect", company)

    async def stop(self, company: str) -> None:
        self.asked.append(("stop", company))
        self.states[company] = ConnState.DISCONNECTED

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        self._open("start", company)

    async def reset(self, company: str) -> None:
        raise AssertionError("this gateway has no such call")

    async def qr(self, company: str) -> str | None:
        raise AssertionError("this gateway has no such call")

    async def pairing_code(self, company: str, phone: str) -> str:
        raise AssertionError("this gateway has no such call")

    async def clear_cache(self, company: str) -> None:
        raise AssertionError("this gateway has no such call")

    async def aclose(self) -> None:
        """Nothing to close."""


class Installation:
    """What outlives a daemon: folders, backups, sessions, the journal, the clock."""

    def __init__(self, root: Path):
        self.clock = VirtualClock()
        self.journal = MemoryJournal()
        self.sessions = Sessions("acme", "other")
        self.vault = Vault(root / "backups")
        self.folders = {i: copy_of("auth-6", root / i, days=40, now=self.clock.now()) for i in ("acme", "other")}
        for folder in self.folders.values():
            os.utime(folder / "creds.json", (self.clock.now() - 60,) * 2)
        self.limits = Limits()

    # --- engine.roster.Roster

    def members(self) -> Mapping[Subject, Member]:
        routes = Routes((Contact("console"),))
        subjects = [HOST, gateway("main"), *(company(i) for i in self.folders)]
        return {s: Member(s, s.id, "main", self.limits, routes) for s in subjects}

    def member(self, subject: Subject) -> Member | None:
        return self.members().get(subject)

    def site(
        self, subject: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool
    ) -> Site:
        return Site(
            company=subject.id, gateway=self.sessions, process=None, alone=False, store=self.store(subject.id),
            vault=self.vault, clock=self.clock, limits=self.limits, steps=steps, still_wrong=still_wrong,
            last_up_at=self.clock.now() - 1,
        )  # fmt: skip

    # --- for tests

    def store(self, ident: str) -> FileStore:
        """The store of a company's folder."""
        return FileStore(ident, self.folders[ident])

    def names(self, ident: str) -> set[str]:
        """What lies in a company's folder."""
        return set(os.listdir(self.folders[ident]))

    async def work(self) -> None:
        """Return when nothing is under way but waits for decision time."""
        limiter = anyio.to_thread.current_default_thread_limiter()
        await settled()
        while limiter.borrowed_tokens:
            await asyncio.sleep(0.001)
            await settled()

    async def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass, one wake-up at a time."""
        end = self.clock.monotonic() + seconds
        await self.work()
        while (wake := self.clock.next_wake()) is not None and wake <= end:
            self.clock.step_to(wake)
            await self.work()
        self.clock.step_to(end)
        await self.work()


class Daemon:
    """The engine on an installation."""

    def __init__(self, on: Installation, group: TaskGroup):
        self.on = on
        self.bus = Bus()
        self.moves = Moves(on.clock)
        self.clock = clock = self.moves.clock
        self.holds = Holds(act=True, started_at=clock.now() - DAY)
        self.ledger = Ledger(on.journal, self._tell)
        self.engine = Engine(Services(on, on.journal, self.moves, self.ledger, self.holds, self.bus))
        self.monitor = Monitor(Senses(self.holds, on, self.engine.unit, self.bus.publish, on.journal, clock))
        self.moves.join(self.ledger)
        self.moves.join(self.monitor)
        executor = Executor(on.journal, clock, on, self.monitor)
        parts = Parts(self.ledger, self.holds, on, executor, clock, self.engine.unit, self.monitor)
        self.orchestrator = Orchestrator(parts, group)
        self.desk = Desk(self.orchestrator)

    def _tell(self, before: object, after: object) -> tuple[Notice, ...]:
        return notices(before, after, name="", routes=Routes((Contact("console"),)), now=self.on.clock.now())  # type: ignore[arg-type]

    async def wake(self) -> None:
        """Remember, and take up what was begun, as the daemon does."""
        await self.engine.load()
        unfinished = await self.ledger.load(self.on.clock.now())
        await self.monitor.load()
        self.moves.load(await self.on.journal.recall(DRAWER))
        for running in unfinished:
            await self.orchestrator.resume(running)
        await self.monitor.report()

    async def see(self, *idents: str) -> None:
        """Look at the sessions and folders once, and decide."""
        now = self.clock.now()
        for ident in idents or tuple(self.on.folders):
            store, limits = self.on.store(ident), self.on.limits
            seen = inventory(store.listing(), store.creds(), PoolKnowledge(), limits, now, reference=now)
            state = self.on.sessions.states[ident]
            self.engine.observe(ConnectionSeen(at=now, company=ident, state=state, paired=True))
            self.engine.observe(FilesSeen(at=now, company=ident, inventory=seen))
        for subject in self.bus.take().subjects():
            await self.orchestrator.review(subject)
        await self.on.work()

    async def watch_for(self, seconds: float, *idents: str) -> None:
        """Look and decide every few seconds for so long."""
        for _ in range(int(seconds / 5)):
            await self.see(*idents)
            await self.engine.tick()
            await self.on.pass_time(5)

    def causes(self, subject: Subject = ACME) -> set[str]:
        """The causes of a subject's open incidents."""
        return {i.cause.value for i in self.ledger.all_open() if i.subject == subject}


@asynccontextmanager
async def daemon(on: Installation) -> AsyncIterator[Daemon]:
    """A daemon's life; ending it is a kill as far as its memory goes."""
    async with anyio.create_task_group() as group:
        made = Daemon(on, group)
        await made.wake()
        yield made
        await made.engine.save()
        group.cancel_scope.cancel()


def with_limits(on: Installation, **changes: object) -> None:
    """Configure an installation."""
    on.limits = replace(on.limits, **changes)  # type: ignore[arg-type]
