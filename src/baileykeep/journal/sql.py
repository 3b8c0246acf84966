"""The journal in a SQL database: SQLite now, in portable statements so that PostgreSQL can follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from baileykeep.journal import pruning, schema
from baileykeep.journal.database import damaged, explained, open_sqlite
from baileykeep.journal.rows import closed_at, entry_of, entry_row, notice_of, notice_row
from baileykeep.model.records import Entry, EntryKind, Notice, NoticeState
from baileykeep.model.symptoms import Subject


class SqlJournal:
    """See `journal.base.Journal`. A call that was begun is finished even when its task is cancelled."""

    def __init__(self, engine: AsyncEngine, label: str):
        self._reads = engine
        self._writes = engine.execution_options(writes=True)
        self._label = label
        self._writing = anyio.Lock()

    @classmethod
    async def open(cls, path: Path) -> SqlJournal:
        """The journal in the SQLite file at `path`, created (mode 0600) or migrated when needed."""
        with anyio.CancelScope(shield=True):
            engine = await open_sqlite(path)
        return cls(engine, str(path))

    async def write(
        self,
        entries: Sequence[Entry] = (),
        notices: Sequence[Notice] = (),
        memories: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        if not entries and not notices and not memories:
            return
        async with self._changing() as db:
            if entries:
                await _insert_entries(db, entries)
            if notices:
                await db.execute(insert(schema.notices), [notice_row(notice) for notice in notices])
            await _remember(db, memories or {})

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
        query = (
            select(schema.entries)
            .order_by(schema.entries.c.id.desc() if newest_first else schema.entries.c.id)
            .limit(limit)
        )
        return await self._entries(query.where(*_matching(subject, since, kinds, incident)))

    async def open_incidents(self) -> list[Entry]:
        newest = select(schema.incidents.c.entry).where(schema.incidents.c.closed_at.is_(None))
        return await self._entries(
            select(schema.entries).where(schema.entries.c.id.in_(newest)).order_by(schema.entries.c.id)
        )

    async def _entries(self, query: Select[Any]) -> list[Entry]:
        async with self._reading() as db:
            return [entry_of(row) for row in (await db.execute(query)).mappings()]

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        await self.write(memories=values)

    async def recall(self, key: str) -> dict[str, Any]:
        async with self._reading() as db:
            rows = await db.execute(
                select(schema.memories.c.subject, schema.memories.c.value).where(schema.memories.c.key == key)
            )
            return {row[0]: row[1] for row in rows}

    async def pending_notices(self, now: float, limit: int = 200) -> list[Notice]:
        query = select(schema.notices).where(_PENDING).order_by(schema.notices.c.id).limit(limit)
        async with self._reading() as db:
            return [notice_of(row) for row in (await db.execute(query)).mappings()]

    async def notice_sent(self, ids: Sequence[int], at: float) -> None:
        await self._settle(ids, at, NoticeState.SENT)

    async def notices_covered(self, ids: Sequence[int], at: float) -> None:
        await self._settle(ids, at, NoticeState.COVERED)

    async def _settle(self, ids: Sequence[int], at: float, state: NoticeState) -> None:
        async with self._changing() as db:
            for some in _chunks(ids):
                change = update(schema.notices).where(schema.notices.c.id.in_(some), _PENDING)
                await db.execute(change.values(state=state.value, settled_at=at, error=None))

    async def notice_failed(self, ident: int, *, not_before: float, error: str, dead: bool = False) -> None:
        state = NoticeState.DEAD if dead else NoticeState.PENDING
        change = update(schema.notices).where(schema.notices.c.id == ident, _PENDING)
        values = {"attempts": schema.notices.c.attempts + 1, "not_before": not_before, "error": error[:500]}
        async with self._changing() as db:
            await db.execute(change.values(state=state.value, **values))

    async def notices_moved(self, by_s: float) -> None:
        not_before = schema.notices.c.not_before
        change = update(schema.notices).where(_PENDING, not_before != 0).values(not_before=not_before + by_s)
        async with self._changing() as db:
            await db.execute(change)

    async def notice_counts(self) -> dict[NoticeState, int]:
        async with self._reading() as db:
            rows = await db.execute(select(schema.notices.c.state, func.count()).group_by(schema.notices.c.state))
            found = {row[0]: row[1] for row in rows}
        return {state: found.get(state.value, 0) for state in NoticeState}

    async def prune(self, *, before: float, max_bytes: int) -> int:
        gone = 0
        for batch in pruning.by_age(before):
            gone += await self._prune(batch, lambda used: True)
        for batch in pruning.by_size():
            gone += await self._prune(batch, lambda used: used > max_bytes)
        async with self._changing() as db:
            await db.execute(pruning.FORGOTTEN_INCIDENTS)
        await self._give_back()
        return gone

    async def _give_back(self) -> None:
        """Return free pages to the file system, outside a transaction; a script is stepped to its end."""
        with anyio.CancelScope(shield=True):
            async with self._writing, self._explaining(), self._reads.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await driver.executescript("PRAGMA incremental_vacuum")

    async def _prune(self, batch: pruning.Batch, wanted: Callable[[int], bool]) -> int:
        """Repeat one deletion in short transactions until it finds nothing more or is no longer wanted."""
        gone = 0
        while True:
            async with self._changing() as db:
                if not wanted(await _used_bytes(db)):
                    return gone
                found = (await db.execute(batch)).rowcount
            gone += found
            if not found:
                return gone

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._reads.dispose()

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AsyncConnection]:
        with anyio.CancelScope(shield=True):
            async with self._writing, self._explaining(), self._writes.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with anyio.CancelScope(shield=True):
            async with self._explaining(), self._reads.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _explaining(self) -> AsyncIterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise explained(error, self._label) from error
        except (ValueError, TypeError, AttributeError) as error:  # a row that is no text, no JSON or no entry of ours
            raise damaged(self._label) from error


_FORGET = delete(schema.memories).where(
    schema.memories.c.key == bindparam("of_key"), schema.memories.c.subject == bindparam("of_subject")
)
_PENDING = schema.notices.c.state == NoticeState.PENDING.value


async def _insert_entries(db: AsyncConnection, entries: Sequence[Entry]) -> None:
    await db.execute(insert(schema.entries), [entry_row(entry) for entry in entries])
    newest = {e.incident: closed_at(e) for e in entries if e.kind is EntryKind.INCIDENT and e.incident is not None}
    for incident, closed in newest.items():
        await _track(db, incident, closed)


async def _remember(db: AsyncConnection, values: Mapping[tuple[str, str], Any]) -> None:
    if not values:
        return
    await db.execute(_FORGET, [{"of_key": key, "of_subject": subject} for subject, key in values])
    kept = [{"key": key, "subject": subject, "value": v} for (subject, key), v in values.items() if v is not None]
    if kept:
        await db.execute(insert(schema.memories), kept)


async def _track(db: AsyncConnection, incident: str, closed: float | None) -> None:
    """Keep the incident's one row in step with its newest INCIDENT entry."""
    mine = (schema.entries.c.incident == incident) & (schema.entries.c.kind == EntryKind.INCIDENT.value)
    newest = select(func.max(schema.entries.c.id)).where(mine).scalar_subquery()
    await db.execute(delete(schema.incidents).where(schema.incidents.c.id == incident))
    await db.execute(insert(schema.incidents).values(id=incident, entry=newest, closed_at=closed))


def _matching(
    subject: Subject | None, since: float | None, kinds: Sequence[EntryKind], incident: str | None
) -> list[ColumnElement[bool]]:
    wanted = []
    if subject is not None:
        wanted.append(schema.entries.c.subject == str(subject))
    if since is not None:
        wanted.append(schema.entries.c.at >= since)
    if kinds:
        wanted.append(schema.entries.c.kind.in_([kind.value for kind in kinds]))
    if incident is not None:
        wanted.append(schema.entries.c.incident == incident)
    return wanted


def _chunks(ids: Sequence[int], size: int = 500) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


async def _used_bytes(db: AsyncConnection) -> int:
    """What the database holds, without the pages that are free again."""
    sizes = [
        (await db.execute(text(f"PRAGMA {name}"))).scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((sizes[0] - sizes[1]) * sizes[2])
