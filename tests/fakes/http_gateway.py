"""A whole HTTP server on 127.0.0.1 that answers as it is told: also wrongly, slowly, endlessly or not at all."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer. `raw` replaces the whole HTTP message; `hang` never answers; `drop` closes without a word,
    `drip` follows the answer with a byte now and then, for ever."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    raw: bytes | None = None
    hang: bool = False
    drop: bool = False
    drip: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Answer:
        """A JSON answer."""
        return cls(status, json.dumps(value).encode())

    def encoded(self) -> bytes:
        """What goes over the wire."""
        if self.raw is not None:
            return self.raw
        head = (
            f"HTTP/1.1 {self.status} X\r\nContent-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value, None for an empty body."""
        return json.loads(self.body) if self.body else None


Reply = Answer | list[Answer] | Callable[[Request], Answer]


@dataclass
class FakeHttp:
    """`routes["GET /path"]` is an answer, a list used up one by one (the last stays), or a function."""

    routes: dict[str, Reply] = field(default_factory=dict)
    default: Answer = Answer(404, b"<html>Cannot GET</html>", "text/html")
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    open_now: int = 0
    open_most: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def seen(self, route: str) -> int:
        """How many requests came to a route."""
        return sum(f"{r.method} {r.target}" == route for r in self.requests)

    def answer(self, request: Request) -> Answer:
        """Choose and note."""
        self.requests.append(request)
        reply = self.routes.get(f"{request.method} {request.target}", self.default)
        if isinstance(reply, list):
            return reply.pop(0) if len(reply) > 1 else reply[0]
        return reply if isinstance(reply, Answer) else reply(request)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection until it ends."""
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, ValueError):
                while await self._one(reader, writer):
                    pass
        finally:
            self.open_now -= 1
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        answer = self.answer(await _read(reader))
        if answer.hang:
            await asyncio.Event().wait()
        if answer.drop:
            return False
        writer.write(answer.encoded())
        await writer.drain()
        while answer.drip:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)
        return answer.raw is None


async def _read(reader: asyncio.StreamReader) -> Request:
    first = await reader.readexactly(1)
    if first == b"\x16":  # a TLS greeting: web servers answer it in plain words
        return Request("", "", {}, b"")
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


@asynccontextmanager
async def fake_http(
    routes: dict[str, Reply] | None = None, *, tls: ssl.SSLContext | None = None, default: Answer | None = None
) -> AsyncIterator[FakeHttp]:
    """Serve until the block is left."""
    fake = FakeHttp(dict(routes or {}))
    fake.default = default or fake.default
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError):
            await fake.serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
