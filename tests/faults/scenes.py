"""Everything Baileykeep does to files, each as a scene: how it stands before, what is done, and how it goes on after.

`act` is done once by a process that may be broken or die in it; `recoveries` are what the product itself does next,
each from the same ruins.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio

from baileykeep.actions.base import Action, Order, Result
from baileykeep.actions.clean import cleanup as cleanup_action
from baileykeep.actions.clean import repair_sessions
from baileykeep.actions.guard import restore_backup, restore_creds
from baileykeep.actions.relink import relink
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
from baileykeep.model.limits import BackupLimits, Limits
from baileykeep.rules import cleanup
from baileykeep.rules.creds_guard import History
from baileykeep.rules.naming import CREDS
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.files import FileStore
from tests.faults.gateway import FRESH, Baileys, site
from tests.faults.place import (
    COMPANY,
    Folder,
    Place,
    check_always,
    check_login,
    fresh_place,
    own,
    same,
    seen,
    small_place,
    verified,
)
from tests.unit.rules.folders import NOW

RUNGS: Mapping[Action, Rung] = {action: rung for rung, action in ACTIONS.items()}
SESSIONS = ("session-4915122222222.0.json", "session-100000000000666.0.json")
ADDRESS = "4915122222222.0"

Act = Callable[[Place, Fsys], None]
Recover = Callable[[Place], None]
Check = Callable[[Place, Folder], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """`prepare` gives the place and the login that must survive. `check` is asked after every recovery."""

    name: str
    prepare: Callable[[Path], tuple[Place, Folder]]
    act: Act
    recoveries: Mapping[str, Recover]
    check: Check = check_login
    during: Check = field(default=check_always)

    def __str__(self) -> str:
        return self.name


# --- how it stands before -------------------------------------------------------------------------------------


def _whole(root: Path) -> tuple[Place, Folder]:
    place = fresh_place(root)
    return place, seen(place.auth)


def _small(root: Path) -> tuple[Place, Folder]:
    place = small_place(root)
    return place, seen(place.auth)


def _crowded(root: Path) -> tuple[Place, Folder]:
    """More copies than are kept, the newest paired one being the oldest but one."""
    place, login = _small(root)
    vault = place.vault(limits=BackupLimits(keep_before_change=99, keep_periodic=99))
    whole = (place.auth / CREDS).read_bytes()
    for number in range(12):
        (place.auth / CREDS).write_bytes(whole if number < 2 else FRESH)
        vault.create(place.store(), BackupKind.HOT if number % 2 else BackupKind.COLD, NOW + number)
    (place.auth / CREDS).write_bytes(whole)
    place.note(newest=vault.newest(COMPANY).name)  # type: ignore[union-attr]
    return place, login


def _backed_up(root: Path, *, damage: bytes | None = None, empty: bool = False) -> tuple[Place, Folder]:
    """A cold backup of a login, of which afterwards a part or everything was lost."""
    place, login = _small(root)
    place.note(backup=place.vault().create(place.store(), BackupKind.COLD, NOW).name)
    gone = [path for path in place.auth.iterdir() if path.name != CREDS and path.name != "notes.txt"]
    for path in gone if empty else gone[::2]:
        path.unlink()
    if empty:
        (place.auth / CREDS).unlink()
    elif damage is not None:
        (place.auth / CREDS).write_bytes(damage)
    return place, login


def _set_aside(root: Path, *, fresh: bool) -> tuple[Place, Folder]:
    """The whole login was set aside; with `fresh` a new identity was minted that nobody scanned."""
    place, login = _small(root)
    place.note(aside=set_aside(place.vault(), place.store(), None, NOW, "relink"))
    if fresh:
        (place.auth / CREDS).write_bytes(FRESH)
        (place.auth / "pre-key-77.json").write_bytes(b"{}")
        own(place)
    return place, login


def _sessions_aside(root: Path) -> tuple[Place, Folder]:
    place, login = _small(root)
    place.note(aside=set_aside(place.vault(), place.store(), SESSIONS, NOW, "Bad MAC"))
    return place, login


def _cleaned(root: Path) -> tuple[Place, Folder]:
    place, login = _whole(root)
    _clean(place, Fsys())
    return place, login


def _damaged(root: Path, data: bytes = b"") -> tuple[Place, Folder]:
    """A good copy of the creds, which were damaged afterwards."""
    place, login = _small(root)
    keep_good_creds(place.vault(), place.store(), NOW)
    (place.auth / CREDS).write_bytes(data)
    Baileys(place).state = ConnState.DISCONNECTED
    return place, login


def _copied(root: Path) -> tuple[Place, Folder]:
    """A good copy of creds that were written again since."""
    place, _ = _small(root)
    keep_good_creds(place.vault(), place.store(), NOW)
    whole = (place.auth / CREDS).read_bytes()
    (place.auth / CREDS).write_bytes(whole.replace(b'"nextPreKeyId": 54', b'"nextPreKeyId": 60'))
    return place, seen(place.auth)


def _paired_anew(root: Path) -> tuple[Place, Folder]:
    """A good copy of a login in whose place another one was paired."""
    place, _ = _small(root)
    keep_good_creds(place.vault(), place.store(), NOW)
    whole = json.loads((place.auth / CREDS).read_bytes())
    (place.auth / CREDS).write_text(json.dumps({**whole, "signedIdentityKey": {"public": {"data": "T1RIRVI="}}}))
    return place, seen(place.auth)


# --- what is done ---------------------------------------------------------------------------------------------


def _back_up(place: Place, fsys: Fsys, kind: BackupKind) -> None:
    place.vault(fsys).create(place.store(fsys), kind, NOW + 1)


def _evict(place: Place, fsys: Fsys) -> None:
    place.vault(fsys).evict(COMPANY, NOW + 100)


def plan_of(store: FileStore) -> CleanupPlan:
    return cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)


def _clean(place: Place, fsys: Fsys) -> None:
    store, vault = place.store(fsys), place.vault(fsys)
    backup = vault.create(store, BackupKind.COLD, NOW + 1)
    carry_out(vault, store, plan_of(store), backup.name)


def _aside(place: Place, fsys: Fsys, names: tuple[str, ...] | None) -> None:
    set_aside(place.vault(fsys), place.store(fsys), names, NOW + 1, "why")


def _put_back(place: Place, fsys: Fsys) -> None:
    put_back(place.vault(fsys), place.store(fsys), place.notes()["aside"], NOW + 1)


def _restore(place: Place, fsys: Fsys, mode: RestoreMode) -> None:
    name = place.notes()["backup"]
    restore(place.vault(fsys), place.store(fsys), name, mode, NOW + 1, opened_since=False)


def _undo(place: Place, fsys: Fsys, *, opened: bool = False) -> None:
    vault = place.vault(fsys)
    colds = [b.name for b in vault.list(COMPANY) if b.kind is BackupKind.COLD and b.paired]
    if colds:
        undo(vault, place.store(fsys), colds[0], NOW + 2, opened_since=opened)


def _keep(place: Place, fsys: Fsys) -> None:
    keep_good_creds(place.vault(fsys), place.store(fsys), NOW + 1)


def _retire(place: Place, fsys: Fsys) -> None:
    retire_good_creds(place.vault(fsys), COMPANY)


def _put_creds(place: Place, fsys: Fsys) -> None:
    if place.store().creds().paired:
        return
    put_good_creds(place.vault(fsys), place.store(fsys), NOW + 1)


def _guard(place: Place, fsys: Fsys) -> None:
    protect(place.vault(fsys), place.store(fsys), History(stopped=True), pause=lambda _seconds: None)


def _act(action: Action, order: Order | None = None) -> Act:
    def act(place: Place, fsys: Fsys) -> None:
        wanted = order or Order(backup=place.notes()["backup"], operator="Ann")
        result: Result = anyio.run(action, site(place, RUNGS[action], fsys), wanted)
        place.note(result=result.note)

    return act


# --- what comes after -----------------------------------------------------------------------------------------


def again(act: Act) -> Mapping[str, Recover]:
    """The same once more: by the next chore, the ladder, or who started it."""
    return {"again": lambda place: act(place, Fsys())}


def _aside_back(place: Place) -> None:
    """Whatever was set aside comes back."""
    vault = place.vault()
    for backup in vault.list(COMPANY):
        if backup.kind is BackupKind.ASIDE:
            put_back(vault, place.store(), backup.name, NOW + 2)


def _come_back(place: Place) -> None:
    """Its process manager starts the gateway, with the guard hung in front of it."""
    gateway = Baileys(place)
    if gateway.state is not ConnState.DISCONNECTED:
        return
    try:
        _guard(place, Fsys())
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
            _come_back(place)
        if (place.root / "steps.jsonl").exists():
            there = site(place, RUNGS[action], resumed=True)
            anyio.run(resume, there, wanted, action, there.steps.past())  # type: ignore[attr-defined]
        else:
            with contextlib.suppress(Refused):
                anyio.run(action, site(place, RUNGS[action]), wanted)

    return {"left": partial(recover, opened=False), "opened": partial(recover, opened=True)}


# --- what must be true then -----------------------------------------------------------------------------------


def _check_shelf(place: Place, login: Folder) -> None:
    check_login(place, login)
    assert verified(place), "no copy was made"


def _check_kept(place: Place, login: Folder) -> None:
    """Retention went through, and what must never go is there and whole."""
    check_login(place, login)
    left = [backup.name for backup, _ in verified(place)]
    assert place.notes()["newest"] in left
    assert len(left) <= 11


def _check_cleaned(place: Place, login: Folder) -> None:
    names = _planned_of(login)
    check_login(place, login, may_go=names)
    copies = [contents for backup, contents in verified(place) if backup.kind is BackupKind.COLD and backup.paired]
    for name in login.keys() - seen(place.auth).keys():
        assert any(name in copy and same(name, copy[name], login[name].data) for copy in copies), name


def _planned_of(login: Folder) -> frozenset[str]:
    return frozenset(
        name
        for name in login
        if name.startswith(("session-", "sender-key-")) or name in {f"pre-key-{n}.json" for n in (1, 2, 3)}
    )


def _check_repaired(place: Place, login: Folder) -> None:
    check_login(place, login, may_go=SESSIONS)
    missing = login.keys() - seen(place.auth).keys()
    copies = [contents for backup, contents in verified(place) if backup.kind is BackupKind.ASIDE]
    assert all(any(name in copy for copy in copies) for name in missing)


def _check_identity(place: Place, login: Folder) -> None:
    """Ratchets are left alone, so what was lost of them stays lost."""
    check_login(place, login, may_go=[name for name in login if name.startswith(("session-", "sender-key-"))])


def _check_but_memory(place: Place, login: Folder) -> None:
    """Who has our group key may be forgotten; then it is sent once more."""
    check_login(place, login, may_go=[name for name in login if name.startswith("sender-key-memory-")])


def _check_copy(place: Place, login: Folder) -> None:
    """The good copy is the login that lies there."""
    check_login(place, login)
    (place.auth / CREDS).write_bytes(b"")
    put_good_creds(place.vault(), place.store(), NOW + 3)
    check_login(place, login)


def _check_retired(place: Place, login: Folder) -> None:
    check_login(place, {**login, CREDS: seen(place.auth)[CREDS]}) if place.store().creds().paired else None
    assert not (place.vault().shelf.path(COMPANY) / "good-creds.json").exists()


def _check_running(place: Place, login: Folder) -> None:
    check_login(place, login)
    assert Baileys(place).state is ConnState.CONNECTED


_clean_order = Order()
_repair_order = Order(addresses=(ADDRESS,))

SCENES: tuple[Scene, ...] = (
    *(
        Scene(f"backup_{kind}", _small, act := partial(_back_up, kind=kind), again(act), _check_shelf)
        for kind in (BackupKind.COLD, BackupKind.HOT, BackupKind.MANUAL)
    ),
    Scene("retention", _crowded, _evict, again(_evict), _check_kept),
    Scene(
        "cleanup",
        _whole,
        _clean,
        {**again(_clean), "undone": lambda place: _undo(place, Fsys())},
        _check_cleaned,
    ),
    Scene("undo", _cleaned, _undo, again(_undo)),
    Scene("undo_opened", _cleaned, partial(_undo, opened=True), again(partial(_undo, opened=True))),
    Scene("sessions_aside", _small, partial(_aside, names=SESSIONS), {"back": _aside_back}, _check_repaired),
    Scene("folder_aside", _small, partial(_aside, names=None), {"back": _aside_back}),
    Scene("sessions_back", _sessions_aside, _put_back, again(_put_back)),
    Scene("folder_back_over_nothing", partial(_set_aside, fresh=False), _put_back, again(_put_back)),
    Scene("folder_back_over_a_fresh_one", partial(_set_aside, fresh=True), _put_back, again(_put_back)),
    *(
        Scene(
            f"restore_{mode}_{where}",
            partial(_backed_up, damage=b"{", empty=where == "into_nothing"),
            act := partial(_restore, mode=mode),
            again(act),
            check_login if mode is RestoreMode.FULL else _check_identity,
        )
        for mode in RestoreMode
        for where in ("over_ruins", "into_nothing")
    ),
    Scene("good_creds_first", _small, _keep, again(_keep), _check_copy),
    Scene("good_creds_renewed", _copied, _keep, again(_keep), _check_copy),
    Scene("good_creds_of_another", _paired_anew, _keep, again(_keep), _check_copy),
    Scene("good_creds_retired", _copied, _retire, again(_retire), _check_retired),
    Scene("good_creds_put", _damaged, _put_creds, again(_put_creds)),
    Scene("guard_offline", partial(_damaged, data=b"\0" * 99), _guard, again(_guard)),
    Scene(
        "action_cleanup",
        _whole,
        _act(cleanup_action, _clean_order),
        resumed(cleanup_action, _clean_order),
        _check_cleaned,
    ),
    Scene(
        "action_repair",
        _small,
        _act(repair_sessions, _repair_order),
        resumed(repair_sessions, _repair_order),
        _check_repaired,
    ),
    Scene("action_relink", _small, _act(relink, Order()), resumed(relink, Order()), _check_running),
    Scene(
        "action_restore",
        partial(_backed_up, damage=b"{"),
        _act(restore_backup),
        resumed(restore_backup),
        _check_identity,
    ),
    Scene(
        "action_restore_creds",
        _damaged,
        _act(restore_creds, Order()),
        resumed(restore_creds, Order()),
        _check_running,
    ),
)


def recovered(scene: Scene, place: Place, login: Folder) -> None:
    """What holds in the ruins, and after each way to go on from them."""
    scene.during(place, login)
    for name, recover in scene.recoveries.items():
        after = place.twin(f"{place.root.name}-{name}")
        recover(after)
        scene.check(after, login)
        after.gone()
