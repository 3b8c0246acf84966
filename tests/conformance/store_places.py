"""Where the stores of the suite keep a login, and how a gateway writes there: members of the family register here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from psycopg import sql

from baileykeep.rules.naming import CREDS
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from baileykeep.stores.postgres.names import Key, name_of
from baileykeep.stores.postgres.spec import Spec
from baileykeep.stores.postgres.store import PostgresStore
from tests.databases import ROW, drop, fresh, pour, put, store_of, tables
from tests.unit.auth_folders import contents, copy_of
from tests.unit.rules.folders import NOW


class Place(Protocol):
    """One login as its gateway sees it, beside every store of ours."""

    def store(self) -> AuthStore:
        """A store of its own, as another process would have."""

    def put(self, name: str, data: bytes, mtime: float = NOW) -> None:
        """The gateway writes a file."""

    def drop(self, name: str) -> None:
        """The gateway removes a file."""

    def wipe(self) -> None:
        """The gateway removes the login, as some do when WhatsApp ends it."""

    def contents(self) -> dict[str, bytes]:
        """Every file's bytes, read past our store."""


class Folder:
    """Files, as Baileys' own multi-file auth state writes them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def store(self) -> FileStore:
        return FileStore("c", self.folder)

    def put(self, name: str, data: bytes, mtime: float = NOW) -> None:
        (self.folder / name).write_bytes(data)
        os.utime(self.folder / name, (mtime, mtime))

    def drop(self, name: str) -> None:
        (self.folder / name).unlink()

    def wipe(self) -> None:
        shutil.rmtree(self.folder)

    def contents(self) -> dict[str, bytes]:
        return contents(self.folder)


class Rows:
    """Rows, as a gateway with a database of its own writes them."""

    def __init__(self, spec: Spec):
        self.spec = spec

    def store(self) -> PostgresStore:
        return store_of(self.spec)

    def put(self, name: str, data: bytes, mtime: float = NOW) -> None:
        self.drop(name)
        with tables(self.spec) as connection:
            put(connection, ROW, name, data.decode(), mtime)

    def drop(self, name: str) -> None:
        with tables(self.spec) as connection:
            drop(connection, ROW, name)

    def wipe(self) -> None:
        with tables(self.spec) as connection:
            for table in ("whatsapp_auth", "whatsapp_keys"):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def contents(self) -> dict[str, bytes]:
        with tables(self.spec) as connection:
            creds = connection.execute("SELECT creds::text FROM whatsapp_auth").fetchall()
            keys = connection.execute("SELECT key_type, key_id, value::text FROM whatsapp_keys").fetchall()
        texts = [(CREDS, *creds[0])] if creds else []
        texts += [(name_of(Key(kind, ident)), text) for kind, ident, text in keys]
        return {name: text.encode() for name, text in texts}


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


@pytest.fixture(params=[pytest.param(kind, id=kind.__name__) for kind in MEMBERS])
def member(request: pytest.FixtureRequest) -> type[AuthStore]:
    """Each store of the family."""
    found: type[AuthStore] = request.param
    return found


@pytest.fixture
def place(member: type[AuthStore], tmp_path: Path) -> Iterator[Place]:
    """The smaller sample, for all that does not depend on it."""
    with MEMBERS[member]("auth-6", tmp_path) as made:
        yield made


LARGE = pytest.param("auth-7", marks=pytest.mark.slow)


@pytest.fixture(params=["auth-6", LARGE])
def each(member: type[AuthStore], request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A login of the older and of the newer Baileys."""
    with MEMBERS[member](request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=[LARGE])
def newer(member: type[AuthStore], request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The larger sample alone."""
    with MEMBERS[member](request.param, tmp_path) as made:
        yield made
