from __future__ import annotations

import json

import pytest

from baileykeep.backups.good_creds import good_creds, keep_good_creds, put_good_creds, retire_good_creds
from baileykeep.backups.vault import Vault
from baileykeep.model.errors import Refused
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import Place
from tests.unit.backups.logins import relinked
from tests.unit.rules.folders import NOW, PHONE

DAMAGES = [b"", b"\0" * 1800, b'{"noiseKey":{"priv']
"""What a crash leaves of a file; a database holds a value whole or not at all."""


def healed_by(vault: Vault, place: Place, *, human: bool = False) -> bytes:
    put_good_creds(vault, place.store(), NOW, human=human)
    return place.contents()[CREDS]


def test_a_copy_is_kept_of_whole_paired_creds_only(vault: Vault, place: Place) -> None:
    assert good_creds(vault, "c") is None
    kept = keep_good_creds(vault, place.store(), NOW)
    assert kept == good_creds(vault, "c")
    assert kept is not None
    assert (kept.identity, kept.phone, kept.taken_at) == (place.store().creds().identity, "***0001", NOW)
    assert keep_good_creds(vault, place.store(), NOW + 5) == kept
    place.put(CREDS, b"{}")
    assert keep_good_creds(vault, place.store(), NOW) is None
    assert good_creds(vault, "c") == kept


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_copy_is_kept_of_a_damaged_file(vault: Vault, small: FileStore, damage: bytes) -> None:
    kept = keep_good_creds(vault, small, NOW)
    (small.folder / CREDS).write_bytes(damage)
    assert keep_good_creds(vault, small, NOW) is None
    assert good_creds(vault, "c") == kept


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_creds_are_healed_with_ids_past_the_files(vault: Vault, small: FileStore, damage: bytes) -> None:
    whole = small.read(CREDS)
    keep_good_creds(vault, small, NOW)
    (small.folder / "pre-key-35.json").write_bytes(b"{}")
    (small.folder / CREDS).write_bytes(damage)
    report = put_good_creds(vault, small, NOW)
    assert json.loads(small.read(CREDS)) == json.loads(whole) | {"nextPreKeyId": 36, "firstUnuploadedPreKeyId": 36}
    assert report.replaced is not None
    assert vault.verify("c", report.replaced).files == 45


def test_nothing_is_put_over_whole_or_missing_creds_by_itself(vault: Vault, place: Place) -> None:
    keep_good_creds(vault, place.store(), NOW)
    whole = place.contents()[CREDS]
    for human in (False, True):
        with pytest.raises(Refused, match="whole"):
            put_good_creds(vault, place.store(), NOW, human=human)
    place.put(CREDS, whole.replace(b'"account"', b'"accounts"'))
    other = place.contents()[CREDS]
    with pytest.raises(Refused, match="whole"):
        put_good_creds(vault, place.store(), NOW)
    assert place.contents()[CREDS] == other
    place.drop(CREDS)
    with pytest.raises(Refused, match="missing"):
        put_good_creds(vault, place.store(), NOW)
    assert healed_by(vault, place, human=True) == whole


def test_a_human_may_replace_a_login_that_never_was_paired(vault: Vault, place: Place) -> None:
    keep_good_creds(vault, place.store(), NOW)
    whole = place.contents()[CREDS]
    place.put(CREDS, whole.replace(b'"account"', b'"accounts"'))
    assert healed_by(vault, place, human=True) == whole


def test_a_copy_goes_back_with_ids_past_the_pre_keys(vault: Vault, place: Place) -> None:
    keep_good_creds(vault, place.store(), NOW)
    whole = json.loads(place.contents()[CREDS])
    place.put("pre-key-35.json", b"{}")
    place.drop(CREDS)
    healed = json.loads(healed_by(vault, place, human=True))
    assert healed == whole | {"nextPreKeyId": 36, "firstUnuploadedPreKeyId": 36}


def test_a_retired_copy_is_never_put_back(vault: Vault, place: Place) -> None:
    assert not retire_good_creds(vault, "c")
    keep_good_creds(vault, place.store(), NOW)
    assert retire_good_creds(vault, "c")
    assert good_creds(vault, "c") is None
    place.drop(CREDS)
    with pytest.raises(Refused, match="no good copy"):
        put_good_creds(vault, place.store(), NOW, human=True)


def test_a_new_login_replaces_the_copy_and_keeps_the_old_one_aside(vault: Vault, place: Place) -> None:
    old = keep_good_creds(vault, place.store(), NOW)
    place.put(CREDS, relinked(place.contents()[CREDS]))
    new = keep_good_creds(vault, place.store(), NOW)
    assert old is not None
    assert new is not None
    assert new.identity != old.identity
    assert sorted(path.name for path in vault.shelf.path("c").glob("good*")) == [
        "good-creds.json",
        "good-creds.retired.json",
    ]


def test_a_damaged_copy_is_no_copy(vault: Vault, place: Place) -> None:
    keep_good_creds(vault, place.store(), NOW)
    path = vault.shelf.path("c") / "good-creds.json"
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_text()
    for data in (whole[:-9], whole.replace(PHONE, "4915100000002"), "[]", "{}", ""):
        path.write_text(data)
        assert good_creds(vault, "c") is None


def test_only_the_login_that_was_judged_is_followed(vault: Vault, place: Place) -> None:
    store = place.store()
    assert keep_good_creds(vault, store, NOW, judged="another") is None
    assert good_creds(vault, "c") is None
    assert keep_good_creds(vault, store, NOW, judged=store.creds().identity) is not None


def test_a_gateway_that_damages_its_creds_again_and_again_does_not_fill_the_disk(
    vault: Vault, small: FileStore
) -> None:
    keep_good_creds(vault, small, NOW)
    for number in range(8):
        (small.folder / CREDS).write_bytes(b"")
        put_good_creds(vault, small, NOW + number)
    assert len(vault.list("c")) == vault.limits.keep_before_change
