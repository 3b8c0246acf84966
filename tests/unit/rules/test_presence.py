"""What was last seen of a session, and when nobody knows any more."""

from __future__ import annotations

import pytest

from baileykeep.model.facts import ConnState, CredsSeen, FilesSeen, Tick
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.rules.presence import State, step, unknown
from tests.unit.rules.cases import NOW, inventory
from tests.unit.rules.facts import LIMITS, down, seen, up

SILENCE = seen(ConnState.UNKNOWN)


def files(counted: int, at: float = NOW) -> FilesSeen:
    return FilesSeen(at=at, company="acme", inventory=inventory(counted))


def creds(state: CredsState = CredsState.WHOLE, *, half_paired: bool) -> CredsSeen:
    return CredsSeen(at=NOW, company="acme", creds=Creds(state, half_paired=half_paired))


def test_nobody_knows_before_the_first_answer_and_after_three_without_one() -> None:
    state = State()
    assert unknown(state, LIMITS)
    state = step(state, up())
    for _ in range(2):
        state = step(state, SILENCE)
        assert not unknown(state, LIMITS)
        assert state.conn is ConnState.CONNECTED
    assert unknown(step(state, SILENCE), LIMITS)


def test_one_answer_is_enough_to_know_again() -> None:
    state = State()
    for fact in (up(), *[SILENCE] * 10, down(NOW + 99)):
        state = step(state, fact)
    assert not unknown(state, LIMITS)
    assert (state.conn, state.seen_at, state.unanswered) == (ConnState.DISCONNECTED, NOW + 99, 0)


def test_silence_alone_never_makes_a_session_known() -> None:
    state = State()
    for _ in range(2):
        state = step(state, SILENCE)
    assert unknown(state, LIMITS)


def test_pairing_and_qr_are_taken_as_told() -> None:
    state = step(State(), seen(ConnState.WAITING_QR, paired=False, has_qr=True))
    assert (state.paired, state.has_qr) == (False, True)
    state = step(state, seen(ConnState.CONNECTED))
    assert (state.paired, state.has_qr) == (None, False)


def test_critical_is_dated_from_its_first_listing() -> None:
    state = step(State(), files(150, NOW))
    assert step(state, files(190, NOW + 60)).critical_since == NOW
    assert step(state, files(120, NOW + 60)).critical_since is None
    assert step(State(), files(149)).critical_since is None


@pytest.mark.parametrize("half_paired", [True, False])
def test_creds_tell_of_a_half_finished_pairing_at_once(half_paired: bool) -> None:
    state = step(State(half_paired=not half_paired), creds(half_paired=half_paired))
    assert state.half_paired is half_paired


@pytest.mark.parametrize("state", [CredsState.TORN, CredsState.EMPTY, CredsState.ZEROED, CredsState.UNREADABLE])
def test_creds_that_cannot_be_read_tell_nothing(state: CredsState) -> None:
    assert step(State(half_paired=True), creds(state, half_paired=False)).half_paired


def test_creds_that_are_gone_are_no_half_finished_pairing() -> None:
    assert not step(State(half_paired=True), creds(CredsState.MISSING, half_paired=False)).half_paired


def test_other_facts_are_none_of_its_business() -> None:
    state = State()
    assert step(state, Tick(at=NOW)) is state
    assert step(state, creds(half_paired=False)) is state
