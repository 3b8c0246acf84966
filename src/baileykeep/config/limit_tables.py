"""The `[limits.*]` tables, generated from the dataclasses in `model.limits`: one source of names, defaults and docs.

A field `warn_after_s` is written `warn_after = "10m"`; any other field keeps its name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, Field, create_model

from baileykeep.config.fields import Number, Seconds, Table, Text, Whole
from baileykeep.model.limits import DAY, MIN_AGE_FLOOR_DAYS, MIN_PRE_KEYS, Limits

SECTIONS: Mapping[str, type[Any]] = get_type_hints(Limits)
"""Section name -> its dataclass."""

SHARED = frozenset({"brake", "database", "disk", "poll", "notify"})
"""Sections that hold for the whole installation; a company cannot override them."""

CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("thresholds", "count"): ("counted", "total"),
    ("cleanup", "policy"): ("pool", "newest"),
    ("bad_mac", "preset"): ("stable", "flapping", "unstable-network"),
    ("relink", "approval"): ("ask", "auto", "never"),
}

BOUNDS: Mapping[tuple[str, str], tuple[float, float | None]] = {
    ("thresholds", "hysteresis"): (0, None),
    ("cleanup", "min_age_days"): (MIN_AGE_FLOOR_DAYS, None),
    ("cleanup", "keep_pre_keys"): (MIN_PRE_KEYS, None),
    ("cleanup", "window_cooldown_s"): (0, 7 * DAY),
    ("disconnect", "flap_window_s"): (1, None),
    ("bad_mac", "limit"): (0, None),
    ("bad_mac", "daily_target"): (0, None),
    ("bad_mac", "hourly_alert"): (0, None),
    ("bad_mac", "in_a_row_alert"): (0, None),
    ("bad_mac", "after_repair_alert"): (0, None),
    ("bad_mac", "stale_window_s"): (1, None),
    ("ladder", "stopped_gap_s"): (5, None),
    ("ladder", "quiet_folder_s"): (10, None),
    ("ladder", "daily_budget"): (0, None),
    ("brake", "share"): (0.01, 1),
    ("brake", "window_s"): (1, None),
    ("backups", "every_s"): (5, None),
    ("database", "poll_s"): (1, None),
    ("disk", "min_free_ratio"): (0, 0.99),
    ("disk", "min_free_mb"): (0, None),
    ("poll", "jitter"): (0, 0.5),
    **{
        ("poll", f"{name}_s"): (0.05, None)
        for name in ("connection", "connection_down", "rescan", "torn_reread", "process", "network", "disk")
    },
}
"""(lowest, highest) value; elsewhere counts are at least 1, and durations and shares at least 0."""


def written(field: str) -> str:
    """The key in TOML for a field of a limits dataclass."""
    return field.removesuffix("_s")


def _annotation(section: str, field: str, hint: Any) -> Any:
    if hint is str and (section, field) in CHOICES:
        return Literal[CHOICES[section, field]]
    if hint not in (int, float):
        return Text if hint is str else hint
    low, high = BOUNDS.get((section, field), (1 if hint is int else 0, None))
    base: Any = Whole if hint is int else Seconds if field.endswith("_s") else Number
    return Annotated[base, Field(ge=low) if high is None else Field(ge=low, le=high)]


def _section_table(section: str, kind: type[Any]) -> type[BaseModel]:
    hints = get_type_hints(kind)
    fields: dict[str, Any] = {
        written(field.name): (
            _annotation(section, field.name, hints[field.name]),
            Field(default=field.default, description=field.metadata["doc"]),
        )
        for field in dataclasses.fields(kind)
    }
    doc = (kind.__doc__ or "").strip()
    return create_model(f"{kind.__name__}Table", __base__=Table, __doc__=doc, **fields)


def limits_table(name: str, sections: frozenset[str], doc: str) -> type[BaseModel]:
    """A model with one table per section; every key has its default, and pydantic remembers which were given."""
    tables = {section: _section_table(section, SECTIONS[section]) for section in SECTIONS if section in sections}
    fields: dict[str, Any] = {
        section: (table, Field(default_factory=table, description=table.__doc__)) for section, table in tables.items()
    }
    return create_model(name, __base__=Table, __doc__=doc, **fields)


Overrides = Mapping[str, Mapping[str, Any]]
"""Section -> field of its dataclass -> value: only what was written."""


def overrides(limits: BaseModel) -> Overrides:
    """What a file says itself, in the fields' own names and units."""
    found = {}
    for section in limits.model_fields_set:
        table: BaseModel = getattr(limits, section)
        names = {written(field.name): field.name for field in dataclasses.fields(SECTIONS[section])}
        values = {names[key]: getattr(table, key) for key in table.model_fields_set}
        if values:
            found[section] = values
    return found


def resolve(base: Limits, over: Overrides) -> Limits:
    """`base` with the values of `over` in place."""
    sections = {name: dataclasses.replace(getattr(base, name), **values) for name, values in over.items()}
    return dataclasses.replace(base, **sections)
