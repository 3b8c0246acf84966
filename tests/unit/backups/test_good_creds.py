from __future__ import annotations

import json
from pathlib import Path

import pytest

from baileykeep.backups.good_creds import good_creds, keep_good_creds, put_good_creds, retire_good_creds
from baileykeep.backups.vault import Vault
from baileykeep.model.errors import Refused
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import copy_of
from tests.unit.rules.folders import NOW, PHONE


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore("c", copy_of("auth-6", tmp_path / "auth"))


def test_a_copy_is_kept_of_whole_paired_creds_only(vault: Vault, store: FileStore) -> None:
    assert good_creds(vault, "c") is None
    kept = keep_good_creds(vault, store, NOW)
    assert kept == good_creds(vault, "c")
    assert kept is not None
    assert (kept.identity, kept.phone, kept.taken_at) == (store.creds().identity, "***0001", NOW)
    assert keep_good_creds(vault, store, NOW + 5) == kept
    whole = store.read(CREDS)
    for data in (b"", whole[:99], b"{}"):
        (store.folder / CREDS).write_bytes(data)
        assert keep_good_creds(vault, store, NOW) is None
        assert good_creds(vault, "c") == kept


@pytest.mark.parametrize("damage", [b"", b"\0" * 1800, b'{"noiseKey":{"priv'])
def test_damaged_creds_are_healed_with_ids_past_the_files(vault: Vault, store: FileStore, damage: bytes) -> None:
    whole = store.read(CREDS)
    keep_good_creds(vault, store, NOW)
    (store.folder / "pre-key-35.json").write_bytes(b"{}")
    (store.folder / CREDS).write_bytes(damage)
    report = put_good_creds(vault, store, NOW)
    assert json.loads(store.read(CREDS)) == json.loads(whole) | {"nextPreKeyId": 36, "firstUnuploadedPreKeyId": 36}
    assert report.replaced is not None
    assert vault.verify("c", report.replaced).files == 45


def test_nothing_is_put_over_whole_or_missing_creds(vault: Vault, store: FileStore) -> None:
    keep_good_creds(vault, store, NOW)
    whole = store.read(CREDS)
    other = whole.replace(b'"account"', b'"accounts"')
    for human in (False, True):
        with pytest.raises(Refused, match="whole"):
            put_good_creds(vault, store, NOW, human=human)
    (store.folder / CREDS).write_bytes(other)
    with pytest.raises(Refused, match="whole"):
        put_good_creds(vault, store, NOW)
    assert store.read(CREDS) == other
    (store.folder / CREDS).unlink()
    with pytest.raises(Refused, match="missing"):
        put_good_creds(vault, store, NOW)
    put_good_creds(vault, store, NOW, human=True)
    assert store.read(CREDS) == whole


def test_a_human_may_replace_a_login_that_never_was_paired(vault: Vault, store: FileStore) -> None:
    keep_good_creds(vault, store, NOW)
    whole = store.read(CREDS)
    (store.folder / CREDS).write_bytes(whole.replace(b'"account"', b'"accounts"'))
    put_good_creds(vault, store, NOW, human=True)
    assert store.read(CREDS) == whole


def test_a_retired_copy_is_never_put_back(vault: Vault, store: FileStore) -> None:
    assert not retire_good_creds(vault, "c")
    keep_good_creds(vault, store, NOW)
    assert retire_good_creds(vault, "c")
    assert good_creds(vault, "c") is None
    (store.folder / CREDS).write_bytes(b"")
    with pytest.raises(Refused, match="no good copy"):
        put_good_creds(vault, store, NOW)


def test_a_new_login_replaces_the_copy_and_keeps_the_old_one_aside(vault: Vault, store: FileStore) -> None:
    old = keep_good_creds(vault, store, NOW)
    fields = json.loads(store.read(CREDS))
    fields["signedIdentityKey"]["public"]["data"] = "QkJCQg=="
    (store.folder / CREDS).write_bytes(json.dumps(fields).encode())
    new = keep_good_creds(vault, store, NOW)
    assert old is not None
    assert new is not None
    assert new.identity != old.identity
    assert sorted(path.name for path in vault.shelf.path("c").glob("good*")) == [
        "good-creds.json",
        "good-creds.retired.json",
    ]


def test_a_damaged_copy_is_no_copy(vault: Vault, store: FileStore) -> None:
    keep_good_creds(vault, store, NOW)
    path = vault.shelf.path("c") / "good-creds.json"
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_text()
    for data in (whole[:-9], whole.replace(PHONE, "4915100000002"), "[]", "{}", ""):
        path.write_text(data)
        assert good_creds(vault, "c") is None


def test_only_the_login_that_was_judged_is_followed(vault: Vault, store: FileStore) -> None:
    assert keep_good_creds(vault, store, NOW, judged="another") is None
    assert good_creds(vault, store.company) is None
    assert keep_good_creds(vault, store, NOW, judged=store.creds().identity) is not None


def test_a_gateway_that_damages_its_creds_again_and_again_does_not_fill_the_disk(
    vault: Vault, store: FileStore
) -> None:
    keep_good_creds(vault, store, NOW)
    for number in range(8):
        (store.folder / CREDS).write_bytes(b"")
        put_good_creds(vault, store, NOW + number)
    assert len(vault.list(store.company)) == vault.limits.keep_before_change
