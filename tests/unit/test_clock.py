"""The clocks: real, multiplied, and standing still until a test moves it."""

from __future__ import annotations

import random
import time

import anyio
import pytest

from baileykeep.clock import Clock, FastClock, SystemClock, VirtualClock, jittered


@pytest.mark.asyncio
async def test_the_systems_clock_is_the_systems() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.now() - time.time()) < 1
    assert abs(clock.monotonic() - time.monotonic()) < 1
    before = clock.monotonic()
    await clock.sleep(0.01)
    await clock.sleep(-5)
    assert 0.01 <= clock.monotonic() - before < 5


@pytest.mark.asyncio
async def test_the_fast_clock_passes_minutes_in_a_moment() -> None:
    clock: Clock = FastClock(6000)
    offset = clock.now() - clock.monotonic()
    before, began = clock.monotonic(), time.monotonic()
    await clock.sleep(60)
    await clock.sleep(-1)
    assert time.monotonic() - began < 30
    assert clock.monotonic() - before >= 60
    assert clock.now() - clock.monotonic() == pytest.approx(offset, abs=120)


@pytest.mark.asyncio
async def test_virtual_time_stands_still_until_it_is_moved() -> None:
    clock, woken = VirtualClock(1000.0), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async with anyio.create_task_group() as group:
        for seconds in (30, 10, 20, 10):
            group.start_soon(sleeper, seconds)
        await anyio.wait_all_tasks_blocked()
        assert clock.next_wake() == 1010
        clock.step_to(1009.9)
        await anyio.wait_all_tasks_blocked()
        assert woken == []
        clock.step_to(1010)
        await anyio.wait_all_tasks_blocked()
        assert woken == [(10, 1010), (10, 1010)]
        clock.step_to(1030)
        await anyio.wait_all_tasks_blocked()
        assert [seconds for seconds, _ in woken] == [10, 10, 20, 30]
    assert clock.next_wake() is None


@pytest.mark.asyncio
async def test_sleeping_for_nothing_lets_others_run_and_moves_no_time() -> None:
    clock, ran = VirtualClock(), []

    async def other() -> None:
        ran.append(clock.now())

    async with anyio.create_task_group() as group:
        group.start_soon(other)
        await clock.sleep(0)
        await clock.sleep(-3)
        assert ran == [clock.now()]
    assert clock.next_wake() is None


def test_virtual_time_never_runs_backwards() -> None:
    clock = VirtualClock(1000.0)
    clock.step_to(900)
    assert clock.monotonic() == 1000


def test_a_wall_clock_that_is_set_moves_no_time() -> None:
    clock = VirtualClock(1000.0)
    clock.jump_wall(8 * 3600)
    assert (clock.now(), clock.monotonic()) == (1000 + 8 * 3600, 1000)
    clock.jump_wall(-9 * 3600)
    clock.step_to(1005)
    assert (clock.now(), clock.monotonic()) == (1005 - 3600, 1005)


@pytest.mark.asyncio
async def test_a_sleeper_that_is_cancelled_leaves_the_others_alone() -> None:
    clock = VirtualClock(0.0)
    with anyio.move_on_after(0):
        await clock.sleep(5)
    async with anyio.create_task_group() as group:
        group.start_soon(clock.sleep, 7)
        await anyio.wait_all_tasks_blocked()
        clock.step_to(7)
    assert clock.next_wake() is None


def test_intervals_vary_within_their_share() -> None:
    rng = random.Random(7)
    found = [jittered(100, 0.1, rng) for _ in range(500)]
    assert 90 <= min(found) < 92
    assert 108 < max(found) <= 110
    assert jittered(100, 0, rng) == 100
