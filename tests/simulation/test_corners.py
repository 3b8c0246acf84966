"""Corners that chance reaches seldom: the same death at every step of an action, and what must be no story at all."""

from __future__ import annotations

import math

import pytest

from tests.simulation.day import live
from tests.simulation.faults import HOUR, Fault
from tests.simulation.shrink import story

AT = 1800.0


def killed_at(crossing: int) -> Fault:
    """The daemon dies at the n-th door that it crosses after it began an action."""
    return Fault(AT - 60.0, "kill", "host", dice=math.sqrt((crossing - 0.5) / 60) / 2)


CASES = {
    "cleanup": Fault(AT, "files_old", "c1", dice=0.99),
    "repair_sessions": Fault(AT, "bad_mac", "c4", dice=0.1),
    "reconnect": Fault(AT, "hang", "c2", length_s=2 * HOUR),
    "restore_creds": Fault(AT, "creds_zeroed", "c3", dice=0.1),
    "restart_process": Fault(AT, "process_down", "alone", length_s=2 * HOUR, dice=0.9),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("rung", CASES)
def test_a_daemon_killed_at_any_step_of_an_action_leaves_nothing_broken(rung: str) -> None:
    reached = 0
    for crossing in [*range(1, 25), *range(27, 60, 5)]:
        day = live(3, [killed_at(crossing), CASES[rung]], end_s=2.5 * HOUR)
        assert day.actions[rung], f"no {rung} was begun"
        assert not day.breaches, story(day)
        reached += day.restarts
    assert reached > 10


@pytest.mark.parametrize("kind", ["self_reconnect", "duplicates", "creds_torn_briefly"])
def test_what_is_normal_is_no_story(kind: str) -> None:
    faults = [Fault(AT, kind, "c2", length_s=2 * HOUR, dice=0.5)]
    day = live(3, faults, end_s=3 * HOUR)
    assert not day.actions
    assert not [text for _, who, text in day.lines if who == "c2" and text.startswith(("*", "?"))]


def test_a_flapping_session_is_told_of_and_left_alone() -> None:
    day = live(3, [Fault(AT, "flaps", "c2", length_s=1200.0, dice=0.5)], end_s=2 * HOUR)
    told = [text for _, who, text in day.lines if who == "c2" and text.startswith("*")]
    assert told
    assert not day.actions
