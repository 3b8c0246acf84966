"""What keeps a maintenance window from a company, besides the company itself."""

from typing import Any

import pytest

from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.engine.windows import beside, neighbours
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.incident import Cause
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Subject, company, gateway
from tests.unit.rules.cases import NOW, incident

ACME, NEXT_DOOR, ELSEWHERE = company("acme"), company("b"), company("c")


class Open:
    """A window that closes after so many seconds."""

    def __init__(self, left_s: float):
        self._left_s = left_s

    def closes_at(self, now: float) -> float | None:
        return now + self._left_s

    def opens_at(self, now: float) -> float | None:
        return None


def member(subject: Subject = ACME, where: str = "main", left_s: float = 3600.0) -> Member:
    return Member(subject, subject.id, where, Limits(), window=Open(left_s))


class Members:
    """A roster of three companies on two gateways."""

    def member(self, subject: Subject) -> Member | None:
        return {ACME: member(), NEXT_DOOR: member(NEXT_DOOR), ELSEWHERE: member(ELSEWHERE, "other")}.get(subject)


@pytest.mark.parametrize(("running", "found"), [
    ((), []),
    ((ACME,), []),
    ((ELSEWHERE, company("gone")), []),
    ((ACME, NEXT_DOOR), [NEXT_DOOR]),
])  # fmt: skip
def test_neighbours_are_others_of_the_same_gateway(running: tuple[Subject, ...], found: list[Subject]) -> None:
    roster: Any = Members()
    assert [other.subject for other in neighbours(member(), running, roster)] == found


@pytest.mark.parametrize(("cause", "subject", "other"), [
    (Cause.FILES_HIGH, ACME, False),
    (Cause.FORECAST, ACME, False),
    (Cause.PHONE_MISMATCH, ACME, True),
    (Cause.PHONE_MISMATCH, NEXT_DOOR, False),
    (Cause.FILES_CRITICAL, ACME, False),
    (Cause.GATEWAY_DOWN, gateway("main"), True),
    (Cause.GATEWAY_DOWN, gateway("other"), False),
])  # fmt: skip
@pytest.mark.asyncio
async def test_only_another_trouble_of_its_own_or_of_its_gateway_counts(
    cause: Cause, subject: Subject, other: bool
) -> None:
    ledger = Ledger(MemoryJournal(), lambda _before, _after: (), lambda: None)
    await ledger.commit(None, incident(cause, subject=subject))
    assert beside(member(), ledger, [], NOW) == {"window": True, "neighbour": False, "other_incident": other}


def test_the_last_minutes_of_a_window_are_not_open_for_new_work() -> None:
    ledger = Ledger(MemoryJournal(), lambda _before, _after: (), lambda: None)
    assert beside(member(left_s=900.0), ledger, [member(NEXT_DOOR)], NOW)["window"] is False
    assert beside(member(left_s=901.0), ledger, [member(NEXT_DOOR)], NOW) == {
        "window": True, "neighbour": True, "other_incident": False,
    }  # fmt: skip
