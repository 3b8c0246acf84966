"""Real auth folders in a temporary place, and file systems that fail where a test says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from baileykeep.fsys import Fsys
from tests.unit.rules.folders import FIXTURES, NOW

DAY_S = 86_400.0


def age(folder: Path, days: float, now: float = NOW) -> None:
    """Let every file have been written so many days before `now`."""
    for path in folder.iterdir():
        os.utime(path, (now - days * DAY_S,) * 2, follow_symlinks=False)


def copy_of(which: str, to: Path, *, days: float = 5.0, now: float = NOW) -> Path:
    """A copy of a sample folder, all files of one age."""
    shutil.copytree(FIXTURES / which, to)
    age(to, days, now)
    return to


def few_of(to: Path) -> Path:
    """A dozen files of a real 6.x folder, for tests that go through every step."""
    copy_of("auth-6", to, days=40)
    for path in to.iterdir():
        if path.name.startswith(("app-state", "pre-key-1", "pre-key-2")):
            path.unlink()
    return to


def contents(folder: Path) -> dict[str, bytes]:
    """Every plain file's bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.is_symlink()}


def without_ids(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same without the creds, whose pre-key ids a restore may raise."""
    return {name: data for name, data in files.items() if name != "creds.json"}


class CrashError(BaseException):
    """The process died here: nothing after it happens, not even tidying up."""


class Crashing(Fsys):
    """Dies at the n-th operation that changes something (0: never) and at all after it."""

    def __init__(self, at: int):
        self.at = at
        self.done: list[str] = []

    def before(self, operation: str, name: str) -> None:
        self.done.append(operation)
        if self.at and len(self.done) >= self.at:
            raise CrashError(f"{operation} {name}")


class Failing(Fsys):
    """Fails the n-th operation that changes something, as a full disk does, and only that one."""

    def __init__(self, at: int):
        self.at = at
        self.done = 0

    def before(self, operation: str, name: str) -> None:
        self.done += 1
        if self.done == self.at:
            raise OSError(28, "No space left on device")
