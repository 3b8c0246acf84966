"""A Bot API server over HTTP: it listens, keeps the calls that came in, and fails as tests want it to.

What it answers is left to `FakeTelegram`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import anyio
from aiohttp import web

from tests.fakes.telegram_wire import ApiError, arguments


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the server, with the time it came in and the status it got."""

    at: float
    method: str
    chat: int | None
    status: int


@dataclass(slots=True)
class _Trouble:
    status: int
    description: str
    parameters: dict[str, Any]
    left: int
    method: str | None


class BotServer(ABC):
    """`now` must be the clock of the program under test: the calls are noted by it."""

    def __init__(self, now: Callable[[], float]):
        self.now = now
        self.token = "4242:FAKE-token_for-tests"
        self.url = ""
        self.down = False
        self.slow_s = 0.0
        self.calls: list[Call] = []
        self.busy = 0
        self._changed = anyio.Event()
        self._moved: dict[int, int] = {}
        self._blocked: set[int] = set()
        self._unknown: set[int] = set()
        self._troubles: list[_Trouble] = []
        self._runner: web.AppRunner | None = None

    @abstractmethod
    async def _handle(self, method: str, args: dict[str, str]) -> Any:
        """The result of a call, whose name comes in lower case. Raises `ApiError`."""

    async def until(self, wanted: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until `wanted` holds, looked at after every request. Raises TimeoutError."""
        with anyio.fail_after(timeout_s):
            while not wanted():
                with anyio.move_on_after(0.05):
                    await self._changed.wait()

    # --- trouble

    def fail(
        self, status: int, description: str, *, times: int = 1, method: str | None = None, **parameters: int
    ) -> None:
        """The next calls (of `method`, if given) fail in the Bot API's way, such as 429 with `retry_after=5`."""
        self._troubles.append(_Trouble(status, description, parameters, times, method))

    def block(self, chat: int, blocked: bool = True) -> None:
        """The bot was shut out of a chat, or let in again."""
        (self._blocked.add if blocked else self._blocked.discard)(chat)

    def leave(self, chat: int) -> None:
        """There is no such chat, or the bot was never in it."""
        self._unknown.add(chat)

    # --- the server

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self.down = True
        self._notify()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        polling = method.lower() == "getupdates"
        async with self._counted(polling):
            return await self._respond(request, method)

    @asynccontextmanager
    async def _counted(self, polling: bool) -> AsyncIterator[None]:
        self.busy += not polling
        try:
            yield
        finally:
            self.busy -= not polling
            self._notify()

    async def _respond(self, request: web.Request, method: str) -> web.Response:
        args = await arguments(request)
        chat = int(args["chat_id"]) if "chat_id" in args else None
        if self.slow_s:
            await anyio.sleep(self.slow_s)
        if self.down:
            return self._hang_up(request, method, chat)
        try:
            self._check_token(request.match_info["token"])
            self._check_trouble(method, chat)
            result = await self._handle(method.lower(), args)
        except ApiError as error:
            self.calls.append(Call(self.now(), method, chat, error.status))
            body = {"ok": False, "error_code": error.status, "description": str(error)}
            if error.parameters:
                body["parameters"] = error.parameters
            return web.json_response(body, status=error.status)
        if self.down:
            return self._hang_up(request, method, chat)
        self.calls.append(Call(self.now(), method, chat, 200))
        return web.json_response({"ok": True, "result": result})

    def _hang_up(self, request: web.Request, method: str, chat: int | None) -> web.Response:
        self.calls.append(Call(self.now(), method, chat, 0))
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)

    def _check_token(self, token: str) -> None:
        if token != self.token:
            raise ApiError(401, f"Unauthorized: {token}")

    def _check_trouble(self, method: str, chat: int | None) -> None:
        for trouble in self._troubles:
            if trouble.left > 0 and trouble.method in (None, method) and method.lower() != "getupdates":
                trouble.left -= 1
                raise ApiError(trouble.status, trouble.description, **trouble.parameters)
        if chat in self._moved:
            new = self._moved[chat]
            raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=new)
        if chat in self._unknown:
            raise ApiError(400, "Bad Request: chat not found")
        if chat in self._blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
