"""Doors to the file system that break where a test says."""

from __future__ import annotations

import os
import signal

from baileykeep.fsys import Fsys


class Counting(Fsys):
    """Lets everything through and writes down what it was."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        self.looks: list[str] = []

    def before(self, operation: str, name: str) -> None:
        self.changes.append(operation)

    def looking(self, operation: str, name: str) -> None:
        self.looks.append(operation)


class Broken(Fsys):
    """The n-th operation that changes something fails; with `lasting` so does every later one.

    Of the data of a file half arrives first, as on a disk that becomes full.
    """

    def __init__(self, at: int, number: int, *, lasting: bool = False):
        self._at = at
        self._number = number
        self._lasting = lasting
        self._half = False
        self.seen = 0

    def before(self, operation: str, name: str) -> None:
        self.seen += 1
        if self.seen == self._at or (self._lasting and self.seen > self._at):
            self._half = operation == "data"
            if not self._half:
                raise self._error()

    def data(self, descriptor: int, data: bytes) -> None:
        if self._half:
            self._half = False
            super().data(descriptor, data[: len(data) // 2])
            raise self._error()
        super().data(descriptor, data)

    @property
    def happened(self) -> bool:
        """Whether anything failed."""
        return self.seen >= self._at

    def _error(self) -> OSError:
        return OSError(self._number, os.strerror(self._number))


class Blind(Fsys):
    """The n-th look (open, list, stat, read) fails."""

    def __init__(self, at: int, number: int):
        self._at = at
        self._number = number
        self.seen = 0

    def looking(self, operation: str, name: str) -> None:
        self.seen += 1
        if self.seen == self._at:
            raise OSError(self._number, os.strerror(self._number))

    @property
    def happened(self) -> bool:
        """Whether anything failed."""
        return self.seen >= self._at


class Dying(Fsys):
    """The whole process dies, really, before the n-th operation; in the middle of it where it writes data."""

    def __init__(self, at: int):
        self._at = at
        self._half = False
        self.seen = 0

    def before(self, operation: str, name: str) -> None:
        self.seen += 1
        if self.seen == self._at:
            self._half = operation == "data"
            if not self._half:
                os.kill(os.getpid(), signal.SIGKILL)

    def data(self, descriptor: int, data: bytes) -> None:
        if self._half:
            super().data(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        super().data(descriptor, data)
