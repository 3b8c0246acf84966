"""The auth folder watcher with its loops running, and events from the operating system."""

from collections.abc import Callable, Collection
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from baileykeep.model.inventory import CredsState
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.auth_files import RETRY_WATCH_S
from tests.unit.watchers.folder_world import World


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


@pytest.mark.asyncio
async def test_who_must_know_now_waits_for_no_event_and_no_pause(tmp_path: Path) -> None:
    async def no_events(_: Collection[str], __: anyio.CapacityLimiter, deliver: Callable[[set[str]], None]) -> None:
        deliver(set())
        await anyio.sleep_forever()

    world = World(tmp_path, events=no_events)
    folder = world.add("a")
    async with world.running():
        await world.until(("a", 4))
        world.take()
        (folder / "session-1.json").write_text("{}")
        await world.watcher.look_now("a")
        assert world.take() == [("a", 5)]
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        await world.watcher.look_now("a")
        assert world.take() == [("a", False)]
