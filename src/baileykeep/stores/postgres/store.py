"""One company's rows as a folder of files, under the same rules."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from baileykeep.model.errors import Refused, StoreError
from baileykeep.model.inventory import Category, Creds, CredsState, FileEntry, Listing
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.masking import mask_name
from baileykeep.rules.naming import CREDS, category_of
from baileykeep.stores import mappings
from baileykeep.stores.postgres.database import Database, told
from baileykeep.stores.postgres.names import Key, key_of, name_of
from baileykeep.stores.postgres.statements import Statements

MAX_VALUE_BYTES = 4 * 1024 * 1024
"""Baileys' values have kilobytes; anything larger is a stranger and is not read."""

CLOCKS_APART_S = 3600.0
"""Ages come from the database's times: with clocks further apart than this nothing may be changed."""

FILE_MODE = 0o600
_MICROS = 1_000_000
_NORMAL = "SELECT given::jsonb::text FROM unnest(%s::text[]) WITH ORDINALITY AS t (given, place) ORDER BY place"
_Connection = psycopg.Connection[Any]


class PostgresStore:
    """Implements `AuthStore`. `row` is the company's id in the tables, exactly.

    Where no row of the company was ever seen updated (`updated_at` after `created_at`) nothing proves that the
    gateway keeps `updated_at`, so every age is unknown, which counts as none. A row is written only when all of its
    change is: inside `together` that is everything.
    """

    def __init__(self, company: str, row: str, database: Database):
        self.company = company
        self.row = row
        self._database = database
        self._sql = Statements(database.spec)
        self._keys: dict[str, Key] = {}
        self._stamps: dict[str, str] = {}
        self._held: _Connection | None = None
        self._changing: _Connection | None = None

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return f"{self.row} in the {self._database.spec.place}"

    # --- looking ----------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether the company has any row. A database that cannot be asked is no answer: `StoreError`."""
        return bool(self._one(self._sql.anything)[0])

    def make(self) -> None:
        """Rows need no place of their own."""

    def listing(self) -> Listing:
        """All rows as files; the token changes with every write, also of the same bytes."""
        with self._reading() as connection:
            files, stamps, keys = self._listed(connection)
        self._stamps, self._keys = stamps, keys
        token = hashlib.blake2b(self._lock_name().encode(), digest_size=16)
        for file in files:
            token.update(f"{file.name}\0{file.size}\0{file.mtime!r}\0{stamps[file.name]}\n".encode())
        return Listing(files, token.hexdigest())

    def _listed(self, connection: _Connection) -> tuple[tuple[FileEntry, ...], dict[str, str], dict[str, Key]]:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ" if not self._changing else "SELECT 1")
            creds = connection.execute(self._sql.creds_row, self._about()).fetchone()
            rows = connection.execute(self._sql.key_rows, self._about()).fetchall()
        proven = any(
            updated is not None and created is not None and updated > created for _, _, updated, created, *_ in rows
        )
        found = [(_key_file(row, proven=proven), row[6], Key(row[0], row[1])) for row in rows]
        files = [file for file, _, _ in found] + ([_creds_file(creds)] if creds else [])
        stamps = {file.name: stamp for file, stamp, _ in found} | ({CREDS: creds[2]} if creds else {})
        keys = {file.name: key for file, _, key in found}
        return tuple(sorted(files, key=lambda file: file.name)), stamps, keys

    def read(self, name: str) -> bytes:
        """One value as the database writes it; larger ones than `MAX_VALUE_BYTES` are refused."""
        found = self.read_all([name])
        if name not in found:
            raise StoreError(f"{mask_name(name)} cannot be read: there is no such row")
        return found[name]

    def read_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Several values; left out is what vanished, and strangers' that are too large."""
        keys = {key: name for name in names if (key := self._key(name)) is not None}
        found: dict[str, bytes] = {}
        with self._reading() as connection:
            if CREDS in names and (creds := self._creds_bytes(connection)) is not None:
                found[CREDS] = creds
            for kind, ident, text in connection.execute(self._sql.read_keys, self._about(keys)).fetchall():
                name = keys[Key(kind, ident)]
                if text is not None:
                    found[name] = text.encode()
                elif category_of(name) is not Category.OTHER:
                    raise _too_large(name)
        return {name: found[name] for name in names if name in found}

    def _creds_bytes(self, connection: _Connection) -> bytes | None:
        row = connection.execute(self._sql.read_creds, self._about()).fetchone()
        if row is None:
            return None
        if row[0] is None:
            raise _too_large(CREDS)
        if row[2] != "object":
            raise StoreError(
                f"the creds are stored as a JSON {row[2]}, not as an object",
                next_step="the gateway must hand its driver the object itself; docs/postgres.md tells how",
                code="not_an_object",
            )
        text: str = row[0]
        return text.encode()

    def creds(self) -> Creds:
        """The facts of the creds. No row, or null, is MISSING; what is no object is UNREADABLE, never damage."""
        try:
            data = self.read_all([CREDS]).get(CREDS)
        except StoreError as error:
            if error.code in ("not_an_object", "too_large"):
                return Creds(CredsState.UNREADABLE)
            raise
        return Creds(CredsState.MISSING) if data is None else parse_creds(data)

    def lid_of(self, phone: str) -> str | None:
        """The LID user that the mapping of a phone names."""
        return mappings.lid_of(phone, self.read)

    def phone_of(self, lid: str) -> str | None:
        """The phone that the reverse mapping of a LID names."""
        return mappings.phone_of(lid, self.read)

    def last_write(self) -> float | None:
        """The newest `updated_at`, by the database's clock."""
        newest = self._one(self._sql.last_write)[0]
        return None if newest is None else newest / _MICROS

    def file_mode(self) -> int:
        """What files of it would have: a login is nobody else's to read."""
        return FILE_MODE

    def sweep(self) -> None:
        """A database leaves no unfinished writes."""

    def normal(self, contents: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """jsonb keeps neither the order of keys nor blanks; see `AuthStore`. `StoreError` for what is no JSON."""
        texts = {name: _text(name, data) for name, data in contents.items()}
        with self._reading() as connection:
            try:
                return dict(zip(texts, _normal(connection, list(texts.values())), strict=True))
            except psycopg.DataError:
                return {name: _normal_one(connection, name, text) for name, text in texts.items()}

    # --- changing ---------------------------------------------------------------------------------------------

    def check_writable(self) -> None:
        """Raise `Refused` without the rights, on a read-only server, or where the two clocks disagree."""
        allowed, read_only, now = self._one(self._sql.rights)
        where = self._database.spec.place
        if read_only:
            raise _not_writable(f"the {where} is read-only", "name the primary server")
        if not allowed:
            raise _not_writable(f"user {self._database.spec.user} may not change both tables", "see docs/postgres.md")
        apart = abs(now - time.time())
        if apart >= CLOCKS_APART_S:
            raise Refused(
                f"the clock of the {where} is {apart / 60:.0f} minutes from this host's, so no age can be trusted",
                next_step="set both by NTP",
                code="clocks_apart",
            )

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Bar every other Baileykeep from this login, on whatever machine; what is changed meanwhile goes through the
        connection that holds the lock, so that it fails when the lock is lost."""
        with self._database.own_connection() as connection, told(self._database.spec):
            row = connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (self._lock_name(),)
            ).fetchone()
            if row is None or not row[0]:
                raise Refused(
                    f"another process works on this login in the {self._database.spec.place}",
                    next_step="wait until it is done; one daemon for one table",
                    code="busy",
                )
            self._held = connection
            try:
                yield
            finally:
                self._held = None

    def _lock_name(self) -> str:
        spec = self._database.spec
        return f"baileykeep {spec.schema}.{spec.keys.name} {self.row}"

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Everything that is changed inside is one transaction: all of it, or nothing."""
        if self._changing is not None:
            yield
            return
        with self._writing() as connection, told(self._database.spec), connection.transaction():
            self._changing = connection
            try:
                yield
            finally:
                self._changing = None

    def write(self, name: str, data: bytes, *, mtime: float | None = None, mode: int | None = None) -> None:
        """Put one value in place; without `mtime` it is written now, by the database's clock. A mode means nothing."""
        at = {"at_us": None if mtime is None else round(mtime * _MICROS)}
        with self.together():
            connection = self._connection()
            text = _text(name, data)
            if name == CREDS:
                connection.execute(self._sql.put_creds, self._about() | at | {"data": text})
                return
            key = self._known(name, "written")
            row = {"type": key.type, "id": key.id, "data": text}
            connection.execute(self._sql.put_key, self._about() | at | row)

    def remove(self, name: str) -> None:
        """Remove one row."""
        with self.together():
            if name == CREDS:
                gone = self._connection().execute(self._sql.delete_creds, self._about()).rowcount
            else:
                key = self._known(name, "removed")
                gone = self._connection().execute(self._sql.delete_keys, self._about([key])).rowcount
            if gone != 1:
                raise StoreError(f"{mask_name(name)} cannot be removed: there is no such row")

    def remove_unchanged(self, files: Sequence[FileEntry]) -> None:
        """Remove rows in one transaction if every one is as it was listed; else none goes, with code `changed`."""
        if not files:
            return
        with self.together():
            connection = self._connection()
            keys = [self._known(file.name, "removed") for file in files if file.name != CREDS]
            there = self._locked(connection, keys, with_creds=len(keys) != len(files))
            for file in files:
                entry, stamp = there.get(file.name, (None, ""))
                if entry is None or not _same(entry, file) or self._stamps.get(file.name, stamp) != stamp:
                    raise _changed(file.name)
            gone = connection.execute(self._sql.delete_keys, self._about(keys)).rowcount if keys else 0
            if len(keys) != len(files):
                gone += connection.execute(self._sql.delete_creds, self._about()).rowcount
            if gone != len(files):
                raise _changed(files[0].name)

    def _locked(
        self, connection: _Connection, keys: Sequence[Key], *, with_creds: bool
    ) -> dict[str, tuple[FileEntry, str]]:
        rows = connection.execute(self._sql.lock_keys, self._about(keys)).fetchall()
        found = {name_of(Key(row[0], row[1])): (_key_file(row, proven=True), str(row[6])) for row in rows}
        creds = connection.execute(self._sql.lock_creds, self._about()).fetchone() if with_creds else None
        return found | ({CREDS: (_creds_file(creds), creds[2])} if creds else {})

    # --- how --------------------------------------------------------------------------------------------------

    def _key(self, name: str) -> Key | None:
        return self._keys.get(name) or key_of(name)

    def _known(self, name: str, what: str) -> Key:
        key = self._key(name)
        if key is None:
            raise StoreError(f"{mask_name(name)} cannot be {what}: it is no key of Baileys")
        return key

    def _about(self, keys: Sequence[Key] | Mapping[Key, str] = ()) -> dict[str, Any]:
        types, ids = [key.type for key in keys], [key.id for key in keys]
        return {"company": self.row, "types": types, "ids": ids, "most": MAX_VALUE_BYTES}

    def _one(self, statement: Any) -> tuple[Any, ...]:
        with self._reading() as connection:
            row: tuple[Any, ...] | None = connection.execute(statement, self._about()).fetchone()
        if row is None:
            raise StoreError(f"the {self._database.spec.place} gave no answer")
        return row

    def _connection(self) -> _Connection:
        assert self._changing is not None  # noqa: S101 - only called inside `together`
        return self._changing

    @contextlib.contextmanager
    def _reading(self) -> Iterator[_Connection]:
        """Inside a change its own connection, which sees what it did."""
        if self._changing is not None:
            with told(self._database.spec):
                yield self._changing
            return
        with self._database.connection() as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[_Connection]:
        if self._held is not None:
            yield self._held
            return
        with self._database.connection() as connection:
            yield connection


def _key_file(row: tuple[Any, ...], *, proven: bool) -> FileEntry:
    kind, ident, updated, _created, expires, size, _stamp = row
    name = name_of(Key(kind, ident))
    mtime = updated / _MICROS if proven and updated is not None else 0.0
    return FileEntry(name, category_of(name), size, mtime, None if expires is None else expires / _MICROS)


def _creds_file(row: tuple[Any, ...]) -> FileEntry:
    return FileEntry(CREDS, Category.CREDS, row[1], 0.0 if row[0] is None else row[0] / _MICROS)


def _same(entry: FileEntry, listed: FileEntry) -> bool:
    """Whether a row is what was listed; of an age that was not proved the stamp alone can tell."""
    expected = replace(entry, mtime=0.0) if listed.mtime == 0.0 else entry
    return expected == listed


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except ValueError as error:
        raise _not_json(name) from error


def _normal(connection: _Connection, texts: list[str]) -> list[bytes]:
    rows = connection.execute(_NORMAL, (texts,)).fetchall()
    return [text.encode() for (text,) in rows]


def _normal_one(connection: _Connection, name: str, text: str) -> bytes:
    try:
        return _normal(connection, [text])[0]
    except psycopg.DataError as error:
        raise _not_json(name) from error


def _not_json(name: str) -> StoreError:
    return StoreError(f"{mask_name(name)} is no JSON that a database can hold", code="not_json")


def _changed(name: str) -> StoreError:
    return StoreError(
        f"{mask_name(name)} changed since it was listed",
        next_step="something still writes to this login; stop it and start over",
        code="changed",
    )


def _too_large(name: str) -> StoreError:
    return StoreError(f"{mask_name(name)} cannot be read: it has more than {MAX_VALUE_BYTES} bytes", code="too_large")


def _not_writable(cause: str, next_step: str) -> Refused:
    return Refused(cause, next_step=next_step, code="not_writable")
