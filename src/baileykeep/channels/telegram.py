"""Telegram: one message per incident, edited as it evolves, with a sounding reply when somebody should look."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Any, Protocol, TypeVar

import anyio
import structlog
from aiogram.types import Update

from baileykeep.channels import telegram_text
from baileykeep.channels.base import Command, Placard
from baileykeep.channels.telegram_api import ChatMoved, TelegramApi
from baileykeep.channels.telegram_commands import COMMANDS, Allowed, Answer, Desk
from baileykeep.channels.telegram_limits import Limiter
from baileykeep.channels.telegram_pictures import DRAWER, Pictures
from baileykeep.clock import Clock
from baileykeep.model.codec import decode, encode
from baileykeep.model.errors import ChannelError
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.rules.outbox import merged

log = structlog.get_logger()
T = TypeVar("T")

KEEP_CLOSED_S = 7 * 86400.0
"""A closed story's message is remembered so long, in case it is told of again."""

LONGEST_REST_S = 60.0
"""Between two tries of asking for updates, when Telegram cannot be reached."""

ANSWER_WITHIN_S = 20.0


class Memory(Protocol):
    """Small JSON values that survive a restart. Raises `JournalError`."""

    async def load(self) -> dict[str, Any]:
        """Everything kept, by key."""

    async def save(self, key: str, value: Any) -> None:
        """Keep a value; None forgets the key."""


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """`chats` are all chats that are told or obeyed, the first being the default; only `users` are obeyed."""

    token: str = field(repr=False)
    chats: tuple[int, ...]
    users: tuple[int, ...] = ()
    base_url: str = "https://api.telegram.org"
    zone: tzinfo = UTC
    poll_s: float = 25.0
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Post:
    """A story's message. `digest` is of what it shows, `said` the last notice that was replied to it."""

    chat: int
    message: int
    digest: str
    said: int
    at: float
    closed: bool = False


class TelegramChannel:
    """A `channels.base.Channel` that listens and shows pictures: run `listen` beside it, all else works without."""

    name = "telegram"

    def __init__(self, config: TelegramConfig, memory: Memory, command: Command, clock: Clock, limits: NotifyLimits):
        self._config = config
        self._memory = memory
        self._clock = clock
        self._api = TelegramApi(config.token, config.base_url, timeout_s=config.timeout_s, poll_s=config.poll_s)
        self._limiter = Limiter(clock, limits)
        self._desk = Desk(command, Allowed(self._chats, lambda: self._config.users), clock)
        self._pictures = Pictures(self._api, self._limiter, self, memory.save)
        self._posts: dict[str, Post] = {}
        self._moved: dict[int, int] = {}
        self._loading = anyio.Lock()
        self._loaded = False

    def apply(self, config: TelegramConfig, limits: NotifyLimits) -> None:
        """Take other chats, users, a zone or limits at once; token, server and times need a new channel."""
        self._config = config
        self._limiter.limits = limits

    async def deliver(self, notices: Sequence[Notice]) -> None:
        """See `Channel`. One message shows the newest state of them all; one reply says what made them sound."""
        await self._load()
        notice = merged(notices)
        data = notice.data
        chat = self._chat(str(data.get("to", "")))
        shown = _Shown(telegram_text.message(data, self._config.zone), telegram_text.buttons(data))
        post = self._posts.get(notice.key)
        if post is not None and post.chat == self._now_at(chat) and await self._edited(post, shown):
            await self._say(notice, post, shown)
            return
        chat, message = await self._moving(
            chat, lambda to: self._send(to, shown.text, buttons=shown.buttons, silent=not notice.sound)
        )
        await self._keep(notice, Post(chat, message, shown.digest, notice.id, self._clock.now()))

    async def show(self, placard: Placard) -> None:
        """See `Displays.show`."""
        await self._load()
        await self._pictures.show(placard)

    async def take_down(self, key: str) -> None:
        """See `Displays.take_down`."""
        await self._load()
        await self._pictures.take_down(key)

    async def shown(self) -> Sequence[str]:
        """See `Displays.shown`."""
        await self._load()
        return self._pictures.keys()

    def chat_of(self, address: str) -> int:
        """See `telegram_pictures.Chats`: a login is shown in chats that are configured, and in no other."""
        chat = self._now_at(self._chat(address))
        if chat not in self._chats():
            raise ChannelError(f"Telegram chat {chat} is not one that is told", permanent=True)
        return chat

    async def moved(self, chat: int, new_chat: int) -> None:
        """See `telegram_pictures.Chats`."""
        await self._move(chat, new_chat)

    async def _edited(self, post: Post, shown: _Shown) -> bool:
        """False when the message is gone and must be posted anew."""
        if post.digest == shown.digest:
            return True
        try:
            async with self._limiter.slot(post.chat):
                return await self._api.edit(post.chat, post.message, shown.text, shown.buttons)
        except ChatMoved as moved:
            await self._move(post.chat, moved.new_chat)
            return False

    async def _say(self, notice: Notice, post: Post, shown: _Shown) -> None:
        """The reply, once per notice even when it is delivered again; then note what the message shows."""
        text = telegram_text.reply(notice.data)
        if text and notice.id > post.said:
            await self._keep(notice, replace(post, digest=shown.digest))
            await self._moving(
                post.chat, lambda to: self._send(to, text, silent=not notice.sound, reply_to=post.message)
            )
        await self._keep(notice, replace(post, digest=shown.digest, said=max(post.said, notice.id)))

    async def _send(self, chat: int, text: str, **how: Any) -> int:
        async with self._limiter.slot(chat):
            return await self._api.send(chat, text, **how)

    async def _moving(self, chat: int, call: Callable[[int], Awaitable[T]]) -> tuple[int, T]:
        """Do something in a chat; when it moved, note that and do it at its new id, which is returned."""
        chat = self._now_at(chat)
        try:
            return chat, await call(chat)
        except ChatMoved as moved:
            await self._move(chat, moved.new_chat)
            return moved.new_chat, await call(moved.new_chat)

    async def _move(self, chat: int, new_chat: int) -> None:
        log.info("telegram_chat_moved", chat=chat, new_chat=new_chat)
        self._moved[chat] = new_chat
        await self._memory.save(f"moved:{chat}", new_chat)

    def _chat(self, address: str) -> int:
        """The chat that an address means; an empty one is the first chat."""
        try:
            return int(address or self._config.chats[0])
        except IndexError:
            raise ChannelError("no Telegram chat is configured", next_step="name one in telegram.chats") from None
        except ValueError:
            step = "give the chat's id as a number, negative for groups"
            raise ChannelError(f"{address!r} is no Telegram chat", next_step=step, permanent=True) from None

    def _now_at(self, chat: int) -> int:
        """A chat's present id, after all its moves."""
        for _ in range(len(self._moved)):
            chat = self._moved.get(chat, chat)
        return chat

    def _chats(self) -> frozenset[int]:
        return frozenset(self._now_at(chat) for chat in self._config.chats)

    async def _load(self) -> None:
        """What was posted before a restart; messages of stories closed long ago are forgotten."""
        async with self._loading:
            if self._loaded:
                return
            for key, value in (await self._memory.load()).items():
                kind, _, rest = key.partition(":")
                if kind == "moved":
                    self._moved[int(rest)] = int(value)
                elif kind == DRAWER:
                    self._pictures.recall(rest, value)
                elif kind == "post":
                    await self._recall(rest, decode(Post, value))
            self._loaded = True

    async def _recall(self, key: str, post: Post) -> None:
        if post.closed and post.at < self._clock.now() - KEEP_CLOSED_S:
            await self._memory.save(f"post:{key}", None)
        else:
            self._posts[key] = post

    async def _keep(self, notice: Notice, post: Post) -> None:
        kept = replace(post, at=self._clock.now(), closed=bool(notice.data.get("closed")))
        self._posts[notice.key] = kept
        await self._memory.save(f"post:{notice.key}", encode(kept))

    async def listen(self) -> None:
        """Obey buttons and commands until cancelled. Telegram being away is logged once and outlived."""
        await self._load()
        await self._introduce()
        offset, failures = 0, 0
        while True:
            try:
                found = await self._api.updates(offset)
            except ChannelError as error:
                failures += 1
                if failures == 1:
                    log.warning("telegram_not_listening", error=str(error))
                rest_s = min(2.0**failures, LONGEST_REST_S)
                await self._clock.sleep(max(error.retry_after_s or 0.0, rest_s))
                continue
            if failures:
                log.info("telegram_listening_again", after_failures=failures)
                await self._introduce()
            offset, failures = found.offset, 0
            for update in found.items:
                await self._obey(update)

    async def _obey(self, update: Update) -> None:
        """One update. A bug met here must not come back for ever with the same update, so it ends here."""
        moved = update.message.migrate_to_chat_id if update.message else None
        if update.message and moved and update.message.chat.id in self._chats():
            await self._move(update.message.chat.id, moved)
        try:
            await self._answer(await self._desk.handle(update))
        except Exception:
            log.exception("telegram_command_crashed", update=update.update_id)

    async def _introduce(self) -> None:
        """Learn our own name and offer the commands: nice to have, so a failure waits for nobody."""
        if self._desk.username is not None:
            return
        try:
            self._desk.username = await self._api.username()
            await self._api.show_commands(dict(COMMANDS))
        except ChannelError as error:
            log.warning("telegram_not_introduced", error=str(error))

    async def _answer(self, answer: Answer | None) -> None:
        if answer is None:
            return
        try:
            with anyio.move_on_after(ANSWER_WITHIN_S):
                await self._say_back(answer)
        except ChannelError as error:
            log.warning("telegram_answer_lost", error=str(error))

    async def _say_back(self, answer: Answer) -> None:
        if answer.callback is not None:
            await self._api.answer(answer.callback, answer.text, alert=answer.alert)
        elif answer.text:
            await self._send(answer.chat, answer.text, silent=True, reply_to=answer.reply_to)
        if answer.over is not None:
            async with self._limiter.slot(answer.chat):
                await self._api.delete(answer.chat, answer.over)
        if answer.question is not None:
            asked = answer.question
            await self._send(answer.chat, asked.text, buttons=asked.buttons, silent=True, reply_to=answer.reply_to)

    async def aclose(self) -> None:
        await self._api.aclose()


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a message is to show."""

    text: str
    buttons: telegram_text.Rows

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((self.text, self.buttons)).encode()).hexdigest()[:16]
