"""The auth folder watcher, mostly without its loops: `mark`, `drain` and `sweep` are called by hand."""

import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from baileykeep.clock import VirtualClock
from baileykeep.model.errors import StoreError
from baileykeep.model.facts import CredsSeen, Fact, FilesSeen, FolderSeen
from baileykeep.model.inventory import Creds, CredsState, Inventory, Level, PreKeys
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.auth_files import RETRY_WATCH_S, TRUTH_SWEEPS, AuthFiles, WatchFolders
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
        taken = [_short(fact) for fact in self.facts]
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
            while wanted not in [_short(fact) for fact in self.facts]:
                await self.step(0.5)
                await anyio.sleep(0.005)


def _short(fact: Fact) -> tuple[str, object]:
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


@pytest.mark.asyncio
async def test_a_new_folder_tells_that_it_is_there_its_files_and_its_creds(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a")
    await world.watcher.sweep()
    assert world.take() == [("a", True), ("a", 4), ("a", CredsState.WHOLE)]


@pytest.mark.asyncio
async def test_nothing_changed_nothing_listed(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(9):
        world.add(f"c{n}")
    await world.settled()
    looked = []
    for _ in range(TRUTH_SWEEPS):
        await world.watcher.sweep()
        looked.append(list(world.looks))
        assert world.creds_reads == []
        world.take()
    assert max(map(len, looked)) == 1
    assert sorted(itertools.chain(*looked)) == sorted(world.folders), "each folder exactly once in ten sweeps"


@pytest.mark.asyncio
async def test_a_sweep_lists_only_what_moved(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a")
    folder = world.add("b")
    await world.settled()
    (folder / "session-1.0.json").write_text("{}")
    await world.watcher.sweep()
    assert world.take() == [("b", 5)]


@pytest.mark.asyncio
async def test_creds_rewritten_in_place_are_found_although_the_folder_did_not_move(tmp_path: Path) -> None:
    world = World(tmp_path)
    folder = world.add("a")
    await world.settled()
    before = folder.stat().st_mtime_ns
    (folder / "creds.json").write_text('{"me": 2}')
    assert folder.stat().st_mtime_ns == before
    await world.watcher.sweep()
    assert world.take() == [("a", 4), ("a", CredsState.WHOLE)]


@pytest.mark.asyncio
async def test_a_change_of_mode_counts_as_a_change_of_the_creds(tmp_path: Path) -> None:
    world = World(tmp_path)
    folder = world.add("a")
    await world.settled()
    (folder / "creds.json").chmod(0o604)
    await world.watcher.sweep()
    assert ("a", CredsState.WHOLE) in world.take()


@pytest.mark.asyncio
async def test_a_young_stamp_is_not_trusted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.jump_wall(-3600)
    world.add("a")
    await world.settled()
    await world.watcher.sweep()
    assert world.looks == ["a"]
    world.take()
    world.clock.jump_wall(3600)
    await world.watcher.sweep()
    assert world.looks == ["a"], "the last look was still at a young one"
    world.take()
    await world.watcher.sweep()
    assert world.looks == []


@pytest.mark.asyncio
async def test_many_marks_are_one_look_and_marks_of_strangers_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a")
    await world.settled()
    for _ in range(100):
        world.watcher.mark("a")
    world.watcher.mark("nobody")
    await world.watcher.drain()
    await world.watcher.drain()
    assert world.looks == ["a"]
    assert world.take() == [("a", 4)]


@pytest.mark.parametrize(("text", "state"), [("", CredsState.EMPTY), ('{"me"', CredsState.TORN)])
@pytest.mark.asyncio
async def test_creds_that_stay_torn_are_told_after_two_more_reads(tmp_path: Path, text: str, state: CredsState) -> None:
    world = World(tmp_path)
    folder = world.add("a")
    await world.settled()
    (folder / "creds.json").write_text(text)
    world.watcher.mark("a")
    async with anyio.create_task_group() as group:
        group.start_soon(world.watcher.drain)
        await breathe()
        assert world.creds_reads == ["a"]
        await world.step(0.6)
        assert world.creds_reads == ["a", "a"]
        assert [_short(f) for f in world.facts] == [("a", 4)]
        await world.step(0.6)
    assert world.take() == [("a", 4), ("a", state)]
    await world.watcher.sweep()
    assert world.take() == [], "told once"


@pytest.mark.asyncio
async def test_a_torn_read_that_heals_is_never_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    folder = world.add("a")
    await world.settled()
    (folder / "creds.json").write_text("{")
    world.watcher.mark("a")
    async with anyio.create_task_group() as group:
        group.start_soon(world.watcher.drain)
        await breathe()
        (folder / "creds.json").write_text('{"me": 3}')
        await world.step(0.6)
    assert world.take() == [("a", 4), ("a", CredsState.WHOLE)]


@pytest.mark.parametrize("heals", [True, False])
@pytest.mark.asyncio
async def test_an_inventory_made_from_torn_creds_waits_until_they_settle(tmp_path: Path, heals: bool) -> None:
    world = World(tmp_path)
    folder = world.add("a")
    await world.settled()
    (folder / "creds.json").write_text("{")
    world.listed_creds = CredsState.TORN
    world.watcher.mark("a")
    async with anyio.create_task_group() as group:
        group.start_soon(world.watcher.drain)
        await breathe()
        assert world.take() == []
        if heals:
            (folder / "creds.json").write_text('{"me": 3}')
            world.listed_creds = CredsState.WHOLE
        await world.step(0.6)
        await world.step(0.6)
    assert world.take() == [("a", CredsState.WHOLE if heals else CredsState.TORN), ("a", 4)]
    world.watcher.mark("a")
    await world.watcher.drain()
    assert world.take() == [("a", 4)], "what has settled is told at once"


@pytest.mark.asyncio
async def test_a_vanished_folder_is_told_once_and_not_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path)
    folder = world.add("a")
    await world.settled()
    shutil.rmtree(folder)
    await world.watcher.sweep()
    world.watcher.mark("a")
    await world.watcher.sweep()
    assert world.take() == [("a", False)]
    folder = world.add("a", files=1)
    await world.watcher.sweep()
    assert world.take() == [("a", True), ("a", 2), ("a", CredsState.WHOLE)]


@pytest.mark.asyncio
async def test_a_folder_that_was_never_there_is_told_as_absent(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.folders["a"] = tmp_path / "a"
    await world.watcher.sweep()
    assert world.take() == [("a", False)]


@pytest.mark.asyncio
async def test_a_company_that_left_the_configuration_is_dropped_and_one_that_moved_is_new(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a")
    world.add("b")
    await world.settled()
    del world.folders["a"]
    world.folders["b"] = (tmp_path / "b").rename(tmp_path / "b2")
    await world.watcher.sweep()
    assert world.take() == [("b", True), ("b", 4), ("b", CredsState.WHOLE)]


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_read_is_a_fact_once_and_stops_no_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("bad")
    world.add("good")
    whole = world.look
    refuse = True

    def look(company: str, folder: Path) -> Inventory:
        if refuse and company == "bad":
            raise StoreError("no permission")
        return whole(company, folder)

    world.watcher = AuthFiles(
        lambda: world.folders, look, world.read_creds, clock=world.clock, poll=PollLimits(), emit=world.facts.append
    )
    with capture_logs() as logs:
        await world.watcher.sweep()
        await world.watcher.sweep()
        assert world.take() == [
            ("bad", CredsState.UNREADABLE),
            ("good", True),
            ("good", 4),
            ("good", CredsState.WHOLE),
        ]
        refuse = False
        await world.watcher.sweep()
    assert [entry["event"] for entry in logs] == ["auth_folder_unreadable", "auth_folder_readable"]
    assert world.take() == [("bad", True), ("bad", 4), ("bad", CredsState.WHOLE)]


@pytest.mark.asyncio
async def test_a_thousand_dirty_companies_are_looked_at_in_one_thread(tmp_path: Path) -> None:
    world = World(tmp_path)
    threads = set()
    whole = world.look

    def look(company: str, folder: Path) -> Inventory:
        threads.add(threading.get_ident())
        return whole(company, folder)

    for n in range(200):
        world.add(f"c{n}", files=0)
    world.watcher = AuthFiles(
        lambda: world.folders, look, world.read_creds, clock=world.clock, poll=PollLimits(), emit=world.facts.append
    )
    before = threading.active_count()
    await world.watcher.sweep()
    assert len([f for f in world.facts if isinstance(f, FilesSeen)]) == 200
    assert len(threads) == 1
    assert threading.active_count() <= before + 1


# with the loops running and events from the operating system


@pytest.mark.asyncio
async def test_a_write_is_seen_through_events_without_a_sweep(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.watcher.poll = PollLimits(rescan_s=1e9)
    folder = world.add("a")
    async with world.running():
        await world.until(("a", CredsState.WHOLE))
        (folder / "session-2.0.json").write_text("{}")
        await world.until(("a", 5))
        (folder / "creds.json").write_text("")
        await world.until(("a", CredsState.EMPTY))


@pytest.mark.asyncio
async def test_a_write_after_a_sweep_is_still_seen_at_once(tmp_path: Path) -> None:
    told: list[Callable[[set[str]], None]] = []

    async def events(_: Collection[str], __: anyio.CapacityLimiter, deliver: Callable[[set[str]], None]) -> None:
        deliver(set())
        told.append(deliver)
        await anyio.sleep_forever()

    world = World(tmp_path, events=events)
    folder = world.add("a")
    async with world.running():
        await world.until(("a", 4))
        await world.step(PollLimits().rescan_s + 1)
        world.take()
        (folder / "session-1.json").write_text("{}")
        told[-1]({str(folder / "session-1.json")})
        with anyio.move_on_after(5):
            while not world.facts:
                await anyio.sleep(0.005)
        assert world.take() == [("a", 5)]


@pytest.mark.asyncio
async def test_a_folder_set_aside_and_made_anew_is_watched_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.watcher.poll = PollLimits(rescan_s=1e9)
    folder = world.add("a")
    async with world.running():
        await world.until(("a", CredsState.WHOLE))
        await settle_watch(world, folder)
        folder.rename(tmp_path / "aside")
        await world.until(("a", False))
        await world.step(5)
        world.add("a", files=7)
        await world.until(("a", 8))
        (folder / "session-2.0.json").write_text("{}")
        await world.until(("a", 9))


@pytest.mark.asyncio
async def test_a_company_added_while_running_is_watched_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.watcher.poll = PollLimits(rescan_s=1e9)
    world.add("a")
    async with world.running():
        await world.until(("a", CredsState.WHOLE))
        folder = world.add("b", files=5)
        await world.until(("b", 6))
        (folder / "session-2.0.json").write_text("{}")
        await world.until(("b", 7))


@pytest.mark.asyncio
async def test_refused_events_are_said_once_and_replaced_by_comparing(tmp_path: Path) -> None:
    refusals = 0

    async def refused(
        folders: Collection[str], limiter: anyio.CapacityLimiter, deliver: Callable[[set[str]], None]
    ) -> None:
        nonlocal refusals
        refusals += 1
        raise OSError("OS file watch limit reached. about [everything]")

    world = World(tmp_path, events=refused)
    world.watcher.poll = PollLimits(rescan_s=1e9)
    folder = world.add("a")
    with capture_logs() as logs:
        async with world.running():
            await world.until(("a", CredsState.WHOLE))
            (folder / "session-2.0.json").write_text("{}")
            await world.until(("a", 5))
            assert refusals == 1
            world.clock.step_to(world.clock.monotonic() + RETRY_WATCH_S)
            with anyio.fail_after(5):
                while refusals < 2:
                    await world.step(1)
    warnings = [entry for entry in logs if entry["event"] == "folder_events_refused"]
    assert len(warnings) == 1
    assert warnings[0]["cause"] == "OS file watch limit reached."


async def settle_watch(world: World, folder: Path) -> None:
    """Until events arrive: before the watch stands a rename would only be found by the comparison."""
    (folder / "probe.json").write_text("{}")
    await world.until(("a", 5))
