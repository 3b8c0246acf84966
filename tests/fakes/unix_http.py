"""A whole HTTP server on a unix socket, for managers that listen there: also a slow, wrong, endless or silent one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

Reply = tuple[int, bytes, str]
"""Status, body and content type."""

FLOOD = b"x" * 65536
DRIP_S = 0.05


class UnixHttp:
    """Answers by `respond(method, path, headers, body)`; `trouble` stands in its way.

    `hang` never answers; `drip` answers a byte now and then; `flood` writes so many pieces of 64 KiB; `garbage` is the
    body whatever was asked; `torn` breaks off in the middle; `fail` answers 500 with these words. `calls` are
    "METHOD path" of everything that was asked.
    """

    def __init__(self, path: Path, respond: Callable[[str, str, dict[str, str], bytes], Awaitable[Reply]]):
        self.path = path
        self.calls: list[str] = []
        self.trouble: dict[str, Any] = {}
        self._respond = respond
        self._open: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[UnixHttp]:
        """While it listens."""
        server = await asyncio.start_unix_server(self._serve, str(self.path))
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines) if k}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.calls.append(f"{method} {path}")
        status, text, kind = await self._troubled(method, path, headers, body)
        length = len(text) + (1000 if self.trouble.get("torn") else 0) + self.trouble.get("flood", 0) * len(FLOOD)
        start = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        await self._write(writer, start.encode() + text)

    async def _troubled(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if self.trouble.get("hang"):
            await asyncio.sleep(60)
        if "fail" in self.trouble:
            return 500, self.failure(str(self.trouble["fail"])), "text/plain"
        if "garbage" in self.trouble:
            return 200, self.trouble["garbage"], "text/plain"
        return await self._respond(method, path, headers, body)

    async def _write(self, writer: asyncio.StreamWriter, message: bytes) -> None:
        if self.trouble.get("drip"):
            for byte in message:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(DRIP_S)
        writer.write(message)
        for _ in range(self.trouble.get("flood", 0)):
            writer.write(FLOOD)
            await writer.drain()
        await writer.drain()

    def failure(self, words: str) -> bytes:
        """The body of a 500."""
        return words.encode()
