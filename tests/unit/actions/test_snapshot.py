"""The copy that is taken of a dead login before anybody is asked what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from baileykeep.actions.base import Order
from baileykeep.actions.relink import snapshot
from baileykeep.clock import VirtualClock
from baileykeep.model.incident import Outcome
from baileykeep.stores.files import FileStore
from tests.fakes.gateway import FakeGateway
from tests.unit.actions.sites import site
from tests.unit.auth_folders import copy_of

pytestmark = pytest.mark.asyncio


async def test_after_the_copy_everything_is_looked_at_once_more(tmp_path: Path) -> None:
    """Half a login may have come to lie there a moment ago, and about that nobody need be asked."""
    store = FileStore("1", copy_of("auth-7", tmp_path / "auth"))
    copies: list[int] = []

    async def look() -> bool:
        copies.append(len(made.vault.list("1")))
        return False

    made = site(tmp_path, FakeGateway({}), VirtualClock(), store=store, still_wrong=look)
    result = await snapshot(made, Order())
    assert copies == [1]
    assert (result.outcome, result.note) == (Outcome.DONE, made.vault.list("1")[0].name)


async def test_of_a_folder_that_is_gone_there_is_no_copy(tmp_path: Path) -> None:
    folder = copy_of("auth-7", tmp_path / "auth")
    store = FileStore("1", folder)
    shutil.rmtree(folder)
    result = await snapshot(site(tmp_path, FakeGateway({}), VirtualClock(), store=store), Order())
    assert (result.outcome, result.note) == (Outcome.FAILED, "the auth folder is gone")
