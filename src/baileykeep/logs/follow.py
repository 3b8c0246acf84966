"""Following one log file through everything that rotation does to it, without losing or repeating a byte.

A file may not exist yet, be renamed and made anew, or be copied and truncated (its inode stays, its size drops, and
it may have grown past the old place before anybody looks again). The place is remembered as inode, offset and a hash
of the bytes before the offset: text of the log itself is never stored.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

CHUNK = 128 * 1024
BUDGET = 8 * 1024 * 1024
"""Bytes read from one file before others get their turn."""

SPAN = 256
"""So many bytes before the offset tell a file apart from another one in its place."""

SWITCH_AFTER_S = 5.0
"""An old file that is still written is left after this, once its successor has content."""

_MAX_NEIGHBOURS = 200
_ROTATED = re.compile(r"[._-]*(?:[0-9]|old|bak|prev|rotated)")


class Mark(Enum):
    """END: a file ended, so does its last line. GAP: something between was never seen."""

    END = "end"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on. `inode` None: there was no file. `pending` bytes before `offset` were an unfinished line.

    `span` bytes before `offset` have the hash `digest`. `written_ns` is the file's own time of its last write, `at`
    the time (epoch seconds) of the last look.
    """

    inode: int | None
    offset: int = 0
    pending: int = 0
    span: int = 0
    digest: str = ""
    written_ns: int = 0
    at: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Position | None:
        """The inverse; None for anything that does not look like a position."""
        if not isinstance(value, Mapping) or set(value) != set(cls.__slots__):
            return None
        numbers = (value["offset"], value["pending"], value["span"], value["written_ns"])
        whole = all(isinstance(number, int) and number >= 0 for number in numbers)
        known = isinstance(value["inode"], int | None) and isinstance(value["digest"], str)
        if not (whole and known and isinstance(value["at"], int | float) and value["pending"] <= value["offset"]):
            return None
        return cls(**value)


class Follower:
    """One file. Without a position it starts at the end of what is there: history is not replayed."""

    def __init__(self, path: Path, position: Position | None = None) -> None:
        self.path = path
        self.problem: str | None = None
        self.more = False
        self._restore = position
        self._started = False
        self._file: int | None = None
        self._inode: int | None = None
        self._offset = 0
        self._size = 0
        self._written_ns = 0
        self._settled = False
        self._tail = b""
        self._skip_line = False
        self._first = True
        self._replaced_at: float | None = None

    def position(self, pending: int, at: float) -> Position | None:
        """Where to go on; None before the first look. `pending` bytes of an unfinished line are to be read again."""
        if not self._started:
            return self._restore
        pending = min(pending, self._offset)
        return Position(self._inode, self._offset, pending, len(self._tail), _digest(self._tail), self._written_ns, at)

    def read(self, now: float) -> Iterator[bytes | Mark]:
        """What is new, in order, at most about `BUDGET` bytes; `more` says that there is more. `now` is monotonic.

        Never raises for what the file system does: `problem` then says why nothing can be read.
        """
        self.more = False
        try:
            yield from self._look(now)
            self.problem = None
        except FileNotFoundError:
            self.problem = None
        except OSError as error:
            self.problem = f"{error.strerror or error}"
            self._restore, self._started, self._first = self.position(0, 0.0), False, False
            self._close()

    def close(self) -> None:
        """Give the descriptor back."""
        self._close()

    def _look(self, now: float) -> Iterator[bytes | Mark]:
        if not self._started:
            yield from self._start()
        if self._file is None:
            self._open_path()
        yield from self._undo_truncation()
        got = 0
        for data in self._drain(BUDGET):
            got += len(data)
            yield data
        if not self.more and self._may_switch(now, quiet=got == 0):
            yield Mark.END
            self._close()
            self._open_path()
            yield from self._drain(BUDGET)

    def _start(self) -> Iterator[bytes | Mark]:
        place = self._restore
        if place is None:
            self._start_at_end()
        elif place.inode is not None:
            found = self._find(place)
            self._started = True
            if found is None:
                yield Mark.GAP
            else:
                yield from self._go_on(place, *found)
        self._started = True

    def _start_at_end(self) -> None:
        try:
            self._open_path()
        except FileNotFoundError:
            return
        self._offset = os.fstat(self._descriptor).st_size
        self._tail = _before(self._descriptor, self._offset)
        self._skip_line = bool(self._tail) and not self._tail.endswith(b"\n")

    def _go_on(self, place: Position, file: int, whole: bool) -> Iterator[bytes | Mark]:
        self._adopt(file)
        if not whole:
            yield from self._rest_of_copy(place, blind=True)
            return
        self._offset = place.offset - place.pending
        self._tail = _before(file, self._offset)
        # Nobody holds the beginning of a line too long to be kept: its rest must not pass for a line of its own.
        self._skip_line = self._first and bool(self._tail) and not self._tail.endswith(b"\n")
        if self._inode != _inode_of(self.path) and self._skipped_one(os.fstat(file)):
            yield Mark.GAP

    def _find(self, place: Position) -> tuple[int, bool] | None:
        """The file of a position, open, under whatever name; and whether the bytes before the offset still stand."""
        candidates = [self.path, *(path for path in _neighbours(self.path) if _inode_of(path) == place.inode)]
        for path in candidates:
            if _inode_of(path) != place.inode:
                continue
            file = _open(path)
            whole = _holds(file, place)
            if whole or path == self.path:
                return file, whole
            os.close(file)
        return None

    def _skipped_one(self, old: os.stat_result) -> bool:
        """Whether rotation went on while nobody looked: a younger old file that was never read."""
        rotated = [found for path in _neighbours(self.path) if _is_rotation(self.path, path) and (found := _stat(path))]
        return any(each.st_ino != old.st_ino and each.st_mtime_ns > old.st_mtime_ns for each in rotated)

    def _undo_truncation(self) -> Iterator[bytes | Mark]:
        found, before = os.fstat(self._descriptor), self._size
        changed = (found.st_size, found.st_mtime_ns) != (before, self._written_ns)
        # one more look after a change: file times are coarse, and the size may be the same by chance
        sure, self._settled = self._settled and not changed, not changed
        self._size = found.st_size
        if sure or (self._size >= self._offset and self._tail_is_there()):
            self._written_ns = found.st_mtime_ns
            return
        place = Position(self._inode, self._offset, 0, len(self._tail), _digest(self._tail), self._written_ns)
        yield from self._rest_of_copy(place, blind=before > self._offset)

    def _rest_of_copy(self, place: Position, *, blind: bool) -> Iterator[bytes | Mark]:
        """The file was emptied. What was not read yet stands in the copy, if there is one that begins alike."""
        rotated = (path for path in _neighbours(self.path) if _is_rotation(self.path, path))
        copy = next((path for path in rotated if _is_copy(path, place)), None)
        if copy is not None:
            yield from _read_all(copy, place.offset - place.pending)
        elif blind:
            yield Mark.GAP
        yield Mark.END
        self._offset, self._tail, self._skip_line = 0, b"", False

    def _tail_is_there(self) -> bool:
        return os.pread(self._descriptor, len(self._tail), self._offset - len(self._tail)) == self._tail

    def _drain(self, budget: int) -> Iterator[bytes]:
        while self._offset < self._size and (data := os.pread(self._descriptor, CHUNK, self._offset)):
            self._offset += len(data)
            self._size = max(self._size, self._offset)
            self._tail = (self._tail + data)[-SPAN:]
            budget -= len(data)
            yield self._from_line_start(data)
            if budget <= 0:
                self.more = True
                return

    def _from_line_start(self, data: bytes) -> bytes:
        if not self._skip_line:
            return data
        newline = data.find(b"\n")
        self._skip_line = newline < 0
        return data[newline + 1 :] if newline >= 0 else b""

    def _may_switch(self, now: float, *, quiet: bool) -> bool:
        """Another file stands at the path and is written: the old one is left once it is quiet, or after a while."""
        successor = _stat(self.path)
        if successor is None or successor.st_ino == self._inode:
            self._replaced_at = None
            return False
        self._replaced_at = now if self._replaced_at is None else self._replaced_at
        return successor.st_size > 0 and (quiet or now - self._replaced_at >= SWITCH_AFTER_S)

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            raise FileNotFoundError
        return self._file

    def _open_path(self) -> None:
        self._adopt(_open(self.path))

    def _adopt(self, file: int) -> None:
        found = os.fstat(file)
        self._file, self._inode, self._size, self._written_ns = file, found.st_ino, found.st_size, found.st_mtime_ns
        self._offset, self._tail, self._replaced_at = 0, b"", None

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(0, "is not a regular file")
    return file


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _inode_of(path: Path) -> int | None:
    found = _stat(path)
    return found.st_ino if found else None


def _neighbours(path: Path) -> list[Path]:
    """Other regular files of the folder, the newest first."""
    with os.scandir(path.parent) as entries:
        files = [(entry.stat().st_mtime_ns, Path(entry.path)) for entry in entries if entry.is_file()]
    return [found for _, found in sorted(files, reverse=True) if found != path][:_MAX_NEIGHBOURS]


def _is_rotation(path: Path, other: Path) -> bool:
    """Whether the other file's name is one that rotation gives: `out.log.1`, `out.log-20261120`, `out__2026-….log`."""
    start = path.name if other.name.startswith(path.name) else path.stem
    return other.name.startswith(start) and _ROTATED.match(other.name[len(start) :]) is not None


def _is_copy(path: Path, place: Position) -> bool:
    found = _stat(path)
    if found is None or not place.span or found.st_mtime_ns < place.written_ns:
        return False
    file = _open(path)
    try:
        return _holds(file, place)
    finally:
        os.close(file)


def _holds(file: int, place: Position) -> bool:
    if os.fstat(file).st_size < place.offset:
        return False
    return _digest(os.pread(file, place.span, place.offset - place.span)) == place.digest


def _read_all(path: Path, offset: int) -> Iterator[bytes]:
    file = _open(path)
    try:
        while data := os.pread(file, CHUNK, offset):
            offset += len(data)
            yield data
    finally:
        os.close(file)


def _before(file: int, offset: int) -> bytes:
    start = max(0, offset - SPAN)
    return os.pread(file, offset - start, start)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
