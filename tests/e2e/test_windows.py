"""A maintenance window on the whole daemon: rather full folders, one after the other, and nothing outside it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape
from baileykeep.demo.logs import Close
from baileykeep.demo.session import Heals, State, Trouble
from tests.e2e.world import World, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

OPENS_S, OPEN_S = 300.0, 3000.0
CLEANED = ["stop", "initialize"]


def window(w: World) -> str:
    """A daily window that opens in five minutes, for fifty."""
    opens, closes = (datetime.fromtimestamp(w.clock.now() + s, UTC) for s in (OPENS_S, OPENS_S + OPEN_S))
    return f'[window]\nfrom = "{opens:%H:%M}"\nto = "{closes:%H:%M}"\ntz = "UTC"\n'


def story(w: World, ident: str) -> str:
    """What is told of a company's planned cleanup; empty while nothing is."""
    return next((text for text in w.texts() if "Planned cleanup" in text and ident in text.splitlines()[0]), "")


def count(w: World, ident: str) -> int:
    return len(os.listdir(w.gateway.folder(ident)))


async def test_rather_full_folders_are_cleaned_one_after_the_other_and_only_then(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for ident in ("acme", "bolt", "calm"):
            w.gateway.add(ident, Shape.counting(60, generation=6))
        w.configure(window(w))
        w.crowd("acme", 70)
        w.crowd("bolt", 45)
        daemon = await w.start()
        await w.pass_time(OPENS_S - 15, step_s=15)
        assert (w.asked("acme"), w.asked("bolt")) == ([], [])
        told = next(text for text in w.texts() if "acme" in text)
        assert "Nothing. It is cleaned in its maintenance window (daily" in told
        view = await daemon.control.call("company", {"company": "bolt"}, "ann")  # type: ignore[union-attr]
        assert "A cleanup is planned for its maintenance window" in str(view)
        together = 0
        for _ in range(120):
            await w.pass_time(10, step_s=5)
            together = max(together, sum(w.gateway[i].shown is not State.CONNECTED for i in ("acme", "bolt")))
        assert together == 1
        assert (w.asked("acme"), w.asked("bolt"), w.asked("calm")) == (CLEANED, CLEANED, [])
        assert (count(w, "acme"), count(w, "bolt")) == (60, 60)
        assert [line[6:] for line in story(w, "bolt").splitlines()[2:]][::3] == [
            "Cleanup in its maintenance window (105 files, 60 are left).",
            "Cleaned, after 45 s.",
        ]
        assert "Cleaned, after" in next(text for text in w.texts() if "Many session files" in text)
        assert not any("Planned cleanup" in call for call in w.calls())


async def test_what_was_begun_in_a_window_is_finished_after_it_and_nothing_more_is_begun(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for ident in ("acme", "bolt"):
            w.gateway.add(ident, Shape.counting(60, generation=6))
        w.configure(f'{window(w)}[limits.ladder]\nwindow_margin = "5s"\n')
        daemon = await w.start()
        await w.pass_time(OPENS_S + OPEN_S - 40, step_s=60)
        w.crowd("acme", 45)
        w.crowd("bolt", 45)
        assert await w.pass_time(30, until=daemon.acting, step_s=1)
        await w.pass_time(40, step_s=5)
        assert daemon.acting()
        assert await w.pass_time(120, until=lambda: bool(story(w, "acme") or story(w, "bolt")), step_s=5)
        await w.pass_time(300, step_s=15)
        assert sorted(w.asked("acme") + w.asked("bolt")) == sorted(CLEANED)
        assert sorted((count(w, "acme"), count(w, "bolt"))) == [60, 105]
        assert all(w.gateway[ident].shown is State.CONNECTED for ident in ("acme", "bolt"))


async def test_a_daemon_that_dies_in_mid_cleanup_leaves_nobody_stopped(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60, generation=6))
        w.configure(window(w))
        w.crowd("acme", 45)
        await w.start()

        def stopped() -> bool:
            return w.gateway["acme"].shown is not State.CONNECTED

        assert await w.pass_time(OPENS_S + 60, until=stopped, step_s=1)
        await w.crash()
        assert stopped()
        await w.start()
        assert await w.pass_time(600, until=lambda: not stopped(), step_s=5)
        assert await w.pass_time(300, until=lambda: w.open_causes("acme") == [], step_s=15)
        assert await w.pass_time(60, until=lambda: "Cleaned, after" in story(w, "acme"))
        assert count(w, "acme") == 60


async def test_whoever_only_observes_sees_what_the_window_would_do_and_is_sent_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60, generation=6))
        w.configure(window(w), mode="observe")
        w.crowd("acme", 45)
        daemon = await w.start()
        await w.pass_time(OPENS_S + 60, step_s=15)
        view = await daemon.control.call("company", {"company": "acme"}, "ann")  # type: ignore[union-attr]
        assert "In act mode a cleanup would be planned for its maintenance window (105 files). It is open." in str(view)
        assert (w.asked("acme"), w.texts()) == ([], [])


async def test_after_one_that_did_not_come_back_no_other_session_is_closed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for ident in ("acme", "bolt", "calm"):
            w.gateway.add(ident, Shape.counting(60, generation=6))
            w.crowd(ident, 45)
        w.configure(window(w))
        await w.start()
        await w.pass_time(OPENS_S - 15, step_s=15)
        for session in w.gateway.sessions.values():
            session.trouble = Trouble(Close(405), Heals.NEVER, 0, None)
        await w.pass_time(OPEN_S, step_s=15)
        down = [ident for ident, session in w.gateway.sessions.items() if session.shown is not State.CONNECTED]
        assert len(down) == 1
        assert any(down[0] in text and "human is needed" in text for text in w.texts())
