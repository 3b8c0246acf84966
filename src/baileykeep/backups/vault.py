"""Copies of auth folders: taking them, checking them, keeping the right ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from baileykeep.backups import archive
from baileykeep.backups.archive import Manifest, sha256
from baileykeep.backups.shelf import SUFFIX, Shelf, is_name
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackedFile, Backup, BackupKind
from baileykeep.model.errors import BackupError, UsageError
from baileykeep.model.inventory import Category, Creds, FileEntry, Listing
from baileykeep.model.limits import BackupLimits
from baileykeep.rules.creds_file import parse_creds, parses
from baileykeep.rules.masking import mask_name, mask_phone
from baileykeep.rules.naming import CREDS
from baileykeep.rules.retention import by_age, evictions
from baileykeep.stores.base import AuthStore

log = structlog.get_logger(__name__)

ATTEMPTS = 5
"""A running gateway writes between our two looks now and then; so often it is tried again."""

SETTLED_S = 60.0
"""A file not written for so long is not in the middle of being written."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One agreed state of a folder: what two listings say and the bytes of each file."""

    listing: Listing
    contents: Mapping[str, bytes]
    creds: Creds

    def entry(self, name: str) -> FileEntry:
        """The listed entry of a file."""
        return next(file for file in self.listing.files if file.name == name)


class Vault:
    """All copies under one root. Synchronous; raises `BackupError` or `Refused`, and `StoreError` of the store.

    Whoever asks for a COLD backup has proved that the session is stopped; what the vault sees of it (two
    listings that agree) it checks. Each call holds the company's copies for itself, so processes may share a root.
    """

    def __init__(self, root: Path, fsys: Fsys | None = None, limits: BackupLimits | None = None):
        self.shelf = Shelf(root, fsys or Fsys())
        self.limits = limits or BackupLimits()

    def create(self, store: AuthStore, kind: BackupKind, now: float, *, reason: str = "") -> Backup:
        """Take a backup, read it back and check it; then let go of those past retention.

        A HOT or MANUAL one is taken of a folder that may be in use: every JSON must parse and two listings agree,
        else it is tried again a few times and then raises `BackupError`.
        """
        if kind is BackupKind.ASIDE:
            raise UsageError("a set-aside is made by setting files aside")
        with self.shelf.held(store.company):
            made = self.put(
                store, kind, self.snapshot(store, hot_at=None if kind is BackupKind.COLD else now), now, reason=reason
            )
            self.tidy(store.company, now, protected=(made.name,))
        return made

    @contextlib.contextmanager
    def acting(self, store: AuthStore) -> Iterator[None]:
        """Bar other processes from changing this company's folder: those with these copies, and any on that folder.

        Raises `Refused` when one is at it.
        """
        with self.shelf.action_lock(store.company), store.alone():
            yield

    def unchanged_since_last(self, store: AuthStore, now: float) -> bool:
        """Whether the newest backup was made from just what lies there now."""
        newest = self.newest(store.company, paired=False, now=now)
        return newest is not None and newest.token == store.listing().token

    def list(self, company: str) -> list[Backup]:
        """All backups and set-asides with a readable manifest, oldest first. Damaged ones are logged and left out."""
        found: list[Backup] = []
        for name in self.shelf.names(company):
            try:
                found.append(archive.peek(self._bytes(company, name)).as_backup(name))
            except BackupError as error:
                log.warning("backup_unreadable", company=company, backup=name, cause=error.cause)
        return sorted(found, key=lambda backup: (backup.created_at, backup.name))

    def newest(self, company: str, *, paired: bool = True, now: float | None = None) -> Backup | None:
        """The newest backup (no set-aside), of a paired login unless told otherwise. Those dated after `now` last.

        A login that was cleared in the middle of a pairing is another phone's, and counts as none.
        """
        login = [b for b in self.list(company) if b.kind is not BackupKind.ASIDE]
        found = [b for b in login if not paired or (b.paired and not b.cleared)]
        if now is not None:
            found = list(reversed(by_age(found, now)))
        return found[-1] if found else None

    def verify(self, company: str, name: str) -> Backup:
        """Re-read everything of one backup and check every hash. Raises `BackupError` when it is not whole."""
        data, manifest, _ = self.load(company, name)
        return manifest.as_backup(name, sha256(data))

    def evict(self, company: str, now: float, *, protected: Sequence[str] = ()) -> tuple[str, ...]:
        """Let go of what retention no longer keeps; returns the names."""
        with self.shelf.held(company):
            return self._evict(company, now, protected)

    # for the parts of this room; the company's copies are held by the caller

    def tidy(self, company: str, now: float, *, protected: Sequence[str]) -> None:
        """Evict after something was added. Too many copies are no reason to call a good one a failure."""
        try:
            self._evict(company, now, protected)
        except BackupError as error:
            log.warning("backups_not_evicted", company=company, cause=error.cause)

    def _evict(self, company: str, now: float, protected: Sequence[str]) -> tuple[str, ...]:
        gone = evictions(self.list(company), self.limits, now, protected)
        for name in gone:
            self.shelf.drop(company, name + SUFFIX)
        return gone

    def load(self, company: str, name: str) -> tuple[bytes, Manifest, dict[str, bytes]]:
        """A backup's bytes, manifest and contents, all checked, and that it is this company's and this kind."""
        data = self._bytes(company, name)
        manifest, contents = archive.unpack(data)
        if manifest.company != company:
            raise BackupError("this backup belongs to another company", permanent=True)
        if f"-{manifest.kind.value}-" not in name:
            raise BackupError("this backup was renamed to another kind", code="backup_damaged", permanent=True)
        return data, manifest, contents

    def snapshot(self, store: AuthStore, *, hot_at: float | None = None) -> Snapshot:
        """The folder at one moment: two listings agree. Hot: and the creds and what was written lately parse.

        A key file that has been torn for a while is no torn read but damage; it must not bar every backup.
        """
        why = "it is empty"
        for _ in range(ATTEMPTS):
            before = store.listing()
            contents = store.read_all([file.name for file in before.files])
            why = _disagreement(before, contents, store.listing, hot_at)
            if not why:
                creds = parse_creds(contents[CREDS]) if CREDS in contents else store.creds()
                return Snapshot(before, contents, creds)
        raise BackupError(
            f"the auth folder cannot be backed up: {why}",
            next_step="" if hot_at is not None else "something still writes there: stop it first",
            code="not_quiet" if "chang" in why else None,
        )

    def present(self, store: AuthStore) -> Snapshot | None:
        """The folder as it is now; None when nothing of Baileys' own lies there, whatever else does."""
        if all(file.category is Category.OTHER for file in store.listing().files):
            return None
        return self.snapshot(store)

    def put(
        self,
        store: AuthStore,
        kind: BackupKind,
        taken: Snapshot,
        now: float,
        *,
        reason: str = "",
        names: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Backup:
        """Write an archive of a snapshot (or of some of its files) and read it back."""
        contents = {file: taken.contents[file] for file in (taken.contents if names is None else names)}
        manifest = _manifest_of(store, kind, taken, contents, now, reason, whole=names is None)
        data = archive.pack(manifest, contents)
        name = name or self.shelf.fresh_name(store.company, kind, now)
        self.shelf.put(store.company, name + SUFFIX, data)
        if not self._reads_back(store.company, name, data, manifest):
            self.shelf.drop(store.company, name + SUFFIX)
            raise BackupError("what was written is not what was read back", code="backup_damaged")
        return manifest.as_backup(name, sha256(data))

    def _reads_back(self, company: str, name: str, data: bytes, manifest: Manifest) -> bool:
        try:
            written, found, _ = self.load(company, name)
        except BackupError as error:
            log.warning("backup_not_readable", company=company, backup=name, cause=error.cause)
            return False
        return written == data and found == manifest

    def _bytes(self, company: str, name: str) -> bytes:
        if not is_name(name):
            raise UsageError(f'"{name[:60]}" is not the name of a backup', next_step="`backup list` shows the names")
        data = self.shelf.get(company, name + SUFFIX, archive.MAX_ARCHIVE_BYTES)
        if data is None:
            raise BackupError(f"there is no backup {name}", next_step="`backup list` shows the names", permanent=True)
        return data


def _disagreement(
    before: Listing, contents: Mapping[str, bytes], again: Callable[[], Listing], hot_at: float | None
) -> str:
    """Why these bytes are not one state of the folder; empty when they are."""
    if not contents:
        return "it is empty"
    ours = [file for file in before.files if file.category is not Category.OTHER]
    if any(len(contents.get(file.name, b"")) != file.size or file.name not in contents for file in ours):
        return "files changed while they were read"
    fresh = [file.name for file in ours if hot_at is not None and _may_be_torn(file, hot_at)]
    torn = [name for name in fresh if not parses(contents[name])]
    if again().token != before.token:
        return "files changed while they were read"
    return f"{mask_name(torn[0])} is torn" if torn else ""


def _may_be_torn(file: FileEntry, at: float) -> bool:
    return file.name == CREDS or file.mtime > at - SETTLED_S


def _manifest_of(
    store: AuthStore,
    kind: BackupKind,
    taken: Snapshot,
    contents: Mapping[str, bytes],
    now: float,
    reason: str,
    *,
    whole: bool,
) -> Manifest:
    mtimes = {file.name: file.mtime for file in taken.listing.files}
    files = [BackedFile(name, len(data), sha256(data), mtimes[name]) for name, data in sorted(contents.items())]
    return Manifest(
        company=store.company,
        kind=kind,
        created_at=now,
        identity=taken.creds.identity,
        phone=mask_phone(taken.creds.phone),
        paired=taken.creds.paired and (CREDS in contents or not whole),
        token=taken.listing.token,
        mode=store.file_mode(),
        whole=whole,
        reason=reason,
        files=tuple(files),
    )
