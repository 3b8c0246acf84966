from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

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
from baileykeep.model.symptoms import Symptom, SymptomKind, company
from baileykeep.rules.flapping import State, step

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
