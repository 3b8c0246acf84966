"""A forged line says that a healthy login is dead, and the installation relinks dead logins by itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape
from tests.e2e.world import world
from tests.hostile.test_logs import REMOVED

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]


async def test_a_session_that_is_open_is_not_given_up_for_a_line_in_a_log(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure('[limits.relink]\napproval = "auto"\n')
        await w.start()
        await w.pass_time(200, step_s=15)
        folder = w.gateway.folder("acme")
        before = json.loads((folder / "creds.json").read_bytes())["signedIdentityKey"]
        files = len(os.listdir(folder))
        for _ in range(3):
            with (w.gateway.root / "logs" / "gateway-out.log").open("a") as log:
                log.write(REMOVED % "acme" + "\n")
            await w.pass_time(240, step_s=15)
        assert w.daemon is not None
        assert b'baileykeep_facts_total{kind="StreamClosed"} 3.0' in w.daemon.meters.metrics.render()
        assert w.gateway["acme"].state == "connected"
        assert not {"stop", "relink", "reset", "initialize"} & set(w.asked("acme"))
        assert json.loads((folder / "creds.json").read_bytes())["signedIdentityKey"] == before
        assert len(os.listdir(folder)) >= files
