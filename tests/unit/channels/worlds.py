"""A Telegram channel on a virtual clock against a fake Bot API over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from baileykeep.channels.telegram import TelegramChannel, TelegramConfig
from baileykeep.channels.telegram_confirm import ALIVE, WHAT
from baileykeep.clock import VirtualClock
from baileykeep.engine.memory import JournalMemory
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError, Refused
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from tests.fakes.telegram import FakeTelegram
from tests.stories import START, settle

CHAT, GROUP, ANNA, BORIS = 100, -500, 1, 2


@dataclass
class World:
    """A channel on a virtual clock against the fake server."""

    clock: VirtualClock
    tg: FakeTelegram
    journal: MemoryJournal
    channel: TelegramChannel
    asked: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    next_id: int = 0

    async def deliver(self, told: Sequence[Notice], to: str = "100") -> None:
        """Hand over as the courier does, letting decision time pass as far as limits ask for it."""
        mine = []
        for notice in told:
            if notice.data["to"] == to:
                self.next_id += 1
                mine.append(replace(notice, id=self.next_id))
        done = anyio.Event()
        failed: list[ChannelError] = []

        async def run() -> None:
            try:
                await self.channel.deliver(mine)
            except ChannelError as error:
                failed.append(error)
            done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(5):
                while not done.is_set():
                    await settle(lambda: self.tg.busy > 0)
                    if not done.is_set() and (wake := self.clock.next_wake()) is not None:
                        self.clock.step_to(wake)
        if failed:
            raise failed[0]


@asynccontextmanager
async def world(
    *,
    chats: tuple[int, ...] = (CHAT, GROUP),
    users: tuple[int, ...] = (ANNA, BORIS),
    journal: MemoryJournal | None = None,
    tg: FakeTelegram | None = None,
    clock: VirtualClock | None = None,
    listening: bool = False,
    poll_s: float = 25,
) -> AsyncIterator[World]:
    clock = clock or VirtualClock(START)
    journal = journal or MemoryJournal()
    asked: list[tuple[str, dict[str, Any], str]] = []

    async def command(name: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
        asked.append((name, dict(args), operator))
        if args.get("company") == "nobody":
            raise Refused("there is no company nobody <b>", next_step="see /status")
        if args.get("company") == "crash":
            raise RuntimeError("a bug")
        if args.get("company") == "alive" and name in WHAT and not args.get("replace_login"):
            raise Refused("the login of alive was seen open 1 min ago, so it may still live", code=ALIVE)
        if name == "overview":
            return {"companies": [{"id": "1", "name": "Acme", "health": "ok"}], "mode": "act"}
        found = {
            "id": "1",
            "name": "Acme",
            "health": "ok",
            "next": "nothing",
            "stops_others": args == {"company": "two"},
            "others": "Acme and <Bella>",
        }
        return found if name == "company" else {}

    async with _server(tg, clock) as server:
        config = TelegramConfig(server.token, chats, users, base_url=server.url, poll_s=poll_s, timeout_s=2)
        channel = TelegramChannel(config, JournalMemory(journal, "telegram"), command, clock, NotifyLimits())
        made = World(clock, server, journal, channel, asked)
        try:
            async with anyio.create_task_group() as tasks:
                if listening:
                    tasks.start_soon(channel.listen)
                yield made
                tasks.cancel_scope.cancel()
        finally:
            await channel.aclose()


@asynccontextmanager
async def _server(tg: FakeTelegram | None, clock: VirtualClock) -> AsyncIterator[FakeTelegram]:
    if tg is not None:
        yield tg
        return
    async with FakeTelegram(clock.now) as made:
        yield made
