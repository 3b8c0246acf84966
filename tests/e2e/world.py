"""A whole installation for story tests: real daemon, HTTP and files, a whole Telegram; only decision time is ours.

`World.pass_time` moves the daemon's clock in small steps and lets all real work come to rest after each, so that an
hour of decisions takes a few real seconds and nothing depends on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread

from baileykeep.app.daemon import Daemon, Given
from baileykeep.app.private import make_private
from baileykeep.channels.base import Displays
from baileykeep.channels.telegram import TelegramChannel
from baileykeep.channels.telegram_limits import _Chat
from baileykeep.clock import VirtualClock
from baileykeep.config.load import load_partial
from baileykeep.demo.probes import ProbeTarget
from baileykeep.demo.standin import StandIn
from baileykeep.journal.base import Journal
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import JournalError
from tests.fakes.telegram import FakeTelegram, Shown

CHAT, SECOND, ANN = 1001, 1002, 7
STEP_S = 5.0
REST_LOOKS = 4
"""So many looks in a row must find nothing under way before time moves on."""


class Busy:
    """Counts calls under way of everything it wraps. A call that waits for decision time is not work."""

    def __init__(self) -> None:
        self.under_way = 0
        self._inside: ContextVar[bool] = ContextVar("inside", default=False)

    @contextmanager
    def call(self) -> Iterator[None]:
        if self._inside.get():
            yield
            return
        token = self._inside.set(True)
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._inside.reset(token)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        inside = self._inside.get()
        self.under_way -= inside
        try:
            yield
        finally:
            self.under_way += inside

    def wrap(self, thing: Any, names: tuple[str, ...]) -> Any:
        """The same object, with these coroutine methods counted."""
        for name in names:
            setattr(thing, name, self._counted(getattr(thing, name)))
        return thing

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            with self.call():
                return await method(*args, **kwargs)

        return counted


class StoryClock(VirtualClock):
    """A virtual clock whose sleepers do not count as busy."""

    def __init__(self, busy: Busy):
        super().__init__()
        self._busy = busy

    async def sleep(self, seconds: float) -> None:
        with self._busy.waiting():
            await super().sleep(seconds)


class QuietLock:
    """A lock; who waits for it waits for somebody else's decision time, and does not count as busy."""

    def __init__(self, busy: Busy):
        self._busy = busy
        self._lock = anyio.Lock()

    async def __aenter__(self) -> None:
        with self._busy.waiting():
            await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


def _cut(thing: Any, names: tuple[str, ...]) -> None:
    """From now on these calls fail before they have any effect, as from a process that is gone."""

    async def gone(*_args: Any, **_kwargs: Any) -> Any:
        raise JournalError("this daemon is dead")

    for name in names:
        setattr(thing, name, gone)


JOURNAL_CALLS = ("write", "entries", "remember", "recall", "pending_notices", "notice_sent", "notices_covered")
GATEWAY_CALLS = ("status", "status_all", "reconnect", "stop", "start", "reset", "qr", "pairing_code", "clear_cache")


@dataclass
class World:
    """Everything a story needs at hand."""

    root: Path
    clock: VirtualClock
    gateway: StandIn
    telegram: FakeTelegram
    internet: ProbeTarget
    whatsapp: ProbeTarget
    busy: Busy
    daemon: Daemon | None = None
    _scope: anyio.CancelScope | None = None
    _task: asyncio.Task[None] | None = None
    daemons: list[Daemon] = field(default_factory=list)
    _standing: int = 0

    # --- configuration ------------------------------------------------------------------------------------

    @property
    def config_dir(self) -> Path:
        return self.root / "config"

    def configure(self, extra: str = "", *, mode: str = "act", digest: bool = False) -> None:
        """Write baileykeep.toml; `extra` is appended (more tables)."""
        self.config_dir.mkdir(exist_ok=True)
        (self.config_dir / "companies").mkdir(exist_ok=True)
        logs = self.gateway.root / "logs"
        (self.config_dir / "baileykeep.toml").write_text(
            f'''
mode = "{mode}"
state_dir = "{self.root}/state"
backups_dir = "{self.root}/backups"

[gateways.main]
dialect = "ai-admin"
url = "{self.gateway.url}"
sessions = "{self.gateway.root}/baileys_sessions/company_{{company}}"
[[gateways.main.logs]]
path = "{logs}/gateway-out.log"
company_field = "companyId"
[[gateways.main.logs]]
path = "{logs}/gateway-error.log"

[http]
listen = "127.0.0.1:0"

[digest]
enabled = {str(digest).lower()}

[telegram]
token = "{self.telegram.token}"
api_url = "{self.telegram.url}"
chats = [{CHAT}]
second = [{SECOND}]
users = [{ANN}]

[network]
online = ["{self.internet.address}"]
whatsapp = ["{self.whatsapp.address}"]
{extra}
'''
        )

    def company_file(self, ident: str, text: str) -> None:
        """Save one company's file."""
        (self.config_dir / "companies" / f"{ident}.toml").write_text(text)

    def crowd(self, ident: str, count: int) -> None:
        """Put so many sessions into a company's folder that are old enough to be cleaned away."""
        folder = self.gateway.folder(ident)
        before = set(os.listdir(folder))
        self.gateway[ident].grow(count)
        old = self.clock.now() - 40 * 86_400
        for name in set(os.listdir(folder)) - before:
            if name.startswith("session-"):
                os.utime(folder / name, (old, old))

    # --- the daemon's life --------------------------------------------------------------------------------

    async def start(self) -> Daemon:
        """Start a daemon on what is configured."""
        settings, problems = load_partial(self.config_dir, environ={})
        make_private(settings)
        journal = await SqlJournal.open(settings.installation.state_dir / "journal.db")
        self.busy.wrap(journal, JOURNAL_CALLS)
        self.daemon = Daemon(Given(settings, problems, self.clock, journal, random.Random(7), memory_mb=lambda: None))
        self.daemons.append(self.daemon)
        for door in self.daemon.sites.doors.values():
            self.busy.wrap(door.gateway, GATEWAY_CALLS)
        for channel in self.daemon.channels.values():
            self.busy.wrap(channel, ("deliver", *(("show", "take_down") if isinstance(channel, Displays) else ())))
            if isinstance(channel, TelegramChannel):
                turns = channel._limiter._chats
                turns.default_factory = lambda: _Chat(turn=cast(anyio.Lock, QuietLock(self.busy)))
        ready = anyio.Event()
        self._task = asyncio.create_task(self._live(self.daemon, journal, ready))
        with anyio.fail_after(20):
            await ready.wait()
        await self._count_standing_threads()
        await self.rest()
        return self.daemon

    async def _count_standing_threads(self) -> None:
        """Folder watchers keep a thread each for good; only what comes on top of them is work."""
        limiter = anyio.to_thread.current_default_thread_limiter()
        samples = []
        for _ in range(60):
            await asyncio.sleep(0.005)
            samples.append(limiter.borrowed_tokens)
        self._standing = int(min(samples))

    async def _live(self, daemon: Daemon, journal: Journal, ready: anyio.Event) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._scope = group.cancel_scope
                await group.start(daemon.run)
                ready.set()
        finally:
            ready.set()
            with anyio.CancelScope(shield=True):
                await journal.aclose()

    async def kill(self) -> None:
        """End the daemon without any of its good manners having a chance to decide anything new."""
        assert self._scope is not None
        assert self._task is not None
        self._scope.cancel()
        await self._task
        self._task = None

    async def crash(self) -> None:
        """What SIGKILL leaves: nothing further is done, not even starting again what was stopped."""
        assert self.daemon is not None
        assert self._task is not None
        assert self._scope is not None
        for door in self.daemon.sites.doors.values():
            _cut(door.gateway, GATEWAY_CALLS)
        _cut(self.daemon.given.journal, ("write", "remember"))
        for channel in self.daemon.channels.values():
            _cut(channel, ("deliver", "show", "take_down"))
        self._scope.cancel()
        while not self._task.done():
            self.clock.step_to(self.clock.monotonic() + STEP_S)
            await asyncio.sleep(0.01)
        self._task = None

    # --- time ---------------------------------------------------------------------------------------------

    async def pass_time(
        self, seconds: float, *, until: Callable[[], bool] | None = None, step_s: float = STEP_S
    ) -> bool:
        """Let decision time pass; True as soon as `until` holds, False when the time is over without it."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            if until is not None and until():
                return True
            self.clock.step_to(min(end, self.clock.monotonic() + step_s))
            await self.rest()
        return until is not None and until()

    async def rest(self) -> None:
        """Return when all real work of this instant is done: no call under way, no thread busy, nothing queued."""
        with anyio.fail_after(30):
            quiet = 0
            while quiet < REST_LOOKS:
                await asyncio.sleep(0.002)
                quiet = 0 if self._working() else quiet + 1

    def _working(self) -> bool:
        limiter = anyio.to_thread.current_default_thread_limiter()
        bus = self.daemon.bus if self.daemon is not None else ()
        return bool(self.busy.under_way or limiter.borrowed_tokens > self._standing or len(bus))

    # --- what people see ----------------------------------------------------------------------------------

    def stories(self, chat: int = CHAT) -> list[Shown]:
        """The messages of a chat, without the replies that only make them sound."""
        return [m for m in self.telegram.messages(chat) if m.reply_to is None and not m.photo]

    def texts(self, chat: int = CHAT) -> list[str]:
        """The stories of a chat as they read now."""
        return [message.plain for message in self.stories(chat)]

    def calls(self, chat: int = CHAT) -> list[str]:
        """What sounded in a chat, in order."""
        return [message.plain for message in self.telegram.sounding(chat)]

    def open_causes(self, ident: str) -> list[str]:
        """The causes of a company's open incidents."""
        assert self.daemon is not None
        return [i.cause.value for i in self.daemon.ledger.all_open() if i.subject.id == ident]

    def __str__(self) -> str:
        """What a failing test should show: every message, and what the journal's last decisions were."""
        return "\n\n".join(m.plain for m in self.telegram.messages())

    def pictures(self, chat: int = CHAT) -> list[Shown]:
        """The pictures that stand in a chat."""
        return [message for message in self.telegram.messages(chat) if message.photo]

    def asked(self, ident: str) -> list[str]:
        """What the gateway was asked to change for a company."""
        return self.gateway.asked(ident)


@asynccontextmanager
async def world(root: Path, kind: type[StandIn] = StandIn) -> AsyncIterator[World]:
    """A stand-in gateway, a Telegram and a network, all real servers on this machine; no daemon yet."""
    busy = Busy()
    clock = StoryClock(busy)
    (root / "gateway").mkdir()
    async with (
        kind(root / "gateway", clock=clock.now, connect_s=0) as gateway,
        FakeTelegram(now=clock.now) as telegram,
        ProbeTarget() as internet,
        ProbeTarget() as whatsapp,
    ):
        made = World(root, clock, gateway, telegram, internet, whatsapp, busy)
        try:
            yield made
        finally:
            if made._task is not None:
                await made.kill()
            breaches = [b for daemon in made.daemons for b in daemon.core.monitor.breaches]
            assert breaches == []
