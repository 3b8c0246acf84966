"""How often the rounds are made in which copies are due."""

from __future__ import annotations

import pytest

from baileykeep.app.housekeeping import CHORES_S, chores_pause_s


@pytest.mark.parametrize(("every_s", "pause_s"), [((), CHORES_S), ((21_600.0,), CHORES_S), ((21_600.0, 7.0), 7.0)])
def test_copies_that_are_wanted_more_often_than_once_a_minute_are_made_so_often(
    every_s: tuple[float, ...], pause_s: float
) -> None:
    assert chores_pause_s(every_s) == pause_s
