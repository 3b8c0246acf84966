"""Telegram's limits kept on our side, so that it never has to say 429."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from baileykeep.clock import Clock
from baileykeep.model.limits import NotifyLimits

_CROWDED_S = 0.05


@dataclass(slots=True)
class _Chat:
    turn: anyio.Lock = field(default_factory=anyio.Lock)
    ended: deque[float] = field(default_factory=deque)


class Limiter:
    """One call at a time per chat, none too soon after the last.

    Times are taken when a call has ended, because only that bounds when Telegram counted it.
    """

    def __init__(self, clock: Clock, limits: NotifyLimits):
        self._clock = clock
        self.limits = limits
        self._chats: defaultdict[int, _Chat] = defaultdict(_Chat)
        self._running = 0
        self._ended: deque[float] = deque()

    @asynccontextmanager
    async def slot(self, chat: int) -> AsyncIterator[None]:
        """Wait (in decision time) until a message to `chat` is allowed, and count it. Groups have negative ids."""
        state = self._chats[chat]
        async with state.turn:
            await self._wait_for_chat(state, group=chat < 0)
            await self._wait_for_all()
            self._running += 1
            try:
                yield
            finally:
                self._running -= 1
                self._note(state)

    def _note(self, state: _Chat) -> None:
        now = self._clock.monotonic()
        state.ended.append(now)
        self._ended.append(now)
        while len(state.ended) > self.limits.group_per_minute:
            state.ended.popleft()

    async def _wait_for_chat(self, state: _Chat, *, group: bool) -> None:
        now = self._clock.monotonic()
        free_at = state.ended[-1] + self.limits.per_chat_interval_s if state.ended else now
        if group and len(state.ended) >= self.limits.group_per_minute:
            free_at = max(free_at, state.ended[0] + 60.0)
        if free_at > now:
            await self._clock.sleep(free_at - now)

    async def _wait_for_all(self) -> None:
        while True:
            now = self._clock.monotonic()
            while self._ended and self._ended[0] <= now - 1.0:
                self._ended.popleft()
            if self._running + len(self._ended) < self.limits.per_second:
                return
            await self._clock.sleep(self._ended[0] + 1.0 - now if self._ended else _CROWDED_S)
