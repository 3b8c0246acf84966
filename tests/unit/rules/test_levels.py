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


def test_a_pre_key_that_was_never_minted_is_told_once() -> None:
    strange = inventory(listing(pre_keys(20, 31)), creds(31), PoolKnowledge(), LIMITS, NOW)
    fine = inventory(listing(pre_keys(20, 30)), creds(31), PoolKnowledge(), LIMITS, NOW)
    told = run(fine, strange, strange, fine)
    assert [[(s.kind, s.active) for s in symptoms] for symptoms in told] == [
        [],
        [(SymptomKind.PRE_KEY_ANOMALY, True)],
        [],
        [(SymptomKind.PRE_KEY_ANOMALY, False)],
    ]
    assert told[1][0].detail["names"] == ("pre-key-31.json",)
