from dataclasses import replace

import pytest

from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, HOUR, BadMacLimits, Limits
from baileykeep.rules import incidents
from baileykeep.rules.repair_signs import signs
from tests.unit.rules.cases import NOW, case, incident, tried

HOURLY = "Warning sign: more than 1 repair was needed within an hour."
DAILY = "Warning sign: more than 1 repair was needed within a day."
IN_VAIN = "Warning sign: more than 3 repairs were in vain, one after the other."


def repair(ago_s: float, outcome: Outcome | None = Outcome.HEALED) -> Attempt:
    return tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, outcome, ago_s)


def told(*history: Attempt, own: tuple[Attempt, ...] = (), limits: Limits | None = None) -> tuple[str, ...]:
    return signs(case(Cause.BAD_MAC, *own, history=history, limits=limits))


def test_the_first_repair_is_no_sign() -> None:
    assert told() == ()
    mine = repair(10, None)
    assert told(mine, own=(mine,)) == ()


def test_a_second_repair_is_told_when_asked_for_and_still_when_it_runs() -> None:
    assert told(repair(HOUR - 1)) == (HOURLY, DAILY)
    assert told(repair(HOUR)) == (DAILY,)
    assert told(repair(DAY)) == ()
    mine = repair(10, None)
    assert told(repair(HOUR), mine, own=(mine,)) == (DAILY,)


@pytest.mark.parametrize("outcome", [Outcome.SUPERSEDED, Outcome.REFUSED])
def test_what_did_nothing_was_no_repair(outcome: Outcome) -> None:
    assert told(repair(60, outcome)) == ()
    assert told(*(repair(n * DAY, outcome) for n in (7, 6, 5, 4, 3))) == ()


def test_four_failures_in_a_row_are_told_and_one_success_breaks_the_row() -> None:
    days = [repair(n * DAY, Outcome.FAILED) for n in (6, 5, 4, 3)]
    assert told(*days) == (IN_VAIN,)
    assert told(*days[:3]) == ()
    assert told(*days, repair(2 * DAY)) == ()


def test_bounds_are_limits_and_other_troubles_have_no_such_signs() -> None:
    patient = Limits(bad_mac=BadMacLimits(hourly_alert=2, daily_target=2))
    assert told(repair(60), limits=patient) == ()
    assert told(repair(60), repair(50), limits=patient) == (
        "Warning sign: more than 2 repairs were needed within an hour.",
        "Warning sign: more than 2 repairs were needed within a day.",
    )
    assert signs(case(Cause.DISCONNECTED, history=(repair(60),))) == ()


def test_a_sign_is_told_once_in_a_story() -> None:
    once = incidents.warned(incident(Cause.BAD_MAC), (HOURLY, DAILY), NOW)
    assert [line.text for line in once.story][-2:] == [HOURLY, DAILY]
    assert incidents.warned(once, (DAILY, HOURLY), NOW + 60) == once


def test_only_repairs_of_this_trouble_are_its_own() -> None:
    other = replace(repair(60), cause=Cause.DISCONNECTED)
    assert told(other, own=(other,)) == (HOURLY, DAILY)
    mine = repair(60)
    assert told(mine, own=(mine,)) == ()


def test_a_repair_that_still_runs_was_not_in_vain() -> None:
    days = [repair(n * DAY, Outcome.FAILED) for n in (6, 5, 4)]
    assert told(*days, repair(2 * DAY, None)) == ()


def test_only_repairs_are_counted() -> None:
    others = [tried(Rung.RECONNECT, Cause.DISCONNECTED, Outcome.FAILED, 60.0 * n) for n in range(9, 0, -1)]
    assert told(*others) == ()
