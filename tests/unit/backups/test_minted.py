"""Pre-key ids that were minted after a backup are never minted again, whatever became of their files."""

from __future__ import annotations

import json

import pytest

from baileykeep.backups import minted
from baileykeep.backups.good_creds import keep_good_creds, retire_good_creds
from baileykeep.backups.restore import restore
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.rules.naming import CREDS
from tests.conformance.store_places import Place
from tests.unit.rules.folders import NOW


def mint(place: Place, next_id: int) -> None:
    """The gateway mints some more keys."""
    fields = json.loads(place.contents()[CREDS]) | {"nextPreKeyId": next_id, "firstUnuploadedPreKeyId": next_id}
    place.put(CREDS, json.dumps(fields).encode())


@pytest.mark.parametrize("retired", [False, True])
def test_a_restore_into_a_wiped_place_goes_on_where_the_last_good_creds_were(
    vault: Vault, newer: Place, retired: bool
) -> None:
    backup = vault.create(newer.store(), BackupKind.HOT, NOW)
    mint(newer, 2_000)
    keep_good_creds(vault, newer.store(), NOW + 5)
    if retired:
        retire_good_creds(vault, "c")
    newer.wipe()
    store = newer.store()
    store.make()
    report = restore(vault, store, backup.name, RestoreMode.IDENTITY, NOW + 9, opened_since=True)
    assert report.next_pre_key_id == 2_000
    assert (store.creds().next_pre_key_id, store.creds().first_unuploaded_pre_key_id) == (2_000, 2_000)


def test_a_copy_of_another_login_and_one_that_is_damaged_know_nothing(vault: Vault, place: Place) -> None:
    identity = place.store().creds().identity
    assert minted.next_pre_key_id(vault, "c", identity) == 0
    mint(place, 2_000)
    keep_good_creds(vault, place.store(), NOW)
    assert minted.next_pre_key_id(vault, "c", identity) == 2_000
    assert minted.next_pre_key_id(vault, "c", "another") == 0
    assert minted.next_pre_key_id(vault, "c", None) == 0
    for damaged in (b"", b"[]", b"{}", b'{"creds": 7}', b'{"creds": "x'):
        vault.shelf.put("c", minted.GOOD, damaged)
        assert minted.next_pre_key_id(vault, "c", identity) == 0
