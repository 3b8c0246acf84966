from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from baileykeep.backups.shelf import folder_name
from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BackupError, UsageError
from baileykeep.model.inventory import Listing
from baileykeep.model.limits import HOUR, BackupLimits
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import Place
from tests.unit.auth_folders import CrashError, Crashing, Failing, copy_of, few_of
from tests.unit.rules.folders import NOW, PHONE


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore("company_1", copy_of("auth-6", tmp_path / "auth"))


@pytest.mark.parametrize("kind", [BackupKind.COLD, BackupKind.HOT, BackupKind.MANUAL])
def test_a_backup_tells_what_it_holds(vault: Vault, place: Place, kind: BackupKind) -> None:
    made = vault.create(place.store(), kind, NOW, reason="a test")
    assert made.name.startswith(f"20270115T080000Z-{kind}-")
    assert (made.files, made.paired, made.phone, made.whole, made.reason) == (44, True, "***0001", True, "a test")
    assert made.bytes == sum(len(data) for data in place.contents().values())
    assert vault.verify("c", made.name) == made
    assert [backup.name for backup in vault.list("c")] == [made.name]
    newest = vault.newest("c")
    assert newest is not None
    assert newest.name == made.name


def test_a_large_login_too(vault: Vault, newer: Place) -> None:
    made = vault.create(newer.store(), BackupKind.COLD, NOW)
    assert made.files == 845
    assert vault.load("c", made.name)[2] == newer.contents()


def test_only_the_owner_may_look_and_no_phone_is_in_sight(vault: Vault, place: Place, tmp_path: Path) -> None:
    vault.create(place.store(), BackupKind.COLD, NOW)
    for path in [tmp_path / "backups", *(tmp_path / "backups").rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
        assert PHONE not in path.name


def test_the_login_is_as_it_was(vault: Vault, place: Place) -> None:
    before = place.store().listing()
    vault.create(place.store(), BackupKind.HOT, NOW)
    assert place.store().listing() == before


def test_nothing_changed_since_the_last(vault: Vault, place: Place) -> None:
    assert not vault.unchanged_since_last(place.store(), NOW)
    vault.create(place.store(), BackupKind.HOT, NOW)
    assert vault.unchanged_since_last(place.store(), NOW)
    place.put(CREDS, place.contents()[CREDS])
    assert not vault.unchanged_since_last(place.store(), NOW)


def test_an_empty_place_is_no_backup(vault: Vault, place: Place) -> None:
    place.wipe()
    store = place.store()
    store.make()
    with pytest.raises(BackupError, match="empty"):
        vault.create(store, BackupKind.COLD, NOW)


def test_hot_wants_whole_creds_and_cold_takes_what_is_there(vault: Vault, store: FileStore) -> None:
    (store.folder / CREDS).write_bytes(b'{"a":')
    with pytest.raises(BackupError, match="torn"):
        vault.create(store, BackupKind.HOT, NOW)
    assert vault.list("company_1") == []
    assert not vault.create(store, BackupKind.COLD, NOW).paired


def test_damage_of_long_ago_does_not_bar_hot_backups(vault: Vault, store: FileStore) -> None:
    path = store.folder / "session-4915122222222.0.json"
    path.write_bytes(b"")
    os.utime(path, (NOW, NOW))
    with pytest.raises(BackupError, match=r"session-\*\*\*2222\.0\.json is torn"):
        vault.create(store, BackupKind.HOT, NOW + 10)
    vault.create(store, BackupKind.HOT, NOW + 61)


@pytest.mark.parametrize("kind", [BackupKind.HOT, BackupKind.COLD])
def test_a_login_in_use_is_tried_again(vault: Vault, place: Place, kind: BackupKind) -> None:
    store, turns = place.store(), iter(range(103))
    looked, last = store.listing, 2

    def listing() -> Listing:
        found, turn = looked(), next(turns)
        if turn <= last:
            place.put("session-4915177777777.0.json", b"{}", NOW + turn)
        return found

    store.listing = listing  # type: ignore[method-assign]
    assert vault.create(store, kind, NOW).files == 45
    last = 100
    with pytest.raises(BackupError, match="changed while"):
        vault.create(store, kind, NOW)


def test_retention_is_kept_at_each_backup(tmp_path: Path, store: FileStore) -> None:
    vault = Vault(tmp_path / "backups", limits=BackupLimits(keep_before_change=2, keep_periodic=1))
    names = [vault.create(store, BackupKind.COLD, NOW + n).name for n in range(4)]
    hot = [vault.create(store, BackupKind.HOT, NOW + 10 + n).name for n in range(3)]
    assert [backup.name for backup in vault.list("company_1")] == [*names[2:], hot[2]]


def test_a_backup_made_under_a_clock_set_back_is_not_evicted_at_once(tmp_path: Path, store: FileStore) -> None:
    vault = Vault(tmp_path / "backups", limits=BackupLimits(keep_before_change=2))
    for n in range(3):
        vault.create(store, BackupKind.COLD, NOW + n * HOUR)
    late = vault.create(store, BackupKind.COLD, NOW - 1000 * HOUR)
    assert vault.verify("company_1", late.name).name == late.name


def archive_path(vault: Vault, name: str) -> Path:
    return vault.shelf.path("company_1") / f"{name}.tar.zst"


def test_damage_is_found_and_a_damaged_one_is_never_the_newest(vault: Vault, store: FileStore) -> None:
    good = vault.create(store, BackupKind.COLD, NOW)
    bad = vault.create(store, BackupKind.COLD, NOW + 1)
    path = archive_path(vault, bad.name)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BackupError, match="damaged"):
        vault.verify("company_1", bad.name)
    newest = vault.newest("company_1")
    assert newest is not None
    assert newest.name == good.name


def test_a_backup_of_another_company_or_kind_is_not_taken(vault: Vault, store: FileStore) -> None:
    made = vault.create(store, BackupKind.HOT, NOW)
    renamed = made.name.replace("hot", "cold")
    archive_path(vault, made.name).rename(archive_path(vault, renamed))
    with pytest.raises(BackupError, match="renamed"):
        vault.verify("company_1", renamed)
    vault.create(FileStore("company_2", store.folder), BackupKind.HOT, NOW)
    archive_path(vault, renamed).rename(vault.shelf.path("company_2") / f"{made.name}.tar.zst")
    with pytest.raises(BackupError, match="another company"):
        vault.verify("company_2", made.name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x", "20270115T080000Z-cold-3f2a/../x"])
def test_odd_names_are_usage_errors(vault: Vault, name: str) -> None:
    with pytest.raises(UsageError, match="not the name"):
        vault.verify("company_1", name)


def test_an_unknown_name_says_how_to_find_one(vault: Vault) -> None:
    with pytest.raises(BackupError, match="backup list"):
        vault.verify("company_1", "20270115T080000Z-cold-3f2a")
    assert vault.list("nobody") == []
    assert vault.newest("nobody") is None


def test_company_folders_are_safe_and_distinct(tmp_path: Path) -> None:
    ids = ["a", "A", "a/b", "a%2Fb", "..", ".", "../x", "x" * 300, "x" * 299 + "y", "ü", ".lock"]
    names = [folder_name(ident) for ident in ids]
    assert len(set(names)) == len(ids)
    for name in names:
        assert "/" not in name
        assert not name.startswith(".")
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError):
        folder_name("")


def names_left(vault: Vault, folder: Path) -> Sequence[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else ()


@pytest.mark.parametrize("kind", [Crashing, Failing])
def test_at_every_step_there_is_a_whole_backup_or_none(tmp_path: Path, kind: type[Crashing | Failing]) -> None:
    store = FileStore("company_1", few_of(tmp_path / "few"))
    steps = Crashing(0)
    Vault(tmp_path / "count", steps).create(store, BackupKind.COLD, NOW)
    before = store.listing()
    for step in range(1, len(steps.done) + 1):
        root = tmp_path / f"at-{step}"
        with pytest.raises((CrashError, BackupError)):
            Vault(root, kind(step)).create(store, BackupKind.COLD, NOW)
        after = Vault(root, Fsys())
        for backup in after.list("company_1"):
            assert after.verify("company_1", backup.name).files == 16
        made = after.create(store, BackupKind.COLD, NOW + 1)
        left = names_left(after, after.shelf.path("company_1"))
        assert [name for name in left if name.endswith(".tmp")] == []
        assert f"{made.name}.tar.zst" in left
    assert store.listing() == before
