"""Which copies are to leave this host, which may go on the far side, and when somebody must hear of those that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from baileykeep.model.backup import Backup
from baileykeep.model.offsite import FarCopy, Sent, as_backup
from baileykeep.rules.retention import SET_ASIDE, by_age, newest_paired


def to_send(here: Sequence[Backup], there: Iterable[FarCopy], keep: int | None, now: float) -> tuple[str, ...]:
    """Names of copies to send, the newest paired login first and then by age, newest first.

    What the far side would let go of at once is not sent. `keep` as in `to_let_go`.
    """
    away = {copy.name: as_backup(copy) for copy in there}
    missing = [backup for backup in here if backup.name not in away]
    kept = _kept([*away.values(), *missing], keep, now)
    first = newest_paired(missing, now)
    wanted = [backup for backup in by_age(missing, now) if backup.name in kept]
    return tuple(backup.name for backup in sorted(wanted, key=lambda backup: backup.name not in first))


def to_let_go(there: Iterable[Sent], keep: int | None, now: float) -> tuple[str, ...]:
    """Names on the far side to let go, oldest first; with `keep` None nothing ever goes.

    The `keep` newest logins stay, as many of either sort of set-asides, and the newest paired login anyhow. `there`
    holds only what was just seen there: what is gone or altered keeps nothing else from staying. What was found there
    and not sent by us counts, and never goes.
    """
    found = list(there)
    kept = _kept([as_backup(sent.copy) for sent in found], keep, now)
    gone = [as_backup(sent.copy) for sent in found if sent.ours and sent.copy.name not in kept]
    return tuple(backup.name for backup in reversed(by_age(gone, now)))


def anchors(there: Iterable[Sent], now: float) -> tuple[str, ...]:
    """Names that must be read again, and be whole, before any other goes: the newest paired and one of each sort."""
    copies = [as_backup(sent.copy) for sent in there]
    newest = {backup.name for ranked in _ranked(copies, now) for backup in ranked[:1]}
    return tuple(sorted(newest | newest_paired(copies, now)))


def _kept(copies: Sequence[Backup], keep: int | None, now: float) -> set[str]:
    if keep is None:
        return {backup.name for backup in copies}
    most = max(1, keep)
    return {backup.name for ranked in _ranked(copies, now) for backup in ranked[:most]} | newest_paired(copies, now)


def _ranked(copies: Sequence[Backup], now: float) -> tuple[list[Backup], ...]:
    """Logins, whole folders that were set aside, and session files that were: each newest first, counted apart.

    A whole folder that never was paired pushes out none that was.
    """
    ordered = by_age(copies, now)
    asides = [backup for backup in ordered if backup.kind in SET_ASIDE]
    return (
        [backup for backup in ordered if backup.kind not in SET_ASIDE],
        sorted((backup for backup in asides if backup.whole), key=lambda backup: not backup.paired),
        [backup for backup in asides if not backup.whole],
    )


@dataclass(frozen=True, slots=True)
class Late:
    """So many companies' copies did not leave this host in time; the oldest of them is so old."""

    companies: int
    for_s: float


def late(waiting_since: Mapping[str, float], now: float, after_s: float) -> Late | None:
    """Whether a human must hear of it: by company since when its oldest copy waits."""
    ages = [now - since for since in waiting_since.values() if now - since >= after_s]
    return Late(len(ages), max(ages)) if ages else None
