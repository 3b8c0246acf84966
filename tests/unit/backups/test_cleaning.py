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
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import contents, few_of
from tests.unit.backups.logins import EVERY_BREAK, EVERY_STEP, OWN_KEY, SESSION, Break, cut_short, steps_of
from tests.unit.rules.folders import GROUP, NOW

FEW = 16
MEMORY = f"sender-key-memory-{GROUP}.json"


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
