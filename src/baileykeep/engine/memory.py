"""A drawer of the journal for somebody who must remember small things across restarts."""

from __future__ import annotations

from typing import Any

from baileykeep.journal.base import Journal


class JournalMemory:
    """Values under one drawer's name, such as `telegram`."""

    def __init__(self, journal: Journal, drawer: str):
        self._journal = journal
        self._drawer = drawer

    async def load(self) -> dict[str, Any]:
        """Everything kept, by key."""
        return await self._journal.recall(self._drawer)

    async def save(self, key: str, value: Any) -> None:
        """Keep a value; None forgets the key."""
        await self._journal.remember({(key, self._drawer): value})
