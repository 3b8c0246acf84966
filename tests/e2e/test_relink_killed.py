"""A relink whose daemon ends in the middle of it, by a kill or in order: what the next one makes of it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from baileykeep.channels.qr_image import blank, png
from baileykeep.demo.folders import Shape
from tests.e2e.relinking import acme, fatal_and_approved, identity, removed_and_approved
from tests.e2e.world import world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]


async def test_killed_while_a_qr_stands_the_picture_goes_with_the_login_that_goes_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await acme(w, shape=Shape.counting(210, 5))
        before = identity(w)
        await fatal_and_approved(w)
        await w.crash()
        (picture,) = w.pictures()
        await w.start()
        assert await w.pass_time(20, until=lambda: picture.picture == blank() or picture.deleted, step_s=1)
        assert await w.pass_time(900, until=lambda: identity(w) == before)
        await w.pass_time(60)
        assert w.pictures() == []


async def test_killed_while_a_qr_stands_the_next_daemon_goes_on_in_the_same_message(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w)
        await removed_and_approved(w)
        (picture,) = w.pictures()
        await w.crash()
        await w.start()
        assert await w.pass_time(120, until=lambda: session.qr is not None and picture.picture == png(session.qr))
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        assert picture.deleted
        assert w.pictures() == []


async def test_scanned_while_no_daemon_ran_the_pairing_is_recognised_and_the_picture_removed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w)
        await removed_and_approved(w)
        await w.crash()
        session.scan()
        paired = identity(w)
        daemon = await w.start()
        assert await w.pass_time(300, until=lambda: not w.open_causes("acme") and not daemon.acting())
        assert w.pictures() == []
        assert identity(w) == paired
        assert session.state == "connected"


async def test_an_orderly_end_takes_the_picture_down(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await acme(w)
        await removed_and_approved(w)
        await w.pass_time(5)
        await w.kill()
        assert w.pictures() == []


async def test_an_orderly_end_first_puts_a_login_back_that_may_still_live(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await acme(w, shape=Shape.counting(210, 5))
        before, daemon = identity(w), w.daemon
        await fatal_and_approved(w)
        assert daemon is not None
        async with anyio.create_task_group() as end:
            end.start_soon(daemon.shut_down)
            assert await w.pass_time(75, until=lambda: not daemon.acting(), step_s=1)
        assert identity(w) == before
        assert w.pictures() == []
        assert w.asked("acme")[-1] == "initialize"
