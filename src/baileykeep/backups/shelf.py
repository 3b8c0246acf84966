"""Where copies lie: one private folder a company, its archives, and the last-good creds.

Everything is 0600 in folders of 0700: these files are a login to somebody's WhatsApp.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BackupError, UsageError

SUFFIX = ".tar.zst"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-(cold|hot|manual|aside)-[0-9a-f]{4,16}")
_LOCK = ".lock"
_ACTION_LOCK = ".action.lock"
_SENDING_LOCK = ".sending.lock"
_LONGEST = 120


class Shelf:
    """The files of a vault, by company. Raises `BackupError` where the file system does not play along."""

    def __init__(self, root: Path, fsys: Fsys):
        self._root = root
        self._fsys = fsys
        self._made_before: set[Path] = set()

    def path(self, company: str) -> Path:
        """The company's folder in the vault, there or not."""
        return self._root / folder_name(company)

    def companies(self) -> list[str]:
        """The ids whose folders are there; those too long to be told from a folder's name are left out."""
        if not self._is_there(self._root):
            return []
        with self._opened(self._root) as folder, _explained("cannot be listed"):
            names = [entry.name for entry in self._fsys.entries(folder) if not entry.name.startswith(".")]
        return [company for name in names if folder_name(company := unquote(name)) == name]

    @contextlib.contextmanager
    def held(self, company: str) -> Iterator[None]:
        """Keep other users of this company's copies out for a moment; unfinished writes of a crash are removed."""
        with self._locked(company, _LOCK, wait=True):
            with self._opened(self.path(company)) as folder, _explained("cannot be tidied"):
                self._fsys.sweep(folder)
            yield

    @contextlib.contextmanager
    def action_lock(self, company: str) -> Iterator[None]:
        """Bar other processes from changing this company's auth folder. Raises `Refused` when one is at it."""
        with self._locked(company, _ACTION_LOCK):
            yield

    @contextlib.contextmanager
    def sending_lock(self, company: str, *, wait: bool) -> Iterator[None]:
        """Let one process at a time send this company's copies off this host. Without `wait` raises `Refused`.

        It bars nobody from taking copies or putting them back.
        """
        with self._locked(company, _SENDING_LOCK, wait=wait):
            yield

    @contextlib.contextmanager
    def _locked(self, company: str, name: str, *, wait: bool = False) -> Iterator[None]:
        path = self._made(company)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._fsys.lock(path / name, wait=wait))
            except OSError as error:
                raise _failed("cannot be locked", error) from error
            yield

    def names(self, company: str) -> list[str]:
        """The archives that are there, oldest first by name."""
        if not self._is_there(self.path(company)):
            return []
        with self._opened(self.path(company)) as folder, _explained("cannot be listed"):
            files = [entry.name for entry in self._fsys.entries(folder) if entry.regular]
        stems = [name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)]
        return [stem for stem in stems if is_name(stem)]

    def fresh_name(self, company: str, kind: BackupKind, now: float) -> str:
        """A name that is not taken, sortable by time."""
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        taken = set(self.names(company))
        while (name := f"{stamp}-{kind.value}-{self._fsys.nonce(2)}") in taken:
            continue
        return name

    def put(self, company: str, file: str, data: bytes) -> None:
        """Put a private file in place: whole or not at all."""
        with self._opened(self._made(company)) as folder, _explained("cannot be written"):
            self._fsys.write(folder, file, data, mode=0o600)

    def get(self, company: str, file: str, limit: int) -> bytes | None:
        """A file's bytes; None when it is not there."""
        if not self._is_there(self.path(company)):
            return None
        with self._opened(self.path(company)) as folder, _explained("cannot be read"):
            try:
                return self._fsys.read(folder, file, limit)
            except FileNotFoundError:
                return None

    def drop(self, company: str, file: str) -> None:
        """Remove a file for good."""
        with self._opened(self.path(company)) as folder, _explained("cannot be removed"):
            self._fsys.remove(folder, file)
            self._fsys.sync(folder)

    def rename(self, company: str, old: str, new: str) -> bool:
        """Rename a file over another; false when there is nothing of the old name."""
        if not self._is_there(self.path(company)):
            return False
        with self._opened(self.path(company)) as folder, _explained("cannot be renamed"):
            if self._fsys.entry(folder, old) is None:
                return False
            self._fsys.rename(folder, old, new)
            return True

    def _made(self, company: str) -> Path:
        path = self.path(company)
        if path not in self._made_before or not self._is_there(path):
            with _explained("cannot be made"):
                self._fsys.make_folder(path)
            self._made_before.add(path)
        return path

    def _is_there(self, path: Path) -> bool:
        with _explained("cannot be looked at"):
            return self._fsys.is_folder(path)

    @contextlib.contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(self._fsys.folder(path))
            except OSError as error:
                raise _failed("cannot be opened", error) from error
            yield folder


def folder_name(company: str) -> str:
    """A company's id as one safe name; different ids never get the same one."""
    safe = quote(company, safe="")
    if safe.startswith("."):
        safe = "%2E" + safe[1:]
    if not safe:
        raise UsageError("a company needs a name")
    if len(safe) <= _LONGEST:
        return safe
    return f"{safe[:_LONGEST]}%{hashlib.sha256(company.encode()).hexdigest()[:16]}"


def is_name(name: str) -> bool:
    """Whether this is a name as backups have them."""
    return _NAME.fullmatch(name) is not None


def _failed(what: str, error: OSError) -> BackupError:
    return BackupError(
        f"the backup folder {what}: {error.strerror or error}",
        next_step="check its owner, its mode and the free room of its volume",
    )


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failed(what, error) from error
