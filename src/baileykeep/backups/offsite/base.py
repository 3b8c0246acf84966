"""A place off this host where sealed copies lie, each company's in a folder of its own.

`<company's folder>/<backup>.tar.zst.age` is a copy, `<backup>.json` beside it says what it is. A copy counts only with
its entry, which is written last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from baileykeep.backups.archive import MAX_ARCHIVE_BYTES
from baileykeep.backups.shelf import SUFFIX, is_name
from baileykeep.model.errors import OffsiteError

SEALED = f"{SUFFIX}.age"
ENTRY = ".json"
MAX_ENTRY_BYTES = 4096
MAX_SEALED_BYTES = MAX_ARCHIVE_BYTES + (1 << 20)

TAKEN = "taken"
DIFFERS = "differs"
"""Codes of `OffsiteError`: something else lies under this name; what was read is not what was sent."""


class Target(Protocol):
    """Synchronous and safe to use from any one thread. Raises `OffsiteError`, never with a secret in it.

    A name is there with all of its bytes or not at all, whenever whoever writes it dies.
    """

    kind: str

    @property
    def where(self) -> str:
        """The place in words for people, without secrets."""

    def folders(self) -> list[str]:
        """Folders that are there, sorted."""

    def names(self, folder: str) -> Mapping[str, int]:
        """All files of a folder by name, with their sizes; of one that is not there, none."""

    def put_new(self, folder: str, name: str, data: bytes) -> None:
        """Put a file in place; raises `OffsiteError` with code `taken` where the name is there already."""

    def get(self, folder: str, name: str, limit: int) -> bytes | None:
        """A file's bytes from the place itself; None when it is not there. More than `limit` bytes are an error."""

    def remove(self, folder: str, name: str) -> None:
        """Remove a file for good; one that is not there is fine."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where copies go, as configured. `key_id` and `secret` are for S3; with neither the machine's own role is used.

    `timeout_s` bounds each request.
    """

    to: str
    endpoint: str | None = None
    region: str = "us-east-1"
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    allow_http: bool = False
    same_disk: bool = False
    timeout_s: float = 60.0


def sealed_name(name: str) -> str:
    """A copy's file name on the far side."""
    return name + SEALED


def entry_name(name: str) -> str:
    """The file name of what says what it is."""
    return name + ENTRY


def copies_in(names: Mapping[str, int]) -> list[str]:
    """Backup names whose copy and entry both are there, newest first by name; anything else is none of ours."""
    stems = [name.removesuffix(SEALED) for name in names if name.endswith(SEALED)]
    return sorted((s for s in stems if is_name(s) and entry_name(s) in names), reverse=True)


def taken(name: str) -> OffsiteError:
    """Something lies under a name that was to be new."""
    return OffsiteError(
        f"something else lies on the far side as {name}",
        next_step="find out who put it there; once it is moved away the copy is sent again",
        code=TAKEN,
    )


def too_large(name: str) -> OffsiteError:
    """More bytes than such a file can have."""
    return OffsiteError(f"{name} on the far side is larger than any copy of ours", code=DIFFERS, permanent=True)
