from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.symptoms import SymptomKind
from baileykeep.rules.bounds import BOUNDS, Reading, beyond

FULL = Reading(
    subjects=10, bus_slots=10 * (len(SymptomKind) + 1), notices_pending=700, tasks=240, descriptors=240,
    descriptors_most=1024, memory_mb=502.5,
)  # fmt: skip


def test_all_may_be_used_that_the_bounds_allow() -> None:
    assert beyond(FULL) == {}


@pytest.mark.parametrize(("name", "more"), [
    ("bus", {"bus_slots": FULL.bus_slots + 1}), ("outbox", {"notices_pending": 701}), ("tasks", {"tasks": 241}),
    ("descriptors", {"descriptors": 241}), ("memory", {"memory_mb": 503.5}),
])  # fmt: skip
def test_what_is_beyond_its_bound_is_named_with_its_number(name: str, more: dict[str, Any]) -> None:
    found = beyond(replace(FULL, **more))
    assert list(found) == [name]
    assert f"{next(iter(more.values())):.0f} " in found[name]
    assert beyond(replace(FULL, subjects=20, **more)) == {}


def test_the_systems_own_limit_counts_too() -> None:
    assert list(beyond(replace(FULL, descriptors_most=256, descriptors=205))) == ["descriptors"]
    assert beyond(replace(FULL, descriptors_most=256, descriptors=204)) == {}
    assert beyond(replace(FULL, descriptors_most=None)) == {}


def test_what_this_system_does_not_tell_is_not_judged() -> None:
    assert beyond(Reading(subjects=1, bus_slots=0)) == {}


def test_every_bound_is_documented() -> None:
    assert all((check.__doc__ or "").strip() for check in BOUNDS.values())
