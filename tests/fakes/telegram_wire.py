"""The Bot API's manners: how requests are read, what is refused, and how fast one may send."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from aiohttp import web

TAGS = {"b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
CHAT_GAP_S = 1.0
GROUP_PER_MINUTE = 20
ALL_PER_SECOND = 30


class ApiError(Exception):
    """An error as the Bot API words it."""

    def __init__(self, status: int, description: str, **parameters: Any):
        super().__init__(description)
        self.status = status
        self.parameters = parameters


class Traffic:
    """Telegram's limits: who exceeds them is told 429, and a test can see it in `violations`."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._chats: defaultdict[int, deque[float]] = defaultdict(deque)
        self._all: deque[float] = deque()

    def count(self, chat: int, now: float) -> None:
        """Let a message or an edit through, or raise `ApiError`."""
        mine = self._chats[chat]
        while mine and mine[0] <= now - 60:
            mine.popleft()
        while self._all and self._all[0] <= now - 1:
            self._all.popleft()
        problem = self._problem(chat, mine, now)
        if problem:
            self.violations.append(problem)
            raise ApiError(429, "Too Many Requests: retry after 5", retry_after=5)
        mine.append(now)
        self._all.append(now)

    def _problem(self, chat: int, mine: deque[float], now: float) -> str:
        if mine and now - mine[-1] < CHAT_GAP_S:
            return f"chat {chat}: {now - mine[-1]:.3f} s after the last"
        if chat < 0 and len(mine) >= GROUP_PER_MINUTE:
            return f"group {chat}: more than {GROUP_PER_MINUTE} in a minute"
        return f"more than {ALL_PER_SECOND} in a second" if len(self._all) >= ALL_PER_SECOND else ""


def user_json(ident: int, name: str, username: str | None) -> dict[str, Any]:
    user: dict[str, Any] = {"id": ident, "is_bot": False, "first_name": name}
    return user if username is None else {**user, "username": username}


async def arguments(request: web.Request) -> dict[str, str]:
    args = dict(request.query)
    for name, value in (await request.post()).items():
        uploaded = value.file.read() if isinstance(value, web.FileField) else value
        args[name] = uploaded if isinstance(uploaded, str) else bytes(uploaded).decode("latin-1")
    return args


def file_of(args: dict[str, str], named: str) -> bytes:
    """An uploaded file, given as such or by `attach://` and the name of its part."""
    text = args[named.removeprefix("attach://")] if named.startswith("attach://") else named
    found = text.encode("latin-1")
    if not found.startswith(b"\x89PNG"):
        raise ApiError(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return found


def buttons_of(raw: str | None) -> list[list[tuple[str, str]]]:
    if not raw:
        return []
    rows = json.loads(raw).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if not 1 <= len(button["callback_data"].encode()) <= 64:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return [[(button["text"], button["callback_data"]) for button in row] for row in rows]


class _Html(HTMLParser):
    """Telegram's subset: known tags, properly nested and all closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise ApiError(400, f"Bad Request: can't parse entities: unsupported start tag {tag!r}")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ApiError(400, f"Bad Request: can't parse entities: unexpected end tag {tag!r}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise ApiError(400, "Bad Request: can't parse entities: comment")

    def handle_decl(self, decl: str) -> None:
        raise ApiError(400, "Bad Request: can't parse entities: declaration")


def parsed(text: str, mode: str | None) -> str:
    """What people read of a message's text. Raises `ApiError` as Telegram would."""
    if mode is None:
        return text
    parser = _Html()
    parser.feed(text)
    parser.close()
    if parser.open:
        raise ApiError(400, f"Bad Request: can't parse entities: can't find end tag of {parser.open[-1]!r}")
    return "".join(parser.text)
