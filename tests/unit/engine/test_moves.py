"""The wall clock is set: every wait keeps its length, over restarts too."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import DAY, HOUR
from tests.unit.engine.installation import ACME, Daemon, Installation, daemon

pytestmark = pytest.mark.asyncio

JUMPS = (-3 * HOUR, -HOUR, 90.0, 3 * HOUR, 8 * HOUR)


@pytest.fixture
def on(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


async def reconnects(d: Daemon) -> int:
    return d.on.sessions.of("acme").count("reconnect")


async def hours_until(d: Daemon, wanted: int, most_s: float) -> float:
    """How long it takes until so many reconnects were made."""
    began = d.on.clock.monotonic()
    while await reconnects(d) < wanted and d.on.clock.monotonic() - began < most_s:
        await d.watch_for(60)
    return d.on.clock.monotonic() - began


async def reconnected_once(d: Daemon) -> None:
    d.on.sessions.states["acme"] = ConnState.DISCONNECTED
    d.on.sessions.dead.add("acme")
    await hours_until(d, 1, HOUR)
    assert await reconnects(d) == 1
    await d.watch_for(240)
    assert d.ledger.history(ACME)[-1].outcome is not None


@pytest.mark.parametrize("jump_s", JUMPS)
async def test_a_cooldown_keeps_its_length(on: Installation, jump_s: float) -> None:
    async with daemon(on) as d:
        await reconnected_once(d)
        on.clock.jump_wall(jump_s)
        waited_s = await hours_until(d, 2, 2 * HOUR)
        assert 300 < waited_s < 1800
        assert d.monitor.breaches == []


@pytest.mark.parametrize("jump_s", JUMPS)
async def test_a_cooldown_keeps_its_length_when_no_daemon_saw_the_clock_being_set(
    on: Installation, jump_s: float
) -> None:
    async with daemon(on) as d:
        await reconnected_once(d)
        await d.engine.save()
    on.clock.jump_wall(jump_s)
    async with daemon(on) as d:
        waited_s = await hours_until(d, 2, 2 * HOUR)
        assert 300 < waited_s < 1800
        assert d.monitor.breaches == []


@pytest.mark.parametrize("jump_s", JUMPS)
async def test_what_moved_stays_moved_after_a_restart(on: Installation, jump_s: float) -> None:
    async with daemon(on) as d:
        await reconnected_once(d)
        on.clock.jump_wall(jump_s)
        await d.watch_for(5)
        await d.engine.save()
        tried = d.ledger.history(ACME)
        story = d.ledger.all_open()
    async with daemon(on) as d:
        assert d.ledger.history(ACME) == tried
        assert d.ledger.all_open() == story


async def test_an_action_that_runs_while_the_clock_is_set_began_when_it_began(on: Installation) -> None:
    async with daemon(on) as d:
        d.on.sessions.states["acme"] = ConnState.DISCONNECTED
        d.on.sessions.dead.add("acme")
        await hours_until(d, 1, HOUR)
        began_s = d.clock.now() - d.ledger.history(ACME)[-1].begun_at
        on.clock.jump_wall(3 * HOUR)
        await d.watch_for(5)
        await d.engine.save()
        await d.watch_for(235)
        last = d.ledger.history(ACME)[-1]
        assert last.rung is Rung.RECONNECT
        assert last.outcome is Outcome.FAILED
        assert last.ended_at is not None
        assert d.clock.now() - last.begun_at == pytest.approx(began_s + 240, abs=20)
        await d.engine.save()
    async with daemon(on) as d:
        assert d.ledger.history(ACME)[-1] == last


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("jump_s", JUMPS)
async def test_an_action_is_cut_off_while_the_clock_is_set(on: Installation, jump_s: float, seen: bool) -> None:
    async with daemon(on) as d:
        d.on.sessions.states["acme"] = ConnState.DISCONNECTED
        d.on.sessions.dead.add("acme")
        await hours_until(d, 1, HOUR)
        if seen:
            on.clock.jump_wall(jump_s)
    if not seen:
        on.clock.jump_wall(jump_s)
    async with daemon(on) as d:
        await d.see()
        remembered = d.monitor.memories(ACME)[str(ACME), "watch"]
        assert [t["begun_at"] for t in remembered["tries"]] == [a.begun_at for a in d.ledger.history(ACME)]
        assert d.clock.now() - d.ledger.history(ACME)[-1].begun_at == pytest.approx(100, abs=60)


async def test_a_pause_lasts_as_long_as_was_said(on: Installation) -> None:
    async with daemon(on) as d:
        d.holds.pause(ACME, d.clock.now() + DAY)
        on.clock.jump_wall(3 * HOUR)
        await d.watch_for(10)
        assert d.holds.paused_until(ACME, "main", d.clock.now()) == pytest.approx(d.clock.now() + DAY, abs=15)
