"""Where a gateway keeps its companies' logins. Folders of files now; a database can follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from baileykeep.model.inventory import Creds, Listing


class AuthStore(Protocol):
    """One company's auth state. Synchronous: callers move it to a worker thread.

    Methods raise `model.errors.StoreError`. Writes keep owner, group and mode of what was there.
    """

    company: str

    def exists(self) -> bool:
        """Whether the company's state is there at all."""

    def listing(self) -> Listing:
        """All regular files, classified; anything else in the folder is category OTHER."""

    def read(self, name: str) -> bytes:
        """One file's bytes."""

    def read_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Several files' bytes; a name that vanished is left out."""

    def creds(self) -> Creds:
        """The facts of the creds; a torn read shows as TORN and is the caller's to repeat."""

    def lid_of(self, phone: str) -> str | None:
        """The LID user that `lid-mapping-<phone>` names, for finding the twin of a session."""

    def check_writable(self) -> None:
        """Raise `Refused` when owner, group and mode could not be kept: asked before anything is stopped."""

    def write(self, name: str, data: bytes) -> None:
        """Put one file in place atomically, with owner, group and mode of what was there (or of the folder)."""

    def remove(self, name: str) -> None:
        """Remove one file."""

    def last_write(self) -> float | None:
        """The newest mtime in the folder, epoch seconds; None when it is empty."""
