"""The promises about what leaves a folder, and their edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.backup import BackupKind
from baileykeep.model.evidence import BackedUp, Removed, Way
from baileykeep.model.incident import Rung
from baileykeep.model.inventory import NEVER_CLEANED, Category
from baileykeep.model.limits import DAY, CleanupLimits, Limits
from tests.unit.rules.sights import (
    BEGUN,
    COLD,
    COVERED,
    FOLDER,
    OLD_KEY,
    OLD_SESSION,
    PLAN,
    REMOVING,
    STOPPED,
    WHOLE_CLEANUP,
    breached,
    files,
    removed,
    without,
    wrong,
)

ASIDE = replace(REMOVING, way=Way.NAMED_ASIDE, names=(OLD_SESSION,))


def test_nothing_goes_without_a_cold_backup_of_all_of_it_that_was_read_again() -> None:
    assert removed(REMOVING) == []
    name = ["backup_before_removal"]
    assert breached(*without(WHOLE_CLEANUP, BackedUp, Removed)) == name
    assert removed(replace(REMOVING, backup=None)) == name
    assert removed(replace(REMOVING, backup=replace(COLD, name="b2"))) == name
    for bad in ({"sha256": ""}, {"kind": BackupKind.HOT}, {"whole": False}, {"paired": False}, {"token": "t0"}):
        assert removed(replace(REMOVING, backup=replace(COLD, **bad))) == name
    for bad in ({"sha256": ""}, {"kind": BackupKind.HOT}):
        assert removed(REMOVING, backup=BackedUp(replace(COLD, **bad))) == name


def test_a_backup_of_a_session_that_ran_does_not_count() -> None:
    early = (*BEGUN, (BackedUp(COLD), 0.0), *STOPPED, (PLAN, 0.0), (REMOVING, 0.0))
    assert breached(*early) == ["backup_before_removal"]


def test_a_removal_of_no_action_breaks_all_that_could_cover_it() -> None:
    assert breached((REMOVING, 0)) == ["backup_before_removal", "removed_within_plan_within_listing"]


@pytest.mark.parametrize("changes", [
    {"names": (OLD_SESSION, OLD_SESSION)},
    {"names": (OLD_SESSION, "session-4915100000009.0.json")},
    {"names": (OLD_SESSION, OLD_KEY, "pre-key-2.json")},
])  # fmt: skip
def test_what_goes_is_in_the_plan_and_there(changes: dict[str, Any]) -> None:
    found = removed(replace(REMOVING, **changes))
    assert "removed_within_plan_within_listing" in found


def test_the_plan_is_of_the_folder_as_it_lies_there() -> None:
    name = ["removed_within_plan_within_listing"]
    assert removed(REMOVING, plan=replace(PLAN, token="t0")) == name
    assert removed(REMOVING, plan=None) == name
    assert removed(REMOVING, plan=replace(PLAN, files=FOLDER[1:])) == name


def test_what_is_not_there_any_more_is_not_removed() -> None:
    left = tuple(file for file in FOLDER if file.name != OLD_KEY)
    assert "removed_within_plan_within_listing" in removed(replace(REMOVING, files=left))


def test_each_way_belongs_to_its_rungs() -> None:
    aside = replace(REMOVING, way=Way.NAMED_ASIDE, names=(OLD_SESSION,))
    assert removed(aside, rung=Rung.REPAIR_SESSIONS) == []
    assert removed(aside, rung=Rung.CLEANUP) == ["removed_within_plan_within_listing"]
    assert removed(REMOVING, rung=Rung.RELINK) == ["removed_within_plan_within_listing"]


def test_a_whole_folder_goes_but_for_what_is_not_baileys_own() -> None:
    ours = tuple(file.name for file in FOLDER if file.name != "notes.txt")
    plan = replace(PLAN, names=ours)
    aside = replace(REMOVING, way=Way.WHOLE_ASIDE, names=ours, backup=replace(COLD, paired=False))
    assert removed(aside, plan=plan, rung=Rung.RELINK) == []
    everything = (*ours, "notes.txt")
    found = removed(replace(aside, names=everything), plan=replace(plan, names=everything), rung=Rung.RELINK)
    assert found == ["never_list_kept"]


def test_what_an_unfinished_pairing_left_goes_after_its_own_backup_and_needs_no_plan() -> None:
    left = replace(REMOVING, way=Way.PUT_BACK, names=("creds.json",), token="t9")
    assert removed(left, plan=None, rung=Rung.RELINK) == []
    assert removed(replace(left, backup=None), plan=None, rung=Rung.RELINK) == ["backup_before_removal"]


@pytest.mark.parametrize("name", [
    "creds.json", "notes.txt", "lid-mapping-4915100000001.json", "app-state-sync-key-AAAA.json",
    "device-list-4915100000001.json", "session-4915100000001.0.json.bak",
])  # fmt: skip
def test_the_never_list_stays(name: str) -> None:
    folder = (*files(name), *(file for file in FOLDER if file.name != name))
    sight = replace(REMOVING, names=(name,), files=folder)
    assert removed(sight, plan=replace(PLAN, names=(name,), files=folder)) == ["never_list_kept"]


def test_a_mistaken_category_is_seen_by_the_name_and_a_mistaken_name_by_the_category() -> None:
    creds = replace(files(OLD_SESSION)[0], name="creds.json")
    folder = (creds, *(file for file in FOLDER if file.name != "creds.json"))
    sight = replace(REMOVING, names=("creds.json",), files=folder)
    assert removed(sight, plan=replace(PLAN, names=("creds.json",), files=folder)) == ["never_list_kept"]
    assert removed(replace(REMOVING, way=Way.NAMED_ASIDE, names=(OLD_KEY,)), rung=Rung.REPAIR_SESSIONS) == [
        "never_list_kept"
    ]


@pytest.mark.parametrize(
    ("there", "gone", "ok"), [(31, 1, True), (30, 1, False), (40, 10, True), (40, 11, False), (5, 0, True)]
)
def test_thirty_pre_keys_stay(there: int, gone: int, ok: bool) -> None:
    keys = files(*(f"pre-key-{n}.json" for n in range(1, there + 1)))
    folder = (*keys, *files(OLD_SESSION))
    names = (OLD_SESSION, *(key.name for key in keys[:gone]))
    plan = replace(PLAN, names=names, files=folder)
    found = removed(replace(REMOVING, names=names, files=folder), plan=plan)
    assert found == ([] if ok else ["thirty_pre_keys_kept"])


def test_the_floor_is_fourteen_days_or_what_is_configured_and_never_less_than_seven() -> None:
    def clean(
        days: float, *, forced: bool = False, limits: Limits | None = None, up_days: float | None = 0
    ) -> list[str]:
        folder = (*files(OLD_SESSION, days=days), *files("creds.json", days=0))
        up = None if up_days is None else PLAN.made_at - up_days * DAY
        plan = replace(PLAN, names=(OLD_SESSION,), files=folder, forced=forced, last_up_at=up)
        return removed(replace(REMOVING, names=(OLD_SESSION,), files=folder), plan=plan, limits=limits)

    young = ["age_floor_kept"]
    assert clean(14) == []
    assert clean(13.9) == young
    assert clean(7, forced=True) == []
    assert clean(6.9, forced=True) == young
    assert clean(7, limits=Limits(cleanup=CleanupLimits(min_age_days=3))) == []
    assert clean(6.9, limits=Limits(cleanup=CleanupLimits(min_age_days=3))) == young
    assert clean(20, limits=Limits(cleanup=CleanupLimits(min_age_days=21))) == young
    assert clean(30, up_days=20) == young
    assert clean(30, up_days=None) == []
    assert clean(30, up_days=-5) == []


def test_a_group_is_forgotten_only_with_its_key() -> None:
    memory, key = "sender-key-memory-123@g.us.json", "sender-key-123@g.us--4915100000001--0.json"
    folder = (*files(memory, key), *FOLDER)

    def clean(*names: str) -> list[str]:
        plan = replace(PLAN, names=names, files=folder)
        return removed(replace(REMOVING, names=names, files=folder), plan=plan)

    assert clean(memory, key) == []
    assert clean(key) == []
    assert clean(memory) == ["group_memory_goes_with_its_key"]
    whole = replace(REMOVING, way=Way.WHOLE_ASIDE, names=(memory,), files=folder)
    assert removed(whole, plan=replace(PLAN, names=(memory,), files=folder), rung=Rung.RELINK) == []


@pytest.mark.parametrize(("jump_s", "ok"), [(3600, True), (3601, False), (-3601, False)])
def test_nothing_is_cleaned_when_the_clock_jumped_meanwhile(jump_s: float, ok: bool) -> None:
    found = removed(REMOVING, plan=replace(PLAN, last_up_at=None), jump_s=jump_s)
    assert found == ([] if ok else ["nothing_removed_after_a_clock_jump"])
    ours = ("creds.json",)
    aside = replace(REMOVING, way=Way.WHOLE_ASIDE, names=ours)
    assert removed(aside, plan=replace(PLAN, names=ours), rung=Rung.RELINK, jump_s=jump_s) == []


def test_what_went_besides_what_was_named_is_told() -> None:
    more = (Removed((OLD_SESSION, "creds.json")), 0.0)
    assert breached(*BEGUN, *STOPPED, *without(COVERED, Removed), more) == ["only_what_was_planned_is_gone"]
    assert breached((Removed(("creds.json",)), 0)) == ["only_what_was_planned_is_gone"]


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
