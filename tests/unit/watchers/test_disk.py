import os
from pathlib import Path

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.model.facts import DiskSeen, Fact
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.disk import Disk


async def seen(*paths: Path) -> list[DiskSeen]:
    facts: list[Fact] = []
    clock = VirtualClock()
    await Disk(lambda: paths, clock=clock, poll=PollLimits(), emit=facts.append).measure()
    assert all(fact.at == clock.now() for fact in facts)
    return [fact for fact in facts if isinstance(fact, DiskSeen)]


@pytest.mark.asyncio
async def test_folders_on_one_volume_are_one_fact_named_by_its_mount_point(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    facts = await seen(tmp_path, tmp_path / "a", tmp_path / "not-yet" / "there")
    assert len(facts) == 1
    assert os.path.ismount(facts[0].path)
    assert os.stat(facts[0].path).st_dev == tmp_path.stat().st_dev


@pytest.mark.asyncio
async def test_tells_what_the_file_system_tells(tmp_path: Path) -> None:
    (fact,) = await seen(tmp_path)
    room = os.statvfs(tmp_path)
    assert fact.bytes_total == room.f_blocks * room.f_frsize
    assert 0 < fact.bytes_free <= fact.bytes_total
    assert fact.inodes_total == (room.f_files or None)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a second volume")
@pytest.mark.asyncio
async def test_two_volumes_are_two_facts_and_one_without_inodes_says_so(tmp_path: Path) -> None:
    facts = {fact.path: fact for fact in await seen(tmp_path, Path("/proc/self"))}
    assert len(facts) == 2
    assert facts["/proc"].inodes_total is None


@pytest.mark.asyncio
async def test_nothing_to_watch_is_no_fact() -> None:
    assert await seen() == []
