"""Moves a `VirtualClock` while the tasks under test run, one wake-up at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sized
from contextlib import asynccontextmanager
from typing import Any

import anyio

from baileykeep.clock import VirtualClock


async def settled() -> None:
    """Return when every other task waits for something. Knows nothing of real I/O."""
    ready: Sized = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009  # anyio's own way polls every 100 ms
    await asyncio.sleep(0)
    while len(ready):
        await asyncio.sleep(0)


async def advance(clock: VirtualClock, seconds: float) -> None:
    """Let so many seconds pass; everybody who wakes in between has run to the next wait. Not for real I/O."""
    end = clock.monotonic() + seconds
    await settled()
    while (wake := clock.next_wake()) is not None and wake <= end:
        clock.step_to(wake)
        await settled()
    clock.step_to(end)
    await settled()


@asynccontextmanager
async def running(*runs: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run watchers until the block is left."""
    async with anyio.create_task_group() as group:
        for run in runs:
            group.start_soon(run)
        yield
        group.cancel_scope.cancel()
