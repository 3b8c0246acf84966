"""Connections to one gateway's database: reused, bounded in time, and never one's own clear text over a network.

Every statement runs alone unless `Database.change` holds it in a transaction. What the server says is told only where
it cannot hold a value: keys and phones stand in many of its messages.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from baileykeep.model.errors import StoreError
from baileykeep.stores.postgres.spec import Spec

UNREACHABLE, TIMED_OUT = "unreachable", "timed_out"
MOST_IDLE = 4
LOCK_TIMEOUT_S = 5.0
IDLE_IN_CHANGE_S = 60.0

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where Debian, Red Hat and the BSDs keep the certificates that they trust."""

_TOLD = frozenset({"42501", "42P01", "42703", "3D000", "28P01", "28000", "3F000", "53300", "57P03", "25006"})
"""States whose message names a table, a role or a database, and nothing else."""

_NOT_JSON = frozenset({"22P02", "22P05", "22021"})
_NEXT = {
    "42501": "give its user the rights that docs/postgres.md lists",
    "42P01": "name the tables in [gateways.<name>.postgres]",
    "42703": "name the columns in [gateways.<name>.postgres]",
    "3F000": "name the schema in [gateways.<name>.postgres]",
    "28P01": "check its user and password_file",
    "28000": "check its user, and pg_hba.conf of the server",
    "25006": "name the primary server, not a read-only copy",
}


class Database:
    """One database. Safe to use from several threads."""

    def __init__(self, spec: Spec):
        self.spec = spec
        self._idle: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()
        _ALL.add(self)

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection in autocommit mode, for one piece of work. Raises `StoreError`."""
        with told(self.spec):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    @contextlib.contextmanager
    def own_connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that nobody else uses and that ends with this: for locks that live as long as it does."""
        with told(self.spec):
            connection = _connect(self.spec)
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Close what is idle; it connects again when it is used again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> psycopg.Connection[Any]:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if _answers(connection):
                    return connection
        return _connect(self.spec)

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        idle = psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if not connection.closed and connection.info.transaction_status is idle and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


_ALL: weakref.WeakSet[Database] = weakref.WeakSet()
_BY_SPEC: dict[Spec, Database] = {}
_BY_SPEC_LOCK = threading.Lock()


def database_of(spec: Spec) -> Database:
    """The one database of this spec in this process."""
    with _BY_SPEC_LOCK:
        return _BY_SPEC.setdefault(spec, Database(spec)) if spec not in _BY_SPEC else _BY_SPEC[spec]


def close_all() -> None:
    """Close every idle connection of this process."""
    for database in list(_ALL):
        database.close()


def _answers(connection: psycopg.Connection[Any]) -> bool:
    """A server that was restarted leaves connections that only look alive."""
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        connection.close()
        return False
    return True


def system_certificates() -> str:
    """The file of the system's certificates, found as Python finds it (`SSL_CERT_FILE`), else where systems keep it.

    The driver brings an OpenSSL of its own, whose "system" is a folder of the machine that it was built on.
    """
    places = (ssl.get_default_verify_paths().cafile, *BUNDLES)
    return next((place for place in places if place is not None and os.path.isfile(place)), "system")


def _connect(spec: Spec) -> psycopg.Connection[Any]:
    given: dict[str, Any] = {
        "host": spec.host,
        "port": spec.port,
        "dbname": spec.database,
        "user": spec.user,
        "password": spec.password,
        "sslmode": spec.sslmode,
        "sslrootcert": spec.ca_file or (system_certificates() if spec.sslmode == "verify-full" else None),
        "connect_timeout": max(2, round(spec.connect_timeout_s)),
        "tcp_user_timeout": round(1000 * (spec.statement_timeout_s + spec.connect_timeout_s)),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "baileykeep",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
    }
    connection: psycopg.Connection[Any] = psycopg.connect(
        autocommit=True, prepare_threshold=None, **{word: value for word, value in given.items() if value is not None}
    )
    try:
        for name, seconds in (
            ("statement_timeout", spec.statement_timeout_s),
            ("lock_timeout", min(LOCK_TIMEOUT_S, spec.statement_timeout_s)),
            ("idle_in_transaction_session_timeout", IDLE_IN_CHANGE_S),
        ):
            connection.execute(sql.SQL("SELECT set_config(%s, %s, false)"), (name, str(round(seconds * 1000))))
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def told(spec: Spec) -> Iterator[None]:
    """Errors of the driver as `StoreError`, without what may be secret in them."""
    try:
        yield
    except psycopg.Error as error:
        raise _as_store_error(spec, error) from None


def _as_store_error(spec: Spec, error: psycopg.Error) -> StoreError:
    state = error.sqlstate or ""
    if state == "57014":
        return StoreError(f"the {spec.place} did not answer within its statement_timeout", code=TIMED_OUT)
    if state in ("55P03", "40P01", "40001"):
        return StoreError(
            f"somebody else holds rows of this login in the {spec.place}",
            next_step="stop what writes there, then start over",
            code="changed",
        )
    if state in _TOLD:
        return StoreError(f"the {spec.place} says: {_plain(error)}", next_step=_NEXT.get(state, ""), code="store")
    if state in _NOT_JSON:
        return StoreError("one of the values is no JSON that a database can hold", code="not_json")
    if not state or state[:2] in ("08", "53", "57"):
        why = _reason(error)
        return StoreError(f"the {spec.place} cannot be reached: {why}", next_step=_reach(why), code=UNREACHABLE)
    return StoreError(f"the {spec.place} refused a statement (SQLSTATE {state})", code="store")


def _plain(error: psycopg.Error) -> str:
    return (error.diag.message_primary or type(error).__name__)[:200]


def _reason(error: psycopg.Error) -> str:
    """The server's or the library's words about a connection, cut to one line: they name host, port and role."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "failed" in line or "timeout" in line), lines[0] if lines else "")
    return last[:200] or type(error).__name__


def _reach(why: str) -> str:
    if "certificate" in why or "SSL" in why:
        return "check ca_file and tls in [gateways.<name>.postgres]"
    return "is the server up, and may this host and user connect?"
