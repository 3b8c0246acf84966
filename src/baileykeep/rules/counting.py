"""Which files count, and the level that a count makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from baileykeep.model.inventory import Category, FileEntry, Level
from baileykeep.model.limits import Thresholds
from baileykeep.rules.pre_keys import UNCOUNTED_812

UNCOUNTED = frozenset(
    {Category.LID_MAPPING, Category.DEVICE_LIST, Category.TCTOKEN, Category.IDENTITY_KEY, Category.OTHER}
)
"""Types that a healthy 7.x folder cannot help having and nobody can clean, and files that are not Baileys' own."""


def categories_of(files: Iterable[FileEntry]) -> dict[Category, int]:
    """How many files of each category; all ten are there, also with none."""
    found = Counter(file.category for file in files)
    return {category: found[category] for category in Category}


def counted_of(categories: Mapping[Category, int], born_812: bool, thresholds: Thresholds) -> int:
    """The files that make the level."""
    if thresholds.count == "total":
        return sum(categories.values())
    counted = sum(number for category, number in categories.items() if category not in UNCOUNTED)
    return counted - (min(UNCOUNTED_812, categories[Category.PRE_KEY]) if born_812 else 0)


def bounds_of(thresholds: Thresholds) -> tuple[tuple[Level, int], ...]:
    """The lower bound of each level, lowest first."""
    named = (
        (Level.HEALTHY, thresholds.healthy),
        (Level.MONITOR, thresholds.monitor),
        (Level.WARNING, thresholds.warning),
        (Level.CRITICAL, thresholds.critical),
        (Level.DANGER, thresholds.danger),
        (Level.FATAL, thresholds.fatal),
    )
    return ((Level.EXCELLENT, 0), *named)


def level_of(counted: int, thresholds: Thresholds, previous: Level | None = None) -> Level:
    """The level of a count. Coming from `previous`, a level is left only `hysteresis` files below its bound."""
    level = Level.EXCELLENT
    for candidate, bound in bounds_of(thresholds):
        held = previous is not None and candidate.rank <= previous.rank
        if counted >= bound or (held and counted > bound - thresholds.hysteresis):
            level = candidate
    return level
