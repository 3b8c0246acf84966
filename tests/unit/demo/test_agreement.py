"""The real dialects and rules read the stand-in as they would read a gateway."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape, make_folder
from baileykeep.demo.session import Heals, Session, State
from baileykeep.demo.standin import StandIn
from baileykeep.gateways.base import Gateway
from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem
from baileykeep.model.inventory import Category, FileEntry, Listing
from baileykeep.model.limits import Limits
from baileykeep.rules.cleanup import plan
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.naming import category_of
from baileykeep.rules.pre_keys import PoolKnowledge, pre_keys_of

NOW = 1_800_000_000.0
SIX = Shape(generation=6, pre_keys=5, sessions=3)
KEYS = {"ai-admin": None, "x-internal-secret": "stand-in-secret", "x-api-key": "stand-in-key"}
STARTERS = ("ai-admin", "x-internal-secret")


@asynccontextmanager
async def talking(tmp_path: Path, dialect: str, *, key: str | None = None) -> AsyncIterator[tuple[Session, Gateway]]:
    async with StandIn(tmp_path, connect_s=0) as gateway:
        session = gateway.add("1", SIX)
        spec = GatewaySpec(name="gw", url=gateway.url, key=key or KEYS[dialect])
        client = HttpGateway(spec, load_dialect(dialect))
        try:
            yield session, client
        finally:
            await client.aclose()


@pytest.mark.parametrize("dialect", KEYS)
@pytest.mark.asyncio
async def test_up_and_down_are_told(tmp_path: Path, dialect: str) -> None:
    async with talking(tmp_path, dialect) as (session, client):
        assert (await client.status("1")).state is ConnState.CONNECTED
        session.drop(428, Heals.NEVER)
        assert (await client.status("1")).state is ConnState.DISCONNECTED


@pytest.mark.parametrize("dialect", KEYS)
@pytest.mark.asyncio
async def test_a_company_nobody_knows_is_disconnected(tmp_path: Path, dialect: str) -> None:
    async with talking(tmp_path, dialect) as (_, client):
        assert (await client.status("99")).state is ConnState.DISCONNECTED


@pytest.mark.parametrize("dialect", STARTERS)
@pytest.mark.asyncio
async def test_stop_start_and_reconnect(tmp_path: Path, dialect: str) -> None:
    async with talking(tmp_path, dialect) as (session, client):
        seen = []
        for ask in (client.stop, client.start, client.reconnect):
            await ask("1")
            seen.append(session.state)
    assert seen == [State.NOT_STARTED, State.CONNECTED, State.CONNECTED]


@pytest.mark.parametrize("dialect", ["x-internal-secret", "x-api-key"])
@pytest.mark.asyncio
async def test_reset_shows_a_qr(tmp_path: Path, dialect: str) -> None:
    async with talking(tmp_path, dialect) as (_, client):
        await client.reset("1")
        assert (await client.status("1")).state is ConnState.WAITING_QR


@pytest.mark.asyncio
async def test_all_in_one_call(tmp_path: Path) -> None:
    async with talking(tmp_path, "ai-admin") as (_, client):
        assert {name: s.state for name, s in (await client.status_all()).items()} == {"1": ConnState.CONNECTED}


@pytest.mark.asyncio
async def test_an_emptied_folder_gives_a_qr_and_a_scan_ends_it(tmp_path: Path) -> None:
    async with talking(tmp_path, "ai-admin") as (session, client):
        session.wipe()
        await client.start("1")
        assert await client.qr("1") == session.qr
        session.scan()
        assert (await client.status("1")).state is ConnState.CONNECTED


@pytest.mark.asyncio
async def test_a_forced_relink_and_whether_it_is_paired(tmp_path: Path) -> None:
    async with talking(tmp_path, "x-internal-secret") as (session, client):
        assert (await client.status("1")).paired is True
        await client.start("1", force_relink=True)
        waiting = await client.status("1")
        assert (waiting.state, waiting.paired, waiting.has_qr) == (ConnState.WAITING_QR, False, True)
        session.scan()
        assert (await client.status("1")).paired is True


@pytest.mark.asyncio
async def test_a_pairing_code(tmp_path: Path) -> None:
    async with talking(tmp_path, "ai-admin") as (session, client):
        session.wipe()
        assert len(await client.pairing_code("1", "4915100000001")) >= 8


@pytest.mark.parametrize("dialect", ["x-internal-secret", "x-api-key"])
@pytest.mark.asyncio
async def test_a_wrong_key_is_unauthorized(tmp_path: Path, dialect: str) -> None:
    async with talking(tmp_path, dialect, key="wrong") as (_, client):
        with pytest.raises(GatewayError) as caught:
            await client.status("1")
    assert caught.value.code == Problem.UNAUTHORIZED


def listed(folder: Path) -> Listing:
    """The folder as the rules want it."""
    found = [(path, path.stat()) for path in sorted(folder.iterdir())]
    return Listing(tuple(FileEntry(p.name, category_of(p.name), s.st_size, s.st_mtime) for p, s in found), "now")


@pytest.mark.parametrize(
    ("generation", "counted", "reclaimable"), [(6, 60, 0), (6, 160, 20), (6, 160, 0), (6, 210, 60), (7, 160, 20)]
)
def test_the_rules_count_a_folder_as_it_was_ordered(
    tmp_path: Path, generation: int, counted: int, reclaimable: int
) -> None:
    shape = Shape.counting(counted, reclaimable, generation=generation)
    make_folder(tmp_path, shape, phone="4915100000001", now=NOW, rng=random.Random(4))
    creds = parse_creds((tmp_path / "creds.json").read_bytes())
    made = plan(listed(tmp_path), creds, PoolKnowledge(), Limits(), now=NOW)
    assert (creds.paired, creds.phone) == (True, "4915100000001")
    assert (made.reclaimable, made.counted_after) == (reclaimable, counted - reclaimable)
    assert {removal.category for removal in made.remove} <= {Category.SESSION}


def test_the_folder_after_a_pairing_is_whole_to_the_rules(tmp_path: Path) -> None:
    gateway = StandIn(tmp_path, connect_s=0)
    gateway.add("1", paired=False).scan()
    gateway.log.close()
    folder = gateway.folder("1")
    creds = parse_creds((folder / "creds.json").read_bytes())
    known = pre_keys_of(listed(folder).files, creds, PoolKnowledge())
    assert (creds.paired, known.count, known.newest, known.next_id) == (True, 812, 812, 813)
    assert (known.anomalies, known.born_812) == ((), True)
