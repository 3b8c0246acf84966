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

    The newest paired backup never goes. A copy dated after `now` was made under a wrong clock: it counts as the
    oldest, so that it cannot push out true ones, and where it is the newest paired one it stays too.
    `protected` names stay: those that a begun action still needs.
    """
    kept = set(protected) | _newest_paired(backups, now)
    gone: list[Backup] = []
    for kinds, keep in (
        (BEFORE_CHANGE, limits.keep_before_change),
        (PERIODIC, limits.keep_periodic),
        (SET_ASIDE, limits.keep_set_aside),
    ):
        ranked = by_age((backup for backup in backups if backup.kind in kinds), now)
        gone += [backup for backup in ranked[max(1, keep) :] if backup.name not in kept]
    return tuple(backup.name for backup in reversed(by_age(gone, now)))


def by_age(backups: Iterable[Backup], now: float) -> list[Backup]:
    """Newest first; those from the future last."""
    return sorted(backups, key=lambda backup: _rank(backup, now), reverse=True)


def _rank(backup: Backup, now: float) -> tuple[bool, float, str]:
    return backup.created_at <= now + _CLOCK_SLACK_S, backup.created_at, backup.name


def _newest_paired(backups: Sequence[Backup], now: float) -> set[str]:
    paired = [backup for backup in backups if backup.paired and backup.kind not in SET_ASIDE]
    if not paired:
        return set()
    latest = max(paired, key=lambda backup: (backup.created_at, backup.name))
    return {by_age(paired, now)[0].name, latest.name}
