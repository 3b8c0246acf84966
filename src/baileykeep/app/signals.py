"""What the operating system asks of this process, as a stream that the event loop can wait for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import FrameType, TracebackType
from typing import Any

import anyio

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MOST_WAITING = 16


class Signals:
    """SIGTERM, SIGINT and SIGHUP from entering to the end of the process. To be entered by the main thread.

    Left in good order, they are ignored from then on: the process is about to end by itself, and one more that comes
    while it does must not turn its exit code into a death by signal. Left by an error, all is as it was before.
    """

    def __init__(self) -> None:
        self._send, self._waiting = anyio.create_memory_object_stream[signal.Signals](MOST_WAITING)
        self._before: dict[signal.Signals, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def next(self) -> signal.Signals:
        """Wait for one."""
        return await self._waiting.receive()

    def __enter__(self) -> Signals:
        self._loop = asyncio.get_running_loop()
        self._before = {number: signal.signal(number, self._came) for number in HEARD}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in HEARD:
            signal.signal(number, signal.SIG_IGN if kind is None else self._before[number])
        self._send.close()
        self._waiting.close()

    def _came(self, number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the end is near
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._pass_on, signal.Signals(number))

    def _pass_on(self, number: signal.Signals) -> None:
        with contextlib.suppress(anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._send.send_nowait(number)
