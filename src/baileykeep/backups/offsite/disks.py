"""Whether one disk holds both logins and all their copies."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def on_one_disk(backups_dir: Path, folders: Iterable[Path]) -> bool:
    """Whether the copies lie on the disk of any of these folders. What is not there yet stands for its parent."""
    disk = _disk(backups_dir)
    return any(_disk(folder) == disk for folder in folders)


def _disk(path: Path) -> int:
    path = Path(os.path.realpath(path))
    return next((found for p in (path, *path.parents) if (found := _device(p)) is not None), -1)


def _device(path: Path) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None
