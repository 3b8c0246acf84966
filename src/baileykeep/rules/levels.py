"""How full a folder is: what counts, which level that makes, and when it will reach the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from baileykeep.model.facts import Fact, FilesSeen
from baileykeep.model.inventory import Creds, Inventory, Level, Listing
from baileykeep.model.limits import Limits, Thresholds
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind
from baileykeep.rules import cleanup
from baileykeep.rules.counting import bounds_of, categories_of, counted_of, level_of
from baileykeep.rules.forecast import ForecastState, forecast
from baileykeep.rules.pre_keys import PoolKnowledge, pre_keys_of

__all__ = ["FilesState", "bounds_of", "categories_of", "counted_of", "inventory", "level_of", "step"]

_SEVERITY: Mapping[Level, Severity] = {
    Level.MONITOR: Severity.INFO,
    Level.WARNING: Severity.WARNING,
    Level.CRITICAL: Severity.CRITICAL,
    Level.DANGER: Severity.EMERGENCY,
    Level.FATAL: Severity.EMERGENCY,
}
_DRIFT = 5
"""A count that moved by so many files is worth telling again."""


def inventory(
    listing: Listing,
    creds: Creds,
    pool: PoolKnowledge,
    limits: Limits,
    now: float,
    *,
    reference: float | None = None,
    baileys: str | None = None,
    previous: Level | None = None,
) -> Inventory:
    """One folder, counted. `reference` (last time seen connected) and `baileys` are as in `cleanup.plan`."""
    categories = categories_of(listing.files)
    pre_keys = pre_keys_of(listing.files, creds, pool, baileys)
    counted = counted_of(categories, pre_keys.born_812, limits.thresholds)
    found = cleanup.as_configured(
        listing, creds, pre_keys, limits, now=now, reference=reference, low_seen=pool.low_seen
    )
    return Inventory(
        total=len(listing.files),
        counted=counted,
        level=level_of(counted, limits.thresholds, previous),
        reclaimable=len(found.remove),
        creds=creds,
        categories=categories,
        pre_keys=pre_keys,
        newest_mtime=max((file.mtime for file in listing.files), default=None),
        bytes=sum(file.size for file in listing.files),
        counted_after=counted_of(found.kept_of(listing), pre_keys.born_812, limits.thresholds),
    )


@dataclass(frozen=True, slots=True)
class FilesState:
    """What was last said of a folder. `told_*` are the figures of the last symptom, None when none is active."""

    level: Level = Level.EXCELLENT
    told_level: Level | None = None
    told_counted: int = 0
    told_reclaimable: int = 0
    told_enough: bool = False
    forecast: ForecastState = field(default_factory=ForecastState)


def step(
    state: FilesState, subject: Subject, fact: Fact, now: float, limits: Limits
) -> tuple[FilesState, tuple[Symptom, ...]]:
    """Levels with hysteresis and the growth forecast, from each full listing."""
    if not isinstance(fact, FilesSeen):
        return state, ()
    seen = fact.inventory
    state, files = _level_step(state, subject, seen, now, limits.thresholds)
    watched = tuple(bound for level, bound in bounds_of(limits.thresholds) if level.rank >= Level.WARNING.rank)
    ahead, growth = forecast(state.forecast, subject, seen.counted, watched, now)
    return replace(state, forecast=ahead), (*files, *growth)


def _level_step(
    state: FilesState, subject: Subject, seen: Inventory, now: float, thresholds: Thresholds
) -> tuple[FilesState, tuple[Symptom, ...]]:
    previous, level = state.level, level_of(seen.counted, thresholds, state.level)
    state = replace(state, level=level)
    if level not in _SEVERITY:
        if state.told_level is None:
            return state, ()
        over = Symptom(subject, SymptomKind.FILES, now, False, Severity.INFO, _detail(seen, level, previous, True))
        return replace(state, told_level=None), (over,)
    bound = dict(bounds_of(thresholds))[level]
    enough = seen.reclaimable > 0 and seen.counted_after < bound
    if not _worth_telling(state, seen, level, enough):
        return state, ()
    told = replace(
        state,
        told_level=level,
        told_counted=seen.counted,
        told_reclaimable=seen.reclaimable,
        told_enough=enough,
    )
    detail = _detail(seen, level, previous, enough)
    return told, (Symptom(subject, SymptomKind.FILES, now, True, _SEVERITY[level], detail),)


def _worth_telling(state: FilesState, seen: Inventory, level: Level, enough: bool) -> bool:
    return (
        level is not state.told_level
        or enough is not state.told_enough
        or bool(seen.reclaimable) is not bool(state.told_reclaimable)
        or abs(seen.counted - state.told_counted) >= _DRIFT
    )


def _detail(seen: Inventory, level: Level, previous: Level, enough: bool) -> Detail:
    return {
        "counted": seen.counted,
        "total": seen.total,
        "level": level.value,
        "previous": previous.value,
        "reclaimable": seen.reclaimable,
        "enough": enough,
    }
