"""An auth folder on disk, as Baileys' multi-file auth state writes it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from baileykeep.fsys import Entry, Fsys, Owner, folder_lock
from baileykeep.model.errors import Refused, StoreError
from baileykeep.model.inventory import Category, Creds, CredsState, FileEntry, Listing
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.masking import mask_name
from baileykeep.rules.naming import CREDS, category_of
from baileykeep.stores import mappings

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Baileys' files have kilobytes; anything larger is a stranger and is not read."""

MAX_STRANGERS_BYTES = 64 * 1024 * 1024
"""So much of what is not Baileys' own is read at once; the rest of it is left out of backups."""

_CAP_CHOWN = 1


class FileStore:
    """One company's auth folder. Symbolic links and other odd entries in it are OTHER and are never touched.

    A folder that is itself a symbolic link is refused: two names for one login are a configuration error. What
    changes anything works on the folder that was listed last: another one put in its place, also by a link further
    up, is `StoreError` with code `changed`.
    """

    def __init__(self, company: str, folder: Path, fsys: Fsys | None = None):
        self.company = company
        self.folder = folder
        self._fsys = fsys or Fsys()
        self._listed: tuple[int, int] | None = None

    @property
    def place(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def exists(self) -> bool:
        """Whether the folder is there, as a folder."""
        try:
            return stat.S_ISDIR(os.lstat(self.folder).st_mode)
        except OSError:
            return False

    def make(self) -> None:
        """Make the folder where a gateway removed it; see `AuthStore`."""
        if os.path.lexists(self.folder):
            return
        try:
            self._fsys.make_folder_below(self.folder)
        except OSError as error:
            raise StoreError(f"the auth folder {self.folder} cannot be made: {_why(error)}") from error

    def listing(self) -> Listing:
        """All entries; what is not a plain file is OTHER with size 0."""
        with self._opened() as folder:
            entries, self._listed = self._fsys.entries(folder), _identity(folder)
        token = hashlib.blake2b(repr(self._listed).encode(), digest_size=16)
        for entry in entries:
            size, mtime = entry.stat.st_size, entry.stat.st_mtime_ns
            token.update(os.fsencode(f"{entry.name}\0{entry.stat.st_mode}\0{size}\0{mtime}\n"))
        return Listing(tuple(_file(entry) for entry in entries), token.hexdigest())

    def read(self, name: str) -> bytes:
        """One plain file's bytes; larger ones than `MAX_FILE_BYTES` are refused."""
        with self._opened() as folder, _named(f"{mask_name(name)} cannot be read"):
            return self._fsys.read(folder, name, MAX_FILE_BYTES)

    def read_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Several files' bytes; left out is what vanished, and what of category OTHER cannot be read or is too much."""
        found: dict[str, bytes] = {}
        room = MAX_STRANGERS_BYTES
        with self._opened() as folder:
            for name in names:
                ours = category_of(name) is not Category.OTHER
                try:
                    found[name] = self._fsys.read(folder, name, MAX_FILE_BYTES if ours else min(room, MAX_FILE_BYTES))
                    room -= 0 if ours else len(found[name])
                except FileNotFoundError:
                    continue
                except OSError as error:
                    if ours and _regular(self._fsys.entry(folder, name)):
                        raise StoreError(f"{mask_name(name)} cannot be read: {_why(error)}") from error
        return found

    def creds(self) -> Creds:
        """The facts of the creds; a torn read shows as TORN and is the caller's to repeat."""
        with self._opened() as folder:
            try:
                return parse_creds(self._fsys.read(folder, CREDS, MAX_FILE_BYTES))
            except FileNotFoundError:
                return Creds(CredsState.MISSING)
            except OSError:
                return Creds(CredsState.UNREADABLE)

    def lid_of(self, phone: str) -> str | None:
        """The LID user that the mapping of a phone names."""
        return mappings.lid_of(phone, self.read)

    def phone_of(self, lid: str) -> str | None:
        """The phone that the reverse mapping of a LID names."""
        return mappings.phone_of(lid, self.read)

    def check_writable(self) -> None:
        """Raise `Refused` when owner, group and mode of what is there could not be kept."""
        with self._opened() as folder:
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=folder, effective_ids=True):
                raise _not_writable("this process may not write into the auth folder")
            if _may_give_files_away():
                return
            groups = {os.getegid(), *os.getgroups()}
            found = [os.fstat(folder), *(entry.stat for entry in self._fsys.entries(folder) if entry.regular)]
            for uid, gid in {(one.st_uid, one.st_gid) for one in found}:
                if uid != os.geteuid() or gid not in groups:
                    raise _not_writable(f"files in the auth folder belong to user {uid}, group {gid}")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Bar other processes that ask for the same; see `AuthStore`."""
        with self._opened() as folder, folder_lock(folder):
            yield

    def write(self, name: str, data: bytes, *, mtime: float | None = None, mode: int | None = None) -> None:
        """Put one file in place atomically, with owner, group and mode of what was there.

        Where nothing was, those of `creds.json`, else the folder's owner and `mode`, or the folder's mode.
        """
        with self._opened(to_change=True) as folder, _named(f"{mask_name(name)} cannot be written"):
            before = self._fsys.entry(folder, name)
            if before is not None and not before.regular:
                raise OSError("what is there is not a plain file")
            like = before or self._fsys.entry(folder, CREDS)
            top = os.fstat(folder)
            of = like.stat if like is not None and like.regular else top
            bits = stat.S_IMODE(of.st_mode) if of is not top else mode or top.st_mode & 0o666
            self._fsys.write(folder, name, data, mode=bits & 0o777, owner=Owner(of.st_uid, of.st_gid), mtime=mtime)

    def remove(self, name: str) -> None:
        """Remove one plain file."""
        with self._opened(to_change=True) as folder, _named(f"{mask_name(name)} cannot be removed"):
            entry = self._fsys.entry(folder, name)
            if not _regular(entry):
                raise OSError("there is no plain file of this name")
            self._fsys.remove(folder, name)

    def remove_unchanged(self, files: Sequence[FileEntry]) -> None:
        """Remove files in this order, each only while it is as it was listed; the removals are on disk on return.

        Raises `StoreError` with code `changed` at the first that is not: then somebody writes here.
        """
        if not files:
            return
        with self._opened(to_change=True) as folder:
            try:
                for file in files:
                    self._remove_listed(folder, file)
            finally:
                with _named("removals cannot be brought to disk"):
                    self._fsys.sync(folder)

    def _remove_listed(self, folder: int, file: FileEntry) -> None:
        with _named(f"{mask_name(file.name)} cannot be removed"):
            entry = self._fsys.entry(folder, file.name)
            if entry is None or not entry.regular or _file(entry) != file:
                raise StoreError(
                    f"{mask_name(file.name)} changed since it was listed",
                    next_step="something still runs on this folder; stop it and start over",
                    code="changed",
                )
            self._fsys.remove(folder, file.name)

    def last_write(self) -> float | None:
        """The newest mtime of a plain file; None when there is none."""
        with self._opened() as folder:
            times = [entry.stat.st_mtime for entry in self._fsys.entries(folder) if entry.regular]
        return max(times, default=None)

    def file_mode(self) -> int:
        """The permission bits that files here have: those of `creds.json`, else of the first file, else 0600."""
        with self._opened() as folder:
            creds = self._fsys.entry(folder, CREDS)
            files = [entry for entry in ([creds] if creds else self._fsys.entries(folder)) if entry.regular]
        return stat.S_IMODE(files[0].stat.st_mode) & 0o777 if files else 0o600

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Files change one after another; see `AuthStore`."""
        yield

    def normal(self, contents: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """A folder keeps bytes as they are."""
        return contents

    def sweep(self) -> None:
        """Remove our own unfinished writes that a crash left behind; only under the company's lock."""
        with self._opened() as folder, _named("unfinished writes cannot be removed"):
            self._fsys.sweep(folder)

    @contextlib.contextmanager
    def _opened(self, *, to_change: bool = False) -> Iterator[int]:
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(self._fsys.folder(self.folder))
            except OSError as error:
                raise self._cannot_open(error) from error
            if to_change and self._listed not in (None, _identity(folder)):
                raise StoreError(
                    f"another folder lies at {self.folder} than the one that was looked at",
                    next_step="find out who moves auth folders about; nothing was changed",
                    code="changed",
                )
            with _named("the auth folder cannot be read"):
                yield folder

    def _cannot_open(self, error: OSError) -> StoreError:
        if self.folder.is_symlink():
            return StoreError(
                f"the auth folder {self.folder} is a symbolic link",
                next_step="name the real folder",
                code="symlink",
                permanent=True,
            )
        return StoreError(f"the auth folder {self.folder} cannot be opened: {_why(error)}")


def _file(entry: Entry) -> FileEntry:
    if not entry.regular:
        return FileEntry(entry.name, Category.OTHER, 0, entry.stat.st_mtime)
    return FileEntry(entry.name, category_of(entry.name), entry.stat.st_size, entry.stat.st_mtime)


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def _regular(entry: Entry | None) -> bool:
    return entry is not None and entry.regular


def _why(error: OSError) -> str:
    """The reason without the file's name, which may hold a phone number."""
    return error.strerror or str(error)


@contextlib.contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {_why(error)}") from error


def _not_writable(cause: str) -> Refused:
    return Refused(
        f"{cause}, so owner, group and mode could not be kept",
        next_step="run Baileykeep as the user that runs the gateway",
        code="not_writable",
    )


def _may_give_files_away() -> bool:
    """Whether this process may change owners: root that was not stripped of that right."""
    if os.geteuid() != 0:
        return False
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            caps = [line.split()[1] for line in status if line.startswith("CapEff:")]
    except OSError:
        return True
    return bool(int(caps[0], 16) & _CAP_CHOWN) if caps else True
