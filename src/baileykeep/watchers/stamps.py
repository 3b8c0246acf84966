"""What tells cheaply whether a file or folder was written since: two microseconds instead of a listing."""

from __future__ import annotations

import os
from dataclasses import dataclass

TRUST_AFTER_S = 2.0
"""A younger stamp proves nothing: the next write may leave the same one."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identity, times and size of what lies under a name. `key` is None where there is nothing."""

    key: tuple[int, int, int, int, int] | None
    young: bool = False

    def proves(self, now: Stamp) -> bool:
        """Whether nothing can have been written, and no mode changed, between this stamp and `now`."""
        return self.key == now.key and not self.young

    def moved(self, now: Stamp) -> bool:
        """Whether another folder or file lies under the name now."""
        return (self.key or ())[:2] != (now.key or ())[:2]


NEVER = Stamp(None, young=True)
"""The stamp of what was never read: it proves nothing."""


def stamp_of(path: str, now: float) -> Stamp:
    """The stamp at `now` (epoch seconds). Raises `OSError` where the name cannot be looked at."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Stamp(None)
    key = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
    return Stamp(key, young=found.st_ctime > now - TRUST_AFTER_S)


def is_gone(path: str) -> bool:
    """Whether nothing is there; False also where that cannot be seen."""
    try:
        return stamp_of(path, 0.0).key is None
    except OSError:
        return False
