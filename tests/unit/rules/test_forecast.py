from __future__ import annotations

from collections.abc import Callable

from baileykeep.model.codec import decode, encode
from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.symptoms import Symptom, company
from baileykeep.rules.forecast import MAX_SAMPLES, ForecastState, forecast
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
