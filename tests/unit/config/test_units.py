import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.config.units import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("6h", 21_600), ("7d", 604_800), ("1h30m", 5_400), ("1h 30m", 5_400), ("500ms", 0.5),
     (" 2W ", 1_209_600), ("0.5s", 0.5), ("45", 45), (45, 45), (1.5, 1.5)],
)  # fmt: skip
def test_reads_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10 minutes", "m", "-5m", "5x", "1m-", True, None, [], "١٠m"])
def test_refuses_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (600, "10m"), (86_400, "1d"), (5_400, "1h30m"), (0.5, "500ms")]
)
def test_writes_the_shortest(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**12))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=0.0005)
