"""A fact that was noted before the wall clock was set, and is told after it, keeps its distance from now."""

from __future__ import annotations

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.engine.moves import LATE_S, Moves
from baileykeep.model.facts import CloseKind, StreamClosed
from baileykeep.model.limits import HOUR

JUMPS = (-3 * HOUR, -90.0, 90.0, 3 * HOUR)


def closed(at: float) -> StreamClosed:
    return StreamClosed(at=at, gateway="main", company="acme", kind=CloseKind.REPLACED, code=440)


@pytest.mark.parametrize("jump_s", JUMPS)
@pytest.mark.parametrize("age_s", [0.0, 2.0, 20.0])
def test_it_is_as_old_as_it_was(jump_s: float, age_s: float) -> None:
    clock = VirtualClock()
    moves = Moves(clock)
    noted = closed(clock.now())
    clock.step_to(clock.monotonic() + age_s)
    clock.jump_wall(jump_s)
    assert moves.restamped(noted).at == pytest.approx(clock.now() - age_s)
    clock.step_to(clock.monotonic() + 5)
    assert moves.restamped(noted).at == pytest.approx(clock.now() - age_s - 5)


@pytest.mark.parametrize("jump_s", JUMPS)
def test_one_that_was_noted_since_is_what_it_is(jump_s: float) -> None:
    clock = VirtualClock()
    moves = Moves(clock)
    clock.jump_wall(jump_s)
    noted = moves.restamped(closed(moves.clock.now()))
    assert noted == closed(clock.now())
    clock.step_to(clock.monotonic() + 5)
    assert moves.restamped(noted) is noted


def test_a_clock_that_was_set_twice_moves_it_twice() -> None:
    clock = VirtualClock()
    moves = Moves(clock)
    noted = closed(clock.now())
    for jump_s in (3 * HOUR, -HOUR):
        clock.step_to(clock.monotonic() + 2)
        clock.jump_wall(jump_s)
        moves.clock.now()
    assert moves.restamped(noted).at == pytest.approx(clock.now() - 4)


def test_nothing_is_held_back_for_longer_than_a_minute() -> None:
    clock = VirtualClock()
    moves = Moves(clock)
    old = closed(clock.now())
    clock.jump_wall(3 * HOUR)
    moves.clock.now()
    clock.step_to(clock.monotonic() + LATE_S + 1)
    assert moves.restamped(old) is old
