"""Messages to companies by email or any other service that apprise knows.

An apprise address holds passwords, so neither it nor what the library says about it ever shows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from baileykeep.channels.tenant_message import words
from baileykeep.model.errors import ChannelError
from baileykeep.model.records import Notice
from baileykeep.rules.tongues.base import Told

if TYPE_CHECKING:
    from apprise import Apprise

TIMEOUT_S = 60.0
AT_ONCE = 8
SEPARATOR = "#"


def address(company: str, number: int) -> str:
    """A company's `number`-th address, counted from 1, as notices name it."""
    return f"{company}{SEPARATOR}{number}"


class AppriseChannel:
    """Implements `channels.base.Channel`. `urls` finds a company's addresses, and may be replaced while it runs."""

    name = "apprise"

    def __init__(self, urls: Callable[[str], Sequence[str]]):
        self.urls = urls
        self._at_once = anyio.CapacityLimiter(AT_ONCE)

    async def deliver(self, notices: Sequence[Notice]) -> None:
        """Only the newest: a state that is over is no news."""
        newest = notices[-1]
        company, _, number = str(newest.data["to"]).rpartition(SEPARATOR)
        found = self.urls(company)
        if not number.isdigit() or not 1 <= int(number) <= len(found):
            raise ChannelError(f"company {company} has no channel {number} any more", permanent=True)
        where = f"channel {number} of company {company}"
        try:
            with anyio.fail_after(TIMEOUT_S):
                sent = await anyio.to_thread.run_sync(
                    _send, found[int(number) - 1], words(newest), abandon_on_cancel=True, limiter=self._at_once
                )
        except TimeoutError:
            raise ChannelError(f"{where} did not take the message within {TIMEOUT_S:.0f} s") from None
        if not sent:
            raise ChannelError(f"{where} did not take the message", next_step="try it: baileykeep tell COMPANY")

    async def aclose(self) -> None:
        """Nothing stays open."""


def _send(url: str, told: Told) -> bool:
    """One message, as the library sends it. Blocking."""
    made = opened(url)
    return made is not None and bool(
        made.notify(title=told.title, body=f"{told.text}\n\n{told.todo}", body_format="text")
    )


def opened(url: str) -> Apprise | None:
    """What speaks to an address; None for one that the library does not understand. It keeps nothing on disk."""
    import apprise
    from apprise.common import PersistentStoreMode

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(
        app_id="Baileykeep", app_desc="Baileykeep", app_url="", storage_mode=PersistentStoreMode.MEMORY
    )
    made = apprise.Apprise(asset=asset)
    return made if made.add(url) else None
