"""Sessions or a whole login are set aside, and put back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from baileykeep.backups.aside import set_aside
from baileykeep.backups.restore import put_back, restore
from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import Refused
from baileykeep.model.inventory import FileEntry
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import contents, few_of, without_ids
from tests.unit.backups.logins import EVERY_BREAK, EVERY_STEP, OWN_KEY, SESSION, Break, cut_short, relinked
from tests.unit.rules.folders import NOW


def unpaired(store: FileStore, identity: str = "QUFBQQ==") -> bytes:
    fields = json.loads(store.read(CREDS))
    fields.pop("account")
    fields.pop("me")
    fields["signedIdentityKey"]["public"]["data"] = identity
    return json.dumps(fields).encode()


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


@EVERY_STEP
@EVERY_BREAK
@pytest.mark.parametrize("names", [None, [SESSION]])
def test_a_set_aside_cut_short_at_any_step_loses_nothing(
    tmp_path: Path, kind: type[Break], names: list[str] | None, every: int
) -> None:
    whole = contents(few_of(tmp_path / "whole"))
    for store, vault in cut_short(tmp_path, partial(_aside, names=names), kind, every):
        asides = [backup.name for backup in vault.list("c") if backup.kind is BackupKind.ASIDE]
        if asides:
            put_back(vault, store, asides[-1], NOW)
        assert contents(store.folder) == whole


def _aside(place: Path, fsys: Fsys, names: list[str] | None) -> None:
    store = FileStore("c", few_of(place / "auth"), fsys)
    set_aside(Vault(place / "backups", fsys), store, names, NOW, "why")
