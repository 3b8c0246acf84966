"""Auth folders, the watcher over them, and what it told."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from baileykeep.clock import VirtualClock
from baileykeep.model.facts import CredsSeen, Fact, FilesSeen, FolderSeen
from baileykeep.model.inventory import Creds, CredsState, Inventory, Level, PreKeys
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.auth_files import AuthFiles, WatchFolders
from baileykeep.watchers.folder_events import watch_folders


class World:
    """Folders below `root`, the watcher over them, what it emitted and what it listed."""

    def __init__(self, root: Path, *, events: WatchFolders = watch_folders):
        self.root = root
        self.folders: dict[str, Path] = {}
        self.facts: list[Fact] = []
        self.looks: list[str] = []
        self.creds_reads: list[str] = []
        self.listed_creds = CredsState.WHOLE
        # An hour ahead of the files, so that only files dated ahead are young.
        self.clock = VirtualClock(time.time() + 3600)
        self.watcher = AuthFiles(
            lambda: dict(self.folders),
            self.look,
            self.read_creds,
            clock=self.clock,
            poll=PollLimits(),
            emit=self.facts.append,
            events=events,
        )

    def add(self, company: str, files: int = 3, creds: str = '{"me": 1}') -> Path:
        folder = self.folders[company] = self.root / company
        folder.mkdir()
        (folder / "creds.json").write_text(creds)
        for n in range(files):
            (folder / f"pre-key-{n}.json").write_text("{}")
        return folder

    def look(self, company: str, folder: Path) -> Inventory:
        self.looks.append(company)
        total = len(os.listdir(folder))
        return Inventory(total, total, Level.EXCELLENT, 0, Creds(self.listed_creds), {}, PreKeys(0, None, None, 35))

    def read_creds(self, company: str) -> Creds:
        self.creds_reads.append(company)
        try:
            text = (self.folders[company] / "creds.json").read_text()
        except FileNotFoundError:
            return Creds(CredsState.MISSING)
        if not text:
            return Creds(CredsState.EMPTY)
        try:
            json.loads(text)
        except ValueError:
            return Creds(CredsState.TORN)
        return Creds(CredsState.WHOLE, paired=True)

    def take(self) -> list[tuple[str, object]]:
        """What was emitted since the last call, shortened."""
        taken = [short(fact) for fact in self.facts]
        self.facts.clear()
        self.looks.clear()
        self.creds_reads.clear()
        return taken

    async def settled(self) -> "World":
        """After the first sweep, with nothing left to tell."""
        await self.watcher.sweep()
        self.take()
        return self

    async def step(self, seconds: float) -> None:
        """Let so much time pass, waking whoever sleeps in between."""
        end = self.clock.monotonic() + seconds
        while (due := self.clock.next_wake()) is not None and due <= end:
            self.clock.step_to(due)
            await breathe()
        self.clock.step_to(end)
        await breathe()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(self.watcher.run)
            yield
            group.cancel_scope.cancel()

    async def until(self, wanted: tuple[str, object]) -> None:
        """Wait really, stepping the clock, until this was emitted."""
        with anyio.fail_after(5):
            while wanted not in [short(fact) for fact in self.facts]:
                await self.step(0.5)
                await anyio.sleep(0.005)


def short(fact: Fact) -> tuple[str, object]:
    match fact:
        case FolderSeen():
            return fact.company, fact.present
        case FilesSeen():
            return fact.company, fact.inventory.total
        case CredsSeen():
            return fact.company, fact.creds.state
    raise AssertionError(fact)


async def breathe() -> None:
    """Let tasks and the worker thread finish what they can without time passing."""
    for _ in range(20):
        await anyio.sleep(0.0005)
