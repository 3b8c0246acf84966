"""How it stands before a scene: the place, and the login that must survive."""

from __future__ import annotations

import json
from pathlib import Path

from baileykeep.backups.aside import set_aside
from baileykeep.backups.good_creds import keep_good_creds
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind
from baileykeep.model.facts import ConnState
from baileykeep.model.limits import BackupLimits
from baileykeep.rules.naming import CREDS
from tests.faults.acts import clean
from tests.faults.gateway import FRESH, Baileys
from tests.faults.place import COMPANY, Folder, Place, fresh_place, own, seen, small_place
from tests.unit.rules.folders import NOW

SESSIONS = ("session-4915122222222.0.json", "session-100000000000666.0.json")


def whole_login(root: Path) -> tuple[Place, Folder]:
    """Nothing happened yet."""
    place = fresh_place(root)
    return place, seen(place.auth)


def small_login(root: Path) -> tuple[Place, Folder]:
    """The same with few files, where each is written on its own."""
    place = small_place(root)
    return place, seen(place.auth)


def crowded(root: Path) -> tuple[Place, Folder]:
    """More copies than are kept, the newest paired one being the oldest but one."""
    place, login = small_login(root)
    vault = place.vault(limits=BackupLimits(keep_before_change=99, keep_periodic=99))
    whole = (place.auth / CREDS).read_bytes()
    for number in range(12):
        (place.auth / CREDS).write_bytes(whole if number < 2 else FRESH)
        vault.create(place.store(), BackupKind.HOT if number % 2 else BackupKind.COLD, NOW + number)
    (place.auth / CREDS).write_bytes(whole)
    place.note(newest=vault.newest(COMPANY).name)  # type: ignore[union-attr]
    return place, login


def backed_up(root: Path, *, damage: bytes | None = None, empty: bool = False) -> tuple[Place, Folder]:
    """A cold backup of a login, of which afterwards a part or everything was lost."""
    place, login = small_login(root)
    place.note(backup=place.vault().create(place.store(), BackupKind.COLD, NOW).name)
    gone = [path for path in place.auth.iterdir() if path.name != CREDS and path.name != "notes.txt"]
    for path in gone if empty else gone[::2]:
        path.unlink()
    if empty:
        (place.auth / CREDS).unlink()
    elif damage is not None:
        (place.auth / CREDS).write_bytes(damage)
    return place, login


def login_aside(root: Path, *, fresh: bool) -> tuple[Place, Folder]:
    """The whole login was set aside; with `fresh` a new identity was minted that nobody scanned."""
    place, login = small_login(root)
    place.note(aside=set_aside(place.vault(), place.store(), None, NOW, "relink"))
    if fresh:
        (place.auth / CREDS).write_bytes(FRESH)
        (place.auth / "pre-key-77.json").write_bytes(b"{}")
        own(place)
    return place, login


def sessions_aside(root: Path) -> tuple[Place, Folder]:
    place, login = small_login(root)
    place.note(aside=set_aside(place.vault(), place.store(), SESSIONS, NOW, "Bad MAC"))
    return place, login


def cleaned(root: Path) -> tuple[Place, Folder]:
    place, login = whole_login(root)
    clean(place, Fsys())
    return place, login


def damaged(root: Path, data: bytes = b"") -> tuple[Place, Folder]:
    """A good copy of the creds, which were damaged afterwards."""
    place, login = small_login(root)
    keep_good_creds(place.vault(), place.store(), NOW)
    (place.auth / CREDS).write_bytes(data)
    Baileys(place).state = ConnState.DISCONNECTED
    return place, login


def copied(root: Path) -> tuple[Place, Folder]:
    """A good copy of creds that were written again since."""
    place, _ = small_login(root)
    keep_good_creds(place.vault(), place.store(), NOW)
    whole = (place.auth / CREDS).read_bytes()
    (place.auth / CREDS).write_bytes(whole.replace(b'"nextPreKeyId": 54', b'"nextPreKeyId": 60'))
    return place, seen(place.auth)


def paired_anew(root: Path) -> tuple[Place, Folder]:
    """A good copy of a login in whose place another one was paired."""
    place, _ = small_login(root)
    keep_good_creds(place.vault(), place.store(), NOW)
    whole = json.loads((place.auth / CREDS).read_bytes())
    (place.auth / CREDS).write_text(json.dumps({**whole, "signedIdentityKey": {"public": {"data": "T1RIRVI="}}}))
    return place, seen(place.auth)
