"""Rules between limits. Each message names both numbers, so that the reader sees which of the two to move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from baileykeep.config.limit_tables import written
from baileykeep.config.units import format_duration
from baileykeep.model.limits import Limits
from baileykeep.rules.bad_mac import bound


@dataclass(frozen=True, slots=True)
class Clash:
    """Two limits that do not go together: `section.field` and `section.other`."""

    section: str
    field: str
    other: str
    reason: str

    @property
    def key(self) -> str:
        """The dotted key in TOML, from the file's top."""
        return f"limits.{self.section}.{written(self.field)}"


ASCENDING = {
    "thresholds": (("healthy", "monitor", "warning", "critical", "danger", "fatal"),),
    "disconnect": (("warn_after_s", "act_after_s"),),
    "ladder": (
        ("steady_s", "verify_within_s"),
        ("stopped_gap_s", "stop_within_s"),
        ("quiet_folder_s", "stop_within_s"),
    ),
    "relink": (("remind_after_s", "escalate_after_s", "approval_ttl_s"),),
    "poll": (("connection_down_s", "connection_s"),),
}
"""Per section, rows of fields of which each must be more than the one before (polls: or the same)."""

OR_EQUAL = frozenset({"poll"})


def clashes(limits: Limits) -> list[Clash]:
    """Every pair of limits that contradict each other."""
    return [*_order(limits), *_hysteresis(limits), *_settling(limits)]


def _order(limits: Limits) -> Iterator[Clash]:
    for section, rows in ASCENDING.items():
        values = getattr(limits, section)
        for low, high in (pair for row in rows for pair in pairwise(row)):
            smaller, larger = getattr(values, low), getattr(values, high)
            if larger < smaller or (larger == smaller and section not in OR_EQUAL):
                yield Clash(section, high, low, _not_more(section, high, larger, low, smaller))


def _not_more(section: str, high: str, larger: float, low: str, smaller: float) -> str:
    least = "at least" if section in OR_EQUAL else "more than"
    return (
        f"is {shown(high, larger)}, but must be {least} limits.{section}.{written(low)}, which is {shown(low, smaller)}"
    )


def _hysteresis(limits: Limits) -> Iterator[Clash]:
    values = limits.thresholds
    for low, high in pairwise(ASCENDING["thresholds"][0]):
        gap = getattr(values, high) - getattr(values, low)
        if 0 < gap <= values.hysteresis:
            reason = f"is {values.hysteresis}, but must be less than the {gap} files between {low} and {high}"
            yield Clash("thresholds", "hysteresis", high, reason)
            return


def _settling(limits: Limits) -> Iterator[Clash]:
    """What was counted before a repair must have left its window before the next rung is thought of."""
    window_s, settle_s = bound(limits.bad_mac)[1], limits.ladder.settle_s
    if settle_s < window_s:
        reason = (
            f"is {shown('settle_s', settle_s)}, but must be at least the window of Bad MACs "
            f"(limits.bad_mac.window or its preset), which is {shown('window_s', window_s)}"
        )
        yield Clash("ladder", "settle_s", "window_s", reason)


def shown(field: str, value: object) -> str:
    """A limit's value as people write it."""
    if field.endswith("_s") and isinstance(value, int | float):
        return format_duration(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
