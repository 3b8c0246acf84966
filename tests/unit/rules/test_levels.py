from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.facts import FilesSeen, Tick
from baileykeep.model.inventory import Category, Inventory, Level
from baileykeep.model.limits import Limits, Thresholds
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.levels import FilesState, inventory, level_of, step
from baileykeep.rules.pre_keys import PoolKnowledge
from tests.unit.rules.folders import NOW, creds, listing, pre_keys, sample, sample_creds, sessions

LIMITS = Limits()


@pytest.mark.parametrize(
    ("counted", "level"),
    [
        (0, Level.EXCELLENT),
        (49, Level.EXCELLENT),
        (50, Level.HEALTHY),
        (99, Level.HEALTHY),
        (100, Level.MONITOR),
        (120, Level.WARNING),
        (149, Level.WARNING),
        (150, Level.CRITICAL),
        (180, Level.DANGER),
        (199, Level.DANGER),
        (200, Level.FATAL),
        (5000, Level.FATAL),
    ],
)
def test_all_bounds_are_at_least(counted: int, level: Level) -> None:
    assert level_of(counted, Thresholds()) is level


@pytest.mark.parametrize(
    ("counted", "previous", "level"),
    [
        (146, Level.CRITICAL, Level.CRITICAL),
        (145, Level.CRITICAL, Level.WARNING),
        (148, Level.WARNING, Level.WARNING),
        (196, Level.FATAL, Level.FATAL),
        (177, Level.FATAL, Level.DANGER),
        (10, Level.FATAL, Level.EXCELLENT),
        (200, Level.EXCELLENT, Level.FATAL),
    ],
)
def test_a_level_is_left_five_below_its_bound(counted: int, previous: Level, level: Level) -> None:
    assert level_of(counted, Thresholds(), previous) is level


@pytest.mark.parametrize(("which", "total"), [("auth-6", 44), ("auth-7", 845)])
def test_real_fresh_folders_are_excellent(which: str, total: int) -> None:
    seen = inventory(sample(which), sample_creds(which), PoolKnowledge(), LIMITS, NOW)
    assert (seen.total, seen.counted, seen.level, seen.reclaimable) == (total, 44, Level.EXCELLENT, 0)
    assert set(seen.categories) == set(Category)
    assert sum(seen.categories.values()) == total


def test_the_raw_total_can_be_chosen() -> None:
    limits = replace(LIMITS, thresholds=replace(LIMITS.thresholds, count="total"))
    seen = inventory(sample("auth-7"), sample_creds("auth-7"), PoolKnowledge(), limits, NOW)
    assert (seen.counted, seen.level) == (845, Level.FATAL)


def test_a_company_said_to_run_6_is_counted_in_full() -> None:
    seen = inventory(sample("auth-7"), sample_creds("auth-7"), PoolKnowledge(), LIMITS, NOW, baileys="6")
    assert seen.counted == 826


def test_strangers_are_in_the_total_and_do_not_count() -> None:
    seen = inventory(listing(["creds.json", "creds.json.bak", "x.tmp"]), creds(), PoolKnowledge(), LIMITS, NOW)
    assert (seen.total, seen.counted) == (3, 1)


def test_a_configured_policy_that_is_refused_frees_nothing() -> None:
    limits = replace(LIMITS, cleanup=replace(LIMITS.cleanup, policy="newest"))
    assert inventory(sample("auth-7", 40), sample_creds("auth-7"), PoolKnowledge(), limits, NOW).reclaimable == 0


def seen(counted: int, old: int = 0) -> Inventory:
    """`counted` files, of which `old` could be removed."""
    names = ["creds.json", *sessions(counted - 1)]
    aged = set(names[-old:]) if old else set()
    return inventory(listing(names, lambda name: 40.0 if name in aged else 0.0), creds(), PoolKnowledge(), LIMITS, NOW)


def run(*figures: Inventory, every_s: float = 60.0) -> list[tuple[Symptom, ...]]:
    state, told = FilesState(), []
    for index, figure in enumerate(figures):
        at = NOW + index * every_s
        state, symptoms = step(state, company("c"), FilesSeen(at=at, company="c", inventory=figure), at, LIMITS)
        told.append(symptoms)
    return told


@pytest.mark.parametrize(
    ("counted", "severity"),
    [
        (100, Severity.INFO),
        (120, Severity.WARNING),
        (150, Severity.CRITICAL),
        (180, Severity.EMERGENCY),
        (200, Severity.EMERGENCY),
    ],
)
def test_each_level_has_its_severity(counted: int, severity: Severity) -> None:
    (symptom,) = run(seen(counted))[0]
    assert (symptom.kind, symptom.active, symptom.severity) == (SymptomKind.FILES, True, severity)
    assert symptom.detail["counted"] == counted
    assert symptom.detail["previous"] == "excellent"


def test_levels_are_told_on_transition_only() -> None:
    told = run(seen(99), seen(119), seen(119), seen(150), seen(147), seen(144), seen(90))
    assert [[(s.active, s.detail["level"]) for s in symptoms] for symptoms in told] == [
        [],
        [(True, "monitor")],
        [],
        [(True, "critical")],
        [],
        [(True, "warning")],
        [(False, "healthy")],
    ]


def test_news_about_what_a_cleanup_would_free_is_told() -> None:
    told = run(seen(160), seen(160, old=5), seen(160, old=20), seen(160, old=21))
    assert [[(s.detail["reclaimable"], s.detail["enough"]) for s in symptoms] for symptoms in told] == [
        [(0, False)],
        [(5, False)],
        [(20, True)],
        [],
    ]


def test_other_facts_change_nothing() -> None:
    assert step(FilesState(), company("c"), Tick(at=NOW), NOW, LIMITS) == (FilesState(), ())


def fold(*figures: Inventory, state: FilesState | None = None) -> tuple[FilesState, list[Symptom]]:
    state, told = state or FilesState(), list[Symptom]()
    for figure in figures:
        state, symptoms = step(state, company("c"), FilesSeen(at=NOW, company="c", inventory=figure), NOW, LIMITS)
        told += symptoms
    return state, told


def folder(counted: int, reclaimable: int = 0, after: int | None = None) -> Inventory:
    left = counted - reclaimable if after is None else after
    return replace(seen(100), total=counted + 7, counted=counted, reclaimable=reclaimable, counted_after=left)


def test_the_symptoms_are_whole() -> None:
    state, told = fold(folder(160, 20), folder(90))
    assert told == [
        Symptom(
            company("c"), SymptomKind.FILES, NOW, True, Severity.CRITICAL,
            {"counted": 160, "total": 167, "level": "critical", "previous": "excellent", "reclaimable": 20,
             "enough": True},
        ),
        Symptom(
            company("c"), SymptomKind.FILES, NOW, False, Severity.INFO,
            {"counted": 90, "total": 97, "level": "healthy", "previous": "critical", "reclaimable": 0, "enough": True},
        ),
    ]  # fmt: skip
    assert (state.level, state.told_level) == (Level.HEALTHY, None)
    assert fold(folder(90), state=state)[1] == []
    assert fold(folder(60), state=FilesState())[1] == []


@pytest.mark.parametrize(
    ("counted", "reclaimable", "after", "enough"),
    [
        (160, 1, 149, True),
        (160, 0, 149, False),
        (160, 11, 150, False),
        (190, 11, 179, True),
        (190, 10, 180, False),
        (205, 6, 199, True),
        (125, 6, 119, True),
        (110, 11, 99, True),
    ],
)
def test_enough_is_what_gets_below_the_bound_of_the_level(
    counted: int, reclaimable: int, after: int, enough: bool
) -> None:
    _, (symptom,) = fold(folder(counted, reclaimable, after))
    assert symptom.detail["enough"] is enough


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (folder(160, 5), False),
        (folder(164, 5), False),
        (folder(156, 5), False),
        (folder(165, 5), True),
        (folder(155, 4), True),
        (folder(160, 0), True),
        (folder(160, 11), True),
        (folder(160, 9), False),
        (folder(190, 5), True),
    ],
)
def test_a_change_is_told_again_when_a_reader_would_care(then: Inventory, told: bool) -> None:
    state, _ = fold(folder(160, 5))
    assert bool(fold(then, state=state)[1]) is told


def test_nothing_to_free_becoming_something_is_news_whether_enough_or_not() -> None:
    state, _ = fold(folder(160, 0))
    assert state == replace(state, told_level=Level.CRITICAL, told_counted=160, told_reclaimable=0, told_enough=False)
    _, told = fold(folder(160, 1), state=state)
    assert [s.detail["reclaimable"] for s in told] == [1]


def test_growth_is_foretold_from_the_same_looks() -> None:
    state, told = FilesState(), list[Symptom]()
    for quarter in range(8):
        at = NOW + quarter * 21_600
        fact = FilesSeen(at=at, company="c", inventory=folder(80 + 2 * quarter))
        state, symptoms = step(state, company("c"), fact, at, LIMITS)
        told += [s for s in symptoms if s.kind is SymptomKind.FORECAST]
    assert [(s.detail["target"], s.active) for s in told] == [(120, True)]
    assert len(state.forecast.samples) == 8


def test_an_inventory_is_whole() -> None:
    where = listing(["creds.json", *pre_keys(1, 90), *sessions(70), "x.tmp"], lambda name: 40.0 if "-" in name else 2.0)
    found = inventory(where, creds(91), PoolKnowledge(server_count=60), LIMITS, NOW, previous=Level.DANGER)
    assert (found.total, found.counted, found.level) == (162, 161, Level.CRITICAL)
    assert (found.reclaimable, found.counted_after) == (70 + 25, 66)
    assert (found.newest_mtime, found.bytes) == (NOW - 2 * 86_400, 16_200)
    assert found.creds == creds(91)
    assert (found.pre_keys.count, found.pre_keys.newest, found.pre_keys.pool_bound) == (90, 90, 65)
    empty = inventory(listing([]), creds(), PoolKnowledge(), LIMITS, NOW)
    assert (empty.total, empty.counted, empty.newest_mtime, empty.bytes) == (0, 0, None, 0)
    held = inventory(listing(sessions(176)), creds(), PoolKnowledge(), LIMITS, NOW, previous=Level.DANGER)
    assert held.level is Level.DANGER


def test_ages_in_an_inventory_count_from_the_reference() -> None:
    where = listing(sessions(3), 40)
    assert inventory(where, creds(), PoolKnowledge(), LIMITS, NOW, reference=NOW - 30 * 86_400).reclaimable == 0
    low = PoolKnowledge(uploaded_812=True, low_seen=True, server_count=5)
    keys = listing(pre_keys(1, 812), 40)
    assert inventory(keys, creds(813), low, LIMITS, NOW).reclaimable == 762
    assert inventory(keys, creds(813), replace(low, low_seen=False), LIMITS, NOW).reclaimable == 0


def test_another_level_is_told_however_little_the_count_moved() -> None:
    state, _ = fold(folder(149))
    assert [s.detail["level"] for s in fold(folder(150), state=state)[1]] == ["critical"]
