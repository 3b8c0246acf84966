from __future__ import annotations

from datetime import UTC, datetime

import pytest

from baileykeep.cli.words import holding, is_duration, iso, moment, plain, seconds, short, span
from baileykeep.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("1.5h", 5400), ("3d", 259_200), ("1w", 604_800)],
)
def test_durations_are_read(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "20", "m20", "1h 30m", "-5m", "20M", "997441"])
def test_what_is_no_duration_is_said(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(UsageError, match="not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("length_s", "long", "brief"),
    [
        (-5, "0s", "0s"),
        (59.9, "59s", "59s"),
        (960, "16m", "16m"),
        (7260, "2h 1m", "2h"),
        (7200, "2h", "2h"),
        (40_000, "11h", "11h"),
        (90_000, "1d 1h", "1d"),
        (1_000_000, "11d", "11d"),
    ],
)
def test_lengths_are_written_short(length_s: float, long: str, brief: str) -> None:
    assert (span(length_s), short(length_s)) == (long, brief)


def test_moments_are_ago_or_iso() -> None:
    assert moment("2h", 10_000) == 2_800
    assert iso("2026-01-31T14:00:00+01:00") == datetime(2026, 1, 31, 13, tzinfo=UTC).timestamp()
    assert iso("2026-01-31T14:00:00Z") == datetime(2026, 1, 31, 14, tzinfo=UTC).timestamp()
    with pytest.raises(UsageError, match="is no time"):
        moment("yesterday", 0)


def test_a_terminal_never_obeys_foreign_text() -> None:
    assert plain("Acme\x1b[2J\r\nHair\x9b") == "Acme [2J  Hair "


def test_reasons_are_sentences_also_when_they_are_new_to_us() -> None:
    assert holding("network_down") == "this host is offline"
    assert holding("some_new_reason") == "some new reason"
