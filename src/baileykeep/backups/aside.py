"""Setting files aside: out of the folder, into an archive of their own, after a verified backup of everything."""

from __future__ import annotations

from collections.abc import Sequence

from baileykeep.backups.good_creds import mark_doubts
from baileykeep.backups.rollback import take_back
from baileykeep.backups.vault import Snapshot, Vault
from baileykeep.backups.witness import Witness, gone_since, nobody
from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.errors import Refused, StoreError
from baileykeep.model.evidence import BackedUp, Removed, Removing, Way
from baileykeep.model.inventory import Category, FileEntry
from baileykeep.rules.masking import mask_name
from baileykeep.rules.naming import CREDS, category_of
from baileykeep.stores.base import AuthStore


def set_aside(
    vault: Vault,
    store: AuthStore,
    names: Sequence[str] | None,
    now: float,
    reason: str,
    *,
    token: str | None = None,
    name: str | None = None,
    witness: Witness = nobody,
) -> str:
    """Move session files, or with None every file of Baileys, out of the folder; returns the set-aside's name.

    The caller has proved that the session is stopped. The folder itself stays, with owner and mode, and so does
    what is not Baileys' own. Creds go last: until then a crash leaves a login that still works. Named files must
    be sessions, of a paired login. `restore.put_back` is the way back. With `token` the folder must still be that
    listing, else `Refused` with code `changed`; `witness` is shown what is about to go, and may still bar it.
    """
    if names is not None:
        _check_sessions(names)
    with vault.shelf.held(store.company):
        store.check_writable()
        store.sweep()
        taken = vault.snapshot(store)
        if token is not None and taken.listing.token != token:
            raise _changed()
        gone = _chosen(taken, names)
        cold = vault.put(store, BackupKind.COLD, taken, now, reason=f"before setting aside: {reason}")
        if names is not None and not cold.paired:
            raise Refused("the folder holds no paired login, so no session of it is repaired", code="not_paired")
        only = None if names is None else [file.name for file in gone]
        if names is None:
            mark_doubts(vault, store.company, relink=True)
        aside = vault.put(store, BackupKind.ASIDE, taken, now, reason=reason, names=only, name=name)
        witness(BackedUp(vault.verify(store.company, cold.name)))
        _remove(store, taken, gone, Way.WHOLE_ASIDE if names is None else Way.NAMED_ASIDE, cold, witness)
        vault.tidy(store.company, now, protected=(cold.name, aside.name))
    return aside.name


def _check_sessions(names: Sequence[str]) -> None:
    for name in names:
        if category_of(name) is not Category.SESSION:
            raise Refused(f"{mask_name(name)} is no session file; only those are set aside by name", code="not_session")


def _chosen(taken: Snapshot, names: Sequence[str] | None) -> list[FileEntry]:
    """What goes, creds last."""
    ours = [file for file in taken.listing.files if file.category is not Category.OTHER]
    gone = [file for file in ours if names is None or file.name in names]
    if not gone:
        raise Refused("none of these files is in the folder", code="nothing_to_do")
    return sorted(gone, key=lambda file: file.name == CREDS)


def _remove(
    store: AuthStore, taken: Snapshot, gone: Sequence[FileEntry], way: Way, cold: Backup, witness: Witness
) -> None:
    """Rule 4: the folder must still be what was backed up, just before the first removal."""
    mode, listing = store.file_mode(), store.listing()
    if listing.token != taken.listing.token:
        raise _changed()
    witness(Removing(way, tuple(file.name for file in gone), listing.files, listing.token, cold))
    try:
        store.remove_unchanged(gone)
    except StoreError:
        take_back(store, taken, {file.name for file in gone}, mode, absent_only=True)
        raise
    witness(Removed(gone_since(listing, store.listing())))


def _changed() -> Refused:
    return Refused(
        "the folder changed since it was backed up", next_step="stop what writes there, then start over", code="changed"
    )
