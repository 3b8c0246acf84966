import dataclasses
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.config.limit_checks import ASCENDING, clashes, shown
from baileykeep.config.limit_tables import BOUNDS, CHOICES, SECTIONS, SHARED, overrides, resolve, written
from baileykeep.config.schema import Company, CompanyLimits, Installation, InstallationLimits
from baileykeep.model.limits import Limits

EVERY = [(section, field) for section, kind in SECTIONS.items() for field in dataclasses.fields(kind)]


@pytest.mark.parametrize(("section", "field"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_every_limit_can_be_written_and_arrives(section: str, field: dataclasses.Field[Any]) -> None:
    value = _another(section, field.name, field.default)
    text = shown(field.name, value) if field.name.endswith("_s") else value
    table = Installation.model_validate({"limits": {section: {written(field.name): text}}}).limits
    limits = resolve(Limits(), overrides(table))
    assert getattr(getattr(limits, section), field.name) == value
    assert dataclasses.replace(limits, **{section: getattr(Limits(), section)}) == Limits()


def _another(section: str, name: str, default: Any) -> Any:
    if (section, name) in CHOICES:
        return next(choice for choice in CHOICES[section, name] if choice != default)
    low, high = BOUNDS.get((section, name), (0, None))
    return default + 1 if high is None else type(default)((low + high) / 2)


def test_every_text_limit_has_its_choices() -> None:
    texts = {(section, field.name) for section, field in EVERY if isinstance(field.default, str)}
    assert texts == set(CHOICES)


def test_no_two_fields_are_written_alike() -> None:
    for section, kind in SECTIONS.items():
        names = [written(field.name) for field in dataclasses.fields(kind)]
        assert len(names) == len(set(names)), section


def test_bounds_choices_and_order_name_fields_that_exist() -> None:
    known = {(section, field.name) for section, field in EVERY}
    assert set(BOUNDS) <= known
    assert {(s, name) for s, rows in ASCENDING.items() for row in rows for name in row} <= known
    assert set(SECTIONS) > SHARED


def test_defaults_are_within_their_own_rules() -> None:
    assert clashes(Limits()) == []
    assert resolve(Limits(), overrides(Installation().limits)) == Limits()


def test_companies_have_no_shared_sections() -> None:
    assert set(CompanyLimits.model_fields) == set(SECTIONS) - SHARED
    assert set(InstallationLimits.model_fields) == set(SECTIONS)
    assert overrides(Company().limits) == {}


def test_order_names_both_numbers() -> None:
    limits = resolve(Limits(), {"disconnect": {"act_after_s": 480.0}})
    assert [(c.key, c.reason) for c in clashes(limits)] == [
        ("limits.disconnect.act_after", "is 8m, but must be more than limits.disconnect.warn_after, which is 10m")
    ]


def test_hysteresis_is_less_than_the_smallest_step() -> None:
    limits = resolve(Limits(), {"thresholds": {"hysteresis": 20}})
    assert [c.reason for c in clashes(limits)] == [
        "is 20, but must be less than the 20 files between monitor and warning"
    ]


@given(st.lists(st.integers(min_value=1, max_value=400), min_size=6, max_size=6))
def test_levels_pass_only_when_ascending(bounds: list[int]) -> None:
    names = ASCENDING["thresholds"][0]
    limits = resolve(Limits(), {"thresholds": {**dict(zip(names, bounds, strict=True)), "hysteresis": 0}})
    ascending = all(low < high for low, high in pairwise(bounds))
    assert (clashes(limits) == []) == ascending


@pytest.mark.parametrize(
    ("bad_mac", "settle", "said"),
    [({}, "59s", "1m"), ({"preset": "unstable-network"}, "90s", "2m"), ({"window": "10m"}, "3m", "10m")],
)
def test_a_repair_settles_no_sooner_than_what_was_counted_before_it_is_forgotten(
    bad_mac: dict[str, str], settle: str, said: str
) -> None:
    table = Installation.model_validate({"limits": {"bad_mac": bad_mac, "ladder": {"settle": settle}}}).limits
    (clash,) = clashes(resolve(Limits(), overrides(table)))
    assert clash.key == "limits.ladder.settle"
    assert clash.reason.endswith(f"(limits.bad_mac.window or its preset), which is {said}")
