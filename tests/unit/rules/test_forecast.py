from __future__ import annotations

from collections.abc import Callable

import pytest

from baileykeep.model.codec import decode, encode
from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.forecast import MAX_SAMPLES, MIN_GROWTH, STEADY_R2, ForecastState, Line, fitted, forecast
from tests.unit.rules.folders import NOW

BOUNDS = (120, 150, 180, 200)


def grow(counts: Callable[[float], float], days: float) -> tuple[ForecastState, list[Symptom]]:
    """One look an hour; `counts` gives the files after so many days."""
    state, told = ForecastState(), list[Symptom]()
    for hour in range(int(days * 24) + 1):
        now = NOW + hour * HOUR
        state, symptoms = forecast(state, company("c"), int(counts(hour / 24)), BOUNDS, now)
        told += symptoms
    return state, told


def test_steady_growth_is_foretold_once() -> None:
    _, told = grow(lambda day: 121 + 2.5 * day, 3)
    (symptom,) = told
    assert symptom.active
    assert symptom.detail["target"] == 150
    assert symptom.detail["days"] in (9, 10, 11)


def test_it_needs_a_day_of_history() -> None:
    assert grow(lambda day: 100 + 10 * day, 0.9)[1] == []
    assert grow(lambda day: 100 + 10 * day, 1.2)[1] != []


def test_slow_growth_and_noise_are_not_foretold() -> None:
    assert grow(lambda day: 60 + 0.5 * day, 6)[1] == []
    assert grow(lambda day: 110 + (7 if int(day * 8) % 2 else 3), 6)[1] == []


def test_a_forecast_ends_when_growth_does() -> None:
    _, told = grow(lambda day: 100 + 4 * min(day, 2), 10)
    assert [symptom.active for symptom in told][-1] is False


def test_a_cleanup_begins_the_history_anew() -> None:
    state, _ = grow(lambda day: 140 + 2 * day if day < 3 else 60, 3.2)
    assert len(state.samples) <= 2
    assert state.threshold is None


def test_a_clock_set_back_begins_the_history_anew() -> None:
    state, _ = grow(lambda day: 100 + 4 * day, 2)
    state, _ = forecast(state, company("c"), 108, BOUNDS, NOW - DAY)
    assert state.samples == ((NOW - DAY, 108),)


def test_the_history_is_bounded_and_survives_the_codec() -> None:
    state, _ = grow(lambda day: 100 + day / 10, 30)
    assert len(state.samples) == MAX_SAMPLES
    assert decode(ForecastState, encode(state)) == state


def test_above_the_last_bound_nothing_is_foretold() -> None:
    assert grow(lambda day: 210 + 5 * day, 3)[1] == []


def look(state: ForecastState, counted: int, now: float) -> tuple[ForecastState, tuple[Symptom, ...]]:
    return forecast(state, company("c"), counted, BOUNDS, now)


def samples(*points: tuple[float, int]) -> ForecastState:
    return ForecastState(tuple((NOW + hours * HOUR, counted) for hours, counted in points))


STEADY = samples((0, 100), (6, 101), (12, 102), (18, 103))
"""One file every six hours; the fifth sample completes a day."""


def test_what_is_foretold() -> None:
    now = NOW + DAY
    state, told = look(samples((0, 96), (6, 98), (12, 100), (18, 102)), 104, now)
    detail = {"target": 120, "days": 2, "counted": 104}
    assert told == (Symptom(company("c"), SymptomKind.FORECAST, now, True, Severity.INFO, detail),)
    assert state.threshold == 120
    assert state.reached_at == pytest.approx(now + 2 * DAY)


@pytest.mark.parametrize(
    ("state", "counted", "hours", "foretold"),
    [
        (samples((0, 96), (6, 98), (12, 100), (18, 102)), 104, 24, True),
        (samples((0, 96), (8, 99), (16, 101)), 104, 24, False),
        (samples((0, 96), (6, 98), (12, 100), (18, 102)), 104, 23.9, False),
        (samples((0, 100), (6, 101), (12, 102), (18, 104)), 105, 24, True),
        (STEADY, 104, 24, False),
        (samples((0, 120), (6, 119), (12, 118), (18, 117)), 116, 24, False),
        (samples((0, 100), (6, 116), (12, 100), (18, 116)), 112, 24, False),
    ],
    ids=["steady", "four samples", "less than a day", "five files", "four files", "shrinking", "noise"],
)
def test_what_it_takes_to_foretell(state: ForecastState, counted: int, hours: float, foretold: bool) -> None:
    assert bool(look(state, counted, NOW + hours * HOUR)[1]) is foretold


def test_a_folder_that_was_filled_at_once_and_shrinks_since_is_not_foretold_to_be_full() -> None:
    filled = samples((0, 120), *((3 * n, 345 - 4 * n) for n in range(1, MAX_SAMPLES)))
    hours, last = (filled.samples[-1][0] - NOW) / HOUR, filled.samples[-1][1]
    line = fitted(filled.samples)
    assert line.per_s < 0
    assert line.r2 > STEADY_R2
    assert last >= 120 + MIN_GROWTH
    assert look(filled, last, NOW + hours * HOUR)[1] == ()


def test_what_will_be_reached_within_hours_is_told_as_one_day() -> None:
    assert look(samples((0, 103), (6, 107), (12, 111), (18, 115)), 119, NOW + DAY)[1][0].detail["days"] == 1


def test_the_horizon_is_a_fortnight() -> None:
    """A file every 2.8 hours from 30 on: 90 more in ten and a half days, 120 in exactly fourteen."""
    line = samples((0, 0), (28, 10), (56, 20), (84, 30))
    assert look(line, 40, NOW + 112 * HOUR)[1][0].detail["days"] == 9
    for bounds, foretold in (((160,), True), ((161,), False)):
        told = forecast(line, company("c"), 40, bounds, NOW + 112 * HOUR)[1]
        assert bool(told) is foretold


def test_the_next_bound_is_the_one_that_is_not_yet_reached() -> None:
    grown = samples((0, 112), (6, 114), (12, 116), (18, 118))
    assert look(grown, 119, NOW + DAY)[1][0].detail["target"] == 120
    assert look(grown, 120, NOW + DAY)[1][0].detail["target"] == 150


def test_a_forecast_is_told_again_when_it_moves_by_more_than_two_days_or_to_another_bound() -> None:
    now, line = NOW + DAY, samples((0, 96), (6, 98), (12, 100), (18, 102))
    due = now + 2 * DAY
    exact = look(line, 104, now)[0].reached_at
    assert exact is not None
    for moved, again in ((2 * DAY, False), (-2 * DAY, False), (2 * DAY + 0.01, True)):
        assert bool(look(ForecastState(line.samples, 120, exact + moved), 104, now)[1]) is again
    for threshold, reached_at, again in (
        (120, due, False), (120, due - 2 * DAY + 1, False), (120, due + 2 * DAY - 1, False),
        (120, due - 2 * DAY - 1, True), (120, due + 2 * DAY + 1, True), (150, due, True), (120, None, True),
    ):  # fmt: skip
        before = ForecastState(line.samples, threshold, reached_at)
        assert bool(look(before, 104, now)[1]) is again, (threshold, reached_at)


def test_the_end_of_a_forecast_is_told_once_and_whole() -> None:
    state, told = look(ForecastState(STEADY.samples, 120, NOW), 60, NOW + DAY)
    assert told == (Symptom(company("c"), SymptomKind.FORECAST, NOW + DAY, False, Severity.INFO),)
    assert state == ForecastState(((NOW + DAY, 60),))
    assert look(state, 60, NOW + DAY + 1) == (state, ())


def test_samples_are_three_hours_apart_and_start_anew_after_a_cleanup() -> None:
    first = samples((0, 100))
    assert look(first, 100, NOW + 3 * HOUR - 1)[0] == first
    assert look(first, 100, NOW + 3 * HOUR)[0] == samples((0, 100), (3, 100))
    assert look(first, 96, NOW + 3 * HOUR)[0] == samples((0, 100), (3, 96))
    assert look(first, 95, NOW + 1)[0].samples == ((NOW + 1, 95),)
    assert look(samples((-3, 99), (0, 100)), 100, NOW)[0] == samples((-3, 99), (0, 100))
    assert look(first, 100, NOW - 1)[0].samples == ((NOW - 1, 100),)


def test_the_line_goes_through_the_samples() -> None:
    exact = fitted(((1000.0, 3), (1010.0, 8), (1030.0, 18)))
    assert exact.per_s == pytest.approx(0.5)
    assert exact.r2 == pytest.approx(1.0)
    loose = fitted(((0.0, 0), (1.0, 2), (2.0, 1)))
    assert loose.per_s == pytest.approx(0.5)
    assert loose.r2 == pytest.approx(0.25)
    assert fitted(((0.0, 1), (1.0, 1))) == Line(0.0, 0.0)
    assert fitted(((5.0, 1), (5.0, 2))) == Line(0.0, 0.0)
