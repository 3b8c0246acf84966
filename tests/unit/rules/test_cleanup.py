from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.model.errors import Refused, UsageError
from baileykeep.model.inventory import NEVER_CLEANED, Category, Creds, CredsState, FileEntry, Level, Listing, Removal
from baileykeep.model.limits import DAY, MIN_PRE_KEYS, CleanupLimits, Limits
from baileykeep.rules import cleanup
from baileykeep.rules.levels import inventory
from baileykeep.rules.naming import category_of, is_own, memory_file, pre_key_id, sender_key
from baileykeep.rules.pre_keys import PoolKnowledge
from tests.unit.rules.folders import (
    GROUP,
    NOW,
    OWN_LID,
    PHONE,
    creds,
    listing,
    pre_keys,
    sample,
    sample_creds,
    sessions,
)

OFFLINE = PoolKnowledge()
OWN_KEY = f"sender-key-{GROUP}--{PHONE}--1.json"
OWN_LID_KEY = f"sender-key-{GROUP}--{OWN_LID}_1--1.json"
MEMORY = memory_file(GROUP)
THEIR_KEY = f"sender-key-{GROUP}--4915133333333--0.json"
OUR_PHONE_S_KEY = f"sender-key-{GROUP}--{PHONE}--0.json"


def limits(**changes: Any) -> Limits:
    return Limits(cleanup=replace(CleanupLimits(), **changes))


def removed(
    where: Listing,
    facts: Creds | None = None,
    pool: PoolKnowledge = OFFLINE,
    rules: Limits | None = None,
    *,
    reference: float | None = None,
    policy: str | None = None,
    force: bool = False,
) -> set[str]:
    made = cleanup.plan(
        where,
        facts or creds(),
        pool,
        rules or Limits(),
        now=NOW,
        reference=reference,
        policy=policy,
        force=force,
    )
    return {removal.name for removal in made.remove}


@pytest.mark.parametrize("which", ["auth-6", "auth-7"])
def test_of_real_folders_nothing_five_days_old_goes(which: str) -> None:
    assert removed(sample(which, 5), sample_creds(which)) == set()


@pytest.mark.parametrize("which", ["auth-6", "auth-7"])
def test_of_real_folders_only_sessions_and_sender_keys_forty_days_old_go(which: str) -> None:
    made = cleanup.plan(sample(which, 40), sample_creds(which), OFFLINE, Limits(), now=NOW)
    assert {removal.category for removal in made.remove} == {Category.SESSION, Category.SENDER_KEY}
    assert made.reclaimable == 10
    assert (made.level_before, made.level_after, made.counted_after) == (Level.EXCELLENT, Level.EXCELLENT, 34)
    assert set(made.kept) == set(Category)
    assert made.kept[Category.SESSION] == made.kept[Category.SENDER_KEY] == 0
    assert made.token == "token"
    assert any(removal.reason == "session not used for 40 days" for removal in made.remove)


def test_newest_is_refused_on_a_folder_born_with_812_unless_forced() -> None:
    with pytest.raises(Refused, match="newest") as caught:
        removed(sample("auth-7", 40), sample_creds("auth-7"), policy="newest")
    assert caught.value.code == "newest_on_812"
    forced = removed(sample("auth-7", 40), sample_creds("auth-7"), policy="newest", force=True)
    gone = [name for name in forced if category_of(name) is Category.PRE_KEY]
    assert len(gone) == 807 - 50


def test_newest_is_fine_on_6() -> None:
    assert removed(sample("auth-6", 5), sample_creds("auth-6"), policy="newest") == set()


def test_an_unknown_policy_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="oldest"):
        removed(sample("auth-6"), policy="oldest")


@pytest.mark.parametrize(("age", "goes"), [(13.9, False), (14.0, False), (14.1, True), (-3.0, False)])
def test_sessions_go_past_fourteen_days(age: float, goes: bool) -> None:
    assert bool(removed(listing(sessions(1), age))) is goes


@pytest.mark.parametrize(
    ("min_age_days", "age", "goes"), [(14, 10, False), (7, 7.1, True), (7, 6.9, False), (1, 6.9, False), (1, 7.1, True)]
)
def test_the_floor_is_settable_down_to_seven(min_age_days: float, age: float, goes: bool) -> None:
    assert bool(removed(listing([THEIR_KEY], age), rules=limits(min_age_days=min_age_days))) is goes


def test_force_lowers_the_floor_to_seven_and_no_lower() -> None:
    assert removed(listing([THEIR_KEY], 8)) == set()
    assert removed(listing([THEIR_KEY], 8), force=True) == {THEIR_KEY}
    assert removed(listing([THEIR_KEY], 6), force=True) == set()


def test_lost_and_future_times_are_no_age() -> None:
    for mtime in (0.0, -5.0, 86_400.0, NOW + 50 * DAY):
        file = FileEntry(sessions(1)[0], Category.SESSION, 1, mtime)
        assert removed(Listing((file,), "t")) == set()


def test_age_is_measured_from_the_last_time_seen_connected() -> None:
    old = listing(sessions(1), 40)
    assert removed(old, reference=NOW - 30 * DAY) == set()
    assert removed(old, reference=NOW - 20 * DAY) == set(sessions(1))
    assert removed(listing(sessions(1), 5), reference=NOW + 40 * DAY) == set()


@pytest.mark.parametrize(
    "facts",
    [creds(paired=False), Creds(CredsState.TORN), Creds(CredsState.MISSING), Creds(CredsState.ZEROED)],
)
def test_without_a_whole_paired_login_nothing_goes(facts: Creds) -> None:
    made = cleanup.plan(sample("auth-6", 40), facts, OFFLINE, Limits(), now=NOW)
    assert made.remove == ()
    assert made.notes


def test_memory_goes_with_our_own_key_and_before_it() -> None:
    made = cleanup.plan(listing([OWN_KEY, MEMORY, THEIR_KEY], 40), creds(), OFFLINE, Limits(), now=NOW)
    names = [removal.name for removal in made.remove]
    assert set(names) == {OWN_KEY, MEMORY, THEIR_KEY}
    assert names.index(MEMORY) < names.index(OWN_KEY)


def test_memory_goes_once_with_both_of_our_own_keys() -> None:
    made = cleanup.plan(listing([OWN_KEY, OWN_LID_KEY, MEMORY], 40), creds(), OFFLINE, Limits(), now=NOW)
    assert sorted(removal.name for removal in made.remove) == sorted([OWN_KEY, OWN_LID_KEY, MEMORY])
    assert made.remove[0].name == MEMORY


@pytest.mark.parametrize("key", [OWN_KEY, OWN_LID_KEY])
def test_our_own_key_stays_while_its_memory_is_young(key: str) -> None:
    where = listing([key, MEMORY, THEIR_KEY], lambda name: 5.0 if name == MEMORY else 40.0)
    assert removed(where) == {THEIR_KEY}


def test_memory_stays_while_our_own_key_is_in_use() -> None:
    where = listing([OWN_KEY, MEMORY], lambda name: 1.0 if name == OWN_KEY else 40.0)
    assert removed(where) == set()


def test_memory_does_not_go_with_the_key_of_our_phone_or_alone() -> None:
    assert removed(listing([OUR_PHONE_S_KEY, MEMORY], 40)) == {OUR_PHONE_S_KEY}
    assert removed(listing([MEMORY], 40)) == set()


def test_a_key_that_may_be_ours_stays_where_there_is_memory() -> None:
    facts = creds(lid=None)
    assert removed(listing([OWN_LID_KEY, MEMORY], 40), facts) == set()
    assert removed(listing([OWN_LID_KEY], 40), facts) == {OWN_LID_KEY}
    made = cleanup.plan(listing([OWN_LID_KEY, MEMORY], 40), facts, OFFLINE, Limits(), now=NOW)
    assert made.notes == (
        "1 old sender keys stay: their groups' memory is too young, or it is not certain that they are not our own",
    )


def test_the_newest_fifty_pre_keys_stay() -> None:
    assert removed(listing(pre_keys(1, 90), 40), creds(91)) == set(pre_keys(1, 40))
    assert removed(listing(pre_keys(1, 90), 10), creds(91)) == set()


def test_the_server_s_pool_stays() -> None:
    assert removed(listing(pre_keys(1, 90), 40), creds(91), PoolKnowledge(server_count=70)) == set(pre_keys(1, 15))
    assert removed(listing(pre_keys(1, 90), 40), creds(91), PoolKnowledge(server_count=2)) == set(pre_keys(1, 40))


def test_thirty_pre_keys_stay_whatever_is_configured() -> None:
    left = removed(listing(pre_keys(1, 90), 40), creds(91), rules=limits(keep_pre_keys=1, policy="newest"))
    assert left == set(pre_keys(1, 60))


def test_pre_keys_of_rolled_back_creds_stay() -> None:
    assert removed(listing(pre_keys(1, 90), 40), creds(41)) == set()
    assert removed(listing(pre_keys(1, 120), 40), creds(61)) == set(pre_keys(1, 10))


def test_the_first_812_stay_until_the_server_ran_low() -> None:
    names = pre_keys(500, 900)
    facts = creds(903)
    high = PoolKnowledge(uploaded_812=True, server_count=8)
    assert removed(listing(names, 40), facts, high) == set(pre_keys(813, 850))
    low = replace(high, low_seen=True)
    assert removed(listing(names, 40), facts, low) == set(pre_keys(500, 850))
    assert removed(listing(names, 40), facts, replace(low, server_count=None)) == set()


def test_what_goes_from_the_first_812_does_not_lower_the_count() -> None:
    pool = PoolKnowledge(uploaded_812=True, low_seen=True, server_count=5)
    made = cleanup.plan(listing(pre_keys(1, 812), 40), creds(813), pool, Limits(), now=NOW)
    assert (made.reclaimable, made.counted_after) == (762, 0)
    where = listing([*pre_keys(1, 700), *sessions(160)], lambda name: 40.0 if name.startswith("pre") else 0.0)
    seen = inventory(where, creds(813), pool, Limits(), NOW)
    assert (seen.counted, seen.reclaimable, seen.counted_after) == (160, 650, 160)


def test_a_half_used_7_folder_seen_for_the_first_time_is_recognised() -> None:
    assert removed(listing(pre_keys(400, 812), 40), creds(813)) == set()


def broken(*names: str, age_days: float = 40.0, of: tuple[str, ...] = ()) -> None:
    where = listing(of or names, age_days)
    found = [Removal(name, category_of(name), 1.0, "") for name in names]
    cleanup.check(found, where, creds(), cleanup.Ages(CleanupLimits(), NOW, False))


def test_every_golden_rule_is_checked() -> None:
    broken(sessions(1)[0])
    for names, reason in (
        (("creds.json",), "creds"),
        (("creds.json.bak",), "other"),
        ((OWN_KEY,), None),
        ((MEMORY,), "memory"),
        (tuple(pre_keys(1, 30)), "pre-keys"),
    ):
        if reason is None:
            broken(*names)
            continue
        with pytest.raises(cleanup.BrokenInvariantError, match=reason):
            broken(*names)
    with pytest.raises(cleanup.BrokenInvariantError, match="listing"):
        broken(sessions(1)[0], of=("creds.json",))
    with pytest.raises(cleanup.BrokenInvariantError, match="memory"):
        broken(OWN_KEY, of=(OWN_KEY, MEMORY))
    with pytest.raises(cleanup.BrokenInvariantError, match="floor"):
        broken(sessions(1)[0], age_days=13.0)


NAMES = st.sampled_from(
    [
        "creds.json",
        "creds.json.bak",
        "app-state-sync-key-A.json",
        "lid-mapping-4915122222222.json",
        "identity-key-1.0.json",
        *sessions(5),
        OWN_KEY,
        OWN_LID_KEY,
        MEMORY,
        THEIR_KEY,
        OUR_PHONE_S_KEY,
    ]
)
AGES = st.floats(-10, 60) | st.sampled_from([0.0, 7.0, 14.0, 14.001, 20_000.0])
FOLDERS = st.tuples(
    st.dictionaries(NAMES, AGES, max_size=20),
    st.dictionaries(st.integers(0, 900), AGES, max_size=20),
    st.integers(0, 900),
    AGES,
)


@settings(max_examples=150, deadline=None)
@given(
    folder=FOLDERS,
    batch=st.integers(0, 120),
    next_id=st.none() | st.integers(0, 1000),
    pool=st.builds(
        PoolKnowledge,
        server_count=st.none() | st.integers(0, 900),
        uploaded_812=st.booleans(),
        low_seen=st.booleans(),
    ),
    min_age=st.floats(-5, 40),
    keep=st.integers(-5, 100),
    policy=st.sampled_from(["pool", "newest"]),
    force=st.booleans(),
    back=st.floats(-50, 50),
)
def test_no_plan_ever_breaks_a_golden_rule(
    folder: tuple[dict[str, float], dict[int, float], int, float],
    batch: int,
    next_id: int | None,
    pool: PoolKnowledge,
    min_age: float,
    keep: int,
    policy: str,
    force: bool,
    back: float,
) -> None:
    named, keys, first, age = folder
    ages = {f"pre-key-{number}.json": days for number, days in keys.items()}
    ages |= dict.fromkeys(pre_keys(first, first + batch), age) | named
    where = listing(ages, lambda name: ages[name])
    facts = creds(next_id)
    rules = limits(min_age_days=min_age, keep_pre_keys=keep)
    reference = NOW - back * DAY
    try:
        gone = removed(where, facts, pool, rules, reference=reference, policy=policy, force=force)
    except Refused:
        assert policy == "newest"
        assert not force
        return
    there = {file.name: file for file in where.files}
    for name in gone:
        assert there[name].category not in NEVER_CLEANED
        assert min(reference, NOW) - there[name].mtime >= 7 * DAY
    left = [name for name in there if pre_key_id(name) is not None and name not in gone]
    total = [name for name in there if pre_key_id(name) is not None]
    assert len(left) >= min(MIN_PRE_KEYS, len(total))
    own = {name for name in gone if (key := sender_key(name)) and is_own(key, facts)}
    if MEMORY in there:
        assert (MEMORY in gone) is bool(own)
    anomalies = {name for name in total if next_id is not None and (pre_key_id(name) or 0) >= next_id}
    assert not anomalies & gone


def test_ages_count_from_the_last_time_seen_open_or_else_from_the_newest_write() -> None:
    where = listing(["creds.json", *sessions(2)], lambda name: 3.0 if name == "creds.json" else 40.0)
    assert cleanup.reference_of(where, NOW - 5) == NOW - 5
    assert cleanup.reference_of(where, 0.0) == 0.0
    assert cleanup.reference_of(where, None) == NOW - 3 * DAY
    assert cleanup.reference_of(listing([]), None) is None
