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
