from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.model.codec import decode, encode
from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    Fact,
    PairingDone,
    StreamClosed,
    StreamOpened,
    Tick,
)
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.flapping import State, Teller, step

LIMITS = Limits()
ACME = company("acme")


def status(at: float, state: ConnState, code: int | None = None) -> Fact:
    return ConnectionSeen(at=at, company="acme", state=state, code=code)


def opened(at: float, who: str | None = "acme") -> Fact:
    return StreamOpened(at=at, gateway="gw", company=who)


def closed(at: float, kind: CloseKind = CloseKind.LOST, code: int | None = 428, who: str | None = "acme") -> Fact:
    return StreamClosed(at=at, gateway="gw", company=who, kind=kind, code=code)


def run(facts: Iterable[Fact], state: State | None = None) -> tuple[State, list[Symptom]]:
    state, found = state or State(), list[Symptom]()
    for fact in sorted(facts, key=lambda f: f.at):
        state, symptoms = step(state, ACME, fact, fact.at, LIMITS)
        found += symptoms
    return state, found


def drops_in_log(times: Iterable[float]) -> list[Fact]:
    return [fact for t in times for fact in (opened(t - 1), closed(t))]


def drops_in_status(times: Iterable[float]) -> list[Fact]:
    return [fact for t in times for fact in (status(t - 5, ConnState.CONNECTED), status(t, ConnState.CONNECTING))]


def test_five_drops_in_ten_minutes_flap_and_four_do_not() -> None:
    assert run(drops_in_log([60, 120, 180, 240]))[1] == []
    state, (found,) = run(drops_in_log([60, 120, 180, 240, 300]))
    assert (found.kind, found.active, found.at) == (SymptomKind.FLAPPING, True, 300)
    assert found.detail == {"count": 5, "window_s": 600.0}
    assert decode(State, encode(state)) == state


def test_drops_spread_over_more_than_the_window_do_not_flap() -> None:
    assert run(drops_in_log(range(0, 6000, 150)))[1] == []
    assert run(drops_in_status(range(0, 6000, 150)))[1] == []


def test_log_and_status_telling_of_the_same_drop_count_it_once() -> None:
    times = [60, 120, 180, 240]
    late = [status(t + 12, ConnState.DISCONNECTED) for t in times]
    back = [status(t + 20, ConnState.CONNECTED) for t in times]
    reopened = [opened(t + 5) for t in times]
    state, found = run([*drops_in_log(times), *reopened, *late, *back])
    assert found == []
    assert len(state.drops) == 4


def test_a_log_line_that_comes_after_the_poll_adds_nothing() -> None:
    facts = [status(0, ConnState.CONNECTED), status(10, ConnState.CONNECTING), closed(11), opened(12), closed(100)]
    assert run(facts)[0].drops == (10, 100)


def test_quick_drops_in_the_log_alone_all_count() -> None:
    assert len(run(drops_in_log([10, 20, 30, 40, 50]))[1]) == 1


def test_attempts_that_never_get_open_are_no_drops() -> None:
    facts = [closed(t, CloseKind.CONNECT_ERROR, None) for t in range(0, 300, 10)]
    assert run([opened(-5), *facts])[0].drops == (0,)


def test_the_restart_after_pairing_is_no_drop_and_a_later_one_is() -> None:
    pairing = [opened(0), PairingDone(at=1, gateway="gw", company="acme")]
    restart = [closed(2, CloseKind.RESTART_REQUIRED, 515), status(3, ConnState.CONNECTING, 515), opened(4)]
    assert run([*pairing, *restart])[0].drops == ()
    assert run([*pairing, *restart, closed(500, CloseKind.RESTART_REQUIRED, 515)])[0].drops == (500,)


def test_a_gateway_that_reconnects_by_itself_every_28_minutes_is_fine() -> None:
    assert run(drops_in_status(range(0, 86_400, 28 * 60)))[1] == []


def test_no_answer_is_no_drop() -> None:
    facts = [status(t, s) for t, s in enumerate([ConnState.CONNECTED, ConnState.UNKNOWN] * 20)]
    assert run(facts)[0].drops == ()


def test_other_companies_and_unattributed_lines_are_not_ours() -> None:
    for who in ("beta", None):
        facts = [fact for t in range(0, 300, 20) for fact in (opened(t, who), closed(t + 1, who=who))]
        assert run(facts)[0] == State()


def test_old_lines_read_late_do_not_pile_up_now() -> None:
    state, found = State(), list[Symptom]()
    for fact in drops_in_log(range(0, 36_000, 3600)):
        state, symptoms = step(state, ACME, fact, 50_000, LIMITS)
        found += symptoms
    assert found == []


def test_it_is_over_after_a_quiet_window_and_said_again_as_it_grows() -> None:
    state, found = run(drops_in_log(range(10, 110, 10)))
    assert [s.detail["count"] for s in found] == [5, 10]
    state, found = run([Tick(at=700.0)], state)
    assert [s.active for s in found] == [False]
    assert run([Tick(at=800.0)], state)[1] == []


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), max_size=80))
def test_symptoms_only_come_as_raise_grow_over(plan: list[tuple[int, int]]) -> None:
    at, facts = 0.0, list[Fact]()
    for which, gap in plan:
        at += gap
        states = [ConnState.CONNECTED, ConnState.CONNECTING, ConnState.UNKNOWN]
        facts.append([opened(at), closed(at), Tick(at=at), *(status(at, s) for s in states)][which])
    _, found = run([*facts, Tick(at=at + 601)])
    assert [s.active for s in found][-1:] in ([], [False])
    for before, after in pairwise(found):
        assert before.active or after.active


PAIR = PairingDone(at=1, gateway="gw", company="acme")


def restarted(at: float, kind: CloseKind = CloseKind.RESTART_REQUIRED, code: int | None = 515) -> Fact:
    return closed(at, kind, code)


@pytest.mark.parametrize(
    ("ending", "drops"),
    [
        (restarted(2), ()),
        (restarted(2, CloseKind.OTHER, 515), ()),
        (restarted(2, CloseKind.RESTART_REQUIRED, None), ()),
        (restarted(61), ()),
        (restarted(62), (62,)),
        (closed(2), (2,)),
        (status(2, ConnState.CONNECTING, 515), ()),
        (status(2, ConnState.CONNECTING, 428), (2,)),
    ],
)
def test_only_the_restart_within_a_minute_of_pairing_is_none(ending: Fact, drops: tuple[float, ...]) -> None:
    assert run([opened(0), PAIR, ending])[0].drops == drops
    assert run([opened(0), ending])[0].drops == (ending.at,)


def test_the_second_teller_of_the_restart_after_pairing_adds_nothing_either() -> None:
    facts = [opened(0), PAIR, restarted(2)]
    state = run(facts)[0]
    assert (state.open, state.told_by, state.told_at) == (False, Teller.LOG, 2)
    again = [status(5, ConnState.CONNECTED), status(10, ConnState.DISCONNECTED, 428)]
    assert run([*facts, *again])[0].drops == ()


@pytest.mark.parametrize(("gap_s", "drops"), [(0, (10,)), (30, (10,)), (31, (10, 41))])
def test_two_tellers_are_one_within_thirty_seconds(gap_s: float, drops: tuple[float, ...]) -> None:
    facts = [opened(0), closed(10), status(10, ConnState.CONNECTED), status(10 + gap_s, ConnState.CONNECTING)]
    assert run(facts)[0].drops == drops


def test_a_third_telling_is_a_drop_of_its_own() -> None:
    facts = [opened(0), closed(10), opened(11), status(12, ConnState.CONNECTING), opened(13), closed(14)]
    state = run(facts)[0]
    assert state == State(drops=(10, 14), told_by=Teller.LOG, told_at=14)


def test_the_same_teller_tells_of_another_drop() -> None:
    assert run([opened(0), closed(10), opened(11), closed(12)])[0].drops == (10, 12)


def test_the_symptoms_are_whole_and_nothing_stays_behind() -> None:
    state, found = run(drops_in_log(range(10, 60, 10)))
    assert found == [
        Symptom(ACME, SymptomKind.FLAPPING, 50, True, Severity.WARNING, {"count": 5, "window_s": 600.0}),
    ]
    assert state == State(drops=(10, 20, 30, 40, 50), told_by=Teller.LOG, told_at=50, active=True, announced=5)
    state, found = run([Tick(at=650.0)], state)
    assert found == [Symptom(ACME, SymptomKind.FLAPPING, 650, False, Severity.INFO, {"count": 0, "window_s": 600.0})]
    assert state == State(told_by=Teller.LOG, told_at=50)


def test_a_drop_leaves_the_window_after_exactly_ten_minutes() -> None:
    state = State(drops=(100.0,))
    assert run([Tick(at=699.0)], state)[0] is state
    assert run([Tick(at=700.0)], state)[0].drops == ()
    assert run([Tick(at=99.0)], state)[0].drops == ()


def test_memory_is_bounded_to_ten_announcements() -> None:
    state, found = run(drops_in_log(range(2, 402, 2)))
    assert len(state.drops) == 50
    assert state.drops[-1] == 400
    assert [s.detail["count"] for s in found] == list(range(5, 51, 5))


def test_after_both_told_nobody_is_waited_for() -> None:
    facts = [opened(0), closed(10), status(15, ConnState.CONNECTED), status(20, ConnState.CONNECTING)]
    assert run(facts)[0] == State(drops=(10,), told_at=10)
