"""Free room of every volume that matters: one fact per volume, however many folders lie on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import anyio.to_thread

from baileykeep.clock import Clock
from baileykeep.model.facts import DiskSeen
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.base import Emit


class Disk:
    """Measures the volumes below `paths` (which may change at any time) as `DiskSeen`, named by mount point.

    A path that does not exist yet stands for its nearest parent that does. `poll` may be replaced while this runs.
    """

    def __init__(self, paths: Callable[[], Iterable[Path]], *, clock: Clock, poll: PollLimits, emit: Emit):
        self.poll = poll
        self._paths = paths
        self._clock = clock
        self._emit = emit

    async def run(self) -> None:
        """Sense until cancelled."""
        while True:
            await self.measure()
            await self._clock.sleep(self.poll.disk_s)

    async def measure(self) -> None:
        """Emit one fact for each volume now."""
        for fact in await anyio.to_thread.run_sync(_measure, list(self._paths()), self._clock.now()):
            self._emit(fact)


def _measure(paths: Iterable[Path], at: float) -> list[DiskSeen]:
    by_volume = {os.stat(path).st_dev: path for path in map(_existing, paths)}
    return [_seen(_mount_point(path), at) for path in by_volume.values()]


def _existing(path: Path) -> Path:
    """The path, or its nearest parent that can be seen; the root always can."""
    path = Path(os.path.realpath(path))
    return next((p for p in _upward(path) if os.path.exists(p)), path)


def _mount_point(path: Path) -> Path:
    """The topmost folder on the same volume: a name that stays when companies come and go."""
    volume = os.stat(path).st_dev
    on_it = path
    for parent in _upward(path):
        if os.stat(parent).st_dev != volume:
            break
        on_it = parent
    return on_it


def _upward(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents


def _seen(path: Path, at: float) -> DiskSeen:
    room = os.statvfs(path)
    counts_inodes = room.f_files > 0
    return DiskSeen(
        at=at,
        path=str(path),
        bytes_free=room.f_bavail * room.f_frsize,
        bytes_total=room.f_blocks * room.f_frsize,
        inodes_free=room.f_favail if counts_inodes else None,
        inodes_total=room.f_files if counts_inodes else None,
    )
