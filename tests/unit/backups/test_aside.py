"""Sessions or a whole login are set aside, and put back."""

from __future__ import annotations

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
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import Place
from tests.unit.auth_folders import contents, few_of, without_ids
from tests.unit.backups.logins import (
    EVERY_BREAK,
    EVERY_STEP,
    NEWER,
    OWN_KEY,
    SESSION,
    Break,
    cut_short,
    relinked,
    stirred,
    unpaired,
)
from tests.unit.rules.folders import NOW


def test_named_sessions_go_aside_and_come_back(vault: Vault, each: Place) -> None:
    whole = each.contents()
    aside = set_aside(vault, each.store(), [SESSION, "session-4915199999999.0.json"], NOW, "Bad MAC")
    assert set(whole) - set(each.contents()) == {SESSION}
    assert {backup.kind for backup in vault.list("c")} == {BackupKind.COLD, BackupKind.ASIDE}
    report = put_back(vault, each.store(), aside, NOW)
    assert report.written == (SESSION,)
    assert each.contents() == whole


def test_a_session_that_is_there_again_is_not_put_back(vault: Vault, place: Place) -> None:
    aside = set_aside(vault, place.store(), [SESSION], NOW, "Bad MAC")
    place.put(SESSION, NEWER)
    assert put_back(vault, place.store(), aside, NOW).written == ()
    assert place.contents()[SESSION] == NEWER


@pytest.mark.parametrize("name", [CREDS, "pre-key-10.json", OWN_KEY, "notes.txt", "../x"])
def test_only_sessions_go_aside_by_name(vault: Vault, place: Place, name: str) -> None:
    before = place.contents()
    with pytest.raises(Refused, match="no session file"):
        set_aside(vault, place.store(), [SESSION, name], NOW, "Bad MAC")
    assert place.contents() == before


def test_nothing_to_set_aside_is_refused(vault: Vault, place: Place) -> None:
    with pytest.raises(Refused, match="none of these"):
        set_aside(vault, place.store(), ["session-4915199999999.0.json"], NOW, "Bad MAC")


def test_sessions_without_a_login_stay(vault: Vault, place: Place) -> None:
    place.put(CREDS, b"{}")
    before = place.contents()
    with pytest.raises(Refused, match="no paired login"):
        set_aside(vault, place.store(), [SESSION], NOW, "Bad MAC")
    assert place.contents() == before


def test_the_whole_login_goes_aside_and_comes_back(vault: Vault, each: Place) -> None:
    whole, store = each.contents(), each.store()
    aside = set_aside(vault, store, None, NOW, "relink")
    assert each.contents() == {}
    assert store.listing().files == ()
    put_back(vault, each.store(), aside, NOW)
    assert each.contents() == whole


def test_a_folder_goes_aside_with_its_modes_and_without_what_is_not_baileys(vault: Vault, small: FileStore) -> None:
    (small.folder / "notes.txt").write_text("mine")
    small.folder.chmod(0o750)
    for path in small.folder.iterdir():
        path.chmod(0o600)
    whole, before = contents(small.folder), small.folder.stat()
    aside = set_aside(vault, small, None, NOW, "relink")
    assert contents(small.folder) == {"notes.txt": b"mine"}
    after = small.folder.stat()
    assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, before.st_uid)
    put_back(vault, small, aside, NOW)
    assert contents(small.folder) == whole
    assert {path.stat().st_mode & 0o777 for path in small.folder.iterdir()} == {0o600}


def test_the_old_login_replaces_a_pairing_that_nobody_finished(vault: Vault, place: Place) -> None:
    whole = place.contents()
    aside = set_aside(vault, place.store(), None, NOW, "relink")
    place.put(CREDS, unpaired(whole[CREDS]))
    place.put("pre-key-99.json", b"{}")
    report = put_back(vault, place.store(), aside, NOW)
    assert without_ids(place.contents()) == without_ids(whole)
    assert place.store().creds().paired
    assert place.store().creds().identity == parse_creds(whole[CREDS]).identity
    assert report.replaced is not None
    assert vault.verify("c", report.replaced).files == 2


def test_a_finished_pairing_is_not_replaced_by_the_old_login(vault: Vault, place: Place) -> None:
    new = relinked(place.contents()[CREDS])
    aside = set_aside(vault, place.store(), None, NOW, "relink")
    place.put(CREDS, new)
    before = place.contents()
    with pytest.raises(Refused, match="another paired login"):
        put_back(vault, place.store(), aside, NOW)
    assert place.contents() == before


def test_a_set_aside_is_no_backup_and_a_backup_no_set_aside(vault: Vault, place: Place) -> None:
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    with pytest.raises(Refused, match="not a set-aside"):
        put_back(vault, place.store(), made.name, NOW)
    aside = set_aside(vault, place.store(), None, NOW, "relink")
    with pytest.raises(Refused, match="put back"):
        restore(vault, place.store(), aside, RestoreMode.IDENTITY, NOW, opened_since=False)


def test_a_login_that_was_written_since_it_was_looked_at_is_not_set_aside(vault: Vault, place: Place) -> None:
    token = place.store().listing().token
    place.put(SESSION, NEWER)
    before = place.contents()
    with pytest.raises(Refused) as caught:
        set_aside(vault, place.store(), None, NOW, "relink", token=token)
    assert caught.value.code == "changed"
    assert place.contents() == before


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


def test_a_login_written_during_its_backup_is_not_set_aside(vault: Vault, place: Place) -> None:
    before, stray = place.contents(), "session-4915177777777.0.json"
    with pytest.raises(Refused, match="changed since"):
        set_aside(vault, stirred(place, "file_mode", stray, b"{}"), [SESSION], NOW, "Bad MAC")
    assert place.contents() == before | {stray: b"{}"}


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
