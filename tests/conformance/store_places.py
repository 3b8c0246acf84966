"""Where the stores of the suite keep a login, and how a gateway writes there: members of the family register here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from baileykeep.rules.naming import CREDS
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from baileykeep.stores.postgres.names import key_of
from baileykeep.stores.postgres.spec import Spec
from baileykeep.stores.postgres.store import PostgresStore
from tests.databases import ROW, fresh, pour, put, store_of, tables
from tests.unit.auth_folders import copy_of

MADE_AT = 1_700_000_000.0


class Place(Protocol):
    """One login as its gateway sees it, beside every store of ours."""

    def store(self) -> AuthStore:
        """A store of its own, as another process would have."""

    def put(self, name: str, data: bytes, mtime: float) -> None:
        """The gateway writes a file."""

    def drop(self, name: str) -> None:
        """The gateway removes a file."""


class Folder:
    """Files, as Baileys' own multi-file auth state writes them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def store(self) -> FileStore:
        return FileStore("c", self.folder)

    def put(self, name: str, data: bytes, mtime: float) -> None:
        (self.folder / name).write_bytes(data)
        os.utime(self.folder / name, (mtime, mtime))

    def drop(self, name: str) -> None:
        (self.folder / name).unlink()


class Rows:
    """Rows, as a gateway with a database of its own writes them."""

    def __init__(self, spec: Spec):
        self.spec = spec

    def store(self) -> PostgresStore:
        return store_of(self.spec)

    def put(self, name: str, data: bytes, mtime: float) -> None:
        self.drop(name)
        with tables(self.spec) as connection:
            put(connection, ROW, name, data.decode(), mtime)

    def drop(self, name: str) -> None:
        with tables(self.spec) as connection:
            if name == CREDS:
                connection.execute("DELETE FROM whatsapp_auth WHERE company_id = %s", (ROW,))
                return
            key = key_of(name)
            assert key is not None
            connection.execute(
                "DELETE FROM whatsapp_keys WHERE company_id = %s AND key_type = %s AND key_id = %s",
                (ROW, key.type, key.id),
            )


@contextmanager
def _folder(which: str, root: Path) -> Iterator[Place]:
    yield Folder(copy_of(which, root / "auth", days=40))


@contextmanager
def _rows(which: str, root: Path) -> Iterator[Place]:
    with fresh() as spec:
        pour(copy_of(which, root / "poured", days=40), spec)
        yield Rows(spec)


MEMBERS: Mapping[type[AuthStore], Callable[[str, Path], AbstractContextManager[Place]]] = {
    FileStore: _folder,
    PostgresStore: _rows,
}
"""How to make a place for each store, with a sample login that was last written 40 days ago."""
