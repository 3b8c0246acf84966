from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from baileykeep.backups.aside import set_aside
from baileykeep.backups.cleaning import carry_out
from baileykeep.backups.restore import put_back, restore, undo
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import BaileykeepError, Refused, StoreError
from baileykeep.model.inventory import Category, CleanupPlan, FileEntry
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup
from baileykeep.rules.naming import CREDS, category_of
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import CrashError, Crashing, Failing, contents, copy_of, few_of, without_ids
from tests.unit.rules.folders import GROUP, NOW, PHONE

SESSION = "session-4915122222222.0.json"
OWN_KEY = f"sender-key-{GROUP}--{PHONE}--1.json"
FEW = 16
MEMORY = f"sender-key-memory-{GROUP}.json"


@pytest.fixture(params=["auth-6", "auth-7"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return FileStore("c", copy_of(request.param, tmp_path / "auth", days=40))


@pytest.fixture
def small(tmp_path: Path) -> FileStore:
    return FileStore("c", copy_of("auth-6", tmp_path / "auth", days=40))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "backups")


def unpaired(store: FileStore, identity: str = "QUFBQQ==") -> bytes:
    fields = json.loads(store.read(CREDS))
    fields.pop("account")
    fields.pop("me")
    fields["signedIdentityKey"]["public"]["data"] = identity
    return json.dumps(fields).encode()


def relinked(store: FileStore) -> bytes:
    fields = json.loads(store.read(CREDS))
    fields["signedIdentityKey"]["public"]["data"] = "QkJCQg=="
    return json.dumps(fields).encode()


def ids(store: FileStore) -> tuple[int | None, int | None]:
    creds = store.creds()
    return creds.next_pre_key_id, creds.first_unuploaded_pre_key_id


# restore


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


# cleanup and its undo


def planned(store: FileStore) -> CleanupPlan:
    return cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)


def test_a_cleanup_and_its_undo(vault: Vault, store: FileStore) -> None:
    whole, before = contents(store.folder), store.listing()
    plan = planned(store)
    made = vault.create(store, BackupKind.COLD, NOW)
    gone = carry_out(vault, store, plan, made.name)
    assert len(gone) == 10
    assert set(contents(store.folder)) == set(whole) - set(gone)
    report = undo(vault, store, made.name, NOW, opened_since=False)
    assert set(report.written) == set(gone)
    assert contents(store.folder) == whole
    assert store.listing().files == before.files


def test_after_opening_only_what_is_absent_comes_back(vault: Vault, small: FileStore) -> None:
    whole = contents(small.folder)
    made = vault.create(small, BackupKind.COLD, NOW)
    carry_out(vault, small, planned(small), made.name)
    (small.folder / SESSION).write_bytes(b'{"newer":1}')
    (small.folder / "app-state-sync-version-regular.json").unlink()
    undo(vault, small, made.name, NOW, opened_since=True)
    expected = whole | {SESSION: b'{"newer":1}'}
    expected.pop("app-state-sync-version-regular.json")
    assert contents(small.folder) == expected


def test_an_old_memory_does_not_come_back_over_a_new_key_of_ours(vault: Vault, small: FileStore) -> None:
    made = vault.create(small, BackupKind.COLD, NOW)
    carry_out(vault, small, planned(small), made.name)
    (small.folder / OWN_KEY).write_bytes(b'{"new":1}')
    undo(vault, small, made.name, NOW, opened_since=True)
    assert not (small.folder / MEMORY).exists()
    assert (small.folder / OWN_KEY).read_bytes() == b'{"new":1}'


def test_no_cold_paired_backup_of_this_very_listing_no_cleanup(vault: Vault, small: FileStore) -> None:
    before = contents(small.folder)
    plan = planned(small)
    hot = vault.create(small, BackupKind.HOT, NOW)
    with pytest.raises(Refused, match="no cold backup"):
        carry_out(vault, small, plan, hot.name)
    cold = vault.create(small, BackupKind.COLD, NOW)
    (small.folder / "pre-key-31.json").write_bytes(b"{}")
    with pytest.raises(Refused, match="start over"):
        carry_out(vault, small, plan, cold.name)
    (small.folder / "pre-key-31.json").unlink()
    path = vault.shelf.path("c") / f"{cold.name}.tar.zst"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BaileykeepError, match="damaged"):
        carry_out(vault, small, plan, cold.name)
    assert contents(small.folder) == before


def test_an_undo_needs_a_cold_backup(vault: Vault, small: FileStore) -> None:
    hot = vault.create(small, BackupKind.HOT, NOW)
    with pytest.raises(Refused, match="cold"):
        undo(vault, small, hot.name, NOW, opened_since=False)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [Crashing, Failing])
def test_a_cleanup_cut_short_at_any_step_can_be_undone(
    tmp_path: Path, kind: type[Crashing | Failing], every: int
) -> None:
    steps = _clean(tmp_path / "count", Crashing(0))
    assert steps >= 20
    for step in range(1, steps + 1, every):
        place = tmp_path / str(step)
        place.mkdir()
        with pytest.raises((CrashError, BaileykeepError)):
            _clean(place, kind(step))
        store, vault = FileStore("c", place / "auth"), Vault(place / "backups")
        kept = contents(store.folder)
        assert store.creds().paired
        newest = vault.newest("c")
        if newest is None:
            assert len(kept) == FEW
            continue
        undo(vault, store, newest.name, NOW, opened_since=False)
        assert len(contents(store.folder)) == FEW


def _clean(place: Path, fsys: Crashing | Failing) -> int:
    store = FileStore("c", few_of(place / "auth"), fsys)
    vault = Vault(place / "backups", fsys)
    plan = planned(store)
    carry_out(vault, store, plan, vault.create(store, BackupKind.COLD, NOW).name)
    return len(fsys.done) if isinstance(fsys, Crashing) else 0


# set-asides


def test_named_sessions_go_aside_and_come_back(vault: Vault, store: FileStore) -> None:
    whole = contents(store.folder)
    aside = set_aside(vault, store, [SESSION, "session-4915199999999.0.json"], NOW, "Bad MAC")
    assert set(whole) - set(contents(store.folder)) == {SESSION}
    assert {backup.kind for backup in vault.list("c")} == {BackupKind.COLD, BackupKind.ASIDE}
    report = put_back(vault, store, aside, NOW)
    assert report.written == (SESSION,)
    assert contents(store.folder) == whole


def test_a_session_that_is_there_again_is_not_put_back(vault: Vault, small: FileStore) -> None:
    aside = set_aside(vault, small, [SESSION], NOW, "Bad MAC")
    (small.folder / SESSION).write_bytes(b'{"newer":1}')
    assert put_back(vault, small, aside, NOW).written == ()
    assert (small.folder / SESSION).read_bytes() == b'{"newer":1}'


@pytest.mark.parametrize("name", [CREDS, "pre-key-10.json", OWN_KEY, "notes.txt", "../x"])
def test_only_sessions_go_aside_by_name(vault: Vault, small: FileStore, name: str) -> None:
    before = contents(small.folder)
    with pytest.raises(Refused, match="no session file"):
        set_aside(vault, small, [SESSION, name], NOW, "Bad MAC")
    assert contents(small.folder) == before


def test_nothing_to_set_aside_is_refused(vault: Vault, small: FileStore) -> None:
    with pytest.raises(Refused, match="none of these"):
        set_aside(vault, small, ["session-4915199999999.0.json"], NOW, "Bad MAC")


def test_sessions_without_a_login_stay(vault: Vault, small: FileStore) -> None:
    (small.folder / CREDS).write_bytes(b"")
    before = contents(small.folder)
    with pytest.raises(Refused, match="no paired login"):
        set_aside(vault, small, [SESSION], NOW, "Bad MAC")
    assert contents(small.folder) == before


def test_the_whole_folder_goes_aside_and_comes_back(vault: Vault, store: FileStore) -> None:
    (store.folder / "notes.txt").write_text("mine")
    store.folder.chmod(0o750)
    for path in store.folder.iterdir():
        path.chmod(0o600)
    whole, before = contents(store.folder), store.folder.stat()
    aside = set_aside(vault, store, None, NOW, "relink")
    assert contents(store.folder) == {"notes.txt": b"mine"}
    after = store.folder.stat()
    assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, before.st_uid)
    put_back(vault, store, aside, NOW)
    assert contents(store.folder) == whole
    assert {path.stat().st_mode & 0o777 for path in store.folder.iterdir()} == {0o600}


def test_the_old_folder_replaces_a_pairing_that_nobody_finished(vault: Vault, small: FileStore) -> None:
    whole = contents(small.folder)
    fresh = unpaired(small)
    aside = set_aside(vault, small, None, NOW, "relink")
    (small.folder / CREDS).write_bytes(fresh)
    (small.folder / "pre-key-99.json").write_bytes(b"{}")
    report = put_back(vault, small, aside, NOW)
    assert without_ids(contents(small.folder)) == without_ids(whole)
    assert small.creds().paired
    assert report.replaced is not None
    assert vault.verify("c", report.replaced).files == 2


def test_a_finished_pairing_is_not_replaced_by_the_old_folder(vault: Vault, small: FileStore) -> None:
    new = relinked(small)
    aside = set_aside(vault, small, None, NOW, "relink")
    (small.folder / CREDS).write_bytes(new)
    with pytest.raises(Refused, match="another paired login"):
        put_back(vault, small, aside, NOW)
    assert contents(small.folder) == {CREDS: new}


def test_a_set_aside_is_no_backup_and_a_backup_no_set_aside(vault: Vault, small: FileStore) -> None:
    made = vault.create(small, BackupKind.COLD, NOW)
    with pytest.raises(Refused, match="not a set-aside"):
        put_back(vault, small, made.name, NOW)
    aside = set_aside(vault, small, None, NOW, "relink")
    with pytest.raises(Refused, match="put back"):
        restore(vault, small, aside, RestoreMode.IDENTITY, NOW, opened_since=False)


def test_creds_leave_last_and_so_a_crash_leaves_a_login(vault: Vault, small: FileStore) -> None:
    class Recording(FileStore):
        gone: tuple[str, ...] = ()

        def remove_unchanged(self, files: Sequence[FileEntry]) -> None:
            self.gone = tuple(file.name for file in files)
            super().remove_unchanged(files)

    store = Recording("c", small.folder)
    set_aside(vault, store, None, NOW, "relink")
    assert len(store.gone) == 44
    assert store.gone[-1] == CREDS


def test_a_folder_written_during_its_backup_is_not_set_aside(vault: Vault, small: FileStore) -> None:
    class Stirred(FileStore):
        def file_mode(self) -> int:
            (self.folder / "session-4915177777777.0.json").write_bytes(b"{}")
            return super().file_mode()

    before = contents(small.folder)
    with pytest.raises(Refused, match="changed since"):
        set_aside(vault, Stirred("c", small.folder), [SESSION], NOW, "Bad MAC")
    assert contents(small.folder) == before | {"session-4915177777777.0.json": b"{}"}


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [Crashing, Failing])
@pytest.mark.parametrize("names", [None, [SESSION]])
def test_a_set_aside_cut_short_at_any_step_loses_nothing(
    tmp_path: Path, kind: type[Crashing | Failing], names: list[str] | None, every: int
) -> None:
    steps = Crashing(0)
    _aside(tmp_path / "count", steps, names)
    whole = contents(few_of(tmp_path / "whole"))
    for step in range(1, len(steps.done) + 1, every):
        place = tmp_path / str(step)
        place.mkdir()
        with pytest.raises((CrashError, BaileykeepError)):
            _aside(place, kind(step), names)
        store, vault = FileStore("c", place / "auth"), Vault(place / "backups")
        asides = [backup.name for backup in vault.list("c") if backup.kind is BackupKind.ASIDE]
        if asides:
            put_back(vault, store, asides[-1], NOW)
        assert contents(store.folder) == whole


def _aside(place: Path, fsys: Crashing | Failing, names: list[str] | None) -> None:
    store = FileStore("c", few_of(place / "auth"), fsys)
    set_aside(Vault(place / "backups", fsys), store, names, NOW, "why")


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [Crashing, Failing])
def test_a_restore_cut_short_at_any_step_can_be_repeated(
    tmp_path: Path, kind: type[Crashing | Failing], every: int
) -> None:
    whole = contents(few_of(tmp_path / "whole"))
    steps = Crashing(0)
    _restore(tmp_path / "count", steps)
    for step in range(1, len(steps.done) + 1, every):
        place = tmp_path / str(step)
        place.mkdir()
        with pytest.raises((CrashError, BaileykeepError)):
            _restore(place, kind(step))
        store, vault = FileStore("c", place / "auth"), Vault(place / "backups")
        paired = [backup.name for backup in vault.list("c") if backup.paired]
        restore(vault, store, paired[0], RestoreMode.FULL, NOW, opened_since=False)
        assert contents(store.folder) == whole


def _restore(place: Path, fsys: Crashing | Failing) -> None:
    store = FileStore("c", few_of(place / "auth"))
    made = Vault(place / "backups").create(store, BackupKind.COLD, NOW)
    for path in store.folder.iterdir():
        path.write_bytes(b"") if path.name == CREDS else path.unlink()
    failing = FileStore("c", store.folder, fsys)
    restore(Vault(place / "backups", fsys), failing, made.name, RestoreMode.FULL, NOW, opened_since=False)


def test_a_folder_written_meanwhile_is_left_alone(vault: Vault, small: FileStore) -> None:
    class Stirred(FileStore):
        def check_writable(self) -> None:
            super().check_writable()
            (self.folder / SESSION).write_bytes(b'{"newer":1}')

    plan = planned(small)
    made = vault.create(small, BackupKind.COLD, NOW)
    with pytest.raises(StoreError, match="changed since"):
        carry_out(vault, Stirred("c", small.folder), plan, made.name)
    assert (small.folder / SESSION).read_bytes() == b'{"newer":1}'
