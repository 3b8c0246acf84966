"""When a volume is low on bytes or inodes. A full disk zeroes creds, so this is critical while it is still early."""

from __future__ import annotations

from dataclasses import dataclass

from baileykeep.model.facts import DiskSeen, Fact
from baileykeep.model.limits import DiskLimits, Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind

MB = 1_000_000

LEAVE_FACTOR = 1.2
"""A volume stops being low at this multiple of each limit, so that it does not flicker around one."""

FORGET_POLLS = 5
"""A volume not measured for so many polls is gone (unmounted, or nothing of ours is on it any more)."""


@dataclass(frozen=True, slots=True)
class LowVolume:
    """One volume that is low. Shares are of the total, 0 to 1."""

    path: str
    seen_at: Moment
    free_mb: int
    free_share: float
    inodes_free: int | None
    inodes_share: float | None


@dataclass(frozen=True, slots=True)
class State:
    """The low volumes, by path."""

    low: tuple[LowVolume, ...] = ()


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """One host-wide symptom that names the fullest volume; told again when the set of low volumes changes."""
    kept = tuple(v for v in state.low if now - v.seen_at <= FORGET_POLLS * limits.poll.disk_s)
    if isinstance(fact, DiskSeen):
        was_low = any(v.path == fact.path for v in kept)
        kept = tuple(v for v in kept if v.path != fact.path)
        if _is_low(fact, limits.disk, LEAVE_FACTOR if was_low else 1.0):
            kept = tuple(sorted((*kept, _volume(fact)), key=lambda v: v.path))
    after = State(kept)
    if _paths(after) == _paths(state):
        return after, ()
    return after, (_symptom(after, subject, now),)


def _is_low(seen: DiskSeen, limits: DiskLimits, factor: float) -> bool:
    """Below any of the limits. A file system that tells no sizes is never low on bytes."""
    few_bytes = seen.bytes_total > 0 and seen.bytes_free < limits.min_free_mb * MB * factor
    small_share = _share(seen.bytes_free, seen.bytes_total) < limits.min_free_ratio * factor
    inodes = _inodes_share(seen)
    return few_bytes or small_share or (inodes is not None and inodes < limits.min_free_ratio * factor)


def _share(free: int, total: int) -> float:
    return free / total if total else 1.0


def _inodes_share(seen: DiskSeen) -> float | None:
    if seen.inodes_free is None or not seen.inodes_total:
        return None
    return _share(seen.inodes_free, seen.inodes_total)


def _volume(seen: DiskSeen) -> LowVolume:
    return LowVolume(
        path=seen.path,
        seen_at=seen.at,
        free_mb=seen.bytes_free // MB,
        free_share=_share(seen.bytes_free, seen.bytes_total),
        inodes_free=seen.inodes_free,
        inodes_share=_inodes_share(seen),
    )


def _paths(state: State) -> tuple[str, ...]:
    return tuple(v.path for v in state.low)


def _symptom(state: State, subject: Subject, now: float) -> Symptom:
    return Symptom(
        subject=subject,
        kind=SymptomKind.DISK_LOW,
        at=now,
        active=bool(state.low),
        severity=Severity.CRITICAL,
        detail=_detail(state.low) if state.low else {},
    )


def _detail(low: tuple[LowVolume, ...]) -> Detail:
    fullest = min(low, key=lambda v: min(v.free_share, v.inodes_share if v.inodes_share is not None else 1.0))
    return {
        "path": fullest.path,
        "free_mb": fullest.free_mb,
        "free_percent": round(100 * fullest.free_share, 1),
        "inodes_free": fullest.inodes_free,
        "inodes_free_percent": None if fullest.inodes_share is None else round(100 * fullest.inodes_share, 1),
        "paths": tuple(v.path for v in low),
    }
