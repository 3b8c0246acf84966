"""The journal is the truth: what happened, what was intended, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from baileykeep.model.records import Entry, EntryKind, Notice, NoticeState
from baileykeep.model.symptoms import Subject


class Journal(Protocol):
    """Storage for entries, notices and small memories. Methods raise `model.errors.JournalError`.

    `write` is one transaction: either all of it is on disk when it returns, or none.
    """

    async def write(
        self,
        entries: Sequence[Entry] = (),
        notices: Sequence[Notice] = (),
        memories: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        """Store entries, post notices and remember values (as `remember` does) together.

        A remembered value of None forgets its key.
        """

    async def entries(
        self,
        *,
        subject: Subject | None = None,
        since: float | None = None,
        kinds: Sequence[EntryKind] = (),
        incident: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        """Stored entries that match everything given, oldest first unless asked otherwise."""

    async def open_incidents(self) -> list[Entry]:
        """The newest INCIDENT entry of each incident that is not closed, oldest first."""

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        """Store small JSON values by (subject text, key), replacing older ones; None forgets."""

    async def recall(self, key: str) -> dict[str, Any]:
        """All values stored under `key`, by subject text."""

    async def pending_notices(self, now: float, limit: int = 200) -> list[Notice]:
        """Pending notices, oldest first; those whose `not_before` has not come are included (order matters)."""

    async def notice_sent(self, ids: Sequence[int], at: float) -> None:
        """Mark notices as delivered: only after they were."""

    async def notices_covered(self, ids: Sequence[int], at: float) -> None:
        """Mark notices as not worth sending: another one, still pending or already sent, says all of it."""

    async def notice_failed(self, ident: int, *, not_before: float, error: str, dead: bool = False) -> None:
        """Note a failed delivery; `dead` gives it up."""

    async def notices_moved(self, by_s: float) -> None:
        """The wall clock was set: pending notices that were put off wait as long as before."""

    async def notice_counts(self) -> dict[NoticeState, int]:
        """How many notices are in each state; every state is named."""

    async def prune(self, *, before: float, max_bytes: int) -> int:
        """Forget old closed history by age and size; open incidents and pending notices stay. Returns rows."""

    async def aclose(self) -> None:
        """Close the storage."""
