"""Waiting for whichever comes first: the time, or somebody who wants us now."""

from __future__ import annotations

import anyio

from baileykeep.clock import Clock


class Waker:
    """A pause in decision time that `wake` cuts short. One waiter; a wake while nobody waits is remembered."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._woken = anyio.Event()

    def wake(self) -> None:
        """End the pause that runs, or the next one."""
        self._woken.set()

    async def pause(self, seconds: float) -> None:
        """Return after so long, or when woken."""
        if seconds > 0 and not self._woken.is_set():
            async with anyio.create_task_group() as group:
                group.start_soon(self._sleep, seconds, group.cancel_scope)
                await self._woken.wait()
                group.cancel_scope.cancel()
        self._woken = anyio.Event()

    async def _sleep(self, seconds: float, scope: anyio.CancelScope) -> None:
        await self._clock.sleep(seconds)
        scope.cancel()
