"""The auth folder watcher, mostly without its loops: `mark`, `drain` and `sweep` are called by hand."""

import itertools
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from baileykeep.model.errors import StoreError
from baileykeep.model.facts import FilesSeen
from baileykeep.model.inventory import CredsState, Inventory
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.auth_files import TRUTH_SWEEPS, AuthFiles
from tests.unit.watchers.folder_world import World, breathe, short


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
        assert [short(f) for f in world.facts] == [("a", 4)]
        await world.step(0.6)
    assert world.take() == [("a", 4), ("a", state)]
    await world.watcher.sweep()
    assert world.take() == [], "told once"


@asynccontextmanager
async def emptied_creds(world: World) -> AsyncIterator[Path]:
    """The creds lie empty, and are being looked at; ends when the watcher has made up its mind."""
    folder = world.add("a")
    await world.settled()
    (folder / "creds.json").write_text("")
    world.watcher.mark("a")
    async with anyio.create_task_group() as group:
        group.start_soon(world.watcher.drain)
        await breathe()
        yield folder


async def keys_are_written(world: World, folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"pre-key-{100 + number}.json").write_text("{}")
        await world.step(0.6)


@pytest.mark.asyncio
async def test_creds_that_lie_empty_while_a_gateway_writes_its_keys_are_not_damaged(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with emptied_creds(world) as folder:
        await keys_are_written(world, folder, 4)
        (folder / "creds.json").write_text('{"me": 3}')
        await world.step(0.6)
    assert world.take() == [("a", 4), ("a", CredsState.WHOLE)]


@pytest.mark.asyncio
async def test_however_busy_a_gateway_is_creds_that_stay_empty_are_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with emptied_creds(world) as folder:
        await keys_are_written(world, folder, 7)
    assert world.take()[:2] == [("a", 4), ("a", CredsState.EMPTY)]


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
