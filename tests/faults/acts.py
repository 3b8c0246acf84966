"""What scenes do to files, by the product's own functions or by its daemon, and how the product goes on afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial

import anyio

from baileykeep.actions.base import Action, Order, Result
from baileykeep.actions.resume import resume
from baileykeep.backups.aside import set_aside
from baileykeep.backups.cleaning import carry_out
from baileykeep.backups.good_creds import keep_good_creds, put_good_creds, retire_good_creds
from baileykeep.backups.restore import put_back, restore, undo
from baileykeep.cli.guard import protect
from baileykeep.engine.executor import ACTIONS
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Rung
from baileykeep.model.inventory import CleanupPlan
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup
from baileykeep.rules.creds_guard import History
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.files import FileStore
from tests.faults.gateway import Baileys, site
from tests.faults.place import COMPANY, Place
from tests.unit.rules.folders import NOW

RUNGS: Mapping[Action, Rung] = {action: rung for rung, action in ACTIONS.items()}

Act = Callable[[Place, Fsys], None]
Recover = Callable[[Place], None]


def back_up(place: Place, fsys: Fsys, kind: BackupKind) -> None:
    place.vault(fsys).create(place.store(fsys), kind, NOW + 1)


def evict(place: Place, fsys: Fsys) -> None:
    place.vault(fsys).evict(COMPANY, NOW + 100)


def plan_of(store: FileStore) -> CleanupPlan:
    return cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)


def clean(place: Place, fsys: Fsys) -> None:
    store, vault = place.store(fsys), place.vault(fsys)
    backup = vault.create(store, BackupKind.COLD, NOW + 1)
    carry_out(vault, store, plan_of(store), backup.name)


def put_aside(place: Place, fsys: Fsys, names: tuple[str, ...] | None) -> None:
    set_aside(place.vault(fsys), place.store(fsys), names, NOW + 1, "why")


def bring_back(place: Place, fsys: Fsys) -> None:
    put_back(place.vault(fsys), place.store(fsys), place.notes()["aside"], NOW + 1)


def restore_copy(place: Place, fsys: Fsys, mode: RestoreMode) -> None:
    name = place.notes()["backup"]
    restore(place.vault(fsys), place.store(fsys), name, mode, NOW + 1, opened_since=False)


def undo_cleanup(place: Place, fsys: Fsys, *, opened: bool = False) -> None:
    vault = place.vault(fsys)
    colds = [b.name for b in vault.list(COMPANY) if b.kind is BackupKind.COLD and b.paired]
    if colds:
        undo(vault, place.store(fsys), colds[0], NOW + 2, opened_since=opened)


def keep_creds(place: Place, fsys: Fsys) -> None:
    keep_good_creds(place.vault(fsys), place.store(fsys), NOW + 1)


def retire_creds(place: Place, fsys: Fsys) -> None:
    retire_good_creds(place.vault(fsys), COMPANY)


def put_creds(place: Place, fsys: Fsys) -> None:
    if place.store().creds().paired:
        return
    put_good_creds(place.vault(fsys), place.store(fsys), NOW + 1)


def protect_creds(place: Place, fsys: Fsys) -> None:
    protect(place.vault(fsys), place.store(fsys), History(stopped=True), pause=lambda _seconds: None)


def by_daemon(action: Action, order: Order | None = None) -> Act:
    """The daemon does an action; without an order it is the restore of the copy that was made before."""

    def act(place: Place, fsys: Fsys) -> None:
        wanted = order or Order(backup=place.notes()["backup"], operator="Ann")
        result: Result = anyio.run(action, site(place, RUNGS[action], fsys), wanted)
        place.note(result=result.note)

    return act


def again(act: Act) -> Mapping[str, Recover]:
    """The same once more: by the next chore, the ladder, or who started it."""
    return {"again": lambda place: act(place, Fsys())}


def aside_back(place: Place) -> None:
    """Whatever was set aside comes back."""
    vault = place.vault()
    for backup in vault.list(COMPANY):
        if backup.kind is BackupKind.ASIDE:
            put_back(vault, place.store(), backup.name, NOW + 2)


def come_back(place: Place) -> None:
    """Its process manager starts the gateway, with the guard hung in front of it."""
    gateway = Baileys(place)
    if gateway.state is not ConnState.DISCONNECTED:
        return
    try:
        protect_creds(place, Fsys())
    except BaileykeepError:
        return
    gateway.open()


def resumed(action: Action, order: Order | None = None) -> Mapping[str, Recover]:
    """As the daemon does after a restart: with the session as it was left, and after a gateway that came back.

    What had not begun is begun by who wanted it.
    """

    def recover(place: Place, *, opened: bool) -> None:
        wanted = order or Order(backup=place.notes()["backup"], operator="Ann")
        if opened:
            come_back(place)
        if (place.root / "steps.jsonl").exists():
            there = site(place, RUNGS[action], resumed=True)
            anyio.run(resume, there, wanted, action, there.steps.past())  # type: ignore[attr-defined]
        else:
            with contextlib.suppress(Refused):
                anyio.run(action, site(place, RUNGS[action]), wanted)

    return {"left": partial(recover, opened=False), "opened": partial(recover, opened=True)}
