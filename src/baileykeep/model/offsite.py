"""Copies that left this host, as data: sealed for somebody else's key, and known again by their hashes."""

from __future__ import annotations

from dataclasses import dataclass

from baileykeep.model.backup import Backup, BackupKind


@dataclass(frozen=True, slots=True)
class FarCopy:
    """One copy off this host. `sha256` and `bytes` are of the archive, `sealed_…` of what was sent.

    `cleared` as in `Backup`: it is no login to go back to by itself. It holds nothing that is secret.
    """

    name: str
    company: str
    kind: BackupKind
    created_at: float
    paired: bool
    whole: bool
    cleared: bool
    sha256: str
    bytes: int
    sealed_sha256: str
    sealed_bytes: int


@dataclass(frozen=True, slots=True)
class Sent:
    """One that was read back as it was sent. `ours` is false for one that was found there: it is never removed."""

    copy: FarCopy
    sent_at: float
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Away:
    """What one company has off this host, as its ledger tells. Times are epoch seconds, None where there is nothing.

    `newest_at` is of the newest paired login there; `waiting` counts copies that should be there and are not, and
    `waiting_since` is when the oldest of them was made.
    """

    newest_at: float | None = None
    waiting: int = 0
    waiting_since: float | None = None


def as_backup(copy: FarCopy) -> Backup:
    """The same as the rules of retention know copies."""
    return Backup(
        name=copy.name,
        company=copy.company,
        kind=copy.kind,
        created_at=copy.created_at,
        paired=copy.paired and not copy.cleared,
        identity=None,
        phone=None,
        files=0,
        bytes=copy.bytes,
        token="",
        sha256=copy.sha256,
        whole=copy.whole,
    )
