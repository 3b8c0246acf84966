"""Copies of auth folders, as data: what was kept, when, and what it may be used for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BackupKind(StrEnum):
    """COLD: taken while the session was proved stopped. HOT: periodic, of a running session. MANUAL: by hand,
    the session's state unknown. ASIDE: the only copy of files that were moved out of the folder."""

    COLD = "cold"
    HOT = "hot"
    MANUAL = "manual"
    ASIDE = "aside"


CLEARED_FOR = "pairing"
"""The reason of copies of what was cleared in the middle of a pairing: another phone's login, or a half one."""


class RestoreMode(StrEnum):
    """IDENTITY leaves ratchets alone (sessions, sender keys); FULL puts everything back."""

    IDENTITY = "identity"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class BackedFile:
    """One file of a backup; `mtime` in epoch seconds."""

    name: str
    size: int
    sha256: str
    mtime: float


@dataclass(frozen=True, slots=True)
class Backup:
    """One archive. `files` and `bytes` count what is inside, `sha256` is of the archive itself.

    `sha256` is empty where the archive was only looked up, not re-read. `phone` is masked. `token` is that of
    the listing it was made from. `whole` is false for set-asides of named files; `reason` says why it was made.
    """

    name: str
    company: str
    kind: BackupKind
    created_at: float
    paired: bool
    identity: str | None
    phone: str | None
    files: int
    bytes: int
    token: str
    sha256: str = ""
    whole: bool = True
    reason: str = ""

    @property
    def cleared(self) -> bool:
        """Whether it holds what was cleared in the middle of a pairing: never a login to go back to by itself."""
        return self.reason.rpartition(": ")[2] == CLEARED_FOR


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore did. `replaced` names the backup of what lay there before; None when nothing did."""

    backup: str
    written: tuple[str, ...]
    replaced: str | None
    next_pre_key_id: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GoodCreds:
    """The last-good copy of `creds.json` by its facts; the bytes stay in the vault. `taken_at` in epoch seconds.

    `qr` and `relink` say what happened since, so that only a human may put it back: it is kept beside the copy,
    because who guards a gateway's start may have nobody to ask.
    """

    identity: str
    phone: str | None
    taken_at: float
    qr: bool = False
    relink: bool = False
