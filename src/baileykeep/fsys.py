"""The only door through which auth folders and backups are written.

Everything goes by a descriptor of the folder and a bare name inside it, and never through a symbolic link, so
nothing outside the folder can be reached. Each operation that changes something asks `before` first, each that only
looks asks `looking`: a test overrides them and fails the n-th. Errors are `OSError`; who calls, says what they mean.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baileykeep.model.errors import Refused

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ANY_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_TEMP = re.compile(r"\.baileykeep-[0-9a-f]{16}\.tmp")


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder, as `lstat` tells it."""

    name: str
    stat: os.stat_result

    @property
    def regular(self) -> bool:
        """A plain file: no link, pipe, socket, device or folder."""
        return stat.S_ISREG(self.stat.st_mode)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is to be."""

    uid: int
    gid: int


def is_bare(name: str) -> bool:
    """Whether a name stays inside its folder."""
    return bool(name) and name not in (".", "..") and "/" not in name and "\x00" not in name


def is_temp(name: str) -> bool:
    """Whether a name is one of our own unfinished writes."""
    return _TEMP.fullmatch(name) is not None


class Fsys:
    """The operations. Override `before` and `looking` to watch or to fail them."""

    def before(self, operation: str, name: str) -> None:
        """Called before each operation that changes something: lock, create, data, own, sync, rename, unlink, mkdir."""

    def looking(self, operation: str, name: str) -> None:
        """Called before each operation that only looks: open, list, stat, read."""

    def data(self, descriptor: int, data: bytes) -> None:
        """Write all of it. Override it to let only a part arrive."""
        _write_all(descriptor, data)

    def nonce(self, size: int) -> str:
        """So many random bytes as hex digits, for names that nobody else takes."""
        return secrets.token_hex(size)

    @contextlib.contextmanager
    def folder(self, path: Path) -> Iterator[int]:
        """A descriptor of a folder that is no symbolic link itself."""
        self.looking("open", path.name)
        descriptor = os.open(path, _DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def entries(self, folder: int) -> list[Entry]:
        """All names in a folder, sorted; one that vanishes meanwhile is left out."""
        self.looking("list", "")
        found: list[Entry] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found.append(Entry(entry.name, entry.stat(follow_symlinks=False)))
        return sorted(found, key=lambda entry: entry.name)

    def entry(self, folder: int, name: str) -> Entry | None:
        """One name; None when it is not there."""
        self.looking("stat", name)
        try:
            return Entry(name, os.stat(_bare(name), dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def read(self, folder: int, name: str, limit: int) -> bytes:
        """The bytes of a plain file of at most `limit` bytes."""
        self.looking("read", name)
        descriptor = os.open(_bare(name), _READ, dir_fd=folder)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError("it is not a plain file")
            if found.st_size > limit:
                raise OSError(f"it has {found.st_size} bytes, more than the {limit} that are read")
            return _read_up_to(descriptor, limit, found.st_size)
        finally:
            os.close(descriptor)

    def write(
        self, folder: int, name: str, data: bytes, *, mode: int, owner: Owner | None = None, mtime: float | None = None
    ) -> None:
        """Put a file in place: it is the old one or the new one, whole, whatever happens, and on disk on return.

        The unfinished file lies in the same folder under a name that nobody else reads (`is_temp`).
        """
        temp = f".baileykeep-{self.nonce(8)}.tmp"
        try:
            self._write_temp(folder, temp, data, mode, owner, mtime)
            self.before("rename", name)
            os.rename(temp, _bare(name), src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                self.remove(folder, temp)
            raise
        self.sync(folder)

    def write_new(self, folder: int, name: str, data: bytes, *, mode: int) -> None:
        """The same for a name that must not be there: raises `FileExistsError` and changes nothing where it is."""
        temp = f".baileykeep-{self.nonce(8)}.tmp"
        try:
            self._write_temp(folder, temp, data, mode, None, None)
            self.before("link", name)
            _link(folder, temp, _bare(name))
        finally:
            with contextlib.suppress(FileNotFoundError):
                self.remove(folder, temp)
        self.sync(folder)

    def forget(self, folder: int, name: str) -> None:
        """Let the next reading of a file come from the disk, where the system can."""
        descriptor = os.open(_bare(name), _READ, dir_fd=folder)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)

    def _write_temp(
        self, folder: int, temp: str, data: bytes, mode: int, owner: Owner | None, mtime: float | None
    ) -> None:
        self.before("create", temp)
        descriptor = os.open(temp, _CREATE, 0o600, dir_fd=folder)
        try:
            self.before("data", temp)
            self.data(descriptor, data)
            self.before("own", temp)
            _own(descriptor, mode, owner)
            if mtime is not None:
                os.utime(descriptor, (mtime, mtime))
            self.before("sync", temp)
            os.fsync(descriptor)
            if os.fstat(descriptor).st_size != len(data):
                raise OSError("not all bytes were written")
        finally:
            os.close(descriptor)

    def rename(self, folder: int, old: str, new: str) -> None:
        """Give a file another name in the same folder; what had that name is gone."""
        self.before("rename", new)
        os.rename(_bare(old), _bare(new), src_dir_fd=folder, dst_dir_fd=folder)
        self.sync(folder)

    def remove(self, folder: int, name: str) -> None:
        """Remove one name; a folder is refused by the system."""
        self.before("unlink", name)
        os.unlink(_bare(name), dir_fd=folder)

    def sync(self, folder: int) -> None:
        """Bring renames and removals of a folder to disk."""
        self.before("sync", "")
        os.fsync(folder)

    def is_folder(self, path: Path) -> bool:
        """Whether a folder is there. What cannot be looked at is an error, not an absence."""
        self.looking("stat", path.name)
        try:
            return stat.S_ISDIR(os.stat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def make_folder(self, path: Path) -> None:
        """A private folder (0700), and so each missing parent; one that is there already stays as it is.

        On return it is on disk, also where a process that died before it could say so had made it.
        """
        missing = [folder for folder in (path, *path.parents) if not self.is_folder(folder)]
        for folder in reversed(missing):
            self.before("mkdir", folder.name)
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o700)
        for folder in dict.fromkeys((path, path.parent, *missing)):
            self._sync_parent(folder)

    def make_folder_below(self, path: Path) -> None:
        """A private folder (0700) for whoever owns the folder above, which must be there; on disk on return."""
        with self.folder(path.parent) as parent:
            self.before("mkdir", path.name)
            os.mkdir(_bare(path.name), 0o700, dir_fd=parent)
            above = os.fstat(parent)
            if (above.st_uid, above.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(path.name, above.st_uid, above.st_gid, dir_fd=parent, follow_symlinks=False)
            self.sync(parent)

    def move_folder(self, path: Path, to: Path) -> None:
        """Give a folder its name; an empty one gives way to it, anything else is an OSError. On disk on return."""
        self.before("rename", to.name)
        os.rename(path, to)
        self._sync_parent(to)

    def drop_folder(self, path: Path) -> None:
        """Remove a folder of our own with the plain files in it, where it is there."""
        with contextlib.suppress(FileNotFoundError):
            with self.folder(path) as folder:
                for entry in self.entries(folder):
                    self.remove(folder, entry.name)
            self.before("rmdir", path.name)
            os.rmdir(path)

    def _sync_parent(self, folder: Path) -> None:
        descriptor = os.open(folder.parent, _ANY_DIRECTORY)
        try:
            self.sync(descriptor)
        finally:
            os.close(descriptor)

    def sweep(self, folder: int) -> None:
        """Remove unfinished writes that a crash left behind. Only for who holds the lock of the folder's company."""
        for entry in self.entries(folder):
            if entry.regular and is_temp(entry.name):
                self.remove(folder, entry.name)

    @contextlib.contextmanager
    def lock(self, path: Path, *, wait: bool = False) -> Iterator[None]:
        """Hold a lock file; it is freed when the process dies. Without `wait`, a held lock raises `Refused`."""
        self.before("lock", path.name)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, wait)
            _sign(descriptor)
            yield
        finally:
            os.close(descriptor)


def read_plain(path: Path, limit: int) -> tuple[bytes, os.stat_result]:
    """The first `limit` bytes of a plain file, wherever links lead, and its stat.

    Anything else (a pipe that nobody writes to, a device without an end) is an OSError at once and never waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a plain file")
        return file.read(limit), found


@contextlib.contextmanager
def folder_lock(folder: int) -> Iterator[None]:
    """Hold a lock on a folder itself, by its descriptor: no file is left in it. A held one raises `Refused`.

    Some file systems have no locks on folders; there it holds nothing.
    """
    held = _locked(folder)
    try:
        yield
    finally:
        if held:
            fcntl.flock(folder, fcntl.LOCK_UN)


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refused(
            "another process is working on this auth folder",
            next_step="wait until it is done, and look whether two configurations name this folder",
            code="locked",
        ) from error
    except OSError:
        return False
    return True


def _lock(descriptor: int, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        raise Refused(
            f"another process (pid {holder}) is working on this company",
            next_step="wait until it is done, or use the running daemon",
            code="locked",
        ) from error


def _sign(descriptor: int) -> None:
    """Who holds the lock, for people. A full disk, where nothing can be written, must bar nobody from making room."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _link(folder: int, temp: str, name: str) -> None:
    """Give a file a second name that nobody has. File systems without such names get a look and a rename."""
    try:
        os.link(temp, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.access(name, os.F_OK, dir_fd=folder, follow_symlinks=False):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
        os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)


def _bare(name: str) -> str:
    if not is_bare(name):
        raise OSError("a name must not leave its folder")
    return name


def _read_up_to(descriptor: int, limit: int, expected: int) -> bytes:
    """The size may change while a file is written; reading ends at its end, or one byte past the limit."""
    parts: list[bytes] = []
    left = limit + 1
    while left > 0 and (part := os.read(descriptor, min(left, max(expected + 1, 4096)))):
        parts.append(part)
        left -= len(part)
    if left <= 0:
        raise OSError(f"it grew past the {limit} bytes that are read")
    return b"".join(parts)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _own(descriptor: int, mode: int, owner: Owner | None) -> None:
    """Owner first: changing it may clear bits of the mode."""
    found = os.fstat(descriptor)
    if owner is not None and (owner.uid, owner.gid) != (found.st_uid, found.st_gid):
        os.fchown(descriptor, owner.uid, owner.gid)
    os.fchmod(descriptor, mode)
