"""Who may touch sessions on this machine: one daemon, or commands without it, never both at once.

Kernel locks on small files below the state folder: they end with the process that holds them, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baileykeep.model.errors import BaileykeepError, Refused

DAEMON_LOCK = "daemon.lock"
COMPANY_LOCKS = "locks"


@contextmanager
def daemon_lock(state_dir: Path) -> Iterator[None]:
    """Held by the daemon while it runs. Raises `Refused` when another daemon or a command without one holds it."""
    with _open(state_dir / DAEMON_LOCK) as file:
        if not _try(file, fcntl.LOCK_EX):
            raise Refused(
                f"another daemon, or a command that works without one, uses {state_dir}",
                next_step="stop it, or wait until it is done",
                code="already_running",
            )
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield


@contextmanager
def offline_lock(state_dir: Path, company: str) -> Iterator[None]:
    """Held by a command that changes a company without a daemon: no daemon starts, no second command begins.

    Raises `Refused` when either is there.
    """
    with _open(state_dir / DAEMON_LOCK) as daemon:
        if not _try(daemon, fcntl.LOCK_SH):
            raise Refused(
                "a daemon runs here but does not answer",
                next_step="let it finish, or stop it first",
                code="already_running",
            )
        with company_lock(state_dir, company):
            yield


@contextmanager
def company_lock(state_dir: Path, company: str) -> Iterator[None]:
    """Held while something outside the daemon writes into a company's folder. Raises `Refused` when it is taken."""
    if os.sep in company or company in ("", ".", ".."):
        raise BaileykeepError(f"{company!r} cannot be a company's id", code="unknown_company")
    with _open(state_dir / COMPANY_LOCKS / f"{company}.lock") as file:
        if not _try(file, fcntl.LOCK_EX):
            raise Refused(
                f"another command works on {company} right now", next_step="wait until it is done", code="company_busy"
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
