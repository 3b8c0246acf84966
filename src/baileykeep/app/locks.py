"""Who may touch sessions on this machine: one daemon, or commands without it, never both at once.

A kernel lock on a small file in the state folder: it ends with the process that holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baileykeep.model.errors import BaileykeepError, Refused

DAEMON_LOCK = "daemon.lock"
VAULT_LOCK = ".daemon.lock"
"""Hidden, because what else lies there is named after companies."""


@contextmanager
def daemon_locks(state_dir: Path, backups_dir: Path) -> Iterator[None]:
    """Both folders for this daemon alone: a copied configuration with a state folder of its own is a second daemon."""
    with daemon_lock(state_dir), daemon_lock(backups_dir, VAULT_LOCK):
        yield


@contextmanager
def daemon_lock(folder: Path, name: str = DAEMON_LOCK) -> Iterator[None]:
    """Held by the daemon while it runs. Raises `Refused` when another daemon or a command without one holds it."""
    with _open(folder / name) as file:
        if not _try(file, fcntl.LOCK_EX):
            raise Refused(
                f"another daemon, or a command that works without one, uses {folder}",
                next_step="stop it, or wait until it is done",
                code="already_running",
            )
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield


@contextmanager
def offline_lock(state_dir: Path) -> Iterator[None]:
    """Held by a command that changes a company without a daemon: no daemon starts meanwhile.

    Several such commands may run; those on one company are kept apart by the lock beside its backups. Raises
    `Refused` when a daemon is there.
    """
    with _open(state_dir / DAEMON_LOCK) as file:
        if not _try(file, fcntl.LOCK_SH):
            raise Refused(
                "a daemon runs here but does not answer",
                next_step="let it finish, or stop it first",
                code="already_running",
            )
        yield


@contextmanager
def _open(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise BaileykeepError(
            f"cannot use the lock {path}: {error.strerror}",
            next_step="is state_dir there, and yours? run this as the daemon's user or with sudo",
            code="no_lock",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
