from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.config.window import Window

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


NIGHT = Window((0, 2), time(23, 30), time(2, 30), BERLIN)  # Monday and Wednesday, over midnight


@pytest.mark.parametrize(
    ("moment", "closes"),
    [
        ("2026-11-16T23:29", None),
        ("2026-11-16T23:30", "2026-11-17T02:30"),
        ("2026-11-17T02:29", "2026-11-17T02:30"),
        ("2026-11-17T02:30", None),
        ("2026-11-17T23:45", None),
        ("2026-11-19T01:00", "2026-11-19T02:30"),
    ],
)
def test_over_midnight_belongs_to_the_day_it_opened(moment: str, closes: str | None) -> None:
    assert NIGHT.closes_at(at(moment)) == (at(closes) if closes else None)


def test_zone_of_the_window_counts() -> None:
    window = Window((0, 1, 2, 3, 4, 5, 6), time(3), time(5), "Asia/Tokyo")
    assert window.closes_at(at("2026-11-16T19:00", BERLIN)) == at("2026-11-17T05:00", "Asia/Tokyo")


def test_night_of_the_clock_change_is_an_hour_longer_or_shorter() -> None:
    window = Window((6,), time(1), time(4), BERLIN)
    autumn, spring = at("2026-10-25T01:00"), at("2026-03-29T01:00")
    assert (window.closes_at(autumn) or 0) - autumn == 4 * 3600
    assert (window.closes_at(spring) or 0) - spring == 2 * 3600


@given(st.integers(min_value=1_700_000_000, max_value=1_900_000_000))
def test_a_window_that_is_open_closes_within_its_length(now: int) -> None:
    closes = NIGHT.closes_at(now)
    assert closes is None or now < closes <= now + 4 * 3600


NEW_YORK, LIMA = "America/New_York", "America/Lima"


@pytest.mark.parametrize(("start", "end", "zone", "day", "opens", "closes"), [
    # spring: 02:00 to 03:00 does not exist, and a window in it opens and closes an hour later by the clock
    (time(2, 15), time(2, 45), BERLIN, "2026-03-29", "2026-03-29T03:15", "2026-03-29T03:45"),
    (time(1, 30), time(2, 30), BERLIN, "2026-03-29", "2026-03-29T01:30", "2026-03-29T03:30"),
    (time(2, 15), time(2, 45), NEW_YORK, "2026-03-08", "2026-03-08T03:15", "2026-03-08T03:45"),
    # no daylight saving
    (time(2, 15), time(2, 45), LIMA, "2026-03-08", "2026-03-08T02:15", "2026-03-08T02:45"),
    # autumn: the hour that comes twice counts the first time
    (time(2, 15), time(2, 45), BERLIN, "2026-10-25", "2026-10-25T02:15", "2026-10-25T02:45"),
    (time(1, 15), time(1, 45), NEW_YORK, "2026-11-01", "2026-11-01T01:15", "2026-11-01T01:45"),
])  # fmt: skip
def test_gaps_and_folds(start: time, end: time, zone: str, day: str, opens: str, closes: str) -> None:
    window = Window((0, 1, 2, 3, 4, 5, 6), start, end, zone)
    midnight = at(f"{day}T00:00", zone)
    assert window.opens_at(midnight) == at(opens, zone)
    assert window.closes_at(at(opens, zone)) == at(closes, zone)
    assert window.closes_at(at(closes, zone)) is None


def test_a_span_that_the_clock_change_swallows_is_left_out_that_day() -> None:
    window = Window((6,), time(2, 30), time(3, 15), BERLIN)
    assert window.opens_at(at("2026-03-29T00:00")) == at("2026-04-05T02:30")


@given(st.integers(min_value=1_700_000_000, max_value=1_900_000_000))
def test_what_opens_next_is_open_then_and_not_a_second_before(now: int) -> None:
    opens = NIGHT.opens_at(now)
    assert opens is not None
    assert opens > now
    assert NIGHT.closes_at(opens) is not None
    assert NIGHT.closes_at(opens - 1) is None
