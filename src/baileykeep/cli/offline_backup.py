"""`backup … --folder PATH --to DIR`: copies of one auth folder, without a daemon.

Plain functions: they print, return the exit code, and raise what `run_guarded` turns into a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.backups.restore import put_back, restore
from baileykeep.backups.vault import Vault
from baileykeep.cli.offline import BARE, Known, open_store, open_vault, prove_quiet, settled_creds
from baileykeep.cli.offline_views import backup_view, backups_view
from baileykeep.cli.output import emit, facts
from baileykeep.clock import SystemClock
from baileykeep.model.backup import Backup, BackupKind, RestoreMode, RestoreReport
from baileykeep.model.errors import BackupError, Refused, UsageError
from baileykeep.model.inventory import CredsState
from baileykeep.rules.masking import mask_name
from baileykeep.rules.naming import CREDS
from baileykeep.stores.base import AuthStore


def create(folder: Path | None, to: Path, *, as_json: bool, stopped: bool = False, known: Known = BARE) -> int:
    """Take a backup by hand; with the operator's word that nothing runs there it is a cold one."""
    made = take(folder, to, known, stopped=stopped)
    where = open_vault(to, None).shelf.path(made.company)
    emit(answer_of(made), as_json, lambda _answer: backup_view(made, where, "backup"))
    return 0


def take(folder: Path | None, to: Path, known: Known = BARE, *, stopped: bool = False) -> Backup:
    """Take a backup and print nothing."""
    clock = SystemClock()
    store = open_store(folder, known)
    vault = open_vault(to, store, known)
    if stopped:
        prove_quiet(store, clock)
    return vault.create(store, BackupKind.COLD if stopped else BackupKind.MANUAL, clock.now(), reason="by hand")


def show(folder: Path | None, to: Path, *, as_json: bool, known: Known = BARE) -> int:
    """All backups of one folder, or of every company under `to`, oldest first."""
    vault = open_vault(to, None)
    ident = company_id(folder, known)
    companies = [ident] if ident else vault.shelf.companies()
    found = [backup for company in companies for backup in vault.list(company)]
    emit([answer_of(backup) for backup in found], as_json, lambda _answer: backups_view(found))
    return 0


def verify(folder: Path | None, to: Path, name: str | None, *, as_json: bool, known: Known = BARE) -> int:
    """Re-read a backup and check every hash; without a name the newest of the folder."""
    vault = open_vault(to, None)
    place = _find(vault, company_id(folder, known), name)
    checked = vault.verify(place.company, place.name)
    answer = answer_of(checked) | {"ok": True}
    emit(answer, as_json, lambda _answer: backup_view(checked, vault.shelf.path(place.company), "whole"))
    return 0


def bring_back(
    folder: Path | None,
    to: Path,
    name: str | None,
    mode: str,
    *,
    as_json: bool,
    stopped: bool = False,
    known: Known = BARE,
) -> int:
    """Put a backup (or a set-aside) back into a folder.

    The operator's word `stopped` is needed wherever a whole login lies and the restore would write over anything:
    a gateway that runs on it would mix its own state with ours. Only adding what is absent needs no word. `full` is
    refused once files were written after the backup: the session was open.
    """
    try:
        wanted = RestoreMode(mode)
    except ValueError as error:
        raise UsageError(f'unknown mode "{mode}"', next_step="there are: identity, full") from error
    clock = SystemClock()
    store = open_store(folder, known)
    vault = open_vault(to, store, known)
    place = _find(vault, store.company, name)
    whole = settled_creds(store, clock).state in (CredsState.WHOLE, CredsState.UNREADABLE)
    if whole and not stopped and (wanted is RestoreMode.FULL or _overwrites(vault, store, place)):
        raise Refused(
            "a restore needs your word that nothing runs on this folder",
            next_step="stop the session, then add --stopped",
            code="not_proved_stopped",
        )
    store.company = place.company
    with vault.acting(store):
        prove_quiet(store, clock)
        report = _brought_back(vault, store, place, wanted, clock.now())
    answer = {
        "backup": report.backup,
        "written": [mask_name(name) for name in report.written],
        "replaced": report.replaced,
    }
    emit(answer, as_json, lambda _answer: _restored(report))
    return 0


def company_id(folder: Path | None, known: Known) -> str | None:
    """The id under which a folder's backups lie; its folder may be gone. None means all that are there."""
    if known.company is not None:
        return known.company
    return open_store(folder).company if folder else None


def _brought_back(vault: Vault, store: AuthStore, place: Place, mode: RestoreMode, now: float) -> RestoreReport:
    if "-aside-" in place.name:
        return put_back(vault, store, place.name, now)
    opened = mode is RestoreMode.FULL and _written_since(vault, store, place)
    return restore(vault, store, place.name, mode, now, opened_since=opened)


def _overwrites(vault: Vault, store: AuthStore, place: Place) -> bool:
    """Whether any file that lies here differs from the backup's."""
    _, _, contents = vault.load(place.company, place.name)
    return any(contents[name] != data for name, data in store.read_all(tuple(contents)).items())


def _written_since(vault: Vault, store: AuthStore, place: Place) -> bool:
    """Whether anything was written after the backup, other than damage to the creds."""
    _, manifest, _ = vault.load(place.company, place.name)
    then = {file.name: (file.size, file.mtime) for file in manifest.files}
    damaged = store.creds().state is not CredsState.WHOLE
    now = {file.name: (file.size, file.mtime) for file in store.listing().files}
    changed = {name for name, seen in now.items() if then.get(name) != seen}
    return bool(changed - ({CREDS} if damaged else set()))


@dataclass(frozen=True, slots=True)
class Place:
    """A backup by the company id under which it lies."""

    company: str
    name: str


def _find(vault: Vault, company: str | None, name: str | None) -> Place:
    """The named backup, wherever under the vault it lies (a folder may have moved); else the folder's newest."""
    if name is not None:
        homes = [c for c in [company, *vault.shelf.companies()] if c and name in vault.shelf.names(c)]
        if not homes:
            raise BackupError(f"there is no backup {name[:60]}", next_step="`backup list` shows the names")
        return Place(homes[0], name)
    if company is None:
        raise UsageError("name a folder or a backup", next_step="add --folder PATH or --backup NAME")
    newest = vault.newest(company) or vault.newest(company, paired=False)
    if newest is None:
        raise BackupError("there is no backup of this folder here", next_step="name one with --backup NAME")
    return Place(company, newest.name)


def answer_of(backup: Backup) -> dict[str, Any]:
    """One backup as JSON; `sha256` is null where it was only looked up."""
    return {
        "name": backup.name,
        "company": backup.company,
        "kind": backup.kind.value,
        "created_at": backup.created_at,
        "paired": backup.paired,
        "phone": backup.phone,
        "files": backup.files,
        "bytes": backup.bytes,
        "sha256": backup.sha256 or None,
        "reason": backup.reason,
    }


def _restored(report: RestoreReport) -> str:
    return facts(
        {
            "restored": report.backup,
            "written": f"{len(report.written)} files",
            "before": report.replaced or "",
            "next id": str(report.next_pre_key_id or ""),
        }
    )
