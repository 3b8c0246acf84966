"""A rule broken on purpose inside the whole daemon: the effect is barred, people hear of it, all else goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from baileykeep.actions import session
from baileykeep.actions.base import Site
from baileykeep.demo.folders import Shape
from baileykeep.model.errors import Refused
from tests.e2e.world import ANN, World, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

LONG_S = 15.0


async def _believed(site: Site) -> str:
    """A stop that is believed instead of proved."""
    return session.store_of(site).listing().token


def _alert(w: World) -> str:
    return next((text for text in w.texts() if "safety check failed" in text), "")


async def test_a_broken_rule_is_barred_told_kept_over_a_restart_and_released_by_a_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as w:
        for ident in ("acme", "other"):
            w.gateway.add(ident, Shape.counting(60, generation=6))
        w.configure()
        with monkeypatch.context() as bug:
            bug.setattr(session, "prove_stopped", _believed)
            await w.start()
            await w.pass_time(200, step_s=LONG_S)
            w.crowd("acme", 130)
            files = set(os.listdir(w.gateway.folder("acme")))
            assert await w.pass_time(300, until=lambda: bool(_alert(w)))
            await w.pass_time(30, step_s=LONG_S)
            assert set(os.listdir(w.gateway.folder("acme"))) == files
            assert w.asked("acme") == ["stop", "initialize"]
            assert "barred" in _alert(w)
            assert "baileykeep resume acme" in _alert(w)
            assert w.open_causes("other") == []
            await w.kill()
            await w.start()
            await w.pass_time(150, step_s=LONG_S)
            assert set(os.listdir(w.gateway.folder("acme"))) == files
            assert w.asked("acme") == ["stop", "initialize"]
        alert = next(m for m in w.stories() if "safety check failed" in m.plain)
        answer = await w.telegram.press(alert, "resume", user=ANN)
        assert answer.text.startswith("Resumed.")
        assert await w.pass_time(60, until=lambda: "Released by" in next(t for t in w.texts() if "Safety check" in t))
        assert "breach" not in w.open_causes("acme")
        assert w.daemon is not None
        assert w.daemon.holds.breached == {}
        w.daemons.clear()


async def test_no_pairing_code_in_the_middle_of_an_action(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60, generation=6))
        w.configure()
        w.company_file("acme", 'phone = "4915100000001"\n')
        daemon = await w.start()
        await w.pass_time(130, step_s=LONG_S)
        w.crowd("acme", 130)
        assert await w.pass_time(300, until=daemon.acting, step_s=1.0)
        assert daemon.control is not None
        args = {"company": "acme", "replace_login": True, "phone": "4915100000001"}
        with pytest.raises(Refused, match="an action on acme is running"):
            await daemon.control.call("pairing_code", args, "ann")
        assert await w.pass_time(400, until=lambda: not daemon.acting())
        assert daemon.core.monitor.breaches == []
        said = await daemon.control.call("resume", {"company": "acme"}, "ann")
        assert said["was_breached"] is False
