"""The edges of a cleanup plan: ages that are exactly a bound, the order of removal, and what is told beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.errors import Refused, UsageError
from baileykeep.model.inventory import Category, Creds, CredsState, FileEntry, Level, Listing, Removal
from baileykeep.model.limits import DAY, CleanupLimits, Limits, Thresholds
from baileykeep.rules import cleanup
from baileykeep.rules.naming import category_of, memory_file
from baileykeep.rules.pre_keys import PoolKnowledge, pre_keys_of
from tests.unit.rules.folders import GROUP, NOW, OWN_LID, PHONE, creds, entry, listing, pre_keys, sessions

OFFLINE = PoolKnowledge()
OTHER_GROUP = "120363000000000002@g.us"
OWN = f"sender-key-{GROUP}--{PHONE}--1.json"
OWN_LID_KEY = f"sender-key-{GROUP}--{OWN_LID}_1--1.json"
MEMORY = memory_file(GROUP)
THEIRS = f"sender-key-{GROUP}--4915133333333--0.json"
ANOTHER = f"sender-key-{OTHER_GROUP}--4915133333333--0.json"
OTHER_OWN = f"sender-key-{OTHER_GROUP}--{PHONE}--1.json"
OTHER_MEMORY = memory_file(OTHER_GROUP)
UNSURE = "old sender keys stay: their groups' memory is too young, or it is not certain that they are not our own"


def of(ages: dict[str, float]) -> Listing:
    return listing(ages, lambda name: ages[name])


def order(where: Listing, facts: Creds | None = None, **more: Any) -> list[str]:
    made = cleanup.plan(where, facts or creds(91), OFFLINE, more.pop("rules", Limits()), now=NOW, **more)
    return [removal.name for removal in made.remove]


@pytest.mark.parametrize(("age", "goes"), [(14.0, False), (14.0 + 1 / DAY, True)])
@pytest.mark.parametrize("names", [sessions(1), [THEIRS], pre_keys(1, 51), [OWN]], ids=lambda names: names[0][:12])
def test_exactly_as_old_as_the_floor_is_too_young(names: list[str], age: float, goes: bool) -> None:
    assert bool(order(listing(names, age))) is goes


@pytest.mark.parametrize(("age", "goes"), [(14.0, False), (14.0 + 1 / DAY, True)])
def test_memory_that_is_exactly_as_old_as_the_floor_keeps_our_key(age: float, goes: bool) -> None:
    assert order(of({OWN: 40.0, MEMORY: age})) == ([MEMORY, OWN] if goes else [])


@pytest.mark.parametrize(
    ("limits", "age", "gone"),
    [
        (CleanupLimits(session_age_days=20), 19, {THEIRS}),
        (CleanupLimits(session_age_days=20), 21, {THEIRS, *sessions(1)}),
        (CleanupLimits(sender_key_age_days=20), 19, set(sessions(1))),
        (CleanupLimits(sender_key_age_days=20), 21, {THEIRS, *sessions(1)}),
        (CleanupLimits(min_age_days=20), 19, set()),
        (CleanupLimits(min_age_days=7, session_age_days=8), 7.5, {THEIRS}),
        (CleanupLimits(min_age_days=7, session_age_days=1), 7.5, {THEIRS, *sessions(1)}),
        (CleanupLimits(min_age_days=0, session_age_days=0, sender_key_age_days=0), 6.9, set()),
    ],
)
def test_each_kind_has_its_age_and_none_is_below_the_floor(limits: CleanupLimits, age: float, gone: set[str]) -> None:
    assert set(order(listing([THEIRS, *sessions(1)], age), rules=Limits(cleanup=limits))) == gone


def test_force_lowers_the_floor_and_no_age_of_its_own() -> None:
    where = listing([THEIRS, *sessions(1), *pre_keys(1, 51)], 7.5)
    assert order(where, force=True) == [THEIRS, "pre-key-1.json"]
    assert order(where) == []


@pytest.mark.parametrize(
    ("mtime", "days"),
    [
        (NOW, 0.0),
        (NOW + 0.001, 0.0),
        (NOW - DAY / 2, 0.5),
        (1_230_768_000.0, (NOW - 1_230_768_000.0) / DAY),
        (1_230_767_999.0, 0.0),
        (0.0, 0.0),
    ],
)
def test_how_old_a_file_is(mtime: float, days: float) -> None:
    ages = cleanup.Ages(CleanupLimits(), NOW, False)
    assert ages.of(FileEntry("x", Category.SESSION, 1, mtime)) == days


def test_a_young_key_does_not_shelter_the_next() -> None:
    """In the order of names: their young key, then an old one; a name that only looks like a key between them."""
    assert order(of({OTHER_MEMORY: 40.0, ANOTHER: 1.0, THEIRS: 40.0})) == [THEIRS]
    assert order(of({THEIRS: 1.0, ANOTHER: 40.0})) == [ANOTHER]


def test_each_group_keeps_its_own_memory() -> None:
    both = {OWN: 40.0, MEMORY: 40.0, OTHER_OWN: 1.0, OTHER_MEMORY: 40.0}
    assert order(of(both)) == [MEMORY, OWN]
    assert order(of(both | {OTHER_OWN: 40.0})) == [MEMORY, OWN, OTHER_MEMORY, OTHER_OWN]
    assert order(of({OWN: 40.0, OTHER_MEMORY: 40.0})) == [OWN]


def test_of_a_group_that_stays_is_told_once() -> None:
    young = of({OWN: 40.0, OWN_LID_KEY: 40.0, MEMORY: 1.0, OTHER_OWN: 40.0, OTHER_MEMORY: 1.0})
    made = cleanup.plan(young, creds(), OFFLINE, Limits(), now=NOW)
    assert (made.remove, made.notes) == ((), (f"2 {UNSURE}",))
    assert cleanup.plan(listing([THEIRS], 40), creds(), OFFLINE, Limits(), now=NOW).notes == ()


def test_sessions_go_first_then_sender_keys_then_pre_keys() -> None:
    where = listing([*sessions(2), THEIRS, *pre_keys(1, 52)], 40)
    assert order(where) == [*sessions(2), THEIRS, "pre-key-1.json", "pre-key-2.json"]
    made = cleanup.plan(where, creds(91), OFFLINE, Limits(), now=NOW)
    assert [(r.category, r.age_days) for r in made.remove] == [
        (Category.SESSION, 40.0), (Category.SESSION, 40.0), (Category.SENDER_KEY, 40.0),
        (Category.PRE_KEY, 40.0), (Category.PRE_KEY, 40.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "policy", "left"),
    [
        (CleanupLimits(), None, 70),
        (CleanupLimits(), "newest", 50),
        (CleanupLimits(policy="newest"), None, 50),
        (CleanupLimits(policy="newest"), "pool", 70),
        (CleanupLimits(keep_pre_keys=80), None, 80),
        (CleanupLimits(keep_pre_keys=80), "newest", 80),
        (CleanupLimits(keep_pre_keys=31), "newest", 31),
        (CleanupLimits(keep_pre_keys=30), "newest", 30),
        (CleanupLimits(keep_pre_keys=29), "newest", 30),
        (CleanupLimits(keep_pre_keys=-5), "newest", 30),
    ],
)
def test_how_many_pre_keys_stay(limits: CleanupLimits, policy: str | None, left: int) -> None:
    pool = PoolKnowledge(server_count=65)
    made = cleanup.plan(listing(pre_keys(1, 90), 40), creds(91), pool, Limits(cleanup=limits), now=NOW, policy=policy)
    assert made.kept[Category.PRE_KEY] == left


def test_forced_newest_on_a_folder_born_with_812_frees_the_first_batch_too() -> None:
    born = PoolKnowledge(uploaded_812=True, server_count=700)
    where = listing(pre_keys(1, 812), 40)
    assert order(where, creds(813)) == []
    made = cleanup.plan(where, creds(813), born, Limits(), now=NOW, policy="newest", force=True)
    assert made.reclaimable == 762
    kept = cleanup.plan(where, creds(813), born, Limits(), now=NOW, force=True)
    assert kept.reclaimable == 0


def test_a_company_that_is_said_to_run_6_is_cleaned_as_one() -> None:
    where = listing(pre_keys(1, 812), 40)
    assert len(order(where, creds(813), baileys="6")) == 762
    assert order(where, creds(813), baileys="7") == []
    made = cleanup.plan(where, creds(813), OFFLINE, Limits(), now=NOW, baileys="6")
    assert (made.level_before, made.level_after, made.counted_after) == (Level.FATAL, Level.HEALTHY, 50)


def test_a_refusal_says_what_to_do_instead() -> None:
    where = listing(pre_keys(1, 812), 40)
    with pytest.raises(Refused, match="server still hands out") as refused:
        order(where, creds(813), policy="newest")
    assert "--force" in refused.value.next_step
    with pytest.raises(UsageError, match='unknown policy "oldest"') as wrong:
        order(where, policy="oldest")
    assert wrong.value.next_step == "there are: pool, newest"
    assert cleanup.POLICIES == ("pool", "newest")


def test_what_a_cleanup_as_configured_would_do() -> None:
    where = listing([*sessions(3), *pre_keys(1, 812)], 40)
    known = pre_keys_of(where.files, creds(813), PoolKnowledge(server_count=5, low_seen=True))
    assert known.born_812
    found = cleanup.as_configured(where, creds(813), known, Limits(), now=NOW, low_seen=True)
    assert len(found.remove) == 3 + 762
    assert len(cleanup.as_configured(where, creds(813), known, Limits(), now=NOW).remove) == 3
    young = cleanup.as_configured(where, creds(813), known, Limits(), now=NOW, reference=NOW - 30 * DAY)
    assert young.remove == ()
    newest = Limits(cleanup=CleanupLimits(policy="newest"))
    refused = cleanup.as_configured(where, creds(813), known, newest, now=NOW)
    assert refused.remove == ()
    assert "still hands out" in refused.notes[0]


def test_without_a_login_nothing_goes_and_that_is_said() -> None:
    for facts in (creds(paired=False), Creds(CredsState.TORN, paired=True), Creds(CredsState.UNREADABLE)):
        made = cleanup.plan(listing(sessions(3), 40), facts, OFFLINE, Limits(), now=NOW)
        assert made.notes == ("the creds are not whole and paired, so nothing may be removed",)
        assert (made.remove, made.kept[Category.SESSION], made.token) == ((), 3, "token")


def test_levels_of_a_plan_follow_the_chosen_count() -> None:
    where = listing(["lid-mapping-1.json", *(f"x{n}.bak" for n in range(119)), *sessions(1)], 40)
    raw = Limits(thresholds=Thresholds(count="total"))
    made = cleanup.plan(where, creds(), OFFLINE, raw, now=NOW)
    assert (made.level_before, made.level_after, made.counted_after) == (Level.WARNING, Level.WARNING, 120)
    made = cleanup.plan(where, creds(), OFFLINE, Limits(), now=NOW)
    assert (made.level_before, made.level_after, made.counted_after) == (Level.EXCELLENT, Level.EXCELLENT, 0)


# --- the last look at a plan before it is handed out ---------------------------------------------------------------


def check(*names: str, of: Listing, twice: bool = False) -> None:
    found = [Removal(name, category_of(name), 1.0, "") for name in names]
    cleanup.check(found + found[:1] * twice, of, creds(), cleanup.Ages(CleanupLimits(), NOW, False))


def test_the_last_look_lets_a_plan_at_the_bounds_through() -> None:
    check(sessions(1)[0], of=listing(sessions(1), 14.0))
    check("pre-key-1.json", of=listing(pre_keys(1, 31), 40))
    check(of=listing(pre_keys(1, 3), 40))
    check(OWN, MEMORY, of=listing([OWN, MEMORY], 40))


@pytest.mark.parametrize(
    ("names", "where", "twice", "match"),
    [
        (sessions(1), listing(sessions(1), 40), True, "twice"),
        (sessions(1), listing(["creds.json"], 40), False, "not in its listing"),
        (sessions(1), listing(sessions(1), 13.99), False, "younger"),
        (["pre-key-1.json"], listing(pre_keys(1, 30), 40), False, "fewer than 30"),
        (["lid-mapping-1.json"], listing(["lid-mapping-1.json"], 40), False, "would remove lid_mapping"),
        ([OWN], listing([OWN, MEMORY], 40), False, "memory"),
        ([MEMORY], listing([OWN, MEMORY], 40), False, "memory"),
        ([MEMORY, THEIRS], listing([OWN, MEMORY, THEIRS], 40), False, "memory"),
        ([OWN, OTHER_MEMORY], listing([OWN, OTHER_MEMORY], 40), False, "memory"),
    ],
)
def test_the_last_look_stops_any_other(names: list[str], where: Listing, twice: bool, match: str) -> None:
    with pytest.raises(cleanup.BrokenInvariantError, match=match):
        check(*names, of=where, twice=twice)


def test_an_age_measured_from_a_future_reference_is_measured_from_now() -> None:
    where = Listing((replace(entry(sessions(1)[0]), mtime=NOW - 20 * DAY),), "token")
    assert order(where, reference=NOW - 6 * DAY) == []
    assert order(where, reference=NOW - 5 * DAY) == sessions(1)
    assert order(where, reference=NOW + 100 * DAY) == sessions(1)


def test_a_plan_is_looked_at_once_more_before_it_is_handed_out() -> None:
    """No listing of a folder names a file twice; if one did, no plan would come of it."""
    twice = Listing(listing(sessions(1), 40).files * 2, "token")
    with pytest.raises(cleanup.BrokenInvariantError, match="twice"):
        order(twice)


def test_every_removal_says_why() -> None:
    where = listing([*sessions(1), OWN, OTHER_OWN, OTHER_MEMORY, ANOTHER, *pre_keys(1, 51)], 40)
    made = cleanup.plan(where, creds(91), OFFLINE, Limits(), now=NOW)
    assert {removal.name: removal.reason for removal in made.remove} == {
        sessions(1)[0]: "session not used for 40 days",
        OWN: "our own sender key not used for 40 days",
        OTHER_MEMORY: "goes with our own sender key, or members would never get the new one",
        OTHER_OWN: "our own sender key not used for 40 days",
        ANOTHER: "sender key not used for 40 days; groups send a new one",
        "pre-key-1.json": "older than the newest 50 pre-keys, which the server may still hand out",
    }
