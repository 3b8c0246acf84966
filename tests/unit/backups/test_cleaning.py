"""A cleanup after its plan, and its undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.backups.cleaning import carry_out
from baileykeep.backups.restore import undo
from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BaileykeepError, Refused, StoreError
from baileykeep.model.inventory import CleanupPlan
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import Place
from tests.unit.auth_folders import DAY_S, contents, few_of
from tests.unit.backups.logins import (
    EVERY_BREAK,
    EVERY_STEP,
    NEWER,
    OWN_KEY,
    SESSION,
    Break,
    cut_short,
    steps_of,
    stirred,
)
from tests.unit.rules.folders import GROUP, NOW

FEW = 16
MEMORY = f"sender-key-memory-{GROUP}.json"


def planned(store: AuthStore) -> CleanupPlan:
    return cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)


def test_a_cleanup_and_its_undo(vault: Vault, each: Place) -> None:
    store = each.store()
    whole, before = each.contents(), store.listing()
    plan = planned(store)
    made = vault.create(store, BackupKind.COLD, NOW)
    gone = carry_out(vault, store, plan, made.name)
    assert len(gone) == 10
    assert (OWN_KEY in gone) == (MEMORY in gone)
    assert each.contents() == {name: data for name, data in whole.items() if name not in gone}
    report = undo(vault, each.store(), made.name, NOW, opened_since=False)
    assert set(report.written) == set(gone)
    assert each.contents() == whole
    assert each.store().listing().files == before.files


def test_nothing_young_is_on_a_plan(place: Place) -> None:
    place.put(SESSION, b"{}", NOW - 13.9 * DAY_S)
    place.put(OWN_KEY, b"{}", NOW + 5 * DAY_S)
    assert not {SESSION, OWN_KEY} & {removal.name for removal in planned(place.store()).remove}


def test_after_opening_only_what_is_absent_comes_back(vault: Vault, place: Place) -> None:
    whole, store = place.contents(), place.store()
    made = vault.create(store, BackupKind.COLD, NOW)
    carry_out(vault, store, planned(store), made.name)
    place.put(SESSION, NEWER)
    place.drop("app-state-sync-version-regular.json")
    undo(vault, place.store(), made.name, NOW, opened_since=True)
    expected = whole | {SESSION: NEWER}
    expected.pop("app-state-sync-version-regular.json")
    assert place.contents() == expected


def test_an_old_memory_does_not_come_back_over_a_new_key_of_ours(vault: Vault, place: Place) -> None:
    store = place.store()
    made = vault.create(store, BackupKind.COLD, NOW)
    carry_out(vault, store, planned(store), made.name)
    place.put(OWN_KEY, NEWER)
    undo(vault, place.store(), made.name, NOW, opened_since=True)
    assert MEMORY not in place.contents()
    assert place.contents()[OWN_KEY] == NEWER


def test_no_cold_paired_backup_of_this_very_listing_no_cleanup(vault: Vault, place: Place) -> None:
    before, store = place.contents(), place.store()
    plan = planned(store)
    hot = vault.create(store, BackupKind.HOT, NOW)
    with pytest.raises(Refused, match="no cold backup"):
        carry_out(vault, store, plan, hot.name)
    cold = vault.create(store, BackupKind.COLD, NOW)
    place.put("pre-key-31.json", b"{}")
    with pytest.raises(Refused, match="start over") as caught:
        carry_out(vault, place.store(), plan, cold.name)
    assert caught.value.code == "changed"
    place.drop("pre-key-31.json")
    path = vault.shelf.path("c") / f"{cold.name}.tar.zst"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BaileykeepError, match="damaged"):
        carry_out(vault, place.store(), plan, cold.name)
    assert place.contents() == before


def test_an_undo_needs_a_cold_backup(vault: Vault, place: Place) -> None:
    hot = vault.create(place.store(), BackupKind.HOT, NOW)
    with pytest.raises(Refused, match="cold"):
        undo(vault, place.store(), hot.name, NOW, opened_since=False)


def test_a_login_written_meanwhile_is_left_alone(vault: Vault, place: Place) -> None:
    store, before = place.store(), place.contents()
    plan = planned(store)
    made = vault.create(store, BackupKind.COLD, NOW)
    with pytest.raises(StoreError, match="changed since"):
        carry_out(vault, stirred(place, "check_writable", SESSION, NEWER), plan, made.name)
    after = place.contents()
    assert after[SESSION] == NEWER
    assert set(before) - set(after) <= {removal.name for removal in plan.remove} - {SESSION}


@EVERY_STEP
@EVERY_BREAK
def test_a_cleanup_cut_short_at_any_step_can_be_undone(tmp_path: Path, kind: type[Break], every: int) -> None:
    assert steps_of(tmp_path / "whole", _clean) >= 20
    for store, vault in cut_short(tmp_path, _clean, kind, every):
        kept = contents(store.folder)
        assert store.creds().paired
        newest = vault.newest("c")
        if newest is None:
            assert len(kept) == FEW
            continue
        undo(vault, store, newest.name, NOW, opened_since=False)
        assert len(contents(store.folder)) == FEW


def _clean(place: Path, fsys: Fsys) -> None:
    store = FileStore("c", few_of(place / "auth"), fsys)
    vault = Vault(place / "backups", fsys)
    plan = planned(store)
    carry_out(vault, store, plan, vault.create(store, BackupKind.COLD, NOW).name)
