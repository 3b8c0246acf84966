"""A login that goes through a real PostgreSQL and comes out again is opened by real Baileys, and nobody has to scan."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from baileykeep.backups.transfer import bring_in, export, export_backup
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind
from baileykeep.stores.files import FileStore
from tests.databases import fresh, store_of
from tests.e2e.lab.people import Company
from tests.e2e.lab.processes import GatewayProcess
from tests.e2e.lab.telling import salons

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]

ANNA = "4915200000001"


@asynccontextmanager
async def reopened(company: Company, gateway: GatewayProcess) -> AsyncIterator[Company]:
    """The same company on another gateway, open: it logged in once more, and no QR was ever out."""
    moved, logins = replace(company, gateway=gateway), (await company.device())["logins"]
    await gateway.start()
    try:
        await moved.start()
        await moved.settled()
        assert (await moved.device())["logins"] == logins + 1
        assert len((await moved.account())["devices"]) == 1
        yield moved
        await moved.stop()
    finally:
        await gateway.aclose()


def elsewhere(company: Company, root: Path) -> GatewayProcess:
    """A gateway that does not run yet, with room for the company's folder."""
    gateway = GatewayProcess(root, (company.ident,), company.whatsapp.socket, options={"policy": {}})
    gateway.folder(company.ident).parent.mkdir(parents=True, exist_ok=True)
    return gateway


async def test_real_baileys_opens_what_came_out_of_the_database_without_a_scan(tmp_path: Path) -> None:
    async with salons(tmp_path) as place:
        company = place.companies["1"]
        await company.hears(ANNA, "hello")
        await company.stop()
        identity, vault = company.identity(), Vault(tmp_path / "copies")
        with fresh() as spec:
            store = store_of(spec, "1", "company_1")
            bring_in(vault, store, FileStore("1", company.folder), time.time(), replace=False)
            vault.create(store, BackupKind.HOT, time.time())
            live = elsewhere(company, tmp_path / "live")
            export(vault, store, live.folder("1"), time.time())
        async with reopened(company, live) as moved:
            assert moved.identity() == identity
            await moved.hears(ANNA, "still reading me?")
            await moved.reaches(ANNA, "every word")
        rescued = elsewhere(company, tmp_path / "rescued")
        export_backup(vault, "1", None, rescued.folder("1"), time.time())
        async with reopened(company, rescued) as moved:
            assert moved.identity() == identity
            await moved.reaches(ANNA, "from the backup")
