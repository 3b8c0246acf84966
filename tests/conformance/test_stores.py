"""What every auth store promises.

What is built on it (backups, restores, cleanups, set-asides, good creds) is tested in `tests/unit/backups`, over every
store of the family, too.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import baileykeep.stores
from baileykeep.model.errors import Refused, StoreError
from baileykeep.model.inventory import CleanupPlan, Creds, CredsState, Inventory
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


# --- what is told of a login ------------------------------------------------------------------------------------


def test_a_half_paired_login_and_its_phone_are_told(place: Place) -> None:
    creds = place.store().creds()
    assert (creds.paired, creds.phone) == (True, PHONE)
    half = {"me": {"id": "4915177777777@s.whatsapp.net", "name": "~"}}
    place.put(CREDS, json.dumps(half).encode(), NOW)
    creds = place.store().creds()
    assert (creds.paired, creds.half_paired, creds.phone) == (False, True, "4915177777777")
