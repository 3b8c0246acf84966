"""One uvicorn server inside the running event loop, for whoever owns that loop, its signals and its logging."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import uvicorn

from baileykeep.api.patience import ImpatientProtocol
from baileykeep.model.errors import BaileykeepError

BACKLOG = 512


class ListenError(BaileykeepError):
    """The address cannot be listened on: taken, not allowed, or not of this machine."""

    code = "listen"


@asynccontextmanager
async def serve(app: Any, host: str = "127.0.0.1", port: int = 0, *, grace_s: int = 2) -> AsyncIterator[str]:
    """Serve an ASGI app while the context is open; yields its base URL, which answers at once.

    Port 0 takes a free one. On leaving, nothing new is accepted, running requests get `grace_s` to end and the
    socket is closed before this returns. Raises `ListenError`. The app's lifespan is not run: what it needs is
    opened and closed around this call.
    """
    listener = _listen(host, port)
    server = _Embedded(_config(app, grace_s))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await _until_up(server, task)
        yield _url(host, listener.getsockname()[1])
    finally:
        server.stop()
        with anyio.CancelScope(shield=True):
            await task
        listener.close()


class _Embedded(uvicorn.Server):
    """uvicorn that leaves signals alone and sleeps until it is told to stop, instead of looking ten times a second."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.up = anyio.Event()
        self._stopping = anyio.Event()

    def stop(self) -> None:
        """End `serve`; harmless when repeated."""
        self.should_exit = True
        self._stopping.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.up.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Any, grace_s: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=grace_s,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, ValueError, OverflowError) as error:
        raise ListenError(
            f"cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}",
            next_step="choose a free port, or end what uses this one",
        ) from error


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _until_up(server: _Embedded, task: asyncio.Task[None]) -> None:
    """Wait for the first of: it serves, or it failed (then its error is raised)."""
    waiter = asyncio.create_task(server.up.wait())
    await asyncio.wait({waiter, task}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiter.cancel()
        task.result()
