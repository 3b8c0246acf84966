"""What a maintenance window is there for while all is well: a folder that grew is cleaned before it does harm.

Its level asks for it (monitor or warning), or stale-session lines in the log, which queue the next window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from baileykeep.model.incident import IN_VAIN, Attempt, Cause, Incident, Outcome, Rung
from baileykeep.model.inventory import Level
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity
from baileykeep.rules.counting import bounds_of, level_of
from baileykeep.rules.view import CompanyView, Finding

BY_LEVEL = frozenset({Level.MONITOR, Level.WARNING})
"""Levels that a window brings down; what is graver has a story of its own, whatever the hour."""


def wanted(view: CompanyView, history: Sequence[Attempt], limits: Limits, now: float) -> Finding | None:
    """The finding that a window is open for; None where a cleanup would not help, or was made lately."""
    seen = view.inventory
    if seen is None or not view.up or view.unknown or seen.pre_keys.anomalies:
        return None
    if now - last_cleanup(history) < limits.cleanup.window_cooldown_s:
        return None
    bound = target(view, history, limits)
    if bound is None or not seen.reclaimable or not seen.counted_after < bound <= seen.counted:
        return None
    return Finding(Cause.FILES_PLANNED, Severity.INFO, {"counted": seen.counted, "left": seen.counted_after})


def target(view: CompanyView, history: Iterable[Attempt], limits: Limits) -> int | None:
    """The count that a planned cleanup must get below; None where nothing asks for one.

    Stale sessions ask for whatever may go, but not from a folder that is nearly empty; a level asks to be left.
    """
    if view.inventory is None:
        return None
    counted, thresholds = view.inventory.counted, limits.thresholds
    if view.stale_at is not None and view.stale_at > last_cleanup(history):
        return max(counted, thresholds.healthy)
    level = level_of(counted, thresholds)
    left_at = dict(bounds_of(thresholds))[level] - thresholds.hysteresis
    return left_at + 1 if level in BY_LEVEL else None


def left_down(before: Incident | None, view: CompanyView) -> bool:
    """Whether the session did not come back from a planned cleanup: then its story is not over."""
    last = before.attempts[-1] if before is not None and before.attempts else None
    return last is not None and last.outcome in IN_VAIN and not last.untouched and not view.up


def last_cleanup(history: Iterable[Attempt]) -> float:
    """When the last one that was really begun did so; minus infinity when there was none."""
    over = (a for a in history if a.rung is Rung.CLEANUP and a.outcome not in (None, Outcome.SUPERSEDED))
    return max((a.begun_at for a in over if not _never_began(a)), default=float("-inf"))


def _never_began(attempt: Attempt) -> bool:
    """What a human asked for may be refused before its first step."""
    return attempt.untouched or (attempt.outcome is Outcome.REFUSED and attempt.operator is not None)
