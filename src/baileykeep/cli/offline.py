"""`inspect --folder` and `cleanup --folder`: one auth folder, without a daemon and without a configuration.

Plain functions: they print, return the exit code, and raise what `run_guarded` turns into a message.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from baileykeep.api.answers import inspect_answer, plan_answer
from baileykeep.backups.cleaning import carry_out
from baileykeep.backups.vault import Vault
from baileykeep.cli.offline_views import cleaned_view, inspect_view, plan_view
from baileykeep.cli.output import emit
from baileykeep.cli.words import iso
from baileykeep.clock import Clock, SystemClock
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import Refused, UsageError
from baileykeep.model.inventory import CleanupPlan, Creds, CredsState, Level
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup
from baileykeep.rules.levels import inventory
from baileykeep.rules.masking import mask_name
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore

_GENERIC = frozenset({"auth", "session", "sessions", "auth_info", "auth_info_baileys", "baileys_auth"})
REREAD_S = 0.5
REREADS = 2


@dataclass(frozen=True, slots=True)
class Known:
    """What a configuration knows of a login. Of a bare folder nothing: its backups go under a name from its path.

    `rows` opens one that lies in a database.
    """

    company: str | None = None
    limits: Limits = field(default_factory=Limits)
    baileys: str | None = None
    rows: Callable[[], AuthStore] | None = None


BARE = Known()
SUSPICIOUS = "this folder is in excellent shape: a cleanup here is pointless and suspicious"


def inspect_folder(folder: Path | None, *, as_json: bool, known: Known = BARE) -> int:
    """Inventory of one folder. Reads only."""
    clock = SystemClock()
    store = open_store(folder, known)
    creds, at = settled_creds(store, clock), clock.now()
    seen = inventory(store.listing(), creds, PoolKnowledge(), known.limits, at, baileys=known.baileys)
    emit(inspect_answer(seen), as_json, lambda _answer: inspect_view(store.place, seen))
    return 0


def cleanup_folder(
    folder: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    policy: str | None = None,
    now: str | None = None,
    force: bool = False,
    backups: Path | None = None,
    stopped: bool = False,
    known: Known = BARE,
) -> int:
    """The plan for one folder; or, with `backups` and the operator's word `stopped`, the cleanup itself."""
    if now is not None and not dry_run:
        raise UsageError("--now goes with --dry-run only", next_step="leave it out: a real cleanup uses the real time")
    if policy is not None and policy not in cleanup.POLICIES:
        raise UsageError(f'unknown policy "{policy}"', next_step=f"there are: {', '.join(cleanup.POLICIES)}")
    if dry_run:
        return _dry_run(folder, as_json, Wish(policy, force, known), now)
    return _clean(folder, as_json, Wish(policy, force, known), backups, stopped)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asks of a cleanup, and what is known of the folder."""

    policy: str | None
    force: bool
    known: Known


def _dry_run(folder: Path | None, as_json: bool, wish: Wish, now: str | None) -> int:
    clock = SystemClock()
    at = clock.now() if now is None else iso(now)
    store = open_store(folder, wish.known)
    plan = _plan(store, settled_creds(store, clock), wish, at)
    _warn(plan)
    emit(plan_answer(plan), as_json, lambda _answer: plan_view(store.place, plan))
    return 0


def _clean(folder: Path | None, as_json: bool, wish: Wish, backups: Path | None, stopped: bool) -> int:
    if backups is None or not stopped:
        raise Refused(
            "a cleanup needs a place for its backup and your word that nothing runs on this folder",
            next_step="stop the session, then add --backups DIR --stopped; or look first with --dry-run",
            code="not_proved_stopped",
        )
    clock = SystemClock()
    store = open_store(folder, wish.known)
    vault = open_vault(backups, store, wish.known)
    with vault.acting(store):
        store.check_writable()
        prove_quiet(store, clock)
        plan, backup = _cleaned(store, vault, wish, clock)
    _warn(plan)
    answer = plan_answer(plan) | {"removed": [mask_name(removal.name) for removal in plan.remove], "backup": backup}
    emit(answer, as_json, lambda _answer: cleaned_view(store.place, plan, backup))
    return 0


def _cleaned(store: AuthStore, vault: Vault, wish: Wish, clock: Clock) -> tuple[CleanupPlan, str | None]:
    """Plan, backup, plan again from what was backed up, removal. A plan that is empty needs no backup."""
    creds = settled_creds(store, clock)
    if creds.state is not CredsState.WHOLE or not creds.paired:
        raise Refused(
            "the folder holds no whole, paired login, so there could be no backup to go back to",
            next_step="find out what happened to creds.json first",
            code="not_paired",
        )
    first = _plan(store, creds, wish, clock.now())
    if not first.remove:
        return first, None
    backup = vault.create(store, BackupKind.COLD, clock.now(), reason="before a cleanup by hand")
    plan = _plan(store, store.creds(), wish, clock.now())
    carry_out(vault, store, plan, backup.name)
    return plan, backup.name


def _plan(store: AuthStore, creds: Creds, wish: Wish, now: float) -> CleanupPlan:
    return cleanup.plan(
        store.listing(),
        creds,
        PoolKnowledge(),
        wish.known.limits,
        now=now,
        policy=wish.policy,
        force=wish.force,
        baileys=wish.known.baileys,
    )


def _warn(plan: CleanupPlan) -> None:
    if plan.level_before is Level.EXCELLENT:
        sys.stderr.write(f"warning: {SUSPICIOUS}\n")
    for note in plan.notes:
        sys.stderr.write(f"note: {note}\n")


def open_store(folder: Path | None, known: Known = BARE) -> AuthStore:
    """The store of a login: rows where they are known, else the folder that the operator named.

    A link to a folder is followed here, by their word.
    """
    if known.rows is not None:
        return known.rows()
    if folder is None or not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", next_step="name the folder that holds creds.json")
    if known.company is not None:
        return FileStore(known.company, folder)
    real = Path(os.path.realpath(folder))
    return FileStore(company_of(real), real)


def open_vault(root: Path, store: AuthStore | None, known: Known = BARE) -> Vault:
    """The vault under `root`, which must not lie inside an auth folder."""
    real = Path(os.path.realpath(root))
    if isinstance(store, FileStore) and real.is_relative_to(store.folder):
        raise UsageError("backups must not lie inside the auth folder", next_step="name another place")
    return Vault(real, limits=known.limits.backups)


def settled_creds(store: AuthStore, clock: Clock) -> Creds:
    """The creds; ones that are not whole are read again after a pause, since Baileys writes in place."""
    creds = store.creds()
    for _ in range(REREADS):
        if creds.state in (CredsState.WHOLE, CredsState.MISSING):
            break
        anyio.run(clock.sleep, REREAD_S)
        creds = store.creds()
    return creds


def prove_quiet(store: AuthStore, clock: Clock) -> None:
    """Nothing was written for ten seconds, or nothing is while we wait that long; else `Refused`."""
    quiet_s = Limits().ladder.quiet_folder_s
    last, before = store.last_write(), store.listing().token
    if last is None or last <= clock.now() - quiet_s:
        return
    anyio.run(clock.sleep, quiet_s)
    if store.listing().token != before:
        raise Refused(
            "files in the folder were written just now, so something still runs on it",
            next_step="stop the session, then try again",
            code="session_running",
        )


def company_of(folder: Path) -> str:
    """A company id for a folder that was named by its path alone: it tells people which folder it was.

    Two tenants' folders are often both called `auth`; their backups must never mix, so the path is in it.
    """
    name = folder.name or "root"
    if name in _GENERIC:
        name = f"{folder.parent.name}-{name}"
    return f"{name}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
