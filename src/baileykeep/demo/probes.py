"""A TCP target that can be taken down and up again, to stand for the internet or for WhatsApp."""

from __future__ import annotations

import asyncio
from types import TracebackType


class ProbeTarget:
    """Accepts connections on 127.0.0.1 while it is up, and refuses them on the same port while it is down."""

    def __init__(self) -> None:
        self.host, self.port = "127.0.0.1", 0
        self.connections = 0
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """`host:port`, as the network watcher's probes are written."""
        return f"{self.host}:{self.port}"

    async def up(self) -> None:
        """Accept; harmless when it does already."""
        if self._server is None:
            self._server = await asyncio.start_server(self._greet, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse; harmless when it does already."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> ProbeTarget:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()
