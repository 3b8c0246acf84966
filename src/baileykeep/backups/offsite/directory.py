"""A folder on another disk: a second volume, or a network share that is mounted here."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from baileykeep.backups.offsite.base import Place, taken, too_large
from baileykeep.fsys import Fsys, is_temp
from baileykeep.model.errors import OffsiteError


class Directory:
    """Files are `0600` in folders of `0700`, on disk when a call returns. The folder itself is never made by us.

    A share that is not mounted leaves an empty folder of the first disk in its place: what lies on the disk of
    `beside` is refused, unless the place says that this is wanted.
    """

    kind = "file"

    def __init__(self, place: Place, beside: Path, fsys: Fsys | None = None):
        self._root = path_of(place.to)
        self._beside = beside
        self._same_disk = place.same_disk
        self._fsys = fsys or Fsys()

    @property
    def where(self) -> str:
        return str(self._root)

    def folders(self) -> list[str]:
        with self._opened(self._checked()) as folder, _explained(self.where):
            found = self._fsys.entries(folder)
        return [e.name for e in found if stat.S_ISDIR(e.stat.st_mode) and not e.name.startswith(".")]

    def names(self, folder: str) -> Mapping[str, int]:
        path = self._checked() / folder
        if not self._is_there(path):
            return {}
        with self._opened(path) as opened, _explained(self.where):
            found = self._fsys.entries(opened)
        return {entry.name: entry.stat.st_size for entry in found if entry.regular and not is_temp(entry.name)}

    def put_new(self, folder: str, name: str, data: bytes) -> None:
        path = self._checked() / folder
        with _explained(self.where):
            self._fsys.make_folder(path)
        with self._opened(path) as opened, _explained(self.where):
            self._fsys.sweep(opened)
            try:
                self._fsys.write_new(opened, name, data, mode=0o600)
            except FileExistsError as error:
                raise taken(name) from error

    def get(self, folder: str, name: str, limit: int) -> bytes | None:
        path = self._checked() / folder
        if not self._is_there(path):
            return None
        with self._opened(path) as opened, _explained(self.where):
            entry = self._fsys.entry(opened, name)
            if entry is None:
                return None
            if entry.stat.st_size > limit:
                raise too_large(name)
            self._fsys.forget(opened, name)
            return self._fsys.read(opened, name, limit)

    def remove(self, folder: str, name: str) -> None:
        with self._opened(self._checked() / folder) as opened, _explained(self.where):
            with contextlib.suppress(FileNotFoundError):
                self._fsys.remove(opened, name)
            self._fsys.sync(opened)

    def _checked(self) -> Path:
        """The folder, wherever a link leads: it must be there, and on another disk than the copies of this host."""
        if not self._is_there(self._root):
            raise OffsiteError(
                f"there is no folder {self.where}", next_step="is it mounted? else make it, for the daemon's user alone"
            )
        real, beside = Path(os.path.realpath(self._root)), Path(os.path.realpath(self._beside))
        if real == beside or real.is_relative_to(beside) or beside.is_relative_to(real):
            raise OffsiteError(
                f"{self.where} and the backups folder lie in each other", next_step="name another place", permanent=True
            )
        if not self._same_disk and os.stat(real).st_dev == os.stat(beside).st_dev:
            raise OffsiteError(
                f"{self.where} lies on the same disk as the backups",
                next_step="is it mounted? a copy on the same disk dies with it (offsite.same_disk = true allows it)",
                code="same_disk",
            )
        return real

    def _is_there(self, path: Path) -> bool:
        with _explained(self.where):
            return self._fsys.is_folder(path)

    @contextlib.contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        with contextlib.ExitStack() as stack:
            with _explained(self.where):
                folder = stack.enter_context(self._fsys.folder(path))
            yield folder


def path_of(to: str) -> Path:
    """The folder that a `file://` address names."""
    return Path(unquote(urlsplit(to).path))


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OffsiteError(
            f"{where} cannot be used: {error.strerror or error}",
            next_step="check that it is mounted, its owner and mode, and its free room",
        ) from error
