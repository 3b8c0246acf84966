"""One company's folder and vault in a temporary place, and what must be true of them whatever happened."""

from __future__ import annotations

import functools
import json
import os
import shutil
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys, is_temp
from baileykeep.model.backup import Backup
from baileykeep.model.limits import MIN_PRE_KEYS, BackupLimits
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.naming import CREDS, is_own, memory_group, pre_key_id, sender_key
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import age
from tests.unit.rules.folders import FIXTURES

COMPANY = "company_1"
MODE = 0o640
STRANGER_UID, STRANGER_GID = 4242, 4343


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it lay there."""

    data: bytes
    mode: int
    owner: tuple[int, int]


Folder = Mapping[str, Found]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one test works. `notes` outlive the process that made them."""

    root: Path

    @property
    def auth(self) -> Path:
        return self.root / "auth"

    def store(self, fsys: Fsys | None = None) -> FileStore:
        return FileStore(COMPANY, self.auth, fsys)

    def vault(self, fsys: Fsys | None = None, limits: BackupLimits | None = None) -> Vault:
        return Vault(self.root / "backups", fsys, limits)

    def note(self, **facts: Any) -> None:
        (self.root / "notes.json").write_text(json.dumps({**self.notes(), **facts}))

    def notes(self) -> dict[str, Any]:
        path = self.root / "notes.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def twin(self, name: str) -> Place:
        """A copy of everything, to the nanosecond and the owner."""
        other = Place(self.root.parent / name)
        _copy(self.root, other.root)
        return other

    def gone(self) -> None:
        shutil.rmtree(self.root)


def _copy(source: Path, to: Path) -> None:
    of = source.lstat()
    if source.is_dir():
        to.mkdir()
        for entry in os.scandir(source):
            _copy(Path(entry.path), to / entry.name)
    else:
        to.write_bytes(source.read_bytes())
    if may_give_away():
        os.chown(to, of.st_uid, of.st_gid)
    to.chmod(stat.S_IMODE(of.st_mode))
    os.utime(to, ns=(of.st_atime_ns, of.st_mtime_ns))


def fresh_place(root: Path) -> Place:
    """A real paired 6.x folder with more pre-keys than are kept; it belongs to somebody else where that is possible."""
    place = Place(root)
    place.auth.mkdir(parents=True)
    for source in (FIXTURES / "auth-6").iterdir():
        if not source.name.startswith(("app-state-sync-version", "pre-key-")):
            shutil.copy(source, place.auth)
    for number in range(1, 54):
        (place.auth / f"pre-key-{number}.json").write_text(f'{{"public":"{number}"}}')
    fields = json.loads((place.auth / CREDS).read_bytes())
    (place.auth / CREDS).write_text(json.dumps(fields | {"nextPreKeyId": 54, "firstUnuploadedPreKeyId": 54}))
    (place.auth / "notes.txt").write_text("a stranger's file")
    age(place.auth, days=40)
    own(place)
    return place


def own(place: Place) -> None:
    """Everything in the auth folder gets the owner and mode that must be kept."""
    for path in [place.auth, *place.auth.iterdir()]:
        if path.is_file():
            path.chmod(MODE)
        if may_give_away():
            os.chown(path, STRANGER_UID, STRANGER_GID)


def small_place(root: Path) -> Place:
    """The same with a few pre-keys only, where every file is written on its own."""
    place = fresh_place(root)
    for path in place.auth.glob("pre-key-*.json"):
        if (pre_key_id(path.name) or 0) > 3:
            path.unlink()
    (place.auth / "sender-key-4915133333333-1500000000@g.us--4915133333333--0.json").unlink()
    return place


def seen(folder: Path) -> dict[str, Found]:
    """Every file of a folder."""
    found = {}
    for path in folder.iterdir():
        of = path.lstat()
        found[path.name] = Found(path.read_bytes(), stat.S_IMODE(of.st_mode), (of.st_uid, of.st_gid))
    return found


@functools.cache
def may_give_away() -> bool:
    """Whether owners can be changed: root, and not only of a namespace that knows no other users."""
    users = Path("/proc/self/uid_map").read_text().split()
    return os.geteuid() == 0 and int(users[2]) > STRANGER_UID


def same_login(now: bytes, before: bytes) -> bool:
    """Byte for byte, or with pre-key ids that were raised and nothing else."""
    if now == before:
        return True
    if not parse_creds(now).paired:
        return False
    then, later = json.loads(before), json.loads(now)
    names = ("nextPreKeyId", "firstUnuploadedPreKeyId")
    return all(later[n] >= then[n] for n in names) and {**later, **{n: then[n] for n in names}} == then


def check_always(place: Place, before: Folder) -> None:
    """What holds at every moment, also in the ruins that a crash left: nothing half is taken for whole.

    Nothing of the never-list is gone without being whole in a verified copy, and copies are for the owner alone.
    """
    copies = verified(place)
    for name, file in before.items():
        kept = (place.auth / name).exists()
        copied = any(data.get(name) is not None and same(name, data[name], file.data) for _, data in copies)
        assert kept or copied, f"{name} is neither in place nor in a copy"
    for path in place.auth.iterdir():
        found = path.lstat()
        if not is_temp(path.name):
            expected = before.get(path.name) or next(iter(before.values()))
            assert (stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)) == (expected.mode, expected.owner)
    private(place)


def private(place: Place) -> None:
    root = place.root / "backups"
    for path in [root, *root.rglob("*")] if root.exists() else []:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path.name


def verified(place: Place) -> list[tuple[Backup, Mapping[str, bytes]]]:
    """Every copy the product would show, whole; a half one among them fails here."""
    vault = place.vault()
    return [(backup, vault.load(COMPANY, backup.name)[2]) for backup in vault.list(COMPANY)]


def check_login(place: Place, before: Folder, may_go: Collection[str] = ()) -> None:
    """After recovery: every file of the login is in place as it was, but for what a cleanup or repair may remove."""
    after = {name: file for name, file in seen(place.auth).items() if not is_temp(name)}
    for name, file in before.items():
        if name in may_go and name not in after:
            continue
        assert name in after, f"{name} is gone"
        assert same(name, after[name].data, file.data), f"{name} differs"
        assert (after[name].mode, after[name].owner) == (file.mode, file.owner), f"{name} has another owner or mode"
    assert set(after) <= set(before), f"{sorted(set(after) - set(before))} came to it"
    check_rules(after, before)
    check_tidy(place)


def same(name: str, now: bytes, before: bytes) -> bool:
    return now == before or (name == CREDS and same_login(now, before))


def check_rules(after: Folder, before: Folder) -> None:
    """Rules about what lies in a folder together."""
    pre_keys = sum(pre_key_id(name) is not None for name in before)
    creds = parse_creds(after[CREDS].data)
    assert creds.paired
    numbers = [number for name in after if (number := pre_key_id(name)) is not None]
    assert len(numbers) >= min(MIN_PRE_KEYS, pre_keys)
    for ident in (creds.next_pre_key_id, creds.first_unuploaded_pre_key_id):
        assert ident is not None
        assert ident > max(numbers, default=0)
    keys = {key.group for name in after if (key := sender_key(name)) is not None and is_own(key, creds)}
    memories = {group for name in after if (group := memory_group(name)) is not None}
    assert memories <= keys, "a group's memory outlived our own sender key"


def check_tidy(place: Place) -> None:
    """Whoever next works with the copies removes what was never finished there."""
    with place.vault().shelf.held(COMPANY):
        left = [path.name for path in (place.root / "backups").rglob("*") if is_temp(path.name)]
    assert left == []
