"""A daemon that dies at a bad moment, and what the next one makes of it: stories in which nothing is left to chance."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals
from tests.e2e.world import World, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]
LONG_S = 15.0


def forget_states(w: World) -> None:
    """As if the daemon had died before it stored what its detectors had seen last."""
    with closing(sqlite3.connect(w.root / "state" / "journal.db")) as db:
        db.execute("DELETE FROM memories WHERE key = 'detectors'")
        db.commit()


async def test_zeroed_creds_are_put_back_by_the_next_daemon_and_never_opened_before(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60, generation=6))
        w.configure()
        await w.start()
        await w.pass_time(200, step_s=LONG_S)
        creds = w.gateway.folder("acme") / "creds.json"
        good = creds.read_bytes()
        w.gateway["acme"].drop(heals=Heals.ASKED)
        creds.write_bytes(bytes(len(good)))
        assert await w.pass_time(240, until=lambda: "stop" in w.asked("acme"))
        await w.crash()
        forget_states(w)
        daemon = await w.start()
        assert await w.pass_time(400, until=lambda: not daemon.acting() and not w.open_causes("acme"))
        await w.pass_time(10)
        assert json.loads(creds.read_bytes())["me"] == json.loads(good)["me"]
        assert w.gateway["acme"].state == "connected"
        assert w.gateway["acme"].device == 1, "nobody had to scan"
        assert "Put the last good creds back" in w.texts()[0]
