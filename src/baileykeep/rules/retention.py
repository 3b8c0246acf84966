"""Which copies of a company's auth folder are no longer kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.limits import HOUR, BackupLimits

BEFORE_CHANGE = frozenset({BackupKind.COLD, BackupKind.MANUAL})
PERIODIC = frozenset({BackupKind.HOT})
SET_ASIDE = frozenset({BackupKind.ASIDE})
_CLOCK_SLACK_S = HOUR


def evictions(
    backups: Sequence[Backup], limits: BackupLimits, now: float, protected: Collection[str] = ()
) -> tuple[str, ...]:
    """The names to evict, oldest first. At least one of each kind stays whatever the limits say.

    The newest paired backup never goes. Set-asides of whole folders and of named files are counted apart, and what
    was cleared in the middle of a pairing, or never was paired, pushes out no login that was. A copy dated after
    `now` was made under a wrong clock: it counts as the oldest, so that it cannot push out true ones, and where it
    is the newest paired one it stays too.
    `protected` names stay: those that a begun action still needs.
    """
    kept = set(protected) | newest_paired(backups, now)
    gone: list[Backup] = []
    asides = by_age((backup for backup in backups if backup.kind in SET_ASIDE), now)
    for ranked, keep in (
        (by_age((b for b in backups if b.kind in BEFORE_CHANGE), now), limits.keep_before_change),
        (by_age((b for b in backups if b.kind in PERIODIC), now), limits.keep_periodic),
        (sorted((b for b in asides if b.whole), key=lambda b: b.cleared or not b.paired), limits.keep_set_aside),
        ([b for b in asides if not b.whole], limits.keep_set_aside),
    ):
        gone += [backup for backup in ranked[max(1, keep) :] if backup.name not in kept]
    return tuple(backup.name for backup in reversed(by_age(gone, now)))


def by_age(backups: Iterable[Backup], now: float) -> list[Backup]:
    """Newest first; those from the future last."""
    return sorted(backups, key=lambda backup: _rank(backup, now), reverse=True)


def _rank(backup: Backup, now: float) -> tuple[bool, float, str]:
    return backup.created_at <= now + _CLOCK_SLACK_S, backup.created_at, backup.name


def newest_paired(backups: Sequence[Backup], now: float) -> set[str]:
    """Names that never go: the newest paired login, and the one that says so under whatever clock it was made."""
    paired = [b for b in backups if b.paired and b.kind not in SET_ASIDE and not b.cleared]
    if not paired:
        return set()
    latest = max(paired, key=lambda backup: (backup.created_at, backup.name))
    return {by_age(paired, now)[0].name, latest.name}
