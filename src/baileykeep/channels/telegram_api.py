"""The Bot API through aiogram: few calls, our errors, and a token that is never in any of them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    ReplyParameters,
    Update,
)
from aiogram.utils.token import TokenValidationError

from baileykeep.channels.telegram_text import Rows
from baileykeep.model.errors import ChannelError, ConfigError

log = structlog.get_logger()

REFUSED_RETRY_S = 300.0
"""A refused token may be corrected, and a bot that was shut out let in again: what waits is kept and tried again."""

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_NOT_THERE = ("message to delete not found", "message_id_invalid")
_PICTURE = "pairing.png"


class ChatMoved(ChannelError):
    """A group became a supergroup with another id."""

    def __init__(self, chat: int, new_chat: int):
        super().__init__(f"Telegram chat {chat} is now {new_chat}")
        self.new_chat = new_chat


@dataclass(frozen=True, slots=True)
class Updates:
    """What people did, and the offset that confirms it at the next asking."""

    items: tuple[Update, ...]
    offset: int


class _Session(AiohttpSession):
    """aiogram's own, which waits after closing for what TLS still has to say; without TLS there is nothing."""

    def __init__(self, base_url: str, timeout_s: float):
        super().__init__(api=TelegramAPIServer.from_base(base_url), timeout=timeout_s)
        self._plain = base_url.startswith("http://")

    async def close(self) -> None:
        if not self._plain:
            await super().close()
        elif self._session is not None:
            await self._session.close()


class TelegramApi:
    """Every method raises `ChannelError`; `permanent` ones concern this message or chat for good."""

    def __init__(self, token: str, base_url: str, *, timeout_s: float, poll_s: float):
        self._token = token
        self._poll_s = poll_s
        try:
            self._bot = Bot(token, session=_Session(base_url, timeout_s))
        except TokenValidationError:
            raise ConfigError(
                "the Telegram bot token is not one", next_step="copy it again from BotFather: digits, a colon, letters"
            ) from None

    async def send(
        self,
        chat: int,
        text: str,
        *,
        buttons: Rows = (),
        silent: bool = False,
        reply_to: int | None = None,
        secret: bool = False,
    ) -> int:
        """Post a message; returns its id. A reply to a message that is gone is posted all the same.

        A `secret` one can be neither forwarded nor saved.
        """
        answered = None
        if reply_to is not None:
            answered = ReplyParameters(message_id=reply_to, allow_sending_without_reply=True)
        with self._explaining(chat):
            message = await self._bot.send_message(
                chat,
                text,
                parse_mode="HTML",
                disable_notification=silent,
                link_preview_options=_NO_PREVIEW,
                reply_parameters=answered,
                reply_markup=_markup(buttons),
                protect_content=secret,
            )
        return message.message_id

    async def send_picture(self, chat: int, picture: bytes, caption: str, buttons: Rows = ()) -> int:
        """Post a picture that can be neither forwarded nor saved; returns the message's id."""
        with self._explaining(chat):
            message = await self._bot.send_photo(
                chat,
                BufferedInputFile(picture, _PICTURE),
                caption=caption,
                parse_mode="HTML",
                reply_markup=_markup(buttons),
                protect_content=True,
            )
        return message.message_id

    async def change_picture(self, chat: int, message: int, picture: bytes, caption: str, buttons: Rows = ()) -> bool:
        """Put another picture into a message; false when the message is gone."""
        media = InputMediaPhoto(media=BufferedInputFile(picture, _PICTURE), caption=caption, parse_mode="HTML")
        return await self._changed(
            chat, self._bot.edit_message_media(media, chat_id=chat, message_id=message, reply_markup=_markup(buttons))
        )

    async def change_caption(self, chat: int, message: int, caption: str, buttons: Rows = ()) -> bool:
        """Put other words below a picture; false when the message is gone."""
        return await self._changed(
            chat,
            self._bot.edit_message_caption(
                chat_id=chat, message_id=message, caption=caption, parse_mode="HTML", reply_markup=_markup(buttons)
            ),
        )

    async def delete(self, chat: int, message: int) -> bool:
        """Remove a message for everybody; false where Telegram keeps it (too old, or no right to). One that is gone
        counts as removed."""
        with self._explaining(chat):
            try:
                return await self._bot.delete_message(chat, message)
            except TelegramBadRequest as error:
                said = error.message.lower()
                if any(words in said for words in _NOT_THERE):
                    return True
                if "can't be deleted" in said:
                    return False
                raise

    async def edit(self, chat: int, message: int, text: str, buttons: Rows = ()) -> bool:
        """Change a message; false when there is nothing left to change."""
        return await self._changed(
            chat,
            self._bot.edit_message_text(
                text,
                chat_id=chat,
                message_id=message,
                parse_mode="HTML",
                link_preview_options=_NO_PREVIEW,
                reply_markup=_markup(buttons),
            ),
        )

    async def _changed(self, chat: int, call: Awaitable[object]) -> bool:
        with self._explaining(chat):
            try:
                await call
            except TelegramBadRequest as error:
                said = error.message.lower()
                if "message is not modified" in said:
                    return True
                if any(words in said for words in _GONE):
                    return False
                raise
        return True

    async def answer(self, callback: str, text: str, *, alert: bool) -> None:
        """Tell somebody who pressed a button what came of it."""
        with self._explaining(None):
            await self._bot.answer_callback_query(callback, text=text, show_alert=alert)

    async def username(self) -> str | None:
        """The bot's own name, to which commands in groups are addressed."""
        with self._explaining(None):
            return (await self._bot.get_me()).username

    async def show_commands(self, commands: dict[str, str]) -> None:
        """What Telegram offers when somebody types a slash."""
        with self._explaining(None):
            await self._bot.set_my_commands([BotCommand(command=k, description=v) for k, v in commands.items()])

    async def updates(self, offset: int) -> Updates:
        """Wait up to the poll time for what people do. Updates that cannot be read are skipped."""
        with self._explaining(None):
            try:
                found = await self._bot.get_updates(
                    offset=offset or None,
                    timeout=int(self._poll_s),
                    allowed_updates=["message", "callback_query"],
                    request_timeout=int(self._poll_s) + 10,
                )
            except ClientDecodeError as error:
                unread = _ids(error.data)
                if not unread:
                    raise
                return Updates(tuple(self._readable(error.data)), max(unread) + 1)
        return Updates(tuple(found), found[-1].update_id + 1 if found else offset)

    def _readable(self, data: Any) -> Iterator[Update]:
        """One update that cannot be read must not take an approval down with it."""
        for item in data["result"]:
            try:
                yield Update.model_validate(item, context={"bot": self._bot})
            except ValueError:
                log.warning("telegram_update_unreadable")

    async def aclose(self) -> None:
        await self._bot.session.close()

    @contextmanager
    def _explaining(self, chat: int | None) -> Iterator[None]:
        try:
            yield
        except (AiogramError, OSError, ValueError, TypeError) as error:
            raise self._explained(error, chat) from None

    def _explained(self, error: Exception, chat: int | None) -> ChannelError:
        where = "Telegram" if chat is None else f"Telegram chat {chat}"
        if isinstance(error, TelegramRetryAfter):
            return ChannelError(f"{where} asks for a pause", retry_after_s=float(error.retry_after))
        if isinstance(error, TelegramMigrateToChat) and chat is not None:
            return ChatMoved(chat, error.migrate_to_chat_id)
        said = self._clean(getattr(error, "message", "") or type(error).__name__)
        if isinstance(error, TelegramForbiddenError):
            step = "unblock the bot there, or add it to the chat again"
            return ChannelError(f"{where} has shut the bot out: {said}", next_step=step, retry_after_s=REFUSED_RETRY_S)
        if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
            step = "check the bot token in the configuration"
            return ChannelError(f"{where} refuses the bot: {said}", next_step=step, retry_after_s=REFUSED_RETRY_S)
        if isinstance(error, TelegramConflictError):
            step = "stop the other program that uses this bot token"
            return ChannelError(f"{where}: another program asks for updates: {said}", next_step=step)
        if isinstance(error, TelegramBadRequest):
            if "chat not found" in said.lower():
                step = "check the chat's id, and that the bot is in it"
                return ChannelError(f"{where} is not to be found", next_step=step, retry_after_s=REFUSED_RETRY_S)
            return ChannelError(f"{where} refused the message: {said}", permanent=True)
        return ChannelError(f"{where} cannot be reached: {said}", next_step="check the network")

    def _clean(self, text: str) -> str:
        """Without the token, and on one line."""
        secret = self._token.partition(":")[2]
        return " ".join(text.replace(self._token, "…").replace(secret, "…").split())[:300]


def _markup(buttons: Rows) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    rows = [[InlineKeyboardButton(text=label, callback_data=data) for label, data in row] for row in buttons]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _ids(data: object) -> list[int]:
    """The ids of updates in an answer that could not be read as a whole."""
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(result, list):
        return []
    return [item["update_id"] for item in result if isinstance(item, dict) and isinstance(item.get("update_id"), int)]
