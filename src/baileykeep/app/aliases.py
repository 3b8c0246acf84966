"""Contacts as the journal knows them. It must name whose sessions are broken, and must not hold anybody's number."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from baileykeep.fsys import Fsys, read_plain
from baileykeep.rules.masking import addresses_of, alias
from baileykeep.rules.naming import users_of

log = structlog.get_logger(__name__)

FILE = "contacts.key"
_BYTES = 32


class Aliases:
    """Names for session addresses, and the way back through the names of files in an auth folder."""

    def __init__(self, key: bytes):
        self._key = key

    @classmethod
    def kept_in(cls, folder: Path) -> Aliases:
        """With the key in this folder, made when it is not there. Where it cannot be kept, names die with us."""
        try:
            return cls(_kept(folder))
        except OSError as error:
            log.warning("contacts_key_not_kept", path=str(folder / FILE), cause=error.strerror or str(error))
            return cls(secrets.token_bytes(_BYTES))

    def of(self, address: str) -> str:
        """An address's name."""
        return alias(address, self._key)

    def real(self, aliases: Sequence[str], files: Iterable[str]) -> tuple[str, ...]:
        """The addresses behind names, as far as a folder with these files knows their users."""
        return addresses_of(aliases, users_of(files), self._key)


def _kept(folder: Path) -> bytes:
    try:
        key, _ = read_plain(folder / FILE, _BYTES + 1)
    except FileNotFoundError:
        key = b""
    if len(key) == _BYTES:
        return key
    key, fsys = secrets.token_bytes(_BYTES), Fsys()
    with fsys.folder(Path(os.path.realpath(folder))) as opened:
        fsys.write(opened, FILE, key, mode=0o600)
    return key
