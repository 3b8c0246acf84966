"""The journal in memory, with the meaning of the real one: for tests, simulation and the demo."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from baileykeep.journal.pruning import BATCH, STEERING
from baileykeep.journal.rows import closed_at, to_json
from baileykeep.model.errors import JournalError
from baileykeep.model.records import Entry, EntryKind, Notice, NoticeState
from baileykeep.model.symptoms import Subject


class MemoryJournal:
    """See `journal.base.Journal`. Values pass through JSON, so what comes back is what a database would give."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._notices: dict[int, Notice] = {}
        self._memories: dict[tuple[str, str], str] = {}
        self._newest: dict[str, Entry] = {}
        self._last_entry = 0
        self._last_notice = 0

    async def write(
        self,
        entries: Sequence[Entry] = (),
        notices: Sequence[Notice] = (),
        memories: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        stored_entries = [replace(entry, data=_stored(entry.data)) for entry in entries]
        stored_notices = [replace(notice, data=_stored(notice.data)) for notice in notices]
        values = {place: None if value is None else _json(value) for place, value in (memories or {}).items()}
        for entry in stored_entries:
            self._add(entry)
        for notice in stored_notices:
            self._last_notice += 1
            self._notices[self._last_notice] = replace(notice, id=self._last_notice)
        for place, value in values.items():
            self._memories.pop(place, None)
            if value is not None:
                self._memories[place] = value

    def _add(self, entry: Entry) -> None:
        self._last_entry += 1
        stored = replace(entry, id=self._last_entry)
        self._entries[stored.id] = stored
        if stored.kind is EntryKind.INCIDENT and stored.incident is not None:
            self._newest[stored.incident] = stored

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
        found = [
            entry
            for entry in self._entries.values()
            if subject in (None, entry.subject)
            and (since is None or entry.at >= since)
            and (not kinds or entry.kind in kinds)
            and incident in (None, entry.incident)
        ]
        return (found[::-1] if newest_first else found)[:limit]

    async def open_incidents(self) -> list[Entry]:
        return sorted((e for e in self._newest.values() if closed_at(e) is None), key=lambda entry: entry.id)

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        await self.write(memories=values)

    async def recall(self, key: str) -> dict[str, Any]:
        return {subject: json.loads(value) for (subject, name), value in self._memories.items() if name == key}

    async def pending_notices(self, now: float, limit: int = 200) -> list[Notice]:
        return [n for n in self._notices.values() if n.state is NoticeState.PENDING][:limit]

    async def notice_sent(self, ids: Sequence[int], at: float) -> None:
        self._settle(ids, NoticeState.SENT)

    async def notices_covered(self, ids: Sequence[int], at: float) -> None:
        self._settle(ids, NoticeState.COVERED)

    def _settle(self, ids: Sequence[int], state: NoticeState) -> None:
        for notice in [self._notices[ident] for ident in ids if ident in self._notices]:
            if notice.state is NoticeState.PENDING:
                self._notices[notice.id] = replace(notice, state=state)

    async def notice_failed(self, ident: int, *, not_before: float, error: str, dead: bool = False) -> None:
        notice = self._notices.get(ident)
        if notice is None or notice.state is not NoticeState.PENDING:
            return
        state = NoticeState.DEAD if dead else NoticeState.PENDING
        self._notices[ident] = replace(notice, attempts=notice.attempts + 1, not_before=not_before, state=state)

    async def notices_moved(self, by_s: float) -> None:
        for ident, notice in self._notices.items():
            if notice.state is NoticeState.PENDING and notice.not_before:
                self._notices[ident] = replace(notice, not_before=notice.not_before + by_s)

    async def notice_counts(self) -> dict[NoticeState, int]:
        states = [notice.state for notice in self._notices.values()]
        return {state: states.count(state) for state in NoticeState}

    async def prune(self, *, before: float, max_bytes: int) -> int:
        gone = self._forget_notices(lambda n: n.at < before, None)
        gone += self._forget_entries(lambda e: e.at < before, None)
        return gone + self._shrink(max_bytes)

    def _shrink(self, max_bytes: int) -> int:
        passes: tuple[Callable[[], int], ...] = (
            lambda: self._forget_notices(lambda n: True, BATCH),
            lambda: self._forget_entries(lambda e: e.kind not in STEERING, BATCH),
            lambda: self._forget_entries(lambda e: e.kind in STEERING, BATCH),
        )
        gone = 0
        for forget in passes:
            found = 1
            while found and self._used_bytes() > max_bytes:
                found = forget()
                gone += found
        return gone

    def _used_bytes(self) -> int:
        records = (*self._entries.values(), *self._notices.values())
        return sum(len(_json(record)) for record in records)

    def _is_open(self, incident: str | None) -> bool:
        return incident in self._newest and closed_at(self._newest[incident]) is None

    def _forget_notices(self, chosen: Callable[[Notice], bool], limit: int | None) -> int:
        gone = [
            notice.id
            for notice in self._notices.values()
            if notice.state is not NoticeState.PENDING and not self._is_open(notice.incident) and chosen(notice)
        ][:limit]
        for ident in gone:
            del self._notices[ident]
        return len(gone)

    def _forget_entries(self, chosen: Callable[[Entry], bool], limit: int | None) -> int:
        kinds = {kind: {e.action for e in self._entries.values() if e.kind is kind} for kind in STEERING}
        unfinished = kinds[EntryKind.ACTION_BEGUN] - kinds[EntryKind.ACTION_ENDED] - {None}
        gone = [
            entry.id
            for entry in self._entries.values()
            if not self._is_open(entry.incident) and entry.action not in unfinished and chosen(entry)
        ][:limit]
        for ident in gone:
            del self._entries[ident]
        return len(gone)

    async def aclose(self) -> None:
        """Nothing to close; what was written stays readable."""


def _json(value: Any) -> str:
    try:
        return to_json(value)
    except (TypeError, ValueError) as error:
        raise JournalError("journal in memory: a value cannot be stored as JSON", permanent=True) from error


def _stored(data: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(_json(data))
    return result
