"""Scenes on a file system that really is full: `python -m tests.faults.small_disk FOLDER SCENE…`.

FOLDER is the root of a small file system of its own. A file fills it but for so many pages, more each time until
the scene finds room; after each try the file goes and everything must come to a good end.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from baileykeep.fsys import Fsys
from baileykeep.model.errors import BaileykeepError
from tests.faults.place import Place
from tests.faults.scenes import SCENES, Scene, recovered

MOST_PAGES = 400


@contextlib.contextmanager
def full(disk: Path, pages: int) -> Iterator[None]:
    """Leave so many pages free for a while."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(disk)
        room = (free.f_bavail - pages) * free.f_frsize
        if room > 0:
            os.posix_fallocate(file.fileno(), 0, room)
    try:
        yield
    finally:
        filler.unlink()


def tried(scene: Scene, place: Place, disk: Path, pages: int) -> bool:
    """Whether there was room enough."""
    with full(disk, pages):
        try:
            scene.act(place, Fsys())
        except BaileykeepError:
            return False
        except OSError as error:  # the scene's own notes need room too
            if error.filename is None or not str(error.filename).endswith((".json", ".jsonl")):
                raise
            return False
    return True


def main(disk: Path, names: list[str]) -> int:
    """Print how often each scene found no room."""
    for scene in (scene for scene in SCENES if scene.name in names):
        template, login = scene.prepare(disk / "template")
        for pages in range(MOST_PAGES):
            place = template.twin(f"at-{pages}")
            enough = tried(scene, place, disk, pages)
            recovered(scene, place, login)
            place.gone()
            if enough:
                print(scene.name, pages, flush=True)
                break
        template.gone()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
