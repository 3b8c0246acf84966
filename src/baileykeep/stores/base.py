"""Where a gateway keeps its companies' logins. Folders of files now; a database can follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from baileykeep.model.inventory import Creds, FileEntry, Listing


class AuthStore(Protocol):
    """One company's auth state. Synchronous: callers move it to a worker thread.

    Methods raise `model.errors.StoreError`. Writes keep owner, group and mode of what was there.
    """

    company: str

    @property
    def place(self) -> str:
        """Where it lies, for people; without a secret."""

    def exists(self) -> bool:
        """Whether the company's state is there at all."""

    def make(self) -> None:
        """Make an empty place for a login where there is none (some gateways remove it all on a 401); else nothing."""

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

    def phone_of(self, lid: str) -> str | None:
        """The phone that `lid-mapping-<lid>_reverse` names: the other way round."""

    def check_writable(self) -> None:
        """Raise `Refused` when owner, group and mode could not be kept: asked before anything is stopped."""

    def alone(self) -> AbstractContextManager[None]:
        """Bar other processes from changing it meanwhile, wherever they keep their copies. Raises `Refused`."""

    def write(self, name: str, data: bytes, *, mtime: float | None = None, mode: int | None = None) -> None:
        """Put one file in place atomically, with owner, group and mode of what was there (or of its siblings).

        `mode` is used only where there is nothing to take it from.
        """

    def remove(self, name: str) -> None:
        """Remove one file."""

    def remove_unchanged(self, files: Sequence[FileEntry]) -> None:
        """Remove listed files in this order; stop with `StoreError` (code `changed`) at one that was written since."""

    def file_mode(self) -> int:
        """The permission bits that files here have; 0600 where there are none to look at."""

    def together(self) -> AbstractContextManager[None]:
        """Where the place can do that, everything that is changed inside happens at once, or not at all."""

    def normal(self, contents: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The bytes that these files would be read as once they were written: a database keeps values, not bytes."""

    def sweep(self) -> None:
        """Remove our own unfinished writes that a crash left behind; only under the company's lock."""

    def last_write(self) -> float | None:
        """The newest mtime in the folder, epoch seconds; None when it is empty."""
