"""The whole daemon acts on logins in a real PostgreSQL: the same stories as on folders, without any folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Session
from baileykeep.model.backup import BackupKind
from tests.databases import tables
from tests.e2e.relinking import LONG_S, removed_and_approved
from tests.e2e.world import World, world
from tests.fakes.rows_gateway import CLEAR, DIALECT, RowsStandIn

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

STOPPED_AND_STARTED = ["stop", CLEAR, CLEAR, "initialize"]


@asynccontextmanager
async def rows(root: Path, shape: Shape, facts: str = "") -> AsyncIterator[tuple[World, RowsStandIn, Session]]:
    """Company acme, whose login is rows of this shape, kept from now on."""
    async with world(root, RowsStandIn) as w:
        gateway = cast(RowsStandIn, w.gateway)
        session = gateway.add("acme", shape)
        gateway.write_all()
        configure(w, gateway)
        w.company_file("acme", f'phone = "{session.phone}"\n{facts}')
        await w.start()
        yield w, gateway, session


def configure(w: World, gateway: RowsStandIn) -> None:
    w.configure()
    (w.config_dir / "dialects").mkdir()
    (w.config_dir / "dialects" / "rows.toml").write_text(DIALECT)
    spec, main = gateway.spec, w.config_dir / "baileykeep.toml"
    lines = main.read_text().replace('dialect = "ai-admin"', 'dialect = "rows"\nauth_store = "postgres"').splitlines()
    given = {"host": spec.host, "port": spec.port, "user": spec.user, "database": spec.database, "schema": spec.schema}
    table = ["[gateways.main.postgres]", *(f"{key} = {json.dumps(value)}" for key, value in given.items())]
    main.write_text("\n".join([*(line for line in lines if not line.startswith("sessions =")), *table]))


def copies(w: World, kind: BackupKind) -> int:
    assert w.daemon is not None
    return sum(backup.kind is kind for backup in w.daemon.vault.list("acme"))


def keys(gateway: RowsStandIn) -> object:
    """Every key with its value and when it was written."""
    with tables(gateway.spec) as connection:
        return connection.execute(
            "SELECT key_type, key_id, value, updated_at FROM whatsapp_keys ORDER BY key_type, key_id"
        ).fetchall()


async def begun_by_hand(w: World, gateway: RowsStandIn, verb: str) -> None:
    """Ann wants a new login: the rows are set aside, and a QR is out."""
    assert w.daemon is not None
    assert w.daemon.control is not None
    await w.daemon.control.call(verb, {"company": "acme", "replace_login": True}, "ann")
    assert await w.pass_time(200, until=lambda: bool(w.pictures()), step_s=2)
    assert gateway.names("acme") == set()


async def test_a_dangerously_full_login_is_stopped_backed_up_and_cleaned(tmp_path: Path) -> None:
    async with rows(tmp_path, Shape.counting(60, generation=6)) as (w, gateway, session):
        await w.pass_time(200, step_s=LONG_S)
        before = gateway.names("acme")
        w.crowd("acme", 130)
        gateway.write_all()
        assert await w.pass_time(400, until=lambda: "cleaned" in str(w), step_s=2)
        assert gateway.names("acme") == before
        assert w.asked("acme") == STOPPED_AND_STARTED
        assert copies(w, BackupKind.COLD) == 1
        assert session.paired
        assert not w.open_causes("acme")


async def test_only_the_named_contacts_rows_are_set_aside(tmp_path: Path) -> None:
    async with rows(tmp_path, Shape.counting(60)) as (w, gateway, session):
        await w.pass_time(200, step_s=LONG_S)
        before = gateway.names("acme")
        spoilt = next(name for name in sorted(before) if name.startswith("session-"))
        address = spoilt.removeprefix("session-").removesuffix(".json")
        session.bad_mac([address])
        gateway.write_all()
        assert await w.pass_time(300, until=lambda: CLEAR in w.asked("acme"), step_s=2)
        assert await w.pass_time(300, until=lambda: not w.open_causes("acme"), step_s=LONG_S)
        assert before - gateway.names("acme") == {spoilt}
        assert copies(w, BackupKind.ASIDE) == 1
        assert not session.message(address)


async def test_a_removed_device_is_paired_anew_into_the_tables(tmp_path: Path) -> None:
    async with rows(tmp_path, Shape.counting(60)) as (w, gateway, session):
        before = gateway.store("acme").creds().identity
        await removed_and_approved(w)
        assert gateway.names("acme") == set()
        session.scan("4917600009999")
        gateway.write_all()
        assert await w.pass_time(180, until=lambda: session.qr is not None and bool(w.pictures()), step_s=2)
        assert "Another phone" in str(w)
        assert gateway.names("acme") == set()
        phone = w.config_dir / "companies" / "acme.toml"
        session.scan(phone.read_text().split('"')[1])
        gateway.write_all()
        assert await w.pass_time(180, until=lambda: not w.open_causes("acme"), step_s=2)
        creds = gateway.store("acme").creds()
        assert creds.paired
        assert creds.identity != before
        assert copies(w, BackupKind.ASIDE) == 2


async def test_a_reset_that_nobody_scans_leaves_the_tables_empty_and_says_what_to_do(tmp_path: Path) -> None:
    async with rows(tmp_path, Shape.counting(60)) as (w, gateway, session):
        await w.pass_time(200, step_s=LONG_S)
        await begun_by_hand(w, gateway, "reset")
        assert await w.pass_time(900, until=lambda: "Nobody scanned within 10 min" in str(w), step_s=LONG_S)
        await w.pass_time(600, step_s=LONG_S)
        (story,) = w.stories()
        assert "missing" not in story.plain
        assert "With the company's phone at hand begin again" in story.plain
        assert not session.paired
        assert copies(w, BackupKind.ASIDE) == 1


async def test_a_login_that_may_still_live_goes_back_into_the_tables_when_nobody_scans(tmp_path: Path) -> None:
    async with rows(tmp_path, Shape.counting(60)) as (w, gateway, session):
        await w.pass_time(200, step_s=LONG_S)
        before, identity = keys(gateway), gateway.store("acme").creds().identity
        await begun_by_hand(w, gateway, "relink")
        assert await w.pass_time(900, until=lambda: "put everything back" in str(w), step_s=LONG_S)
        await w.pass_time(60)
        assert session.paired
        assert keys(gateway) == before
        assert gateway.store("acme").creds().identity == identity


async def test_tables_that_cannot_be_read_are_told_and_nothing_is_done(tmp_path: Path) -> None:
    async with rows(tmp_path, Shape.counting(60, generation=6)) as (w, gateway, _session):
        await w.pass_time(200, step_s=LONG_S)
        with tables(gateway.spec) as connection:
            connection.execute("ALTER TABLE whatsapp_keys RENAME TO lost")
        assert await w.pass_time(200, until=lambda: "cannot be reached" in str(w), step_s=LONG_S)
        await w.pass_time(1200, step_s=LONG_S)
        assert len(w.stories()) == 1
        assert w.asked("acme") == []
        with tables(gateway.spec) as connection:
            connection.execute("ALTER TABLE lost RENAME TO whatsapp_keys")
        assert await w.pass_time(400, until=lambda: "over after" in str(w), step_s=LONG_S)
