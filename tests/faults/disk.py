"""A disk that forgets: what a power cut may leave of the operations that went through the door.

The door's own calls of the operating system are written down as they are made, not as they are announced, and each
must have been announced. Replayed up to a cut, the strict reading of POSIX holds: data is there after its file was
synced, a name after its folder was; whatever was not synced may be there or not, each for itself.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baileykeep.fsys import Fsys
from tests.faults.place import Place, may_give_away

ANNOUNCED = {
    "lock": {"open", "ftruncate", "pwrite"},
    "create": {"open"},
    "data": {"write"},
    "own": {"fchown", "fchmod", "utime"},
    "sync": {"fsync"},
    "rename": {"rename"},
    "unlink": {"unlink"},
    "mkdir": {"mkdir"},
}
"""Which calls belong to which announcement of `Fsys.before`."""


@dataclass(slots=True)
class File:
    """What a name leads to: its bytes as they are, and as they were when they last were synced."""

    data: bytes = b""
    synced: bytes = b""
    mode: int = 0o600
    owner: tuple[int, int] = (os.geteuid(), os.getegid())
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One call: `do` changes the names of a folder, or a file."""

    call: str
    folder: str = ""
    name: str = ""
    old: str = ""
    file: File | None = None
    data: bytes = b""


class Announcing(Fsys):
    """Remembers what was announced last."""

    last = ""

    def before(self, operation: str, name: str) -> None:
        self.last = operation


@dataclass(slots=True)
class Recorder:
    """Stands in for the module `os` of the door: everything happens, and is written down."""

    door: Announcing
    steps: list[Step] = field(default_factory=list)
    files: dict[int, File] = field(default_factory=dict)
    folders: dict[int, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _note(self, call: str, **what: Any) -> None:
        assert call in ANNOUNCED[self.door.last], f"os.{call} was announced as {self.door.last}"
        self.steps.append(Step(call, **what))

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = os.open(path, flags, mode, dir_fd=dir_fd)
        self.files.pop(descriptor, None)
        self.folders.pop(descriptor, None)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self.folders[descriptor] = os.path.realpath(f"/proc/self/fd/{descriptor}")
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            assert dir_fd is not None
            self.files[descriptor] = File()
            self._note("open", folder=self.folders[dir_fd], name=str(path), file=self.files[descriptor])
        return descriptor

    def write(self, descriptor: int, data: Any) -> int:
        self._note("write", file=self.files[descriptor], data=bytes(data))
        return os.write(descriptor, data)

    def fchmod(self, descriptor: int, mode: int) -> None:
        self._note("fchmod")
        self.files[descriptor].mode = mode
        os.fchmod(descriptor, mode)

    def fchown(self, descriptor: int, uid: int, gid: int) -> None:
        self._note("fchown")
        self.files[descriptor].owner = (uid, gid)
        os.fchown(descriptor, uid, gid)

    def utime(self, descriptor: int, times: tuple[float, float]) -> None:
        self._note("utime")
        self.files[descriptor].mtime_ns = int(times[1] * 1e9)
        os.utime(descriptor, times)

    def fsync(self, descriptor: int) -> None:
        folder = self.folders.get(descriptor, "")
        self._note("fsync", folder=folder, file=None if folder else self.files[descriptor])
        os.fsync(descriptor)

    def rename(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        self._note("rename", folder=self.folders[dst_dir_fd], name=new, old=old)
        os.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def unlink(self, name: str, *, dir_fd: int) -> None:
        self._note("unlink", folder=self.folders[dir_fd], name=name)
        os.unlink(name, dir_fd=dir_fd)

    def mkdir(self, path: Any, mode: int) -> None:
        self._note("mkdir", folder=os.path.realpath(os.path.dirname(path)), name=os.path.basename(path))
        os.mkdir(path, mode)


Names = dict[str, dict[str, File | None]]
"""The names of each folder; None leads to a folder."""


def names_of(root: Path) -> Names:
    """Everything below a folder as it lies on a disk that forgot nothing."""
    found: Names = {}
    for folder, folders, files in os.walk(root):
        here: dict[str, File | None] = dict.fromkeys(folders)
        for name in files:
            of, data = os.stat(f"{folder}/{name}"), Path(folder, name).read_bytes()
            here[name] = File(data, data, stat.S_IMODE(of.st_mode), (of.st_uid, of.st_gid), of.st_mtime_ns)
        found[os.path.realpath(folder)] = here
    return found


def _applied(names: Names, steps: Sequence[Step]) -> Names:
    after = {folder: dict(here) for folder, here in names.items()}
    for step in steps:
        here = after.setdefault(step.folder, {})
        if step.call == "open":
            here[step.name] = step.file
        elif step.call == "mkdir":
            here[step.name] = None
            after.setdefault(f"{step.folder}/{step.name}", {})
        elif step.call == "unlink":
            here.pop(step.name, None)
        elif step.call == "rename" and step.old in here:
            here[step.name] = here.pop(step.old)
    return after


def ruins(start: Names, steps: Sequence[Step]) -> Iterator[Names]:
    """Every state of the names in which a power cut after these steps may leave the disk; `File.synced` is the data."""
    durable = {folder: dict(here) for folder, here in start.items()}
    waiting: list[Step] = []
    for step in steps:
        if step.call == "write" and step.file is not None:
            step.file.data += step.data
        elif step.call == "fsync" and step.file is not None:
            step.file.synced = step.file.data
        elif step.call == "fsync":
            durable = _applied(durable, [one for one in waiting if one.folder == step.folder])
            waiting = [one for one in waiting if one.folder != step.folder]
        elif step.call in {"open", "mkdir", "unlink", "rename"}:
            waiting.append(step)
    yield durable
    for end in range(1, len(waiting) + 1):
        yield _applied(durable, waiting[:end])
    for one in waiting[1:]:
        yield _applied(durable, [one])


def forgotten(steps: Sequence[Step]) -> None:
    """Before a replay: no data of a new file has arrived yet."""
    for step in steps:
        if step.call == "open" and step.file is not None:
            step.file.data = step.file.synced = b""


def put_on_disk(names: Names, source: Place, name: str) -> Place:
    """A place as it would be found after the power is back."""
    place = Place(source.root.parent / name)
    root = os.path.realpath(source.root)

    def made(folder: str, to: Path) -> None:
        like = Path(folder).stat()
        to.mkdir(mode=stat.S_IMODE(like.st_mode))
        for name, file in names.get(folder, {}).items():
            if file is None:
                made(f"{folder}/{name}", to / name)
                continue
            path = to / name
            path.write_bytes(file.synced)
            if may_give_away():
                os.chown(path, *file.owner)
            path.chmod(file.mode)
            os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
        if may_give_away():
            shutil.chown(to, like.st_uid, like.st_gid)

    made(root, place.root)
    return place


def signature(names: Names) -> int:
    """Equal for states that look the same."""
    return hash(
        tuple(
            (folder, tuple((name, file and (id(file), len(file.synced))) for name, file in sorted(here.items())))
            for folder, here in sorted(names.items())
        )
    )


Act = Callable[[Place, Fsys], None]


def recorded(place: Place, act: Act, replace_os: Callable[[Any], None]) -> tuple[Names, list[Step]]:
    """What lay there before, and each call that the door made while it was done."""
    start, door = names_of(place.root), Announcing()
    recorder = Recorder(door)
    replace_os(recorder)
    try:
        act(place, door)
    finally:
        replace_os(os)
    return start, recorder.steps
