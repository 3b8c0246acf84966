"""The other doors of one daemon to the world: files, journal, people. Each crossing may fail, and may be the last."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baileykeep.fsys import Fsys, Owner, is_temp
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError, JournalError
from baileykeep.model.records import Entry, EntryKind, Notice, NoticeState
from baileykeep.model.symptoms import Subject
from tests.simulation.lives import Life

if TYPE_CHECKING:
    from tests.simulation.world import World

FAILING = {
    errno.ENOSPC: frozenset({"create", "data", "mkdir"}),
    errno.EIO: frozenset({"data", "sync", "rename", "unlink"}),
    errno.EACCES: frozenset({"create", "rename", "unlink", "mkdir"}),
}
"""Which operations a sick disk refuses."""

SLOW_S = 3.0


class SimFsys(Fsys):
    """Real files, virtual times, and a disk that may be sick."""

    def __init__(self, world: World, life: Life):
        self._world = world
        self._life = life

    def before(self, operation: str, name: str) -> None:
        self._life.cross(f"fs.{operation}")
        sick = self._world.disk_error
        if sick is not None and operation in FAILING[sick]:
            raise OSError(sick, os.strerror(sick))

    def nonce(self, size: int) -> str:
        return f"{self._world.next_number():0{2 * size}x}"

    def write(
        self, folder: int, name: str, data: bytes, *, mode: int, owner: Owner | None = None, mtime: float | None = None
    ) -> None:
        company = self._company(folder)
        if company is not None:
            self._world.oracles.writing(self._life, company, name)
        at = self._world.wall if mtime is None else mtime
        if company is None and self._world.now < self._world.rots_until:
            data = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
        super().write(folder, name, data, mode=mode, owner=owner, mtime=at)
        if company is not None:
            self._world.wrote(self._world.sessions[company])

    def remove(self, folder: int, name: str) -> None:
        company = None if is_temp(name) else self._company(folder)
        if company is None:
            super().remove(folder, name)
            return
        self.before("unlink", name)
        self._world.oracles.removing(self._life, company, name)
        os.unlink(name, dir_fd=folder)
        self._world.wrote(self._world.sessions[company])

    def _company(self, folder: int) -> str | None:
        """Whose auth folder this is; None for a folder of ours."""
        return self._world.by_path.get(os.readlink(f"/proc/self/fd/{folder}"))


class SimJournal:
    """A journal that outlives every daemon, behind a door that may stick (see `journal.base.Journal`)."""

    def __init__(self, world: World, life: Life, inner: MemoryJournal):
        self._world = world
        self._life = life
        self._inner = inner

    async def _enter(self, what: str) -> None:
        self._life.cross(f"journal.{what}")
        world = self._world
        if world.now < world.journal_slow_until:
            await world.time.sleep(self._life, SLOW_S)
        else:
            await world.time.sleep(self._life, 0)
        if world.now < world.journal_fails_until:
            raise JournalError("database is locked")

    async def write(
        self,
        entries: Sequence[Entry] = (),
        notices: Sequence[Notice] = (),
        memories: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        await self._enter("write")
        await self._inner.write(entries, notices, memories)
        self._world.oracles.journaled(self._life, entries, notices, memories or {})
        self._life.cross("journal.written")

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
        await self._enter("entries")
        return await self._inner.entries(
            subject=subject, since=since, kinds=kinds, incident=incident, limit=limit, newest_first=newest_first
        )

    async def open_incidents(self) -> list[Entry]:
        await self._enter("open_incidents")
        return await self._inner.open_incidents()

    async def remember(self, values: Mapping[tuple[str, str], Any]) -> None:
        await self.write(memories=values)

    async def recall(self, key: str) -> dict[str, Any]:
        await self._enter("recall")
        return await self._inner.recall(key)

    async def pending_notices(self, now: float, limit: int = 200) -> list[Notice]:
        await self._enter("pending_notices")
        return await self._inner.pending_notices(now, limit)

    async def notice_sent(self, ids: Sequence[int], at: float) -> None:
        await self._enter("notice_sent")
        self._world.oracles.marked_sent(ids)
        await self._inner.notice_sent(ids, at)
        self._life.cross("journal.marked")

    async def notices_covered(self, ids: Sequence[int], at: float) -> None:
        await self._enter("notices_covered")
        await self._inner.notices_covered(ids, at)

    async def notice_failed(self, ident: int, *, not_before: float, error: str, dead: bool = False) -> None:
        await self._enter("notice_failed")
        await self._inner.notice_failed(ident, not_before=not_before, error=error, dead=dead)

    async def notices_moved(self, by_s: float) -> None:
        await self._enter("notices_moved")
        await self._inner.notices_moved(by_s)

    async def notice_counts(self) -> dict[NoticeState, int]:
        return await self._inner.notice_counts()

    async def prune(self, *, before: float, max_bytes: int) -> int:
        """The real one weighs every row; once a day is often enough here."""
        if self._world.prune_wanted():
            await self._enter("prune")
            return await self._inner.prune(before=before, max_bytes=max_bytes)
        return 0

    async def aclose(self) -> None:
        """It stays."""


class SimChannel:
    """Telegram, as far as one daemon sees it (see `channels.base.Channel`)."""

    def __init__(self, name: str, world: World, life: Life):
        self.name = name
        self._world = world
        self._life = life

    async def deliver(self, notices: Sequence[Notice]) -> None:
        world = self._world
        self._life.cross("channel.deliver")
        await world.time.sleep(self._life, 0)
        address = str(notices[-1].data.get("to", ""))
        if self.name == "telegram":
            self._refuse(address)
        world.oracles.delivered(self._life, address, notices)
        world.people.told(notices)
        self._life.cross("channel.delivered")

    def _refuse(self, address: str) -> None:
        now, world = self._world.now, self._world
        if now < world.telegram_out_until:
            raise ChannelError("api.telegram.org cannot be reached")
        if now < world.telegram_busy_until:
            raise ChannelError("Too Many Requests", retry_after_s=37.0)
        if now < world.banned_until.get(address, 0.0):
            raise ChannelError("Forbidden: bot was blocked by the user", retry_after_s=300.0)

    async def aclose(self) -> None:
        """Nothing to close."""


def auth_paths(folders: Mapping[str, Path]) -> dict[str, str]:
    """Company by the real path of its folder."""
    return {str(path.resolve()): company for company, path in folders.items()}
