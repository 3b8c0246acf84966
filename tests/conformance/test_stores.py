"""What every auth store promises, and that every rule holds on every one of them."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import baileykeep.stores
from baileykeep.backups.aside import set_aside
from baileykeep.backups.cleaning import carry_out
from baileykeep.backups.good_creds import keep_good_creds, put_good_creds
from baileykeep.backups.restore import put_back, restore, undo
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import BaileykeepError, Refused, StoreError
from baileykeep.model.inventory import Category, CleanupPlan, Creds, CredsState, Inventory
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup, levels
from baileykeep.rules.naming import CREDS
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import MEMBERS, Place
from tests.unit.auth_folders import DAY_S, copy_of
from tests.unit.rules.folders import GROUP, NOW, PHONE

SESSION = "session-4915122222222.0.json"
OTHER_SESSION = "session-4915133333333.0.json"
FRESH = "session-4915199999999.0.json"
OWN_KEY = f"sender-key-{GROUP}--{PHONE}--1.json"
MEMORY = f"sender-key-memory-{GROUP}.json"
SAMPLES = ("auth-6", "auth-7")


@pytest.fixture(params=[pytest.param(kind, id=kind.__name__) for kind in MEMBERS])
def member(request: pytest.FixtureRequest) -> type[AuthStore]:
    found: type[AuthStore] = request.param
    return found


@pytest.fixture
def place(member: type[AuthStore], tmp_path: Path) -> Iterator[Place]:
    """The smaller sample, for all that does not depend on it."""
    with MEMBERS[member]("auth-6", tmp_path) as made:
        yield made


@pytest.fixture(params=SAMPLES)
def each(member: type[AuthStore], request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A login of the older and of the newer Baileys."""
    with MEMBERS[member](request.param, tmp_path) as made:
        yield made


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "backups")


def values(store: AuthStore) -> dict[str, Any]:
    """Every file's value, whatever its bytes."""
    return {name: json.loads(data) for name, data in store.read_all([f.name for f in store.listing().files]).items()}


def counted(store: AuthStore, creds: Creds) -> Inventory:
    return levels.inventory(store.listing(), creds, PoolKnowledge(), Limits(), NOW)


def planned(store: AuthStore) -> CleanupPlan:
    return cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)


def test_every_store_runs_this_suite() -> None:
    wanted = {name for name in vars(AuthStore) if not name.startswith("_")}
    found = set()
    for module in pkgutil.walk_packages(baileykeep.stores.__path__, "baileykeep.stores."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind is not AuthStore and wanted <= set(dir(kind)):
                found.add(kind)
    assert found == set(MEMBERS)


# --- looking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", SAMPLES)
def test_a_sample_is_the_same_login_wherever_it_lies(which: str, member: type[AuthStore], tmp_path: Path) -> None:
    known = FileStore("c", copy_of(which, tmp_path / "known", days=40))
    with MEMBERS[member](which, tmp_path) as made:
        store = made.store()
        assert store.exists()
        assert values(store) == values(known)
        assert store.creds() == known.creds()
        here, there = store.listing().files, known.listing().files
        assert [(f.name, f.category) for f in here] == [(f.name, f.category) for f in there]
        assert [f.mtime for f in here] == pytest.approx([f.mtime for f in there], abs=1e-6)
        ours, theirs = counted(store, store.creds()), counted(known, known.creds())
        for what in ("total", "counted", "level", "categories", "reclaimable", "counted_after", "pre_keys"):
            assert getattr(ours, what) == getattr(theirs, what), what
        assert [r.name for r in planned(store).remove] == [r.name for r in planned(known).remove]


def test_sizes_are_those_of_the_bytes_that_are_read(each: Place) -> None:
    store = each.store()
    found = store.read_all([file.name for file in store.listing().files])
    assert {file.name: file.size for file in store.listing().files} == {name: len(data) for name, data in found.items()}


def test_what_a_gateway_writes_changes_the_token_and_nothing_else_does(place: Place) -> None:
    store = place.store()
    token = store.listing().token
    assert place.store().listing().token == token
    place.put(SESSION, b'{"other":1}', NOW - 1)
    changed = store.listing().token
    place.drop(OTHER_SESSION)
    assert len({token, changed, store.listing().token}) == 3


def test_what_is_not_there_is_missing_and_no_error(place: Place) -> None:
    store = place.store()
    assert store.read_all([FRESH, SESSION]).keys() == {SESSION}
    with pytest.raises(StoreError, match=r"\*\*\*9999") as caught:
        store.read(FRESH)
    assert "4915199999999" not in str(caught.value)
    place.drop(CREDS)
    assert store.creds().state is CredsState.MISSING
    assert CREDS not in {file.name for file in store.listing().files}


def test_mappings_are_found_both_ways(each: Place) -> None:
    store = each.store()
    place_has = {file.name for file in store.listing().files}
    if "lid-mapping-4915122222222.json" in place_has:
        assert store.lid_of("4915122222222") == "100000000000222"
        assert store.phone_of("100000000000222") == "4915122222222"
    assert store.lid_of("4915100000099") is None
    assert store.lid_of("../../etc/passwd") is None
    assert store.lid_of("' OR 1=1 --") is None


def test_the_newest_write_is_told(place: Place) -> None:
    assert place.store().last_write() == pytest.approx(NOW - 40 * DAY_S)
    place.put(SESSION, b"{}", NOW - 7.25)
    assert place.store().last_write() == NOW - 7.25


# --- writing and removing -------------------------------------------------------------------------------------


def test_what_is_written_reads_as_its_normal_form_with_its_time(place: Place) -> None:
    store = place.store()
    data = b'{"b": 1.50, "a": {"type":"Buffer","data":"AAEC"}, "n": null, "u": "\xc3\xbc \\u20ac"}'
    for name in (CREDS, FRESH, "app-state-sync-key-AAAA__B+C=.json", OWN_KEY):
        store.write(name, data, mtime=NOW - 3.000001)
        assert place.store().read(name) == store.normal({name: data})[name]
        assert json.loads(place.store().read(name)) == json.loads(data)
        (entry,) = [file for file in place.store().listing().files if file.name == name]
        assert entry.mtime == pytest.approx(NOW - 3.000001, abs=1e-6)
    assert store.normal(store.normal({FRESH: data})) == store.normal({FRESH: data})


def test_a_removed_file_is_gone_and_cannot_be_removed_again(place: Place) -> None:
    store = place.store()
    for name in (SESSION, CREDS):
        store.remove(name)
        with pytest.raises(StoreError, match="cannot be removed"):
            store.remove(name)
    assert not {SESSION, CREDS} & {file.name for file in place.store().listing().files}


def test_files_that_changed_since_they_were_listed_are_not_removed(place: Place) -> None:
    store = place.store()
    files = [file for file in store.listing().files if file.name in (SESSION, OTHER_SESSION)]
    place.put(SESSION, b'{"changed":true}', NOW)
    with pytest.raises(StoreError, match="changed since") as caught:
        store.remove_unchanged(files)
    assert caught.value.code == "changed"
    assert {SESSION, OTHER_SESSION} <= {file.name for file in store.listing().files}
    place.drop(SESSION)
    with pytest.raises(StoreError, match="changed since"):
        store.remove_unchanged(files)
    store.remove_unchanged([])
    store.remove_unchanged(files[1:])
    assert OTHER_SESSION not in {file.name for file in store.listing().files}


def test_one_process_at_a_time_changes_a_login(place: Place) -> None:
    store = place.store()
    with store.alone():
        with pytest.raises(Refused), place.store().alone():
            raise AssertionError
        store.write(FRESH, b"{}")
    with place.store().alone():
        assert place.store().read(FRESH) == b"{}"


def test_a_login_that_may_be_changed_passes(place: Place) -> None:
    store = place.store()
    store.check_writable()
    store.make()
    store.sweep()
    assert store.file_mode() & 0o077 in (0, 0o044)


# --- backups ----------------------------------------------------------------------------------------------------


def test_a_cold_backup_is_whole_and_the_newest(each: Place, vault: Vault) -> None:
    store = each.store()
    made = vault.create(store, BackupKind.COLD, NOW)
    assert vault.verify("c", made.name).paired
    assert made.files == len(store.listing().files)
    assert vault.unchanged_since_last(each.store(), NOW)
    each.put(SESSION, b'{"moved":1}', NOW)
    assert not vault.unchanged_since_last(each.store(), NOW)


def test_a_hot_backup_of_a_busy_login_is_refused(place: Place, vault: Vault) -> None:
    class Busy:
        """A gateway that writes between any two looks."""

        def __init__(self, store: AuthStore):
            self._store = store
            self._at = NOW

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def listing(self) -> Any:
            self._at += 1
            place.put(SESSION, b'{"at":1}', self._at)
            return self._store.listing()

    busy: Any = Busy(place.store())
    with pytest.raises(BaileykeepError, match="changed while"):
        vault.create(busy, BackupKind.HOT, NOW)
    assert vault.create(place.store(), BackupKind.HOT, NOW).paired


def test_an_identity_restore_brings_the_login_and_leaves_ratchets_alone(place: Place, vault: Vault) -> None:
    store = place.store()
    before = values(store)
    made = vault.create(store, BackupKind.HOT, NOW - 60)
    place.put(SESSION, b'{"newer":1}', NOW)
    place.drop("pre-key-30.json")
    place.put(CREDS, b"{}", NOW)
    restore(vault, place.store(), made.name, RestoreMode.IDENTITY, NOW, opened_since=True)
    after = values(place.store())
    assert after[SESSION] == {"newer": 1}
    assert after["pre-key-30.json"] == before["pre-key-30.json"]
    assert place.store().creds().paired
    assert place.store().creds().next_pre_key_id == before[CREDS]["nextPreKeyId"]
    with pytest.raises(Refused, match="not taken of a stopped session"):
        restore(vault, place.store(), made.name, RestoreMode.FULL, NOW, opened_since=False)


def test_a_full_restore_brings_everything_and_is_refused_once_opened(each: Place, vault: Vault) -> None:
    store = each.store()
    before = values(store)
    made = vault.create(store, BackupKind.COLD, NOW - 60)
    each.drop(SESSION)
    each.put(OTHER_SESSION, b'{"other":1}', NOW)
    with pytest.raises(Refused, match="was open since"):
        restore(vault, each.store(), made.name, RestoreMode.FULL, NOW, opened_since=True)
    report = restore(vault, each.store(), made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert set(report.written) == {SESSION, OTHER_SESSION}
    assert values(each.store()) == before
    assert report.replaced is not None
    assert vault.load("c", report.replaced)[2][OTHER_SESSION] == place_bytes(each, b'{"other":1}')


def place_bytes(place: Place, data: bytes) -> bytes:
    return place.store().normal({SESSION: data})[SESSION]


def test_a_restore_over_another_paired_login_is_refused(place: Place, vault: Vault) -> None:
    made = vault.create(place.store(), BackupKind.COLD, NOW)
    fields = json.loads(place.store().read(CREDS))
    fields["signedIdentityKey"]["public"]["data"] = "QkJCQg=="
    place.put(CREDS, json.dumps(fields).encode(), NOW)
    with pytest.raises(Refused, match="another paired login"):
        restore(vault, place.store(), made.name, RestoreMode.IDENTITY, NOW, opened_since=False)


def test_a_backup_of_a_folder_can_go_back_anywhere(place: Place, vault: Vault, tmp_path: Path) -> None:
    folder = FileStore("c", copy_of("auth-6", tmp_path / "from", days=40))
    made = vault.create(folder, BackupKind.COLD, NOW)
    for file in place.store().listing().files:
        place.drop(file.name)
    restore(vault, place.store(), made.name, RestoreMode.FULL, NOW, opened_since=False)
    assert values(place.store()) == values(folder)


# --- cleanups and set-asides ----------------------------------------------------------------------------------


def test_a_cleanup_removes_its_plan_and_its_backup_takes_it_back(each: Place, vault: Vault) -> None:
    store = each.store()
    before = values(store)
    made = vault.create(store, BackupKind.COLD, NOW)
    plan = planned(store)
    assert {r.category for r in plan.remove} >= {Category.SESSION, Category.SENDER_KEY}
    gone = set(carry_out(vault, store, plan, made.name))
    assert (OWN_KEY in gone) == (MEMORY in gone)
    left = values(each.store())
    assert left == {name: value for name, value in before.items() if name not in gone}
    undo(vault, each.store(), made.name, NOW, opened_since=False)
    assert values(each.store()) == before


def test_nothing_young_is_on_a_plan(place: Place) -> None:
    place.put(SESSION, b"{}", NOW - 13.9 * DAY_S)
    place.put(OTHER_SESSION, b"{}", NOW + 5 * DAY_S)
    assert not {SESSION, OTHER_SESSION} & {r.name for r in planned(place.store()).remove}


def test_a_cleanup_of_a_login_that_was_written_since_is_refused(place: Place, vault: Vault) -> None:
    store = place.store()
    made, plan = vault.create(store, BackupKind.COLD, NOW), planned(store)
    before = {file.name for file in store.listing().files}
    place.put(FRESH, b"{}", NOW)
    with pytest.raises(Refused) as caught:
        carry_out(vault, place.store(), plan, made.name)
    assert caught.value.code == "changed"
    assert {file.name for file in place.store().listing().files} == before | {FRESH}


def test_named_sessions_are_set_aside_and_come_back(place: Place, vault: Vault) -> None:
    store = place.store()
    before = values(store)
    aside = set_aside(vault, store, [SESSION], NOW, "bad_mac", token=store.listing().token)
    assert values(place.store()) == {name: value for name, value in before.items() if name != SESSION}
    put_back(vault, place.store(), aside, NOW)
    assert values(place.store()) == before


def test_a_whole_login_is_set_aside_and_comes_back_over_an_unfinished_pairing(each: Place, vault: Vault) -> None:
    store = each.store()
    before = values(store)
    aside = set_aside(vault, store, None, NOW, "relink")
    assert each.store().listing().files == ()
    fields = dict(before[CREDS], signedIdentityKey={"public": {"type": "Buffer", "data": "QkJCQg=="}})
    del fields["account"], fields["me"]
    each.put(CREDS, json.dumps(fields).encode(), NOW)
    each.put("pre-key-900.json", b"{}", NOW)
    put_back(vault, each.store(), aside, NOW)
    after = values(each.store())
    assert "pre-key-900.json" not in after
    assert {name: value for name, value in after.items() if name != CREDS} == {
        name: value for name, value in before.items() if name != CREDS
    }
    assert each.store().creds().identity == cleared(before[CREDS])


def cleared(creds: Any) -> str | None:
    from baileykeep.rules.creds_file import parse_creds

    return parse_creds(json.dumps(creds).encode()).identity


def test_a_set_aside_is_refused_when_somebody_wrote_meanwhile(place: Place, vault: Vault) -> None:
    store = place.store()
    token = store.listing().token
    place.put(FRESH, b"{}", NOW)
    with pytest.raises(Refused) as caught:
        set_aside(vault, store, None, NOW, "relink", token=token)
    assert caught.value.code == "changed"
    assert place.store().creds().paired


# --- the last good creds ----------------------------------------------------------------------------------------


def test_good_creds_are_kept_and_put_over_nothing_that_is_whole(place: Place, vault: Vault) -> None:
    kept = keep_good_creds(vault, place.store(), NOW)
    assert kept is not None
    assert keep_good_creds(vault, place.store(), NOW + 1) == kept
    with pytest.raises(Refused, match="whole"):
        put_good_creds(vault, place.store(), NOW)
    place.drop(CREDS)
    with pytest.raises(Refused, match="missing"):
        put_good_creds(vault, place.store(), NOW)
    put_good_creds(vault, place.store(), NOW, human=True)
    assert place.store().creds().identity == kept.identity


def test_a_half_paired_login_and_its_phone_are_told(place: Place) -> None:
    creds = place.store().creds()
    assert (creds.paired, creds.phone) == (True, PHONE)
    half = {"me": {"id": "4915177777777@s.whatsapp.net", "name": "~"}}
    place.put(CREDS, json.dumps(half).encode(), NOW)
    creds = place.store().creds()
    assert (creds.paired, creds.half_paired, creds.phone) == (False, True, "4915177777777")
