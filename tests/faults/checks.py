"""What must be true of a place after a scene was gone on with, besides what holds everywhere."""

from __future__ import annotations

from baileykeep.backups.good_creds import put_good_creds
from baileykeep.model.backup import BackupKind
from baileykeep.model.facts import ConnState
from baileykeep.rules.naming import CREDS
from tests.faults.before import SESSIONS
from tests.faults.gateway import Baileys
from tests.faults.place import COMPANY, Folder, Place, check_login, same, seen, verified
from tests.unit.rules.folders import NOW


def check_shelf(place: Place, login: Folder) -> None:
    check_login(place, login)
    assert verified(place), "no copy was made"


def check_kept(place: Place, login: Folder) -> None:
    """Retention went through, and what must never go is there and whole."""
    check_login(place, login)
    left = [backup.name for backup, _ in verified(place)]
    assert place.notes()["newest"] in left
    assert len(left) <= 11


def check_cleaned(place: Place, login: Folder) -> None:
    names = planned_of(login)
    check_login(place, login, may_go=names)
    copies = [contents for backup, contents in verified(place) if backup.kind is BackupKind.COLD and backup.paired]
    for name in login.keys() - seen(place.auth).keys():
        assert any(name in copy and same(name, copy[name], login[name].data) for copy in copies), name


def planned_of(login: Folder) -> frozenset[str]:
    """What a cleanup of it may remove."""
    return frozenset(
        name
        for name in login
        if name.startswith(("session-", "sender-key-")) or name in {f"pre-key-{n}.json" for n in (1, 2, 3)}
    )


def check_repaired(place: Place, login: Folder) -> None:
    check_login(place, login, may_go=SESSIONS)
    missing = login.keys() - seen(place.auth).keys()
    copies = [contents for backup, contents in verified(place) if backup.kind is BackupKind.ASIDE]
    assert all(any(name in copy for copy in copies) for name in missing)


def check_identity(place: Place, login: Folder) -> None:
    """Ratchets are left alone, so what was lost of them stays lost."""
    check_login(place, login, may_go=[name for name in login if name.startswith(("session-", "sender-key-"))])


def check_copy(place: Place, login: Folder) -> None:
    """The good copy is the login that lies there."""
    check_login(place, login)
    (place.auth / CREDS).write_bytes(b"")
    put_good_creds(place.vault(), place.store(), NOW + 3)
    check_login(place, login)


def check_retired(place: Place, login: Folder) -> None:
    check_login(place, {**login, CREDS: seen(place.auth)[CREDS]}) if place.store().creds().paired else None
    assert not (place.vault().shelf.path(COMPANY) / "good-creds.json").exists()


def check_running(place: Place, login: Folder) -> None:
    check_login(place, login)
    assert Baileys(place).state is ConnState.CONNECTED
