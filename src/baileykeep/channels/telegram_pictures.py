"""What a phone needs for pairing, in Telegram: one message a chat, changed while it is good and removed at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from baileykeep.channels import telegram_text
from baileykeep.channels.base import Placard
from baileykeep.channels.qr_image import blank
from baileykeep.channels.telegram_api import ChatMoved, TelegramApi
from baileykeep.channels.telegram_limits import Limiter
from baileykeep.channels.telegram_text import Rows
from baileykeep.model.codec import decode, encode
from baileykeep.model.errors import ChannelError

log = structlog.get_logger()

DRAWER = "picture"
"""The memory's keys begin with this: what stands in a chat must be found again by the next daemon."""

LABELS = {"code": "🔢 Use a pairing code instead"}
OVER = "Over."


class Chats(Protocol):
    """What is needed of the bot's channel."""

    def chat_of(self, address: str) -> int:
        """The present id of the chat at an address. Raises `ChannelError` for one that is not approved."""

    async def moved(self, chat: int, new_chat: int) -> None:
        """A group became a supergroup."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A message that stands there. `digests` tell of the picture and of the words without holding them."""

    chat: int
    message: int
    code: bool
    image: str
    words: str


class Pictures:
    """Implements `channels.base.Displays` for one bot."""

    def __init__(self, api: TelegramApi, limiter: Limiter, chats: Chats, save: Callable[[str, Any], Awaitable[None]]):
        self._api = api
        self._limiter = limiter
        self._chats = chats
        self._save = save
        self._known: dict[str, Picture] = {}

    def recall(self, key: str, value: Any) -> None:
        """A message that an earlier daemon left, from the memory."""
        self._known[key] = decode(Picture, value)

    def keys(self) -> Sequence[str]:
        """See `Displays.shown`."""
        return tuple(self._known)

    async def show(self, placard: Placard) -> None:
        """See `Displays.show`."""
        chat = self._chats.chat_of(placard.to)
        known = self._known.get(placard.key)
        if known is not None and (known.chat != chat or known.code != bool(placard.code)):
            await self.take_down(placard.key)
            known = None
        caption, rows = telegram_text.placard(placard), _rows(placard)
        wanted = _as_it_shall_stand(chat, placard, caption, rows)
        if known is not None and await self._changed(known, wanted, placard, caption, rows):
            await self._keep(placard.key, replace(wanted, message=known.message))
            return
        try:
            message = await self._post(chat, placard, caption, rows)
        except ChatMoved as moved:
            await self._chats.moved(chat, moved.new_chat)
            chat, message = moved.new_chat, await self._post(moved.new_chat, placard, caption, rows)
        await self._keep(placard.key, replace(wanted, chat=chat, message=message))

    async def _changed(self, known: Picture, wanted: Picture, placard: Placard, caption: str, rows: Rows) -> bool:
        """False when the message is gone and must be posted anew."""
        if replace(known, message=0) == wanted and not known.code:
            return True
        async with self._limiter.slot(known.chat):
            if known.code:
                return await self._api.edit(known.chat, known.message, caption, rows)
            if known.image == wanted.image:
                return await self._api.change_caption(known.chat, known.message, caption, rows)
            return await self._api.change_picture(known.chat, known.message, placard.picture, caption, rows)

    async def _post(self, chat: int, placard: Placard, caption: str, rows: Rows) -> int:
        async with self._limiter.slot(chat):
            if placard.code:
                return await self._api.send(chat, caption, buttons=rows, secret=True)
            return await self._api.send_picture(chat, placard.picture, caption, rows)

    async def take_down(self, key: str) -> None:
        """See `Displays.take_down`. What Telegram does not remove is made empty; what stays all the same is logged."""
        known = self._known.get(key)
        if known is None:
            return
        try:
            async with self._limiter.slot(known.chat):
                if not await self._deleted(known):
                    await self._empty(known)
        except ChatMoved:
            pass  # it stayed behind in a chat that is closed to everybody
        except ChannelError as error:
            if not error.permanent:
                raise
            log.warning("picture_left", chat=known.chat, message=known.message, error=error.cause)
        await self._keep(key, None)

    async def _deleted(self, known: Picture) -> bool:
        """Whatever Telegram has against it, it may still be made empty."""
        try:
            return await self._api.delete(known.chat, known.message)
        except ChannelError as error:
            if not error.permanent:
                raise
            return False

    async def _empty(self, known: Picture) -> None:
        if known.code:
            await self._api.edit(known.chat, known.message, OVER)
        else:
            await self._api.change_picture(known.chat, known.message, blank(), OVER)

    async def _keep(self, key: str, picture: Picture | None) -> None:
        if picture is None:
            self._known.pop(key, None)
        else:
            self._known[key] = picture
        await self._save(f"{DRAWER}:{key}", None if picture is None else encode(picture))


def _as_it_shall_stand(chat: int, placard: Placard, caption: str, rows: Rows) -> Picture:
    """Of a code not even a digest is kept: it is short enough to be guessed from one."""
    if placard.code:
        return Picture(chat, 0, code=True, image="", words="")
    return Picture(chat, 0, code=False, image=_digest(placard.picture), words=_digest(repr((caption, rows)).encode()))


def _rows(placard: Placard) -> Rows:
    made = ((LABELS[do], f"{do}|c:{target}|0") for do, target in placard.buttons)
    return tuple(
        ((label, data),) for label, data in made if data.isprintable() and len(data.encode()) <= telegram_text.MAX_DATA
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
