"""What comes back of a backup, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baileykeep.backups.restore import restore, undo
from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import Refused
from baileykeep.model.inventory import Category
from baileykeep.rules.naming import CREDS, category_of
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import Place
from tests.unit.auth_folders import contents, copy_of, few_of
from tests.unit.backups.logins import EVERY_BREAK, EVERY_STEP, NEWER, OWN_KEY, SESSION, Break, cut_short, relinked
from tests.unit.rules.folders import NOW


def ids(place: Place) -> tuple[int | None, int | None]:
    creds = place.store().creds()
    return creds.next_pre_key_id, creds.first_unuploaded_pre_key_id


def test_identity_brings_the_login_and_leaves_ratchets_alone(vault: Vault, each: Place) -> None:
    whole = each.contents()
    made = vault.create(each.store(), BackupKind.HOT, NOW)
    each.put(CREDS, b"{}")
    each.put(SESSION, NEWER)
    each.drop(OWN_KEY)
    report = restore(vault, each.store(), made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    assert report.written == (CREDS,)
    assert each.contents() == {name: data for name, data in whole.items() if name != OWN_KEY} | {SESSION: NEWER}
    assert report.replaced is not None
    assert not vault.verify("c", report.replaced).paired


def test_identity_heals_torn_creds(vault: Vault, small: FileStore) -> None:
    whole = contents(small.folder)
    made = vault.create(small, BackupKind.HOT, NOW)
    (small.folder / CREDS).write_bytes(whole[CREDS][:100])
    report = restore(vault, small, made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    assert report.written == (CREDS,)
    assert contents(small.folder) == whole


def test_ids_never_fall_behind_newer_pre_keys(vault: Vault, each: Place) -> None:
    made = vault.create(each.store(), BackupKind.COLD, NOW)
    old_next, _ = ids(each)
    assert old_next is not None
    newest = old_next + 4
    for number in range(old_next, newest + 1):
        each.put(f"pre-key-{number}.json", NEWER)
    each.put(CREDS, b"{}")
    report = restore(vault, each.store(), made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    assert ids(each) == (newest + 1, newest + 1)
    assert report.next_pre_key_id == newest + 1
    assert each.contents()[f"pre-key-{newest}.json"] == NEWER


def test_ids_never_fall_behind_the_creds_that_were_there(vault: Vault, place: Place) -> None:
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    fields = json.loads(place.contents()[CREDS]) | {"nextPreKeyId": 61, "firstUnuploadedPreKeyId": 61}
    place.put(CREDS, json.dumps(fields).encode())
    restore(vault, place.store(), made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert ids(place) == (61, 61)


def test_identity_brings_back_what_is_absent_of_pre_keys_and_mappings(vault: Vault, newer: Place) -> None:
    whole = newer.contents()
    made = vault.create(newer.store(), BackupKind.HOT, NOW)
    newer.wipe()
    store = newer.store()
    store.make()
    report = restore(vault, store, made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    expected = {n: d for n, d in whole.items() if category_of(n) not in (Category.SESSION, Category.SENDER_KEY)}
    assert newer.contents() == expected
    assert report.replaced is None


def test_full_brings_back_everything_with_its_times(vault: Vault, each: Place) -> None:
    whole, before = each.contents(), each.store().listing()
    made = vault.create(each.store(), BackupKind.COLD, NOW)
    each.drop(SESSION)
    each.put(OWN_KEY, NEWER)
    report = restore(vault, each.store(), made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert set(report.written) == {SESSION, OWN_KEY}
    assert each.contents() == whole
    assert each.store().listing().files == before.files
    assert report.replaced is not None
    assert vault.load("c", report.replaced)[2][OWN_KEY] == NEWER


def test_full_brings_a_folder_back_with_its_modes(vault: Vault, small: FileStore) -> None:
    for path in small.folder.iterdir():
        path.chmod(0o640)
    whole, before = contents(small.folder), small.listing()
    made = vault.create(small, BackupKind.COLD, NOW)
    for path in small.folder.iterdir():
        path.unlink()
    restore(vault, small, made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert contents(small.folder) == whole
    assert {path.stat().st_mode & 0o777 for path in small.folder.iterdir()} == {0o640}
    keys = [file for file in before.files if file.name != CREDS]
    assert [file for file in small.listing().files if file.name != CREDS] == keys


@pytest.mark.parametrize("kind", [BackupKind.HOT, BackupKind.MANUAL])
def test_only_a_cold_one_comes_back_in_full(vault: Vault, place: Place, kind: BackupKind) -> None:
    made = vault.create(place.store(), kind, NOW)
    with pytest.raises(Refused, match="identity"):
        restore(vault, place.store(), made.name, RestoreMode.FULL, NOW, opened_since=False)


def test_full_is_refused_once_the_session_was_open(vault: Vault, place: Place) -> None:
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    with pytest.raises(Refused, match="open since"):
        restore(vault, place.store(), made.name, RestoreMode.FULL, NOW, opened_since=True)


def test_another_paired_login_is_never_overwritten(vault: Vault, place: Place) -> None:
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    place.put(CREDS, relinked(place.contents()[CREDS]))
    before = place.contents()
    for mode in RestoreMode:
        with pytest.raises(Refused, match="another paired login"):
            restore(vault, place.store(), made.name, mode, NOW, opened_since=False)
    with pytest.raises(Refused, match="another paired login"):
        undo(vault, place.store(), made.name, NOW, opened_since=False)
    assert place.contents() == before
    assert len(vault.list("c")) == 1


def test_creds_without_a_login_do_not_replace_one(vault: Vault, place: Place) -> None:
    whole = place.contents()
    place.put(CREDS, b"{}")
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    place.put(CREDS, whole[CREDS])
    with pytest.raises(Refused, match="another paired login"):
        restore(vault, place.store(), made.name, RestoreMode.IDENTITY, NOW, opened_since=False)
    assert place.contents() == whole


def test_a_restore_can_be_taken_back(vault: Vault, place: Place) -> None:
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    version = "app-state-sync-version-regular.json"
    place.put(version, NEWER)
    report = restore(vault, place.store(), made.name, RestoreMode.IDENTITY, NOW, opened_since=False)
    assert report.replaced is not None
    assert place.contents()[version] != NEWER
    restore(vault, place.store(), report.replaced, RestoreMode.FULL, NOW, opened_since=False)
    assert place.contents()[version] == NEWER


def test_a_backup_of_a_folder_can_go_back_anywhere(place: Place, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of("auth-6", tmp_path / "from", days=40))
    made = vault.create(folder, BackupKind.COLD, NOW)
    place.wipe()
    store = place.store()
    store.make()
    restore(vault, store, made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert place.contents() == store.normal(contents(folder.folder))


def test_strangers_are_not_put_back(vault: Vault, small: FileStore) -> None:
    (small.folder / "notes.txt").write_text("mine")
    made = vault.create(small, BackupKind.COLD, NOW)
    (small.folder / "notes.txt").unlink()
    restore(vault, small, made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert not (small.folder / "notes.txt").exists()


@EVERY_STEP
@EVERY_BREAK
def test_a_restore_cut_short_at_any_step_can_be_repeated(tmp_path: Path, kind: type[Break], every: int) -> None:
    whole = contents(few_of(tmp_path / "whole"))
    for store, vault in cut_short(tmp_path, _restore, kind, every):
        paired = [backup.name for backup in vault.list("c") if backup.paired]
        restore(vault, store, paired[0], RestoreMode.FULL, NOW, opened_since=False)
        assert contents(store.folder) == whole


def _restore(place: Path, fsys: Fsys) -> None:
    store = FileStore("c", few_of(place / "auth"))
    made = Vault(place / "backups").create(store, BackupKind.COLD, NOW)
    for path in store.folder.iterdir():
        path.write_bytes(b"") if path.name == CREDS else path.unlink()
    failing = FileStore("c", store.folder, fsys)
    restore(Vault(place / "backups", fsys), failing, made.name, RestoreMode.FULL, NOW, opened_since=False)
