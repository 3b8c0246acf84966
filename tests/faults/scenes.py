"""Everything Baileykeep does to files, each as a scene: how it stands before, what is done, and how it goes on after.

`act` is done once by a process that may be broken or die in it; `recoveries` are what the product itself does next,
each from the same ruins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from baileykeep.actions.base import Action, Order
from baileykeep.actions.clean import cleanup, repair_sessions
from baileykeep.actions.guard import restore_backup, restore_creds
from baileykeep.actions.relink import relink
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind, RestoreMode
from tests.faults.acts import (
    Act,
    Recover,
    again,
    aside_back,
    back_up,
    bring_back,
    by_daemon,
    clean,
    evict,
    keep_creds,
    protect_creds,
    put_aside,
    put_creds,
    restore_copy,
    resumed,
    retire_creds,
    undo_cleanup,
)
from tests.faults.before import (
    SESSIONS,
    backed_up,
    cleaned,
    copied,
    crowded,
    damaged,
    login_aside,
    paired_anew,
    sessions_aside,
    small_login,
    whole_login,
)
from tests.faults.checks import (
    check_cleaned,
    check_copy,
    check_identity,
    check_kept,
    check_repaired,
    check_retired,
    check_running,
    check_shelf,
)
from tests.faults.place import Folder, Place, check_always, check_login

ADDRESS = "4915122222222.0"

Prepare = Callable[[Path], tuple[Place, Folder]]
Check = Callable[[Place, Folder], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """`prepare` gives the place and the login that must survive. `check` is asked after every recovery."""

    name: str
    prepare: Prepare
    act: Act
    recoveries: Mapping[str, Recover]
    check: Check = check_login
    during: Check = field(default=check_always)

    def __str__(self) -> str:
        return self.name


def repeated(name: str, prepare: Prepare, act: Act, check: Check = check_login) -> Scene:
    """What is simply done once more."""
    return Scene(name, prepare, act, again(act), check)


def of_daemon(name: str, prepare: Prepare, action: Action, check: Check, order: Order | None = None) -> Scene:
    """An action of the daemon, which the next one takes up."""
    return Scene(name, prepare, by_daemon(action, order), resumed(action, order), check)


SCENES: tuple[Scene, ...] = (
    *(
        repeated(f"backup_{kind}", small_login, partial(back_up, kind=kind), check_shelf)
        for kind in (BackupKind.COLD, BackupKind.HOT, BackupKind.MANUAL)
    ),
    repeated("retention", crowded, evict, check_kept),
    Scene(
        "cleanup",
        whole_login,
        clean,
        {**again(clean), "undone": lambda place: undo_cleanup(place, Fsys())},
        check_cleaned,
    ),
    repeated("undo", cleaned, undo_cleanup),
    repeated("undo_opened", cleaned, partial(undo_cleanup, opened=True)),
    Scene("sessions_aside", small_login, partial(put_aside, names=SESSIONS), {"back": aside_back}, check_repaired),
    Scene("folder_aside", small_login, partial(put_aside, names=None), {"back": aside_back}),
    repeated("sessions_back", sessions_aside, bring_back),
    repeated("folder_back_over_nothing", partial(login_aside, fresh=False), bring_back),
    repeated("folder_back_over_a_fresh_one", partial(login_aside, fresh=True), bring_back),
    *(
        repeated(
            f"restore_{mode}_{where}",
            partial(backed_up, damage=b"{", empty=where == "into_nothing"),
            partial(restore_copy, mode=mode),
            check_login if mode is RestoreMode.FULL else check_identity,
        )
        for mode in RestoreMode
        for where in ("over_ruins", "into_nothing")
    ),
    repeated("good_creds_first", small_login, keep_creds, check_copy),
    repeated("good_creds_renewed", copied, keep_creds, check_copy),
    repeated("good_creds_of_another", paired_anew, keep_creds, check_copy),
    repeated("good_creds_retired", copied, retire_creds, check_retired),
    repeated("good_creds_put", damaged, put_creds),
    repeated("guard_offline", partial(damaged, data=b"\0" * 99), protect_creds),
    of_daemon("action_cleanup", whole_login, cleanup, check_cleaned, Order()),
    of_daemon("action_repair", small_login, repair_sessions, check_repaired, Order(addresses=(ADDRESS,))),
    of_daemon("action_relink", small_login, relink, check_running, Order()),
    of_daemon("action_restore", partial(backed_up, damage=b"{"), restore_backup, check_identity),
    of_daemon("action_restore_creds", damaged, restore_creds, check_running, Order()),
)


def recovered(scene: Scene, place: Place, login: Folder) -> None:
    """What holds in the ruins, and after each way to go on from them."""
    scene.during(place, login)
    for name, recover in scene.recoveries.items():
        after = place.twin(f"{place.root.name}-{name}")
        recover(after)
        scene.check(after, login)
        after.gone()
