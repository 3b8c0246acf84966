"""One watcher for all auth folders. Events only mark a company dirty; what is true comes from listing its folder.

1. An event, a new folder or `mark` makes a company dirty.
2. `drain` looks at every dirty company: one full inventory, and the creds if they were written since.
3. `sweep` finds what events missed: it compares mtimes, and lists every folder afresh once in ten sweeps.

All file work runs in one worker thread, a batch of companies at a time, however many companies there are.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.abc
import anyio.to_thread
import structlog

from baileykeep.clock import Clock
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import CredsSeen, Fact, FilesSeen, FolderSeen
from baileykeep.model.inventory import Creds, CredsState, Inventory
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.base import Emit
from baileykeep.watchers.folder_events import watch_folders
from baileykeep.watchers.stamps import NEVER, Stamp, is_gone, stamp_of

log = structlog.get_logger(__name__)

COALESCE_S = 1.0
"""A company is looked at most this often, however busy its folder is."""

REFRESH_S = 2.0
"""Folders that were added, removed or came back are noticed within this."""

TRUTH_SWEEPS = 10
"""Every folder is listed once in so many sweeps, whatever its mtime says."""

BLIND_SWEEP_S = 5.0
"""Without events from the operating system mtimes are compared this often."""

RETRY_WATCH_S = 600.0
"""So long after events were refused they are asked for again."""

TORN_READS = 2
"""Creds that are not whole are read again this often before they are a fact."""

MOST_READS = 6
"""So often at most, with reads that prove nothing: all other folders wait meanwhile."""

BATCH = 25
"""Companies looked at in one go of the worker; their facts are handed on in between."""

WatchFolders = Callable[[Collection[str], anyio.CapacityLimiter, Callable[[set[str]], None]], Awaitable[None]]
"""The shape of `folder_events.watch_folders`."""

T = TypeVar("T")


@dataclass(slots=True)
class _Folder:
    """What is remembered of one company between looks."""

    company: str
    given: Path
    path: str
    turn: int
    present: bool | None = None
    listed: Stamp = NEVER
    creds: Stamp = NEVER
    error: str | None = None
    damaged: bool = False
    withheld: bool = False
    names: object = None
    reads_left: int = 0

    @property
    def creds_path(self) -> str:
        return os.path.join(self.path, "creds.json")


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look brought home. `torn`: the creds were not whole and are to be read again."""

    folder: _Folder
    facts: tuple[Fact, ...] = ()
    torn: bool = False


class AuthFiles:
    """The auth folders of all companies as facts: `FilesSeen`, `CredsSeen`, `FolderSeen`.

    `folders` gives each company's folder and may answer differently at any time; a company it no longer names is
    dropped without a word, one whose folder is gone is reported once. `look` makes a full inventory, `read_creds`
    reads the creds; both block, are called in the worker thread and may raise `StoreError`. A folder that cannot
    be read shows as `CredsSeen` with UNREADABLE. `poll` may be replaced while this runs.
    """

    def __init__(
        self,
        folders: Callable[[], Mapping[str, Path]],
        look: Callable[[str, Path], Inventory],
        read_creds: Callable[[str], Creds],
        *,
        clock: Clock,
        poll: PollLimits,
        emit: Emit,
        events: WatchFolders = watch_folders,
    ):
        self.poll = poll
        self._wanted = folders
        self._inventory = look
        self._read_creds = read_creds
        self._clock = clock
        self._emit = emit
        self._events = events
        self._folders: dict[str, _Folder] = {}
        self._by_path: dict[str, str] = {}
        self._turns = itertools.count()
        self._sweeps = 0
        self._dirty: dict[str, None] = {}
        self._marked = anyio.Event()
        self._outdated = anyio.Event()
        self._draining = anyio.Lock()
        self._worker = anyio.CapacityLimiter(1)
        self._watcher = anyio.CapacityLimiter(1)
        self._blind = False

    async def run(self) -> None:
        """Sense until cancelled."""
        await self.refresh()
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep_drained)
            group.start_soon(self._keep_fresh)
            group.start_soon(self._keep_sweeping)
            group.start_soon(self._keep_watching)

    def mark(self, company: str) -> None:
        """Ask for a new look at this company; many marks before the next drain are one."""
        self._dirty[company] = None
        self._marked.set()

    async def look_now(self, company: str) -> None:
        """Look at this company without waiting for events, or for the pause that busy folders get."""
        self.mark(company)
        await self.drain()

    async def refresh(self) -> None:
        """Take in companies that came, went or moved, and folders that are there again."""
        if self._take_in(self._wanted()):
            self._by_path = {f.path: c for c, f in self._folders.items()}
            self._outdated.set()
        for company in await self._work(_returned, list(self._folders.values())):
            self.mark(company)
            self._outdated.set()

    async def drain(self) -> None:
        """Look at every dirty company and emit what is true now; returns when torn creds have settled."""
        async with self._draining:
            if self._marked.is_set():  # an unset one has a waiter, who must go on hearing of new marks
                self._marked = anyio.Event()
            dirty = [self._folders[c] for c in self._dirty if c in self._folders]
            self._dirty.clear()
            torn: list[_Folder] = []
            for start in range(0, len(dirty), BATCH):
                torn += await self._emitted(self._look, dirty[start : start + BATCH])
            await self._settle(torn)
            for folder in await self._emitted(self._look, [folder for folder in torn if folder.withheld]):
                self.mark(folder.company)

    async def sweep(self) -> None:
        """Compare all mtimes and look where something moved, and at those whose turn it is."""
        await self.refresh()
        await self._compare()
        self._sweeps += 1
        for company, folder in self._folders.items():
            if (folder.turn + self._sweeps) % TRUTH_SWEEPS == 0:
                self.mark(company)
        await self.drain()

    # what to look at

    def _take_in(self, wanted: Mapping[str, Path]) -> bool:
        gone = [c for c, f in self._folders.items() if wanted.get(c) != f.given]
        for company in gone:
            del self._folders[company]
        came = [c for c in wanted if c not in self._folders]
        for company in came:
            path = os.path.abspath(wanted[company])
            self._folders[company] = _Folder(company, wanted[company], path, next(self._turns))
            self.mark(company)
        return bool(gone or came)

    async def _compare(self) -> None:
        """Mark every company whose folder or creds may have been written since they were last read."""
        changed, moved = await self._work(self._changed, list(self._folders.values()))
        for company in changed:
            self.mark(company)
        if moved:
            self._outdated.set()

    def _changed(self, folders: Iterable[_Folder]) -> tuple[list[str], bool]:
        now = self._clock.now()
        changed: list[str] = []
        moved = False
        for folder in folders:
            try:
                listed, creds = stamp_of(folder.path, now), stamp_of(folder.creds_path, now)
            except OSError:
                changed.append(folder.company)
                continue
            if not (folder.listed.proves(listed) and folder.creds.proves(creds)):
                changed.append(folder.company)
            moved = moved or (folder.present is True and folder.listed.moved(listed))
        return changed, moved

    def _touched(self, path: str) -> None:
        """One event: about a file in a folder, or about the folder itself, whose watch may then be void."""
        company = self._by_path.get(path)
        if company is not None:
            self._outdated.set()
        else:
            company = self._by_path.get(os.path.dirname(path))
        if company is not None:
            self.mark(company)

    # looking, in the worker thread

    def _look(self, folder: _Folder) -> _Look:
        at = self._clock.now()
        try:
            listed = stamp_of(folder.path, at)
            if listed.key is None:
                return self._absent(folder, at)
            inventory = self._inventory(folder.company, folder.given)
        except (BaileykeepError, OSError) as error:
            return self._failed(folder, at, error)
        facts: list[Fact] = [] if folder.present else [FolderSeen(at=at, company=folder.company, present=True)]
        # Torn creds make every number of an inventory wrong: it is told when the creds have settled.
        folder.withheld = inventory.creds.state is not CredsState.WHOLE and not folder.damaged
        if not folder.withheld:
            facts.append(FilesSeen(at=at, company=folder.company, inventory=inventory))
        if folder.error:
            log.info("auth_folder_readable", company=folder.company)
        folder.present, folder.listed, folder.error = True, listed, None
        creds = self._look_at_creds(folder, at)
        return replace(creds, facts=(*facts, *creds.facts), torn=folder.withheld or creds.torn)

    def _look_at_creds(self, folder: _Folder, at: float, *, again: bool = False, last: bool = False) -> _Look:
        """The creds if they were written since (or `again`); not whole ones are a fact only at the `last` read."""
        try:
            stamp = stamp_of(folder.creds_path, at)
            if folder.creds.proves(stamp) and not again:
                return _Look(folder)
            creds = self._read_creds(folder.company)
        except (BaileykeepError, OSError):
            stamp, creds = NEVER, Creds(CredsState.UNREADABLE)
        folder.creds = stamp
        if creds.state is not CredsState.WHOLE and not last:
            return _Look(folder, torn=True)
        folder.damaged = creds.state is not CredsState.WHOLE
        return _Look(folder, (CredsSeen(at=at, company=folder.company, creds=creds),))

    def _absent(self, folder: _Folder, at: float) -> _Look:
        known = folder.present is False
        folder.present, folder.listed, folder.creds, folder.error = False, Stamp(None), Stamp(None), None
        folder.damaged = False
        return _Look(folder, () if known else (FolderSeen(at=at, company=folder.company, present=False),))

    def _failed(self, folder: _Folder, at: float, error: Exception) -> _Look:
        if is_gone(folder.path):
            return self._absent(folder, at)
        known, folder.error = folder.error, str(error)
        folder.listed = folder.creds = NEVER
        if known == folder.error:
            return _Look(folder)
        log.warning("auth_folder_unreadable", company=folder.company, cause=folder.error)
        return _Look(folder, (CredsSeen(at=at, company=folder.company, creds=Creds(CredsState.UNREADABLE)),))

    # around the worker

    async def _settle(self, torn: list[_Folder]) -> None:
        """Read creds that were not whole again, after a pause each time; then tell what they are.

        While files come and go beside them (812 pre-keys at a pairing) creds may lie empty: a read proves nothing then.
        """
        for folder in torn:
            folder.names, folder.reads_left = folder.listed.key, TORN_READS
        for left in reversed(range(MOST_READS)):
            if not torn:
                return
            await self._clock.sleep(self.poll.torn_reread_s)
            torn = await self._emitted(partial(self._reread, last=left == 0), torn)

    def _reread(self, folder: _Folder, *, last: bool) -> _Look:
        before = folder.names
        with contextlib.suppress(OSError):
            folder.names = stamp_of(folder.path, self._clock.now()).key
        folder.reads_left -= folder.names == before
        return self._look_at_creds(folder, self._clock.now(), again=True, last=last or folder.reads_left <= 0)

    async def _emitted(self, look: Callable[[_Folder], _Look], folders: list[_Folder]) -> list[_Folder]:
        """Look at these, emit what came of it, and return those whose creds were torn."""
        looks = await self._work(lambda batch: [look(folder) for folder in batch], folders)
        current = [found for found in looks if self._folders.get(found.folder.company) is found.folder]
        for found in current:
            for fact in found.facts:
                self._emit(fact)
        return [found.folder for found in current if found.torn]

    async def _work(self, job: Callable[[list[_Folder]], T], folders: list[_Folder]) -> T:
        return await anyio.to_thread.run_sync(job, folders, limiter=self._worker)

    # the long-running parts

    async def _keep_drained(self) -> None:
        while True:
            await self._marked.wait()
            await self.drain()
            await self._clock.sleep(COALESCE_S)

    async def _keep_fresh(self) -> None:
        while True:
            await self._clock.sleep(REFRESH_S)
            await self.refresh()

    async def _keep_sweeping(self) -> None:
        while True:
            await self._clock.sleep(self.poll.rescan_s)
            await self.sweep()

    async def _keep_watching(self) -> None:
        """Watch the folders that are there, and begin anew whenever these are others."""
        while True:
            self._outdated = anyio.Event()
            present = await self._work(_existing, list(self._folders.values()))
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, present, group)
                await self._outdated.wait()
                group.cancel_scope.cancel()
            await self._clock.sleep(COALESCE_S)

    async def _watch(self, present: list[str], group: anyio.abc.TaskGroup) -> None:
        """Mark on events. Writes from before the watch stood are found by comparing once when it does."""
        stands = False

        def deliver(paths: set[str]) -> None:
            nonlocal stands
            if not stands:
                stands = True
                self._sees_again()
                group.start_soon(self._compare)
            for path in paths:
                self._touched(path)

        try:
            if present:
                await self._events(present, self._watcher, deliver)
        except FileNotFoundError:
            self._outdated.set()
        except (OSError, RuntimeError) as error:
            await self._watch_blindly(error, len(present))

    def _sees_again(self) -> None:
        if self._blind:
            log.info("folder_events_back")
        self._blind = False

    async def _watch_blindly(self, error: Exception, folders: int) -> None:
        """The fall-back where the operating system refuses events: compare often, and ask again much later."""
        if not self._blind:
            log.warning(
                "folder_events_refused",
                cause=str(error).partition(" about ")[0],
                folders=folders,
                compare_s=BLIND_SWEEP_S,
                next_step="raise fs.inotify.max_user_watches and fs.inotify.max_user_instances",
            )
        self._blind = True
        retry_at = self._clock.monotonic() + RETRY_WATCH_S
        while self._clock.monotonic() < retry_at:
            await self._clock.sleep(BLIND_SWEEP_S)
            await self._compare()
        self._outdated.set()


def _existing(folders: Iterable[_Folder]) -> list[str]:
    return [folder.path for folder in folders if os.path.isdir(folder.path)]


def _returned(folders: Iterable[_Folder]) -> list[str]:
    return [f.company for f in folders if f.present is False and os.path.exists(f.path)]
