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
from tests.unit.auth_folders import contents, copy_of, few_of
from tests.unit.backups.logins import EVERY_BREAK, EVERY_STEP, OWN_KEY, SESSION, Break, cut_short, relinked
from tests.unit.rules.folders import NOW


def ids(store: FileStore) -> tuple[int | None, int | None]:
    creds = store.creds()
    return creds.next_pre_key_id, creds.first_unuploaded_pre_key_id


def test_identity_heals_torn_creds_and_leaves_ratchets_alone(vault: Vault, store: FileStore) -> None:
    whole = contents(store.folder)
    made = vault.create(store, BackupKind.HOT, NOW)
    (store.folder / CREDS).write_bytes(whole[CREDS][:100])
    (store.folder / SESSION).write_bytes(b'{"newer":1}')
    (store.folder / OWN_KEY).unlink()
    report = restore(vault, store, made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    assert report.written == (CREDS,)
    assert contents(store.folder) == {name: data for name, data in whole.items() if name != OWN_KEY} | {
        SESSION: b'{"newer":1}'
    }
    assert report.replaced is not None
    assert not vault.verify("c", report.replaced).paired


def test_ids_never_fall_behind_newer_pre_keys(vault: Vault, store: FileStore) -> None:
    made = vault.create(store, BackupKind.COLD, NOW)
    old_next, _ = ids(store)
    assert old_next is not None
    newest = old_next + 4
    for number in range(old_next, newest + 1):
        (store.folder / f"pre-key-{number}.json").write_bytes(b'{"new":1}')
    (store.folder / CREDS).write_bytes(b"")
    report = restore(vault, store, made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    assert ids(store) == (newest + 1, newest + 1)
    assert report.next_pre_key_id == newest + 1
    assert (store.folder / f"pre-key-{newest}.json").read_bytes() == b'{"new":1}'


def test_ids_never_fall_behind_the_creds_that_were_there(vault: Vault, small: FileStore) -> None:
    made = vault.create(small, BackupKind.COLD, NOW)
    fields = json.loads(small.read(CREDS)) | {"nextPreKeyId": 61, "firstUnuploadedPreKeyId": 61}
    (small.folder / CREDS).write_bytes(json.dumps(fields).encode())
    restore(vault, small, made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert ids(small) == (61, 61)


def test_identity_brings_back_what_is_absent_of_pre_keys_and_mappings(vault: Vault, tmp_path: Path) -> None:
    store = FileStore("c", copy_of("auth-7", tmp_path / "auth"))
    whole = contents(store.folder)
    made = vault.create(store, BackupKind.HOT, NOW)
    for path in store.folder.iterdir():
        path.unlink()
    report = restore(vault, store, made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    expected = {n: d for n, d in whole.items() if category_of(n) not in (Category.SESSION, Category.SENDER_KEY)}
    assert contents(store.folder) == expected
    assert report.replaced is None


def test_full_brings_back_everything_with_times_and_modes(vault: Vault, store: FileStore) -> None:
    for path in store.folder.iterdir():
        path.chmod(0o640)
    whole, before = contents(store.folder), store.listing()
    made = vault.create(store, BackupKind.COLD, NOW)
    for path in store.folder.iterdir():
        path.unlink()
    restore(vault, store, made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert contents(store.folder) == whole
    assert {path.stat().st_mode & 0o777 for path in store.folder.iterdir()} == {0o640}
    keys = [file for file in before.files if file.name != CREDS]
    assert [file for file in store.listing().files if file.name != CREDS] == keys


@pytest.mark.parametrize("kind", [BackupKind.HOT, BackupKind.MANUAL])
def test_only_a_cold_one_comes_back_in_full(vault: Vault, small: FileStore, kind: BackupKind) -> None:
    made = vault.create(small, kind, NOW)
    with pytest.raises(Refused, match="identity"):
        restore(vault, small, made.name, RestoreMode.FULL, NOW, opened_since=False)


def test_full_is_refused_once_the_session_was_open(vault: Vault, small: FileStore) -> None:
    made = vault.create(small, BackupKind.COLD, NOW)
    with pytest.raises(Refused, match="open since"):
        restore(vault, small, made.name, RestoreMode.FULL, NOW, opened_since=True)


def test_another_paired_login_is_never_overwritten(vault: Vault, small: FileStore) -> None:
    made = vault.create(small, BackupKind.COLD, NOW)
    (small.folder / CREDS).write_bytes(relinked(small))
    before = contents(small.folder)
    for mode in RestoreMode:
        with pytest.raises(Refused, match="another paired login"):
            restore(vault, small, made.name, mode, NOW, opened_since=False)
    with pytest.raises(Refused, match="another paired login"):
        undo(vault, small, made.name, NOW, opened_since=False)
    assert contents(small.folder) == before
    assert len(vault.list("c")) == 1


def test_damaged_creds_do_not_replace_a_login(vault: Vault, small: FileStore) -> None:
    whole = small.read(CREDS)
    (small.folder / CREDS).write_bytes(whole[:50])
    made = vault.create(small, BackupKind.COLD, NOW)
    (small.folder / CREDS).write_bytes(whole)
    with pytest.raises(Refused, match="another paired login"):
        restore(vault, small, made.name, RestoreMode.IDENTITY, NOW, opened_since=False)
    assert small.read(CREDS) == whole


def test_a_restore_can_be_taken_back(vault: Vault, small: FileStore) -> None:
    made = vault.create(small, BackupKind.COLD, NOW)
    mapping = small.folder / "app-state-sync-version-regular.json"
    mapping.write_bytes(b'{"later":1}')
    report = restore(vault, small, made.name, RestoreMode.IDENTITY, NOW, opened_since=False)
    assert report.replaced is not None
    assert mapping.read_bytes() != b'{"later":1}'
    restore(vault, small, report.replaced, RestoreMode.FULL, NOW, opened_since=False)
    assert mapping.read_bytes() == b'{"later":1}'


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
