"""The clocks: real, multiplied, and standing still until a test moves it."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from baileykeep.clock import Clock, ClockMark, FastClock, SystemClock, VirtualClock, WatchedClock, jittered


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


def watched(clock: VirtualClock) -> tuple[WatchedClock, list[tuple[float, float]]]:
    """A watched clock, and what it tells."""
    told: list[tuple[float, float]] = []
    return WatchedClock(clock, lambda by_s, now: told.append((by_s, now))), told


@pytest.mark.parametrize("by_s", [-3 * 3600.0, -5.5, 5.5, 8 * 3600.0])
def test_a_clock_that_was_set_is_told_once_and_before_its_time_is_given(by_s: float) -> None:
    clock = VirtualClock(1000.0)
    watching, told = watched(clock)
    clock.step_to(1060.0)
    clock.jump_wall(by_s)
    now = watching.now()
    assert told == [(by_s, 1060.0 + by_s)]
    assert now == 1060.0 + by_s
    assert watching.now() == now
    assert len(told) == 1


def test_a_clock_that_is_slewed_is_not_set_however_far_it_goes() -> None:
    clock = VirtualClock(1000.0)
    watching, told = watched(clock)
    for _ in range(100):
        clock.jump_wall(1.0)
        watching.now()
    assert told == []


def test_a_clock_that_was_set_while_nobody_watched_is_told_by_what_was_kept() -> None:
    clock = VirtualClock(1000.0)
    mark = watched(clock)[0].mark
    clock.step_to(5000.0)
    clock.jump_wall(-600.0)
    watching, told = watched(clock)
    watching.recall(mark)
    assert told == [(-600.0, 4400.0)]


def test_over_a_reboot_two_clocks_cannot_be_compared() -> None:
    watching, told = watched(VirtualClock(1000.0))
    watching.recall(ClockMark("another run of the machine", -77_000.0))
    watching.now()
    assert told == []


def test_a_process_that_was_halted_between_two_looks_learns_nothing_from_them() -> None:
    class Halted(VirtualClock):
        def now(self) -> float:
            self.step_to(self.monotonic() + 60)
            return super().now()

    clock = VirtualClock(1000.0)
    halted, told = watched(Halted(1000.0))
    halted.now()
    assert told == []
    assert clock.boot() == Halted().boot()


def test_a_worker_thread_gets_the_time_and_leaves_the_telling_to_the_loop() -> None:
    clock = VirtualClock(1000.0)
    watching, told = watched(clock)
    clock.jump_wall(3600.0)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(watching.now).result() == 4600.0
    assert told == []
    watching.now()
    assert len(told) == 1


def test_the_systems_clocks_name_what_their_seconds_count_from() -> None:
    assert SystemClock().boot() == SystemClock().boot() != ""
    fast = FastClock(60)
    assert fast.boot() == fast.boot() != SystemClock().boot()
