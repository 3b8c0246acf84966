"""Carrying a cleanup plan out: the last door before files are gone."""

from __future__ import annotations

from baileykeep.backups.vault import Vault
from baileykeep.backups.witness import Witness, gone_since, nobody
from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.errors import Refused
from baileykeep.model.evidence import Removed, Removing, Way
from baileykeep.model.inventory import NEVER_CLEANED, CleanupPlan
from baileykeep.rules.naming import category_of, memory_group
from baileykeep.stores.base import AuthStore


def carry_out(
    vault: Vault, store: AuthStore, plan: CleanupPlan, backup: str, witness: Witness = nobody
) -> tuple[str, ...]:
    """Remove what a plan names; returns the names. The caller has proved that the session is stopped.

    `backup` names the cold backup that is the undo: it is re-read here, must be of a paired login, and must have
    been made from just the listing the plan was made from. The folder must still be that listing. Raises
    `Refused` before anything is removed; `StoreError` when the folder changes under the removals.
    """
    with vault.shelf.held(store.company):
        undo = vault.verify(store.company, backup)
        listing = store.listing()
        _check(plan, undo, listing.token)
        files = {file.name: file for file in listing.files}
        store.check_writable()
        names = tuple(removal.name for removal in plan.remove)
        witness(Removing(Way.CLEANUP, names, listing.files, listing.token, undo))
        memories = [name for name in names if memory_group(name) is not None]
        with store.together():
            store.remove_unchanged([files[name] for name in memories])
            store.remove_unchanged([files[name] for name in names if name not in memories])
        witness(Removed(gone_since(listing, store.listing())))
    return names


def _check(plan: CleanupPlan, undo: Backup, token: str) -> None:
    if undo.kind is not BackupKind.COLD or not undo.paired or not undo.whole:
        raise Refused("there is no cold backup of a paired login to take this cleanup back with", code="no_backup")
    if plan.token != token or undo.token != token:
        raise Refused(
            "the folder changed since the plan or its backup was made", next_step="start over", code="changed"
        )
    if any(category_of(removal.name) in NEVER_CLEANED for removal in plan.remove):
        raise Refused("the plan names files that are never removed", code="never_removed")
