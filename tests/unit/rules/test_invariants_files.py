"""The edges of the promises about what leaves a folder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.evidence import BackedUp, Way
from baileykeep.model.incident import Rung
from baileykeep.model.inventory import NEVER_CLEANED, Category
from tests.unit.rules.sights import BEGUN, COLD, FOLDER, OLD_SESSION, PLAN, REMOVING, STOPPED, wrong
from tests.unit.rules.test_invariants import removed

ASIDE = replace(REMOVING, way=Way.NAMED_ASIDE, names=(OLD_SESSION,))


@pytest.mark.parametrize("category", sorted(NEVER_CLEANED))
def test_what_was_found_to_be_of_the_never_list_stays_whatever_its_name(category: Category) -> None:
    folder = tuple(replace(file, category=category) if file.name == OLD_SESSION else file for file in FOLDER)
    for sight, rung in ((REMOVING, Rung.CLEANUP), (ASIDE, Rung.REPAIR_SESSIONS)):
        found = removed(replace(sight, files=folder), plan=replace(PLAN, files=folder), rung=rung)
        assert found == ["never_list_kept"]


def test_a_repair_takes_only_what_is_named_like_a_session_and_was_found_to_be_one() -> None:
    assert removed(ASIDE, rung=Rung.REPAIR_SESSIONS) == []
    lying = tuple(replace(file, category=Category.SESSION) for file in FOLDER)
    creds = replace(ASIDE, names=("creds.json",), files=lying)
    plan = replace(PLAN, names=("creds.json",), files=lying)
    assert removed(creds, plan=plan, rung=Rung.REPAIR_SESSIONS) == ["never_list_kept"]


def test_a_repair_needs_a_backup_of_a_paired_login_like_a_cleanup() -> None:
    unpaired = replace(ASIDE, backup=replace(COLD, paired=False))
    assert removed(unpaired, rung=Rung.REPAIR_SESSIONS) == ["backup_before_removal"]


def test_of_a_file_that_is_not_there_nobody_knows_that_it_is_baileys_own() -> None:
    names = ("creds.json", "gone.json")
    whole = replace(REMOVING, way=Way.WHOLE_ASIDE, names=names)
    found = removed(whole, plan=replace(PLAN, names=names), rung=Rung.RELINK)
    assert found == ["removed_within_plan_within_listing", "never_list_kept"]


def test_it_is_said_how_many_pre_keys_would_be_left() -> None:
    names = tuple(f"pre-key-{n}.json" for n in range(1, 12))
    before = (*BEGUN, *STOPPED, (BackedUp(COLD), 0.0), (replace(PLAN, names=names), 0.0))
    assert wrong(*before, (replace(REMOVING, names=names), 0.0)) == ["29 pre-keys would be left"]


def test_a_plan_of_an_empty_folder_is_judged_like_any_other() -> None:
    empty = replace(PLAN, names=(), files=())
    assert removed(replace(REMOVING, names=(), files=()), plan=empty) == []
    assert removed(REMOVING, plan=empty) == ["removed_within_plan_within_listing"]
