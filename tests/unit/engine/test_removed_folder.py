"""A gateway that removes the whole auth folder at a 401 bars neither the way back nor a fresh login."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest

from baileykeep.actions.base import Order
from baileykeep.backups.aside import set_aside
from baileykeep.engine.executor import Executor
from baileykeep.engine.ledger import Running
from baileykeep.engine.monitor import Monitor
from baileykeep.engine.roster import Roster
from baileykeep.model import codec
from baileykeep.model.backup import CLEARED_FOR, BackupKind
from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from tests.fakes.gateway import DOWN
from tests.unit.engine.test_resume import WHO, Blind, World

pytestmark = pytest.mark.asyncio


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A stopped session that opens when it is started."""
    made = World(tmp_path, DOWN)
    made.gateway.opens = True
    return made


async def run(world: World, rung: Rung) -> Outcome:
    """What a rung by hand comes to."""
    executor = Executor(world.journal, world.clock, cast(Roster, world), cast(Monitor, Blind()))
    attempt = Attempt(rung, Cause.LOGGED_OUT, world.clock.now(), "a1", operator="Ann")
    return (await executor.run(Running(WHO, attempt, codec.encode(Order(operator="Ann"))), still_wrong)).outcome


async def still_wrong() -> bool:
    return True


async def test_the_newest_backup_comes_back_without_being_named(world: World) -> None:
    for _ in range(2):
        world.vault.create(world.store, BackupKind.HOT, world.clock.now())
        world.clock.step_to(world.clock.monotonic() + 60)
    creds = world.store.read("creds.json")
    shutil.rmtree(world.store.folder)
    assert await run(world, Rung.RESTORE) is Outcome.HEALED
    assert world.store.read("creds.json") == creds
    assert world.store.folder.stat().st_mode & 0o777 == 0o700


async def test_without_any_backup_nothing_is_stopped(world: World) -> None:
    assert await run(world, Rung.RESTORE) is Outcome.REFUSED
    assert world.gateway.changed == []


async def test_a_fresh_login_is_offered(world: World) -> None:
    creds = world.store.read("creds.json")
    shutil.rmtree(world.store.folder)
    world.gateway.saves = world.store.folder / "creds.json", creds
    assert await run(world, Rung.RELINK) is Outcome.HEALED
    assert world.gateway.changed == ["stop", "start"]


async def test_a_login_that_was_cleared_as_another_phones_does_not_come_back_by_default(world: World) -> None:
    mine = world.vault.create(world.store, BackupKind.HOT, world.clock.now())
    world.clock.step_to(world.clock.monotonic() + 60)
    set_aside(world.vault, world.store, None, world.clock.now(), CLEARED_FOR)
    newest = world.vault.newest("1")
    assert newest is not None
    assert newest.name == mine.name
