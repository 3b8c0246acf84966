"""Logins cross a network encrypted, and only to the server that was meant: on the wire, against a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baileykeep.config.store_tables import PostgresTable
from baileykeep.model.errors import StoreError
from baileykeep.stores.postgres import database
from baileykeep.stores.postgres.database import Database
from baileykeep.stores.postgres.spec import Spec
from tests.databases import fresh
from tests.fakes.tls_postgres import Authority, TlsPostgres

HOST = "db.example.internal"


@pytest.fixture
def known() -> Iterator[Spec]:
    with fresh() as spec:
        yield spec


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificates are known but those of this system."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def socket_of(known: Spec) -> str:
    return f"{known.host}/.s.PGSQL.{known.port}"


def ask(known: Spec, port: int, **given: Any) -> object:
    """One question by way of a table that names what is given, and defaults for the rest.

    The name leads to this machine, which changes nothing of what is checked.
    """
    table = PostgresTable(host=HOST, port=port, database=known.database, user=known.user, **given)
    with pytest.MonkeyPatch.context() as names:
        names.setenv("PGHOSTADDR", "127.0.0.1")
        with Database(table.spec()).own_connection() as connection:
            return connection.execute("SELECT 7").fetchone()


def test_a_remote_server_is_asked_encrypted_and_known_by_its_certificate(known: Spec, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with TlsPostgres(socket_of(known), authority.server(HOST)) as server:
        assert ask(known, server.port, ca_file=authority.ca) == (7,)
        assert server.encrypted == 1


@pytest.mark.parametrize("told", ["SSL_CERT_FILE", "bundle"])
def test_without_a_file_the_systems_certificates_count(
    told: str, known: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with TlsPostgres(socket_of(known), authority.server(HOST)) as server:
        with pytest.raises(StoreError, match="certificate verify failed"):
            ask(known, server.port)
        if told == "bundle":  # as on a Debian whose Python only knows a folder
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
            monkeypatch.setattr(database, "BUNDLES", (str(tmp_path / "neither.pem"), str(authority.ca)))
        else:
            monkeypatch.setenv(told, str(authority.ca))
        assert ask(known, server.port) == (7,)


def test_another_servers_certificate_is_refused(known: Spec, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    with (
        TlsPostgres(socket_of(known), authority.server("elsewhere.example")) as wrong_name,
        TlsPostgres(socket_of(known), other.server(HOST)) as wrong_authority,
    ):
        for server in (wrong_name, wrong_authority):
            with pytest.raises(StoreError) as caught:
                ask(known, server.port, ca_file=authority.ca)
            assert caught.value.code == "unreachable"
            assert "certificate" in caught.value.cause
        assert ask(known, wrong_authority.port, tls_verify=False) == (7,)


def test_a_server_without_tls_is_not_asked_in_the_clear(known: Spec) -> None:
    with TlsPostgres(socket_of(known), None) as server:
        for given in ({}, {"tls_verify": False}):
            with pytest.raises(StoreError, match=r"TLS|SSL"):
                ask(known, server.port, **given)
