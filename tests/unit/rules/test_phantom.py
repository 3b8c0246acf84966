from __future__ import annotations

import pytest

from baileykeep.model.codec import decode, encode
from baileykeep.model.facts import ConnectionSeen, ConnState, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.phantom import State, step

ACME = company("acme")
OPEN, DOWN, UNKNOWN = ConnState.CONNECTED, ConnState.DISCONNECTED, ConnState.UNKNOWN
Poll = tuple[float, ConnState, bool | None]


def run(*polls: Poll, state: State | None = None) -> tuple[State, list[Symptom]]:
    state, found = state or State(), list[Symptom]()
    for at, conn, paired in polls:
        fact = ConnectionSeen(at=at, company="acme", state=conn, paired=paired)
        state, symptoms = step(state, ACME, fact, at, Limits())
        found += symptoms
    return state, found


def test_open_and_not_paired_for_more_than_thirty_seconds_is_a_phantom() -> None:
    assert run((0, OPEN, False), (15, OPEN, False), (30, OPEN, False))[1] == []
    state, (found,) = run((0, OPEN, False), (15, OPEN, False), (30, OPEN, False), (31, OPEN, False), (40, OPEN, False))
    assert (found.kind, found.active, found.at) == (SymptomKind.PHANTOM, True, 31)
    assert decode(State, encode(state)) == state


@pytest.mark.parametrize("paired", [True, None])
def test_a_session_that_is_paired_or_does_not_tell_is_none(paired: bool | None) -> None:
    assert run(*((float(t), OPEN, paired) for t in range(0, 100, 5)))[1] == []


@pytest.mark.parametrize("end", [(40.0, OPEN, True), (40.0, DOWN, False), (40.0, ConnState.WAITING_QR, False)])
def test_it_is_over_when_paired_or_closed(end: Poll) -> None:
    state, found = run((0, OPEN, False), (20, OPEN, False), (35, OPEN, False), end)
    assert [s.active for s in found] == [True, False]
    assert state == State()


def test_no_answer_neither_ends_nor_proves_it() -> None:
    assert run((0, OPEN, False), *((float(t), UNKNOWN, None) for t in range(5, 300, 5)), (301, OPEN, False))[1] == []
    assert len(run((0, OPEN, False), (20, UNKNOWN, None), (25, OPEN, False), (40, OPEN, False))[1]) == 1


def test_time_alone_proves_nothing() -> None:
    state, _ = run((0, OPEN, False))
    assert step(state, ACME, Tick(at=1000), 1000, Limits()) == (state, ())


def test_a_blink_starts_the_count_anew() -> None:
    assert run((0, OPEN, False), (20, DOWN, False), (25, OPEN, False), (40, OPEN, False))[1] == []


def test_the_symptoms_are_whole() -> None:
    _, found = run((0, OPEN, False), (20, OPEN, False), (35, OPEN, False), (40, OPEN, True))
    assert found == [
        Symptom(ACME, SymptomKind.PHANTOM, 35, True, Severity.WARNING),
        Symptom(ACME, SymptomKind.PHANTOM, 40, False, Severity.INFO),
    ]


@pytest.mark.parametrize(
    ("then", "found"), [((31.0,), False), ((30.0, 31.0), True), ((20.0, 20.0, 31.0), True), ((20.0, 19.0, 31.0), False)]
)
def test_a_row_has_no_hole_longer_than_two_polls_and_no_step_back(then: tuple[float, ...], found: bool) -> None:
    assert bool(run((0, OPEN, False), *((at, OPEN, False) for at in then))[1]) is found


def test_the_row_goes_on_from_the_last_poll_that_saw_it() -> None:
    assert run((0, OPEN, False), (30, OPEN, False))[0] == State(since=0, seen_at=30)
    assert run((0, OPEN, False), (31, OPEN, False))[0] == State(since=31, seen_at=31)
