"""A login out of a database into an auth folder, and back: the way out when a database is lost, and the way home."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.backups import minted
from baileykeep.backups.restore import safe_creds
from baileykeep.backups.vault import Snapshot, Vault
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BackupError, Refused, StoreError, UsageError
from baileykeep.model.inventory import NEVER_CLEANED, Category, CredsState
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.masking import mask_name
from baileykeep.rules.naming import CREDS, category_of
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore

FROM_BACKUP = (NEVER_CLEANED | {Category.PRE_KEY}) - {Category.OTHER}
"""What comes out of a backup. Sessions do not: a ratchet that went back makes every later message unreadable."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was carried over: how many files, those left behind by name, and the copies it began from or kept."""

    company: str
    files: int
    left: tuple[str, ...] = ()
    backup: str | None = None


@dataclass(frozen=True, slots=True)
class _Load:
    contents: Mapping[str, bytes]
    mtimes: Mapping[str, float]
    left: tuple[str, ...]
    backup: str | None = None


def export(vault: Vault, store: AuthStore, to: Path, now: float, fsys: Fsys | None = None) -> Transfer:
    """Write a login as it is now into a new folder (0700, files 0600), whole or not at all. Changes nothing else."""
    _check_free(to)
    taken = vault.snapshot(store, hot_at=now)
    if not taken.creds.paired:
        raise Refused(f"company {store.company} holds no paired login to export", code="not_paired")
    ours = {name: as_baileys_writes(data) for name, data in taken.contents.items() if _is_ours(name)}
    left = tuple(file.name for file in taken.listing.files if file.name not in ours)
    load = _Load(ours, {file.name: file.mtime for file in taken.listing.files}, left)
    return _written(store.company, load, to, fsys or Fsys())


def export_backup(
    vault: Vault, company: str, name: str | None, to: Path, now: float, fsys: Fsys | None = None
) -> Transfer:
    """The same from a verified backup, the newest whole one of a paired login where none is named.

    Sessions and sender keys stay behind; contacts' next messages build new ones.
    """
    _check_free(to)
    return _written(company, _of_backup(vault, company, name, now), to, fsys or Fsys())


def _of_backup(vault: Vault, company: str, name: str | None, now: float) -> _Load:
    name = name or _newest_whole(vault, company, now)
    _, manifest, contents = vault.load(company, name)
    creds = parse_creds(contents.get(CREDS, b""))
    if not creds.paired:
        raise Refused(f"backup {name} holds no paired login", next_step="name another with --backup", code="not_paired")
    chosen = {file: as_baileys_writes(data) for file, data in contents.items() if category_of(file) in FROM_BACKUP}
    known = minted.next_pre_key_id(vault, company, manifest.identity)
    chosen[CREDS] = safe_creds(chosen[CREDS], list(contents), None, known)
    left = tuple(file for file in contents if file not in chosen)
    return _Load(chosen, {file.name: file.mtime for file in manifest.files}, left, name)


def _newest_whole(vault: Vault, company: str, now: float) -> str:
    """The newest that can be read and verified: a damaged one is passed over."""
    found = [b for b in vault.list(company) if b.kind is not BackupKind.ASIDE and b.paired and not b.cleared]
    for backup in sorted(found, key=lambda b: (b.created_at <= now, b.created_at), reverse=True):
        try:
            return vault.verify(company, backup.name).name
        except BackupError:
            continue
    raise BackupError(f"there is no whole backup of a paired login of company {company}", permanent=True)


def _check_free(to: Path) -> None:
    if os.path.lexists(to) and (to.is_symlink() or not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is there and not an empty folder", next_step="name a new one: nothing is written over")
    if not to.parent.is_dir():
        raise UsageError(f"there is no folder {to.parent}", next_step="make it first")


def _written(company: str, load: _Load, to: Path, fsys: Fsys) -> Transfer:
    """Into a folder beside it first, which then takes the name: nobody ever sees a half one."""
    temp = to.parent / f".baileykeep-{fsys.nonce(8)}.export"
    try:
        fsys.make_folder_below(temp)
        store = FileStore(company, temp, fsys)
        for name in sorted(load.contents, key=lambda name: name == CREDS):
            store.write(name, load.contents[name], mtime=load.mtimes[name] or None, mode=0o600)
        if store.read_all(list(load.contents)) != load.contents:
            raise StoreError("what was written is not what was read back")
        fsys.move_folder(temp, to)
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror or error}") from error
    finally:
        fsys.drop_folder(temp)
    return Transfer(company, len(load.contents), load.left, load.backup)


def bring_in(vault: Vault, store: AuthStore, folder: FileStore, now: float, *, replace: bool) -> Transfer:
    """Put a folder's login in place of what the store holds, in one go; the caller has proved that nothing runs on it.

    What is there is backed up first. Another paired login, or this one where it was written after the folder, goes
    only with `replace`.
    """
    with vault.shelf.held(store.company):
        taken = vault.snapshot(folder)
        if taken.creds.state is not CredsState.WHOLE or not taken.creds.paired:
            raise Refused(f"the folder {folder.place} holds no paired login", code="not_paired")
        contents = {name: data for name, data in taken.contents.items() if _is_ours(name)}
        store.check_writable()
        there = vault.present(store)
        _check_replaces(store, there, taken, replace=replace)
        known = minted.next_pre_key_id(vault, store.company, taken.creds.identity)
        contents[CREDS] = safe_creds(contents[CREDS], [*contents, *(there.contents if there else ())], there, known)
        normal = store.normal(contents)
        backup = None
        if there is not None:
            backup = vault.put(store, BackupKind.COLD, there, now, reason="before a folder was imported").name
        _replace(store, there, taken, normal)
        if there is not None and there.creds.identity != taken.creds.identity:
            vault.shelf.rename(store.company, minted.GOOD, minted.RETIRED)
        vault.tidy(store.company, now, protected=(backup,) if backup else ())
    left = tuple(name for name in taken.contents if name not in contents)
    return Transfer(store.company, len(normal), left, backup)


def _check_replaces(store: AuthStore, there: Snapshot | None, taken: Snapshot, *, replace: bool) -> None:
    if there is None or replace or not (there.creds.state is CredsState.UNREADABLE or there.creds.paired):
        return
    if there.creds.identity != taken.creds.identity:
        raise Refused(
            f"another paired login lies at {store.place} than the one in the folder",
            next_step="if that one is not wanted any more, add --replace-login",
            code="other_login",
        )
    newest, last = max(file.mtime for file in taken.listing.files), store.last_write()
    if last is not None and last > newest and dict(store.normal(_ours(taken))) != _ours(there):
        raise Refused(
            f"{store.place} was written after the folder, so its ratchets would go back in time",
            next_step="if the folder is the one that was in use last, add --replace-login",
            code="opened_since",
        )


def _ours(taken: Snapshot) -> dict[str, bytes]:
    return {name: data for name, data in taken.contents.items() if _is_ours(name)}


def _replace(store: AuthStore, there: Snapshot | None, taken: Snapshot, contents: Mapping[str, bytes]) -> None:
    mtimes = {file.name: file.mtime for file in taken.listing.files}
    gone = [file for file in there.listing.files if _is_ours(file.name)] if there is not None else []
    with store.together():
        store.remove_unchanged(gone)
        for name in sorted(contents, key=lambda name: name == CREDS):
            store.write(name, contents[name], mtime=mtimes[name])
        if store.read_all(list(contents)) != contents:
            raise StoreError("what was written is not what was read back: nothing was changed")


def _is_ours(name: str) -> bool:
    return category_of(name) is not Category.OTHER


def as_baileys_writes(data: bytes) -> bytes:
    """Buffers that a gateway wrote as lists of numbers in the form that every Baileys reads; else the same bytes."""
    if b'"Buffer"' not in data or b"[" not in data:
        return data
    try:
        return json.dumps(_buffers(json.loads(data)), separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BackupError("a key of this login cannot be read") from error


def _buffers(value: Any) -> Any:
    if isinstance(value, list):
        return [_buffers(item) for item in value]
    if not isinstance(value, dict):
        return value
    data = value.get("data")
    if value.get("type") == "Buffer" and isinstance(data, list):
        return {"type": "Buffer", "data": base64.b64encode(bytes(data)).decode()}
    return {key: _buffers(item) for key, item in value.items()}


def told_left(left: tuple[str, ...]) -> str:
    """Names that stayed behind, for people; without phones."""
    shown = ", ".join(mask_name(name) for name in left[:3])
    return f"{shown} and {len(left) - 3} more" if len(left) > 3 else shown
