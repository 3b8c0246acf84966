"""The fleet brake: when it is pulled, when it lifts, and that nothing else does either."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.model.limits import BrakeLimits, Limits
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind, gateway
from baileykeep.rules.brake import Drop, State, stagger_until, step
from tests.unit.rules.cases import NOW
from tests.unit.rules.facts import LIMITS

MAIN = gateway("main")


def names(count: int, first: int = 0) -> frozenset[str]:
    return frozenset(f"c{n:03d}" for n in range(first, first + count))


def run(
    *looks: tuple[float, frozenset[str]], total: int = 100, state: State | None = None
) -> tuple[State, list[Symptom]]:
    state = state or State()
    told: list[Symptom] = []
    for after_s, down in looks:
        state, symptoms = step(state, MAIN, down, total, NOW + after_s, LIMITS)
        told.extend(symptoms)
    return state, told


def on(*looks: tuple[float, frozenset[str]], total: int = 100, state: State | None = None) -> bool:
    return run(*looks, total=total, state=state)[0].on_since is not None


def test_sixty_of_a_hundred_at_once() -> None:
    state, told = run((0, names(60)))
    assert (state.on_since, told) == (NOW, [])
    assert run((29.9, names(60)), state=state)[1] == []
    assert run((30, names(60)), state=state)[1] == [
        Symptom(MAIN, SymptomKind.FLEET_DOWN, NOW + 30, True, Severity.EMERGENCY, {"down": 60, "total": 100}),
    ]


def test_what_was_over_before_it_was_told_is_never_told() -> None:
    state, told = run((0, names(60)), (25, names(30)))
    assert (state.on_since, told) == (None, [])


@pytest.mark.parametrize(
    ("down", "total", "pulled"),
    [(50, 100, True), (49, 100, False), (3, 6, True), (3, 7, False), (2, 2, False), (2, 4, False), (3, 3, True)],
)
def test_half_of_them_and_at_least_three(down: int, total: int, pulled: bool) -> None:
    assert on((0, names(down)), total=total) is pulled


def test_they_may_drop_one_by_one_within_two_minutes() -> None:
    assert on((0, names(20)), (60, names(40)), (120, names(50)))
    assert not on((0, names(20)), (60, names(40)), (121, names(50)))


def test_a_slow_decay_is_no_mass_drop() -> None:
    assert not on(*((n * 60.0, names(n)) for n in range(101)))


def test_one_that_came_back_and_dropped_again_dropped_anew() -> None:
    assert not on((0, names(30)), (200, frozenset()), (400, names(25)), (401, names(25)))
    assert on((0, names(30)), (200, frozenset()), (400, names(50)))


def test_it_is_told_once_while_it_holds() -> None:
    _, told = run(*((n * 5.0, names(60)) for n in range(300)))
    assert len(told) == 1


def test_it_lifts_when_half_of_those_are_back() -> None:
    assert on((0, names(60)), (300, names(31)))
    state, told = run((0, names(60)), (30, names(60)), (300, names(30)))
    assert state.on_since is None
    assert (told[-1].active, told[-1].detail) == (False, {"back": 30, "caught": 60})


def test_those_that_follow_while_it_holds_count_too() -> None:
    assert on((0, names(60)), (300, names(80)), (600, names(41)))
    assert not on((0, names(60)), (300, names(80)), (600, names(40)))


def test_those_that_were_down_long_before_do_not_keep_it_on() -> None:
    long_down = names(40)
    drop = (1000, long_down | names(50, 40))
    assert on((0, long_down), drop)
    assert not on((0, long_down), drop, (1100, long_down | names(25, 40)))
    assert on((0, long_down), drop, (1100, long_down | names(26, 40)))


def test_it_lifts_after_half_an_hour_and_is_not_pulled_by_the_same_drops_again() -> None:
    assert on((0, names(60)), (1799, names(60)))
    state, told = run((0, names(60)), (30, names(60)), *((1800 + n * 5.0, names(60)) for n in range(100)))
    assert state.on_since is None
    assert [s.active for s in told] == [True, False]


def test_it_is_not_pulled_again_by_those_that_are_still_on_their_way_back() -> None:
    state, told = run((0, names(10)), (30, names(10)), *((60 + n * 5.0, names(5)) for n in range(40)), total=10)
    assert state.on_since is None
    assert [s.active for s in told] == [True, False]


def test_a_second_mass_drop_after_the_lift_pulls_it_again() -> None:
    state, told = run((0, names(10)), (30, names(10)), (60, frozenset()), (90, names(10)), (120, names(10)), total=10)
    assert state.on_since == NOW + 90
    assert [s.active for s in told] == [True, False, True]


def test_first_rungs_come_one_after_another_once_it_lifted() -> None:
    state, _ = run((0, names(60)), (1800, names(60)))
    turns = [stagger_until(state, f"c{n:03d}", LIMITS.brake) for n in range(60)]
    assert turns == [NOW + 1800 + 15 * n for n in range(60)]
    assert stagger_until(state, "c099", LIMITS.brake) is None
    assert stagger_until(State(), "c000", LIMITS.brake) is None
    assert stagger_until(run((0, names(60)))[0], "c000", LIMITS.brake) is None


def test_limits_are_settings() -> None:
    limits = Limits(brake=BrakeLimits(share=0.1, min_companies=1, window_s=10))
    assert step(State(), HOST, names(1), 10, NOW, limits)[0].on_since == NOW


@pytest.mark.parametrize("jump_s", [-8 * 3600, -3600])
def test_a_clock_that_was_set_back_holds_nobody_longer_than_half_an_hour(jump_s: float) -> None:
    pulled, _ = run((0, names(60)))
    jumped, _ = run((jump_s, names(60)), state=pulled)
    assert not on((jump_s + 1800, names(60)), state=jumped)
    lifted, _ = run((1800, names(60)), state=pulled)
    after, told = run((1800 + jump_s, names(60)), state=lifted)
    assert told == []
    assert stagger_until(after, "c001", LIMITS.brake) == NOW + 1800 + jump_s + 15


@pytest.mark.parametrize("jump_s", [-8 * 3600, -3600, 3600, 8 * 3600])
def test_a_clock_that_was_set_makes_no_old_drops_new(jump_s: float) -> None:
    slowly, _ = run(*((n * 300.0, names(n)) for n in range(71)))
    end = 70 * 300.0
    back, told = run(*((end + jump_s + n * 60, names(70)) for n in range(600)), state=slowly)
    assert told == []
    assert back.on_since is None


LOOKS = st.lists(
    st.tuples(st.one_of(st.just(5.0), st.floats(-9 * 3600, 9 * 3600)), st.sets(st.integers(0, 9))), max_size=40
)


@settings(deadline=None)
@given(LOOKS, st.integers(10, 30))
def test_never_on_with_fewer_than_three_or_less_than_half(looks: list[tuple[float, set[int]]], total: int) -> None:
    state, now = State(), NOW
    for gap, numbers in looks:
        now += gap
        down = frozenset(map(str, numbers))
        before, (state, told) = state, step(state, MAIN, down, total, now, LIMITS)
        assert {drop.company for drop in state.drops} == down
        assert all(drop.at <= now for drop in state.drops)
        assert [s.active for s in told] == [state.told] * (state.told is not before.told)
        assert not state.told or state.on_since is not None
        if state.on_since is not None:
            caught = frozenset(state.caught)
            assert len(caught) >= 3
            assert 2 * len(caught) >= total
            assert 2 * len(caught - down) < len(caught) or before.on_since is None
            assert state.on_since <= now < state.on_since + 1800


def test_the_whole_story_of_a_brake() -> None:
    pulled, _ = run((0, names(6)), total=10)
    caught = tuple(sorted(names(6)))
    drops = tuple(Drop(name, NOW) for name in caught)
    assert pulled == State(drops, NOW, caught)
    told, symptoms = run((30, names(6)), total=10, state=pulled)
    assert told == State(drops, NOW, caught, told=True)
    assert symptoms == [
        Symptom(MAIN, SymptomKind.FLEET_DOWN, NOW + 30, True, Severity.EMERGENCY, {"down": 6, "total": 10})
    ]
    lifted, symptoms = run((60, names(3)), total=10, state=told)
    assert lifted == State(drops[:3], None, caught[:3], NOW + 60)
    assert symptoms == [
        Symptom(MAIN, SymptomKind.FLEET_DOWN, NOW + 60, False, Severity.EMERGENCY, {"back": 3, "caught": 6})
    ]
    again, _ = run((61, names(3)), (62, frozenset()), (63, names(5)), total=10, state=lifted)
    assert again == State(tuple(Drop(name, NOW + 63) for name in caught[:5]), NOW + 63, caught[:5])


def test_what_dropped_in_the_moment_of_the_lift_pulls_nothing() -> None:
    lifted = State(lifted_at=NOW)
    assert run((0, names(6)), total=10, state=lifted)[0].on_since is None
    assert run((1, names(6)), total=10, state=lifted)[0].on_since == NOW + 1


def test_what_dropped_in_the_moment_of_the_pull_follows_nobody() -> None:
    """It was counted then, or it was down long before."""
    state = State(tuple(Drop(name, NOW) for name in sorted(names(8))), NOW, tuple(sorted(names(6))))
    assert run((1, names(8) - names(3)), total=10, state=state)[0].on_since is None
    later = replace(state, drops=tuple(Drop(name, NOW + 0.5) for name in sorted(names(8))))
    assert run((1, names(8) - names(3)), total=10, state=later)[0].on_since == NOW
