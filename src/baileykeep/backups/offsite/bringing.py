"""Copies on the far side, looked at and brought home. Nothing that comes from there is believed before it is proved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from baileykeep.backups import archive
from baileykeep.backups.archive import sha256
from baileykeep.backups.offsite import entries, ledger
from baileykeep.backups.offsite.base import (
    MAX_ENTRY_BYTES,
    MAX_SEALED_BYTES,
    Target,
    copies_in,
    entry_name,
    sealed_name,
)
from baileykeep.backups.offsite.seal import unseal
from baileykeep.backups.offsite.survey import newest_login_at
from baileykeep.backups.shelf import SUFFIX, folder_name, is_name
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.errors import OffsiteError, Refused, UsageError
from baileykeep.model.limits import DAY
from baileykeep.model.offsite import FarCopy, Sent, as_backup
from baileykeep.rules.retention import SET_ASIDE

if TYPE_CHECKING:
    from baileykeep.backups.offsite.seal import Identity

LIST = "`baileykeep offsite list COMPANY` shows the others"
NAMED_S = 2.0
NAMED_ASIDE_S = DAY
"""A backup's name holds when it was made; a set-aside's when the action that made it began."""


def copies(target: Target, folder: str) -> Iterator[tuple[str, FarCopy | OffsiteError]]:
    """Each copy of a folder, newest first by name, by its entry or with what is wrong with that."""
    for name in copies_in(target.names(folder)):
        try:
            yield name, entry(target, folder, name)
        except OffsiteError as error:
            yield name, error


def entry(target: Target, folder: str, name: str) -> FarCopy:
    """What a copy says of itself."""
    data = target.get(folder, entry_name(name), MAX_ENTRY_BYTES)
    if data is None:
        raise OffsiteError(f"there is no copy {name} on the far side", next_step=LIST, code="not_there", permanent=True)
    return entries.read(data, folder, name)


def choose(target: Target, company: str, name: str | None) -> FarCopy:
    """The named copy; else the newest of a paired login, and where there is none the newest at all."""
    folder = folder_name(company)
    if name is not None:
        if not is_name(name):
            raise UsageError(f'"{name[:60]}" is not the name of a backup', next_step=LIST)
        return entry(target, folder, name)
    first: FarCopy | OffsiteError | None = None
    for _, found in copies(target, folder):
        first = first or found
        if isinstance(found, OffsiteError):
            raise found
        if found.kind not in SET_ASIDE and as_backup(found).paired:
            return found
    if isinstance(first, FarCopy):
        return first
    raise OffsiteError(f"there is no copy of {company} at {target.where}", code="not_there", permanent=True)


def sealed(target: Target, copy: FarCopy) -> bytes:
    """A copy as it lies there, of which the hash is that of its entry."""
    data = target.get(folder_name(copy.company), sealed_name(copy.name), MAX_SEALED_BYTES)
    if data is None:
        raise OffsiteError(f"{copy.name} is gone from the far side", next_step=LIST, code="not_there", permanent=True)
    if len(data) < copy.sealed_bytes:
        raise _not_it(copy.name, f"is cut off: {len(data)} of {copy.sealed_bytes} bytes are there", "damaged")
    if sha256(data) != copy.sealed_sha256:
        raise _not_it(copy.name, "is not what its entry says: it was changed", "tampered")
    return data


def opened(target: Target, copy: FarCopy, identities: Sequence[Identity]) -> bytes:
    """The archive in a copy, proved to be this company's backup of just this name."""
    data = unseal(sealed(target, copy), identities)
    if sha256(data) != copy.sha256:
        raise _not_it(copy.name, "holds another archive than its entry says", "tampered")
    manifest, _ = archive.unpack(data)
    if manifest.company != copy.company:
        raise _not_it(copy.name, "holds another company's login", "tampered")
    if manifest.kind is not copy.kind or manifest.created_at != copy.created_at or not _named_after(copy):
        raise _not_it(copy.name, "holds a backup of another day: an old one under a new name", "replayed")
    return data


def _named_after(copy: FarCopy) -> bool:
    at = datetime.strptime(copy.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    slack_s = NAMED_ASIDE_S if copy.kind is BackupKind.ASIDE else NAMED_S
    return abs(copy.created_at - at) <= slack_s


def bring(
    vault: Vault, target: Target, copy: FarCopy, identities: Sequence[Identity], place_key: str, now: float
) -> Backup:
    """Put a copy into the vault, as a backup like any other. One that is here already must be just that."""
    check_ledger(vault, copy, place_key)
    data = opened(target, copy, identities)
    with vault.shelf.held(copy.company):
        there = vault.shelf.get(copy.company, copy.name + SUFFIX, archive.MAX_ARCHIVE_BYTES)
        if there not in (None, data):
            raise Refused(
                f"another backup lies here as {copy.name}", next_step="look at it, and move it away", code="exists"
            )
        if there is None:
            vault.shelf.put(copy.company, copy.name + SUFFIX, data)
        made = vault.verify(copy.company, copy.name)
    _note(vault, copy, place_key, now)
    return made


def check_ledger(vault: Vault, copy: FarCopy, place_key: str) -> None:
    """Where this host sent the copy itself, its entry must be the one it wrote."""
    for sent in ledger.load(vault.shelf, copy.company, place_key).sent:
        if sent.copy.name == copy.name and sent.copy != copy:
            raise _not_it(copy.name, "is not the one that this host sent", "tampered")


def newest_sent(vault: Vault, company: str, place_key: str) -> float | None:
    """When the newest paired login that this host knows to be there was made; None where it knows of none."""
    return newest_login_at(sent.copy for sent in ledger.load(vault.shelf, company, place_key).sent)


def _note(vault: Vault, copy: FarCopy, place_key: str, now: float) -> None:
    """It lies there, so it is not sent again; it is not ours to remove."""
    with vault.shelf.sending_lock(copy.company, wait=True):
        known = ledger.load(vault.shelf, copy.company, place_key)
        if all(sent.copy.name != copy.name for sent in known.sent):
            ledger.save(vault.shelf, copy.company, place_key, known.with_sent(Sent(copy, now, ours=False)))


def _not_it(name: str, what: str, code: str) -> OffsiteError:
    return OffsiteError(
        f"{name} on the far side {what}", next_step=f"use another one: {LIST}", code=code, permanent=True
    )
