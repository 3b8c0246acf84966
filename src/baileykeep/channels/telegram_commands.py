"""What people may say to the bot, and how it is answered. Strangers are not answered at all."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiogram.types import CallbackQuery, Message, Update, User

from baileykeep.channels import telegram_confirm, telegram_text
from baileykeep.channels.base import Command
from baileykeep.channels.telegram_confirm import Question
from baileykeep.clock import Clock
from baileykeep.model.errors import BaileykeepError, Refused, UsageError
from baileykeep.rules.words import duration

log = structlog.get_logger()

PAUSE_S = 3600.0
"""How long hands are off when nobody says how long."""

STALE_S = 15 * 60.0
"""A command that waited longer (the daemon was down) is not obeyed any more: the world has moved on."""

COMMANDS: Mapping[str, str] = {
    "status": "who is not well",
    "digest": "how the last 24 hours were",
    "company": "one company: /company ID",
    "pause": "hands off: /pause [ID] [20m]",
    "resume": "hands on again, also after a failed safety check: /resume [ID]",
    "relink": "pair anew with a QR code: /relink ID",
    "code": "pair with a code instead of the QR: /code ID",
    "qr": "show the QR code of a company that waits for a scan: /qr ID",
    "reset": "end a login for good and pair anew: /reset ID",
    "help": "this list",
}

_DONE: Mapping[str, str] = {
    "ack": "Acknowledged.",
    "approve": "Approved. It is looked at again before anything is done.",
    "reject": "Rejected. Nothing will be done.",
    "pause": "Paused for 1 h.",
    "resume": "Resumed. Actions may go on; all is looked at again first.",
    "show_qr": "The QR code comes as a picture.",
    "code": "The code comes within 20 s.",
}
_BEGUN = (
    "Begun. The session is stopped and backed up first; what is to be scanned or typed comes in a message of its own."
)
_ASKS = {"relink": "relink", "reset": "reset", "code": "pairing_code"}
"""Commands that are not done before they are confirmed, and what they become."""
_COMMAND = {"code": "pairing_code"}
_SCOPES = {"c": "company", "g": "gateway"}
_ON_SUBJECT = frozenset({"pause", "resume", "show_qr", "code"})
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:[0-9]{1,6}[smhd])+", re.IGNORECASE)
_REVISION = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say back: into `chat`, or (with `callback`) to the one who pressed a button.

    `question` is a message with buttons besides; `over` is one that has been answered and may go.
    """

    text: str
    chat: int
    reply_to: int | None = None
    callback: str | None = None
    alert: bool = False
    question: Question | None = None
    over: int | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Whom to obey: the named users, in these chats only. With no user named nobody is obeyed."""

    chats: Callable[[], Collection[int]]
    users: Callable[[], Collection[int]] = tuple

    def obeys(self, chat: int | None, user: User | None) -> bool:
        """Both the place and the person must be right."""
        if chat is None or user is None or chat not in self.chats():
            return False
        return user.id in self.users()


class Desk:
    """Turns updates into calls of the control service, and its answers into text."""

    def __init__(self, command: Command, allowed: Allowed, clock: Clock):
        self._command = command
        self._allowed = allowed
        self._clock = clock
        self._strangers: set[tuple[int | None, int | None]] = set()
        self._answered: deque[tuple[int, int | None]] = deque(maxlen=100)
        self.username: str | None = None

    async def handle(self, update: Update) -> Answer | None:
        """The answer to one update; None when there is nothing to say."""
        if update.callback_query is not None:
            return await self._pressed(update.callback_query)
        message = update.message
        if message is not None and message.text and not _words_of_others(message):
            return await self._said(message, message.text)
        return None

    async def _pressed(self, query: CallbackQuery) -> Answer | None:
        chat = query.message.chat.id if query.message else None
        if chat is None or not self._obeyed(chat, query.from_user):
            return None
        try:
            return await self._done(query, chat)
        except BaileykeepError as error:
            return Answer(_short(str(error)), chat, callback=query.id, alert=True)

    async def _done(self, query: CallbackQuery, chat: int) -> Answer:
        do, _, rest = (query.data or "").partition("|")
        target, _, revision = rest.rpartition("|")
        message = query.message.message_id if query.message else None
        if do == telegram_confirm.NO:
            return Answer("Nothing is done.", chat, callback=query.id, over=message)
        asked = telegram_confirm.confirmed(do, *_asked(target, revision), self._clock.now()) if "_" in do else None
        if asked is not None:
            return await self._confirmed(query, chat, message, *asked)
        if do in telegram_confirm.WHAT:
            made = await self._question(do, _asked(target, revision)[0])
            return Answer("Please confirm.", chat, message, callback=query.id, question=made)
        args = _button_args(do, target, revision)
        said = await self._command(_COMMAND.get(do, do), args, operator_name(query.from_user))
        return Answer(_short(str(said.get("text") or _DONE[do])), chat, callback=query.id)

    async def _confirmed(
        self, query: CallbackQuery, chat: int, message: int | None, command: str, args: dict[str, Any]
    ) -> Answer:
        """A second yes is asked for where the login may still live. A question counts once, whoever answers it: what
        somebody began by it may be over already, and must not be begun again."""
        if (chat, message) in self._answered:
            raise UsageError("this question is answered already", next_step="look at the newest message")
        try:
            said = await self._command(command, args, operator_name(query.from_user))
        except Refused as refused:
            if refused.code != telegram_confirm.ALIVE:
                raise
            self._answered.append((chat, message))
            made = telegram_confirm.still(command, args["company"], refused, self._clock.now())
            return Answer("Please confirm once more.", chat, message, query.id, question=made, over=message)
        self._answered.append((chat, message))
        return Answer(_short(str(said.get("text") or _BEGUN)), chat, callback=query.id, over=message)

    async def _said(self, message: Message, text: str) -> Answer | None:
        word, *args = text.split()
        name, _, addressed = word.removeprefix("/").partition("@")
        if not word.startswith("/") or (addressed and addressed.lower() != (self.username or "").lower()):
            return None
        if not self._obeyed(message.chat.id, message.from_user):
            return None
        name = "help" if name == "start" else name.lower()
        if name not in COMMANDS:
            return None
        waited = self._clock.now() - message.date.timestamp()
        if waited > STALE_S:
            reply = f"This was sent {duration(waited)} ago, so it is not done. Send it again if it is still wanted."
        else:
            try:
                if name in _ASKS:
                    made = await self._question(_ASKS[name], _one_company(name, args))
                    return Answer("", message.chat.id, message.message_id, question=made)
                reply = await self._reply(name, args, operator_name(message.from_user))
            except BaileykeepError as error:
                reply = f"⚠️ {telegram_text.escaped(error, 600)}"
        return Answer(reply, message.chat.id, reply_to=message.message_id)

    async def _question(self, command: str, ident: str) -> Question:
        """Asked of a company that is known."""
        view = await self._command("company", {"company": ident}, "")
        others = str(view.get("others") or "every company on it") if view.get("stops_others") else ""
        return telegram_confirm.question(command, ident, self._clock.now(), others=others)

    async def _reply(self, name: str, args: list[str], operator: str) -> str:
        if name == "status":
            return telegram_text.overview(await self._command("overview", {}, operator))
        if name == "digest":
            return telegram_text.digest(await self._command("digest", {}, operator))
        if name == "company":
            view = await self._command("company", {"company": _one_company(name, args)}, operator)
            return telegram_text.company(view)
        if name == "qr":
            said = await self._command("show_qr", {"company": _one_company(name, args)}, operator)
            return f"📷 {telegram_text.escaped(said.get('text', _DONE['show_qr']))}"
        if name == "pause":
            wanted = pause_args(args)
            await self._command("pause", wanted, operator)
            return f"⏸ Paused {_named(wanted)} for {duration(wanted['seconds'])}."
        if name == "resume":
            wanted = {"company": args[0]} if args else {}
            await self._command("resume", wanted, operator)
            return f"▶️ Resumed {_named(wanted)}."
        return "\n".join(f"/{command} – {telegram_text.escaped(what)}" for command, what in COMMANDS.items())

    def _obeyed(self, chat: int, user: User | None) -> bool:
        if self._allowed.obeys(chat, user):
            return True
        stranger = (chat, user.id if user else None)
        if stranger not in self._strangers and len(self._strangers) < 1000:
            self._strangers.add(stranger)
            log.warning("telegram_stranger_ignored", chat=chat, user=stranger[1])
        return False


def _one_company(name: str, args: list[str]) -> str:
    if len(args) != 1:
        raise UsageError(f"/{name} needs one company's id", next_step=f"such as /{name} 997441")
    return args[0]


def _asked(target: str, revision: str) -> tuple[str, int]:
    """The company and the number in the data of a button."""
    scope, _, ident = target.partition(":")
    if scope != "c" or not ident or not _REVISION.fullmatch(revision):
        raise UsageError("this button is from another version", next_step="use the newest message")
    return ident, int(revision)


def _button_args(do: str, target: str, revision: str) -> dict[str, Any]:
    scope, _, ident = target.partition(":")
    known = do in _DONE and bool(target) and _REVISION.fullmatch(revision)
    if not known or (do in _ON_SUBJECT and not (scope in _SCOPES and ident)):
        raise UsageError("this button is from another version", next_step="use the newest message")
    if do == "pause":
        return {_SCOPES[scope]: ident, "seconds": PAUSE_S}
    if do in _ON_SUBJECT:
        return {_SCOPES[scope]: ident}
    if do == "ack":
        return {"incident": target}
    return {"incident": target, "revision": int(revision)}


def pause_args(args: list[str]) -> dict[str, Any]:
    """`[ID] [20m]` in any order; what looks like a duration is one."""
    times = [arg for arg in args if _DURATION.fullmatch(arg)]
    ids = [arg for arg in args if not _DURATION.fullmatch(arg)]
    if len(times) > 1 or len(ids) > 1:
        raise UsageError("/pause takes one company's id and one duration", next_step="such as /pause 997441 20m")
    seconds = sum(int(n) * _UNIT_S[u] for n, u in re.findall(r"(\d+)([smhd])", times[0].lower())) if times else PAUSE_S
    return {**({"company": ids[0]} if ids else {}), "seconds": float(seconds)}


def operator_name(user: User | None) -> str:
    """Who it was, as the journal shall know it."""
    if user is None:
        return "somebody on Telegram"
    name = " ".join("".join(c if c.isprintable() else " " for c in user.full_name).split())[:64]
    return f"{name} (Telegram {'@' + user.username if user.username else user.id})".lstrip()


def _words_of_others(message: Message) -> bool:
    """Passed on, or written by another bot: whoever sent it here did not say it."""
    return message.forward_origin is not None or message.via_bot is not None


def _named(args: Mapping[str, Any]) -> str:
    return telegram_text.escaped(args.get("company", "everything"), 60)


def _short(text: str) -> str:
    cut = telegram_text.MAX_ANSWER
    return text if len(text) <= cut else text[: cut - 1] + "…"
