"""Calls a URL every minute, so that somebody outside notices when this daemon is gone."""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio
import httpx
import structlog

from baileykeep.clock import Clock, jittered

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0


class HeartbeatWatcher:
    """Emits nothing. The URL is a secret: only its host is ever named. While `alive` says no, it is not called."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        rng: random.Random,
        every_s: float = 60.0,
        alive: Callable[[], bool] = lambda: True,
    ):
        self._url = url
        self._clock = clock
        self._rng = rng
        self._every_s = every_s
        self._alive = alive
        self._failing = False

    async def run(self) -> None:
        """See `Watcher.run`."""
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=True) as client:
            while True:
                if self._alive():
                    self._note(await self._beat(client))
                await self._clock.sleep(jittered(self._every_s, 0.05, self._rng))

    async def _beat(self, client: httpx.AsyncClient) -> str:
        """Why it failed, empty when it did not. The answer's body is of no interest and not read."""
        try:
            with anyio.fail_after(TIMEOUT_S):
                async with client.stream("GET", self._url) as response:
                    return "" if response.is_success else f"status {response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return type(error).__name__

    def _note(self, failure: str) -> None:
        """Log on transition, not at every beat."""
        if bool(failure) == self._failing:
            return
        self._failing = bool(failure)
        if failure:
            log.warning("heartbeat_fails", host=self._host(), error=failure)
        else:
            log.info("heartbeat_works", host=self._host())

    def _host(self) -> str:
        try:
            return httpx.URL(self._url).host
        except httpx.InvalidURL:
            return "?"
