import pytest

from baileykeep.engine.holds import Holds
from baileykeep.model.limits import HOUR, Limits

NOW = 1_800_000_000.0
LIMITS = Limits()


def watching(monotonic: float = 500.0) -> Holds:
    """Holds of a daemon that has looked at the clocks once."""
    holds = Holds(act=True, started_at=NOW)
    holds.watch_clock(NOW, monotonic, LIMITS)
    return holds


def after_restart(holds: Holds, now: float, monotonic: float) -> Holds:
    """The next daemon's, after its first look."""
    later = Holds(act=True, started_at=now)
    later.load(holds.save(NOW))
    later.watch_clock(now, monotonic, LIMITS)
    return later


@pytest.mark.parametrize("jump_s", [-3 * HOUR, -HOUR - 1, HOUR + 1, 8 * HOUR])
def test_a_clock_that_jumped_is_noticed(jump_s: float) -> None:
    holds = watching()
    holds.watch_clock(NOW + 5 + jump_s, 505.0, LIMITS)
    assert holds.jumped_at == NOW + 5 + jump_s


@pytest.mark.parametrize("jump_s", [-3 * HOUR, 3 * HOUR])
def test_a_jump_is_noticed_also_when_no_daemon_was_there_to_see_it(jump_s: float) -> None:
    now = NOW + 60 + jump_s
    assert after_restart(watching(), now, 560.0).jumped_at == now


def test_a_restart_alone_is_no_jump_however_long_it_takes() -> None:
    assert after_restart(watching(), NOW + 9 * HOUR, 500.0 + 9 * HOUR).jumped_at is None


def test_a_reboot_begins_a_new_monotonic_clock_and_is_no_jump() -> None:
    assert after_restart(watching(), NOW + 9 * HOUR, 30.0).jumped_at is None


def test_a_small_correction_is_no_jump() -> None:
    holds = watching()
    holds.watch_clock(NOW + 5 + HOUR, 505.0, LIMITS)
    assert holds.jumped_at is None


def test_what_an_older_version_saved_is_no_jump() -> None:
    saved = {key: value for key, value in watching().save(NOW).items() if key != "clock"}
    holds = Holds(act=True, started_at=NOW)
    holds.load(saved)
    holds.watch_clock(NOW + 9 * HOUR, 30.0, LIMITS)
    assert holds.jumped_at is None
