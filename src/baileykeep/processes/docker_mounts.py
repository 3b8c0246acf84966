"""Which folders of a container outlive it: what is mounted does, what lies in its writable layer goes with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, runtime_checkable

from baileykeep.processes.base import ProcessManager


class Fate(StrEnum):
    """What becomes of a folder when its container is replaced, as every deploy does."""

    KEPT = "kept"
    LOST = "lost"
    UNKNOWN = "unknown"
    """It is no folder of this container that could be told: nothing is said about it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A container's file system in paths of the host.

    `kept` are the sources of its mounts, `lost` the places of its own layer. `inside` maps a destination in the
    container to whether what is mounted there outlives it (a tmpfs does not), and `pid` is its first process.
    """

    kept: tuple[PurePosixPath, ...] = ()
    lost: tuple[PurePosixPath, ...] = ()
    inside: Mapping[PurePosixPath, bool] | None = None
    ident: str = ""
    pid: int = 0

    def fate(self, folder: PurePosixPath) -> Fate:
        """What becomes of a folder, given by its path on the host."""
        through_proc = PurePosixPath(f"/proc/{self.pid}/root")
        if self.pid and folder.is_relative_to(through_proc):
            return self.fate_inside(PurePosixPath("/", folder.relative_to(through_proc)))
        if any(folder.is_relative_to(place) for place in self.kept):
            return Fate.KEPT
        own = any(folder.is_relative_to(place) for place in self.lost) or self._own_root(folder)
        return Fate.LOST if own else Fate.UNKNOWN

    def fate_inside(self, folder: PurePosixPath) -> Fate:
        """The same for a path as the container sees it: the innermost mount counts."""
        above = [place for place in (self.inside or {}) if folder.is_relative_to(place)]
        if not above:
            return Fate.LOST
        return Fate.KEPT if (self.inside or {})[max(above, key=lambda place: len(place.parts))] else Fate.LOST

    def _own_root(self, folder: PurePosixPath) -> bool:
        """Newer engines do not tell where the layer lies; the mounted root carries the container's id in its path."""
        return len(self.ident) == 64 and "rootfs" in folder.parts and self.ident in folder.parts


@runtime_checkable
class Contains(Protocol):
    """A manager whose process has a file system of its own."""

    async def layout(self) -> Layout:
        """What of it outlives the process. Raises `ProcessError`."""


async def at_risk(manager: ProcessManager | None, folders: Mapping[str, Path]) -> list[str]:
    """The companies (ids of `folders`) whose folder goes with the container. Raises `ProcessError`."""
    if not isinstance(manager, Contains) or not folders:
        return []
    layout = await manager.layout()
    return sorted(ident for ident, folder in folders.items() if _fate(layout, folder) is Fate.LOST)


def _fate(layout: Layout, folder: Path) -> Fate:
    """As it is written, and where links lead; a path through /proc leads back to our own root."""
    if folder.is_relative_to("/proc"):
        return layout.fate(PurePosixPath(folder))
    fates = {layout.fate(PurePosixPath(path)) for path in (folder, folder.resolve())}
    return Fate.KEPT if Fate.KEPT in fates else Fate.LOST if Fate.LOST in fates else Fate.UNKNOWN


def layout_of(inspected: Mapping[str, Any]) -> Layout:
    """From the answer to `inspect`. What is not told is left out."""
    mounts = [mount for mount in _list(inspected.get("Mounts")) if isinstance(mount, dict)]
    state = inspected.get("State")
    pid = state.get("Pid") if isinstance(state, dict) else 0
    return Layout(
        kept=tuple(path for mount in mounts if _outlives(mount) for path in _path(mount.get("Source"))),
        lost=tuple(_layer(inspected.get("GraphDriver"))),
        inside={path: _outlives(mount) for mount in mounts for path in _path(mount.get("Destination"))},
        ident=str(inspected.get("Id", "")),
        pid=pid if isinstance(pid, int) else 0,
    )


def _outlives(mount: Mapping[str, Any]) -> bool:
    return mount.get("Type") != "tmpfs"


def _layer(driver: object) -> Iterator[PurePosixPath]:
    data = driver.get("Data") if isinstance(driver, dict) else None
    for key in ("MergedDir", "UpperDir"):
        yield from _path(data.get(key) if isinstance(data, dict) else None)


def _path(text: object) -> Iterator[PurePosixPath]:
    if isinstance(text, str) and text.startswith("/") and text != "/":
        yield PurePosixPath(text)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
