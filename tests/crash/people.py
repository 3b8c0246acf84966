"""The people around an installation: they answer questions in Telegram and scan QRs, at their own pace."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import httpx

from tests.crash.installation import ANN, CHAT, Installation
from tests.crash.troubles import Struck

LOOK_S = 0.2
PRESS_AGAIN_S = 6.0


@dataclass(slots=True)
class People:
    """Approve whatever is asked, press again when nothing came of it, and scan for the companies they are told of."""

    place: Installation
    rng: random.Random
    struck: list[Struck] = field(default_factory=list)
    scanned: dict[str, float] = field(default_factory=dict)
    _pressed: dict[str, float] = field(default_factory=dict)
    _seen_qr: dict[str, float] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    async def live(self) -> None:
        """Until cancelled."""
        while True:
            self._answer()
            with contextlib.suppress(httpx.HTTPError):  # the gateway may be busy hanging; people look again
                await self._scan()
            await asyncio.sleep(LOOK_S)

    def _answer(self) -> None:
        for message in self.place.stories():
            for data in (data for row in message.buttons for _, data in row):
                if data.startswith("approve|") and time.monotonic() - self._pressed.get(data, 0.0) > PRESS_AGAIN_S:
                    self._pressed[data] = time.monotonic()
                    self.place.telegram.press_only(f"crash{next(self._ids)}", CHAT, message.id, data, user=ANN)

    async def _scan(self) -> None:
        states = await self.place.gateway.state()
        for company in {one.company for one in self.struck if one.scans}:
            if states[company]["state"] != "waiting_qr":
                self._seen_qr.pop(company, None)
                continue
            since = self._seen_qr.setdefault(company, time.monotonic() + self.rng.uniform(0.2, 1.5))
            if time.monotonic() >= since and await self.place.gateway.try_turn("scan", company=company):
                self.scanned[company] = time.time()


@contextlib.asynccontextmanager
async def people(place: Installation, struck: Iterable[Struck], rng: random.Random) -> AsyncIterator[People]:
    """They are there while the context is open."""
    found = People(place, rng, list(struck))
    task = asyncio.create_task(found.live())
    try:
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
