"""Who may touch sessions on this machine: one daemon, or commands without it, never both at once.

A kernel lock on a small file in the state folder: it ends with the process that holds it, however that ends. What
stands in the file only tells people who it is and counts for nothing: a pid may be gone, or another's by now.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baileykeep.model.errors import BaileykeepError, Refused

DAEMON_LOCK = "daemon.lock"
VAULT_LOCK = ".daemon.lock"
"""Hidden, because what else lies there is named after companies."""

_HOLDER = re.compile(r"(daemon|command) (\d{1,10})\n")
_REMEDY = {
    errno.ENOSPC: "its volume is full: free some room there",
    errno.EDQUOT: "its owner's quota is used up: free some room there",
    errno.EROFS: "its volume is mounted read-only: mount it writable, or name another folder in baileykeep.toml",
    errno.ENOLCK: "its file system knows no locks: name a folder on a local volume in baileykeep.toml",
}


@contextmanager
def daemon_locks(state_dir: Path, backups_dir: Path) -> Iterator[None]:
    """Both folders for this daemon alone: a copied configuration with a state folder of its own is a second daemon."""
    with daemon_lock(state_dir), daemon_lock(backups_dir, VAULT_LOCK):
        yield


@contextmanager
def daemon_lock(folder: Path, name: str = DAEMON_LOCK) -> Iterator[None]:
    """Held by the daemon while it runs. Raises `Refused` when another daemon or a command without one holds it."""
    with _open(folder / name) as file:
        if not _try(file, fcntl.LOCK_EX, folder / name):
            raise Refused(
                f"{_holder(file)} uses {folder} already, and nothing may use it twice",
                next_step=_wait_or_stop(file),
                code="already_running",
            )
        _sign(file, "daemon")
        yield


@contextmanager
def offline_lock(state_dir: Path) -> Iterator[None]:
    """Held by a command that changes a company without a daemon: no daemon starts meanwhile.

    Several such commands may run; those on one company are kept apart by the lock beside its backups. Raises
    `Refused` when a daemon is there.
    """
    with _open(state_dir / DAEMON_LOCK) as file:
        if not _try(file, fcntl.LOCK_SH, state_dir / DAEMON_LOCK):
            raise Refused(
                f"{_holder(file)} runs here but does not answer",
                next_step="let it finish, or stop it first",
                code="already_running",
            )
        _sign(file, "command")
        yield


@contextmanager
def _open(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise unusable(path, error) from error
    return True


def unusable(path: Path, error: OSError) -> BaileykeepError:
    """The error for a lock file that cannot be used, with what to do about it."""
    usual = "is the folder there, and yours? run this as the daemon's user or with sudo"
    return BaileykeepError(
        f"cannot use the lock {path}: {error.strerror}",
        next_step=_REMEDY.get(error.errno or 0, usual),
        code="no_lock",
    )


def _sign(descriptor: int, what: str) -> None:
    """Say who holds it. A full disk may keep the name from being written; the lock holds all the same."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{what} {os.getpid()}\n".encode(), 0)


def _signature(descriptor: int) -> tuple[str, int] | None:
    """What kind of process holds the lock, and its pid, where that is known and the process lives."""
    found = _HOLDER.fullmatch(os.pread(descriptor, 64, 0).decode(errors="replace"))
    if found is None or not _lives(int(found[2])):
        return None
    return found[1], int(found[2])


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _holder(descriptor: int) -> str:
    found = _signature(descriptor)
    if found is None:
        return "another daemon, or a command that works without one,"
    kind, pid = found
    return f"another daemon (pid {pid})" if kind == "daemon" else f"a command that works without a daemon (pid {pid})"


def _wait_or_stop(descriptor: int) -> str:
    found = _signature(descriptor)
    if found is None:
        return "stop it, or wait until it is done"
    kind, pid = found
    if kind == "command":
        return "wait until it is done, then start the daemon"
    return f"`baileykeep health` asks the one that runs; to run this one instead, stop it first (`kill {pid}`)"
