"""How long and how many: connections that send half a request, or nothing, must not use up what the daemon lives on."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 128
REQUEST_S = 10.0
"""Real seconds within which a request must have come in whole; it is looked at twice within them."""


class ImpatientProtocol(H11Protocol):
    """uvicorn's own protocol, which waits for ever for the rest of a request and accepts any number of callers."""

    request_s = REQUEST_S
    max_connections = MAX_CONNECTIONS
    _look: asyncio.TimerHandle | None = None
    _waited = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.abort()
            return
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._look = asyncio.get_running_loop().call_later(self.request_s / 2, self._look_again)

    def _look_again(self) -> None:
        waits = self._waits_for_more()
        if waits and self._waited:
            self.transport.abort()
            return
        self._waited = waits
        self._look_later()

    def _waits_for_more(self) -> bool:
        """Whether the rest of a request is still to come, or nothing came at all."""
        conn: Any = self.conn
        if conn.their_state is h11.SEND_BODY:
            return True
        return conn.their_state is h11.IDLE and (self.cycle is None or bool(conn.trailing_data[0]))
