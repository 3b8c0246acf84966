"""A Bot API server over HTTP that is as strict as Telegram, and people who write to the bot.

    async with FakeTelegram(now=clock.now) as tg:
        ...point the bot at tg.url with tg.token...
        tg.messages(chat)            # what that chat shows now, with every edit
        await tg.say(chat, user, "/status")
        await tg.press(message, "approve", user=user)   # returns the bot's answer

It answers 429 to a sender that exceeds Telegram's limits and keeps each case in `violations`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

from tests.fakes.telegram_server import BotServer
from tests.fakes.telegram_wire import ApiError, Traffic, buttons_of, file_of, parsed, user_json

MAX_TEXT, MAX_CAPTION = 4096, 1024
DELETABLE_S = 48 * 3600.0


@dataclass(slots=True)
class Edit:
    """What a message showed from `at` on."""

    at: float
    html: str
    plain: str


@dataclass(slots=True)
class Shown:
    """A message as its chat sees it. `history` holds every text it had, the first included."""

    id: int
    chat: int
    at: float
    sounding: bool
    reply_to: int | None
    html: str
    plain: str
    buttons: list[list[tuple[str, str]]]
    history: list[Edit]
    photo: bool = False
    deleted: bool = False
    pictures: list[bytes] = field(default_factory=list)
    protected: bool = False

    @property
    def picture(self) -> bytes:
        """The picture that it shows now; `pictures` are all it ever showed."""
        return self.pictures[-1]

    def button(self, what: str) -> str:
        """The callback data of the button whose data begins with `what` or whose label holds it."""
        for row in self.buttons:
            for label, data in row:
                if data.split("|")[0] == what or what.lower() in label.lower():
                    return data
        raise AssertionError(f"no button {what!r} among {self.buttons}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot told somebody who pressed a button."""

    text: str
    alert: bool


class FakeTelegram(BotServer):
    """`now` must be the clock of the program under test: limits and message dates are told by it."""

    def __init__(self, now: Callable[[], float], *, username: str = "keepbot"):
        super().__init__(now)
        self.username = username
        self.answers: dict[str, Answer] = {}
        self.commands: list[str] = []
        self._messages: dict[tuple[int, int], Shown] = {}
        self._order: list[Shown] = []
        self._next_id = 1
        self._next_update = 1
        self._updates: deque[dict[str, Any]] = deque()
        self._traffic = Traffic()
        self.violations = self._traffic.violations

    # --- what tests look at

    def messages(self, chat: int | None = None) -> list[Shown]:
        """Messages that are still there, oldest first, of one chat or of all."""
        return [m for m in self._order if not m.deleted and chat in (None, m.chat)]

    def ever(self, chat: int | None = None) -> list[Shown]:
        """All messages that there ever were, those that were deleted, too."""
        return [m for m in self._order if chat in (None, m.chat)]

    def sounding(self, chat: int | None = None) -> list[Shown]:
        """Those among them that made a sound."""
        return [m for m in self.messages(chat) if m.sounding]

    # --- people

    async def say(self, chat: int, user: int, text: str, *, name: str = "Anna", username: str | None = None) -> int:
        """Somebody writes into a chat; returns the message's id."""
        ident = self._take_id()
        self._update("message", message=self._message_json(chat, ident, user, name, username, text=text))
        return ident

    async def press(
        self, message: Shown | int, what: str, *, user: int, name: str = "Anna", chat: int | None = None
    ) -> Answer:
        """Somebody presses a button; returns what the bot answered. `chat` only if ids alone are ambiguous."""
        shown = self._find(message, chat)
        return await self.press_data(shown.chat, shown.id, shown.button(what), user=user, name=name)

    async def press_data(self, chat: int, message: int, data: str, *, user: int, name: str = "Anna") -> Answer:
        """The same with any callback data, as an old or forged button would send it."""
        ident = f"cb{self._next_update}"
        self.press_only(ident, chat, message, data, user=user, name=name)
        await self.until(lambda: ident in self.answers)
        return self.answers[ident]

    def press_only(self, ident: str, chat: int, message: int, data: str, *, user: int, name: str = "Anna") -> None:
        """A press that nobody waits for: a stranger's is never answered."""
        self._update(
            "callback_query",
            callback_query={
                "id": ident,
                "from": user_json(user, name, None),
                "chat_instance": "1",
                "message": self._message_json(chat, message, user, name, None, text="x"),
                "data": data,
            },
        )

    def hand_over(self, kind: str, body: Any) -> None:
        """Any update at all, as it is."""
        self._update(kind, **{kind: body})

    # --- trouble

    def migrate(self, chat: int, new_chat: int, *, announce: bool = False) -> None:
        """A group becomes a supergroup; its messages stay behind. With `announce` the bot is told by an update."""
        self._moved[chat] = new_chat
        if announce:
            body = self._message_json(chat, self._take_id(), 1, "Telegram", None)
            self._update("message", message={**body, "migrate_to_chat_id": new_chat})

    def delete(self, message: Shown) -> None:
        """Somebody deletes a message."""
        message.deleted = True

    # --- what it answers

    async def _handle(self, method: str, args: dict[str, str]) -> Any:
        handlers: dict[str, Callable[[dict[str, str]], Any]] = {
            "getme": lambda _: {**user_json(4242, "Keep", self.username), "is_bot": True},
            "sendmessage": self._send,
            "sendphoto": self._send,
            "editmessagetext": self._edit,
            "editmessagereplymarkup": self._edit,
            "editmessagecaption": self._edit_caption,
            "editmessagemedia": self._edit_media,
            "deletemessage": self._delete,
            "answercallbackquery": self._answer,
            "setmycommands": self._set_commands,
        }
        if method == "getupdates":
            return await self._get_updates(args)
        if method not in handlers:
            raise ApiError(404, "Not Found: method not found")
        return handlers[method](args)

    async def _get_updates(self, args: dict[str, str]) -> list[dict[str, Any]]:
        offset = int(args.get("offset", 0))
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        with anyio.move_on_after(float(args.get("timeout", 0))):
            while not self._updates and not self.down:
                await self._changed.wait()
        return list(self._updates)

    def _send(self, args: dict[str, str]) -> dict[str, Any]:
        chat = int(args["chat_id"])
        html_text = args.get("text", args.get("caption", ""))
        plain = parsed(html_text, args.get("parse_mode"))
        self._check_text(plain, photo="text" not in args)
        self._traffic.count(chat, self.now())
        message = Shown(
            id=self._take_id(),
            chat=chat,
            at=self.now(),
            sounding=args.get("disable_notification", "false").lower() != "true",
            reply_to=self._replied_to(chat, args.get("reply_parameters")),
            html=html_text,
            plain=plain,
            buttons=buttons_of(args.get("reply_markup")),
            history=[Edit(self.now(), html_text, plain)],
            photo="text" not in args,
            pictures=[] if "text" in args else [file_of(args, args["photo"])],
            protected=args.get("protect_content", "false").lower() == "true",
        )
        self._messages[chat, message.id] = message
        self._order.append(message)
        return self._result(message)

    def _edit(self, args: dict[str, str]) -> dict[str, Any]:
        message = self._there(args, "edit")
        if message.photo and "text" in args:
            raise ApiError(400, "Bad Request: there is no text in the message to edit")
        html_text = args.get("text", message.html)
        plain = parsed(html_text, args.get("parse_mode")) if "text" in args else message.plain
        self._check_text(plain, photo=False)
        buttons = buttons_of(args.get("reply_markup"))
        same = (plain, html_text, buttons) == (message.plain, message.html, message.buttons)
        self._become(message, html_text, plain, buttons, same=same)
        return self._result(message)

    def _become(
        self, message: Shown, html_text: str, plain: str, buttons: list[list[tuple[str, str]]], *, same: bool
    ) -> None:
        if same:
            raise ApiError(400, "Bad Request: message is not modified: specified new message content is the same")
        self._traffic.count(message.chat, self.now())
        message.html, message.plain, message.buttons = html_text, plain, buttons
        message.history.append(Edit(self.now(), html_text, plain))

    def _there(self, args: dict[str, str], wanted: str) -> Shown:
        message = self._messages.get((int(args["chat_id"]), int(args["message_id"])))
        if message is None or message.deleted:
            raise ApiError(400, f"Bad Request: message to {wanted} not found")
        return message

    def _edit_caption(self, args: dict[str, str]) -> dict[str, Any]:
        message = self._there(args, "edit")
        return self._shows_now(message, args.get("caption", ""), args.get("parse_mode"), args.get("reply_markup"), None)

    def _edit_media(self, args: dict[str, str]) -> dict[str, Any]:
        message, media = self._there(args, "edit"), json.loads(args["media"])
        picture = file_of(args, media["media"])
        markup = args.get("reply_markup")
        return self._shows_now(message, media.get("caption", ""), media.get("parse_mode"), markup, picture)

    def _shows_now(
        self, message: Shown, caption: str, mode: str | None, markup: str | None, picture: bytes | None
    ) -> dict[str, Any]:
        if not message.photo:
            raise ApiError(400, "Bad Request: there is no media in the message to edit")
        plain, buttons = parsed(caption, mode), buttons_of(markup)
        self._check_text(plain, photo=True)
        same = (caption, buttons, picture or message.picture) == (message.html, message.buttons, message.picture)
        self._become(message, caption, plain, buttons, same=same)
        message.pictures += [picture] if picture is not None else []
        return self._result(message)

    def _delete(self, args: dict[str, str]) -> bool:
        message = self._there(args, "delete")
        if self.now() - message.at > DELETABLE_S:
            raise ApiError(400, "Bad Request: message can't be deleted for everyone")
        message.deleted = True
        return True

    def _answer(self, args: dict[str, str]) -> bool:
        if len(args.get("text", "")) > 200:
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answers[args["callback_query_id"]] = Answer(args.get("text", ""), args.get("show_alert", "") == "true")
        return True

    def _set_commands(self, args: dict[str, str]) -> bool:
        self.commands = [command["command"] for command in json.loads(args["commands"])]
        return True

    def _replied_to(self, chat: int, raw: str | None) -> int | None:
        if raw is None:
            return None
        wanted = json.loads(raw)
        message = self._messages.get((chat, wanted["message_id"]))
        if message is not None and not message.deleted:
            return message.id
        if not wanted.get("allow_sending_without_reply"):
            raise ApiError(400, "Bad Request: message to be replied not found")
        return None

    def _check_text(self, plain: str, *, photo: bool) -> None:
        if not plain.strip() and not photo:
            raise ApiError(400, "Bad Request: message text is empty")
        if len(plain.encode("utf-16-le")) // 2 > (MAX_CAPTION if photo else MAX_TEXT):
            raise ApiError(400, "Bad Request: message is too long")

    # --- helpers

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _update(self, kind: str, **body: Any) -> None:
        self._updates.append({"update_id": self._next_update, kind: body[kind]})
        self._next_update += 1
        self._notify()

    def _find(self, message: Shown | int, chat: int | None) -> Shown:
        if isinstance(message, Shown):
            return message
        return next(m for m in self.messages(chat) if m.id == message)

    def _result(self, message: Shown) -> dict[str, Any]:
        return self._message_json(message.chat, message.id, 4242, "Keep", self.username, text=message.plain)

    def _message_json(
        self, chat: int, ident: int, user: int, name: str, username: str | None, *, text: str | None = None
    ) -> dict[str, Any]:
        kind = "private" if chat > 0 else "supergroup"
        body = {
            "message_id": ident,
            "date": int(self.now()),
            "chat": {"id": chat, "type": kind},
            "from": user_json(user, name, username),
        }
        return body if text is None else {**body, "text": text}
