"""What lies in one company's auth folder, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Category(StrEnum):
    """The kinds of files that Baileys' multi-file auth state writes."""

    CREDS = "creds"
    APP_STATE = "app_state"
    SESSION = "session"
    SENDER_KEY = "sender_key"
    PRE_KEY = "pre_key"
    LID_MAPPING = "lid_mapping"
    DEVICE_LIST = "device_list"
    TCTOKEN = "tctoken"
    IDENTITY_KEY = "identity_key"
    OTHER = "other"


NEVER_CLEANED = frozenset(Category) - {Category.SESSION, Category.SENDER_KEY, Category.PRE_KEY}
"""Nothing of these categories is ever removed by a cleanup."""


class Level(StrEnum):
    """How full a folder is, by its counted files; the bounds are limits."""

    EXCELLENT = "excellent"
    HEALTHY = "healthy"
    MONITOR = "monitor"
    WARNING = "warning"
    CRITICAL = "critical"
    DANGER = "danger"
    FATAL = "fatal"

    @property
    def rank(self) -> int:
        """0 for excellent … 6 for fatal, for comparisons."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a listing: its name inside the folder, size in bytes, and mtime in epoch seconds.

    `expires_at` is when its gateway gives it up by itself; folders know no such time.
    """

    name: str
    category: Category
    size: int
    mtime: float
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The regular files of one auth folder at one moment, sorted by name.

    `token` changes whenever a name, size or mtime does: a plan made from a listing is void when it differs.
    """

    files: tuple[FileEntry, ...]
    token: str


class CredsState(StrEnum):
    """What `creds.json` looks like on disk, after torn reads were read again."""

    WHOLE = "whole"
    MISSING = "missing"
    EMPTY = "empty"
    ZEROED = "zeroed"
    TORN = "torn"
    UNREADABLE = "unreadable"


TELL_OF_LOGIN = frozenset({CredsState.WHOLE, CredsState.MISSING})
"""Creds in any other state do not tell whether the login is paired."""


@dataclass(frozen=True, slots=True)
class Creds:
    """The few facts of `creds.json` that decisions need; never the keys.

    `identity` is a short hash of the signed identity public key: equal means the same login.
    `phone` is full digits (mask it before showing). Paired means `account` present and a `me.id` with a device.
    `lid` and `device` are our own LID user and device number: they name our own sender keys.
    """

    state: CredsState
    paired: bool = False
    half_paired: bool = False
    phone: str | None = None
    identity: str | None = None
    next_pre_key_id: int | None = None
    first_unuploaded_pre_key_id: int | None = None
    lid: str | None = None
    device: int | None = None


@dataclass(frozen=True, slots=True)
class PreKeys:
    """The pre-keys of a folder. `pool_bound` is how many of the newest the server may still hand out."""

    count: int
    newest: int | None
    next_id: int | None
    pool_bound: int
    anomalies: tuple[str, ...] = ()
    born_812: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """One company's files, counted. `counted` excludes what a healthy 7.x folder cannot help having.

    `reclaimable` is what a cleanup now would remove, `counted_after` what would still count after it.
    """

    total: int
    counted: int
    level: Level
    reclaimable: int
    creds: Creds
    categories: Mapping[Category, int]
    pre_keys: PreKeys
    newest_mtime: float | None = None
    bytes: int = 0
    counted_after: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """One line of a cleanup plan. `age_days` is how long the file has not been written."""

    name: str
    category: Category
    age_days: float
    reason: str


@dataclass(frozen=True, slots=True)
class CleanupPlan:
    """What a cleanup would remove, made from exactly one listing (`token`)."""

    remove: tuple[Removal, ...]
    kept: Mapping[Category, int]
    counted_after: int
    level_before: Level
    level_after: Level
    token: str
    notes: tuple[str, ...] = field(default=())

    @property
    def reclaimable(self) -> int:
        """How many files the plan removes."""
        return len(self.remove)
