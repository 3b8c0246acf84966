import pytest

from baileykeep.engine.holds import Holds
from baileykeep.model.limits import HOUR, Limits
from baileykeep.model.symptoms import HOST, company, gateway
from baileykeep.rules import brake

NOW = 1_800_000_000.0
LIMITS = Limits()


@pytest.mark.parametrize("jump_s", [-3 * HOUR, -HOUR - 1, HOUR + 1, 8 * HOUR])
def test_a_far_jump_of_the_clock_is_remembered(jump_s: float) -> None:
    holds = Holds(act=True, started_at=NOW)
    holds.clock_was_set(jump_s, NOW + jump_s, LIMITS)
    assert holds.jumped_at == NOW + jump_s
    assert holds.started_at == NOW + jump_s


def test_a_small_correction_is_no_jump_and_an_earlier_one_stays_as_long_ago() -> None:
    holds = Holds(act=True, started_at=NOW)
    holds.clock_was_set(HOUR, NOW + HOUR, LIMITS)
    assert holds.jumped_at is None
    holds.jumped_at = NOW + HOUR
    holds.clock_was_set(-600.0, NOW + HOUR, LIMITS)
    assert holds.jumped_at == NOW + HOUR - 600


def test_pauses_and_brakes_keep_their_length_over_a_clock_that_is_set() -> None:
    holds = Holds(act=True, started_at=NOW)
    holds.pause(company("acme"), NOW + 900)
    where = gateway("main")
    holds.brakes[where] = brake.State((brake.Drop("acme", NOW - 30),), NOW - 20, ("acme",))
    holds.clock_was_set(-HOUR, NOW - HOUR, LIMITS)
    assert holds.paused_until(company("acme"), "main", NOW - HOUR) == NOW - HOUR + 900
    assert holds.brakes[where] == brake.State((brake.Drop("acme", NOW - HOUR - 30),), NOW - HOUR - 20, ("acme",))


def test_a_pause_that_is_over_stays_over_when_the_clock_is_set_back() -> None:
    holds = Holds(act=True, started_at=NOW)
    holds.pause(HOST, NOW)
    holds.clock_was_set(-3 * HOUR, NOW - 3 * HOUR, LIMITS)
    assert holds.paused_until(HOST, "main", NOW - 3 * HOUR) is None
