"""The judges find what they are there for: each known bug, within a few short days of the faults that show it."""

from __future__ import annotations

import pytest

from tests.simulation.day import COMPANIES, GATEWAYS, Day, live
from tests.simulation.faults import KINDS, focused
from tests.simulation.planted import BUGS, Bug, planted

SEEDS = 10


def _day(bug: Bug, seed: int) -> Day:
    return live(seed, focused(seed, bug.kinds, bug.count, bug.hours, COMPANIES, GATEWAYS), end_s=bug.hours * 3600.0)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found_and_nothing_is_found_without_it(bug: Bug) -> None:
    for seed in range(SEEDS):
        with planted(bug):
            found = _day(bug, seed).breaches
        if found:
            assert not _day(bug, seed).breaches, "the same day breaks a promise without the bug"
            return
    pytest.fail(f"{bug.name} was not found in {SEEDS} days")


def test_every_bug_shows_under_faults_of_ordinary_days() -> None:
    assert {kind for bug in BUGS for kind in bug.kinds} <= KINDS.keys()
