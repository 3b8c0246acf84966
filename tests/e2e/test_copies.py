"""Copies are of the login that lives: one that was paired anew is copied soon, not when the next copy is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.app.daemon import Daemon
from baileykeep.demo.folders import Shape
from baileykeep.model.backup import BackupKind
from tests.e2e.world import ANN, World, world
from tests.fakes.telegram import Shown

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

LONG_S = 15.0


async def test_a_login_that_was_paired_anew_is_copied_soon(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure()
        daemon = await w.start()
        assert await w.pass_time(150, until=lambda: _copied(daemon) is not None, step_s=LONG_S)
        before = _copied(daemon)
        w.gateway["acme"].device_removed()
        assert await w.pass_time(180, until=lambda: _question(w) is not None)
        asked = _question(w)
        assert asked is not None
        await w.telegram.press(asked, "approve", user=ANN)
        assert await w.pass_time(120, until=lambda: w.gateway["acme"].qr is not None)
        w.gateway["acme"].scan()
        assert await w.pass_time(240, until=lambda: _copied(daemon) not in (None, before), step_s=LONG_S)


def _copied(daemon: Daemon) -> str | None:
    """The identity in the newest periodic backup."""
    found = [b.identity for b in daemon.vault.list("acme") if b.kind is BackupKind.HOT and not b.reason]
    return found[-1] if found else None


def _question(w: World) -> Shown | None:
    asked = (m for m in w.stories() if any("approve" in d for row in m.buttons for _, d in row))
    return next(asked, None)
