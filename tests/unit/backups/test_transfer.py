"""Out of a database into a folder and back, on a real PostgreSQL."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baileykeep.backups.good_creds import good_creds, keep_good_creds
from baileykeep.backups.transfer import as_baileys_writes, bring_in, export, export_backup
from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BackupError, BaileykeepError, Refused, StoreError, UsageError
from baileykeep.rules.naming import CREDS
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from baileykeep.stores.postgres.spec import Spec
from tests.databases import ROW, fresh, pour, store_of, tables
from tests.unit.auth_folders import copy_of
from tests.unit.backups.logins import relinked
from tests.unit.rules.folders import NOW


@pytest.fixture
def spec() -> Iterator[Spec]:
    with fresh() as made:
        yield made


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "backups")


def values(store: AuthStore) -> dict[str, Any]:
    return {name: json.loads(data) for name, data in store.read_all([f.name for f in store.listing().files]).items()}


@pytest.mark.parametrize("which", ["auth-6", "auth-7"])
def test_a_login_goes_out_and_home_again_as_it_was(which: str, spec: Spec, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of(which, tmp_path / "auth", days=40))
    store = store_of(spec)
    bring_in(vault, store, folder, NOW, replace=False)
    assert values(store) == values(folder)
    out = tmp_path / "out"
    done = export(vault, store, out, NOW)
    exported = FileStore("c", out)
    assert (done.files, done.left) == (len(folder.listing().files), ())
    assert values(exported) == values(folder)
    assert [f.mtime for f in exported.listing().files] == pytest.approx([f.mtime for f in folder.listing().files])
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    assert sorted(os.listdir(tmp_path)) == ["auth", "backups", "out"]


def test_nothing_is_written_over(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    pour(copy_of("auth-6", tmp_path / "auth"), spec)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (tmp_path / "auth", tmp_path / "auth" / CREDS, tmp_path / "link", tmp_path / "no" / "such"):
        with pytest.raises(UsageError):
            export(vault, store_of(spec), taken, NOW)
    (tmp_path / "empty").mkdir()
    export(vault, store_of(spec), tmp_path / "empty", NOW)
    assert (tmp_path / "empty" / CREDS).is_file()


def test_an_export_that_fails_leaves_nothing(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    class Full(Fsys):
        def before(self, operation: str, name: str) -> None:
            if operation == "create" and len(os.listdir(next(tmp_path.glob(".baileykeep-*")))) > 5:
                raise OSError(28, "No space left on device")

    pour(copy_of("auth-6", tmp_path / "auth"), spec)
    with pytest.raises(StoreError, match="No space"):
        export(vault, store_of(spec), tmp_path / "out", NOW, Full())
    assert sorted(os.listdir(tmp_path)) == ["auth"]


def test_what_is_not_paired_is_no_export(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    with pytest.raises(BaileykeepError):
        export(vault, store_of(spec), tmp_path / "out", NOW)
    store_of(spec).write(CREDS, b"{}")
    with pytest.raises(Refused, match="no paired login"):
        export(vault, store_of(spec), tmp_path / "out", NOW)


def test_the_newest_whole_backup_comes_out_without_ratchets(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    pour(copy_of("auth-6", tmp_path / "auth"), spec)
    store = store_of(spec)
    older = vault.create(store, BackupKind.HOT, NOW - 60)
    newest = vault.create(store, BackupKind.HOT, NOW)
    keep_good_creds(vault, store, NOW)
    done = export_backup(vault, "c", None, tmp_path / "one", NOW)
    assert done.backup == newest.name
    names = {file.name for file in FileStore("c", tmp_path / "one").listing().files}
    assert CREDS in names
    assert any(name.startswith("pre-key-") for name in names)
    assert not any(name.startswith(("session-", "sender-key")) for name in names)
    assert FileStore("c", tmp_path / "one").creds().identity == store.creds().identity
    path = vault.shelf.path("c") / f"{newest.name}.tar.zst"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-9])
    assert export_backup(vault, "c", None, tmp_path / "two", NOW).backup == older.name
    with pytest.raises(BackupError):
        export_backup(vault, "c", newest.name, tmp_path / "three", NOW)
    with pytest.raises(BackupError, match="no whole backup"):
        export_backup(vault, "stranger", None, tmp_path / "four", NOW)


def test_another_paired_login_is_replaced_only_by_a_word(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of("auth-6", tmp_path / "auth"))
    pour(folder.folder, spec)
    store = store_of(spec)
    store.write(CREDS, relinked(folder.read(CREDS)))
    keep_good_creds(vault, store, NOW)
    before = values(store)
    with pytest.raises(Refused, match="another paired login") as caught:
        bring_in(vault, store, folder, NOW, replace=False)
    assert caught.value.code == "other_login"
    assert values(store) == before
    done = bring_in(vault, store, folder, NOW, replace=True)
    assert store.creds().identity == folder.creds().identity
    assert good_creds(vault, "c") is None
    assert done.backup is not None
    kept = vault.load("c", done.backup)[2]
    assert {name: json.loads(data) for name, data in kept.items()} == before


def test_rows_that_were_used_since_do_not_go_back_in_time(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of("auth-6", tmp_path / "auth"))
    pour(folder.folder, spec)
    bring_in(vault, store_of(spec), folder, NOW, replace=False)
    store_of(spec).write("session-4915122222222.0.json", b'{"newer":1}', mtime=NOW + 1)
    with pytest.raises(Refused, match="back in time"):
        bring_in(vault, store_of(spec), folder, NOW, replace=False)
    bring_in(vault, store_of(spec), folder, NOW, replace=True)
    assert values(store_of(spec)) == values(folder)


def test_rows_that_the_folder_lacks_go_and_strangers_stay(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of("auth-6", tmp_path / "auth"))
    pour(folder.folder, spec)
    with tables(spec) as connection:
        for kind, ident in (("session", "4915199999999.0"), ("session", "o'dd::%"), ("notes", "x")):
            connection.execute("INSERT INTO whatsapp_keys VALUES (%s, %s, %s, '1')", (ROW, kind, ident))
        connection.execute("INSERT INTO whatsapp_keys VALUES ('company_cc', 'session', '4915199999999.0', '1')")
    bring_in(vault, store_of(spec), folder, NOW, replace=True)
    with tables(spec) as connection:
        left = connection.execute(
            "SELECT company_id, key_id FROM whatsapp_keys WHERE value = '1' ORDER BY 1, 2"
        ).fetchall()
    assert left == [(ROW, "o'dd::%"), (ROW, "x"), ("company_cc", "4915199999999.0")]


def test_a_folder_that_no_database_can_hold_changes_nothing(spec: Spec, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of("auth-6", tmp_path / "auth"))
    pour(folder.folder, spec)
    before = values(store_of(spec))
    for bad in (b'{"a":"\\u0000"}', b'{"a":NaN}', b"\xff", b'{"a":'):
        (folder.folder / "session-4915122222222.0.json").write_bytes(bad)
        with pytest.raises(StoreError, match=r"\*\*\*2222") as caught:
            bring_in(vault, store_of(spec), folder, NOW, replace=True)
        assert caught.value.code == "not_json"
        assert values(store_of(spec)) == before


def test_buffers_of_numbers_become_what_every_baileys_reads() -> None:
    found = as_baileys_writes(b'{"k": {"data": [1, 2, 255], "type": "Buffer"}, "l": [{"type": "Buffer", "data": []}]}')
    assert json.loads(found) == {"k": {"type": "Buffer", "data": "AQL/"}, "l": [{"type": "Buffer", "data": ""}]}
    same = b'{"k": {"data": "AQL/", "type": "Buffer"}}'
    assert as_baileys_writes(same) is same
    with pytest.raises(BackupError):
        as_baileys_writes(b'{"type": "Buffer", "data": [999]}')
