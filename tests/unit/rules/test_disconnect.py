"""The disconnect timer: every cell of its table, and what must neither add to the down time nor forget it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.model.facts import ConnState, Fact, Tick
from baileykeep.model.limits import DisconnectLimits, Limits, PollLimits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind
from baileykeep.rules.disconnect import TRANSITIONS, Event, Phase, State, is_up, step
from tests.unit.rules.cases import ACME, NOW
from tests.unit.rules.facts import LIMITS, POLL_S, down, fold, network, seen, up

BOUNDS = {Phase.UP: 0.0, Phase.WAITING: 0.0, Phase.WARNED: 600.0, Phase.OVERDUE: 900.0}
UNKNOWN = ConnState.UNKNOWN


def polls(seconds: float, start: float = NOW) -> Iterator[Fact]:
    """Down for so long, polled as usual."""
    return (down(start + n * POLL_S) for n in range(int(seconds / POLL_S) + 1))


def at(phase: Phase) -> State:
    """A timer in this phase."""
    if phase is Phase.UP:
        return fold(step, State(), [up()])[0]  # type: ignore[no-any-return]
    return fold(step, State(), polls(BOUNDS[phase]))[0]  # type: ignore[no-any-return]


def push(state: State, event: Event) -> State:
    """The one fact that is this event, from this state."""
    now = (state.seen_at or NOW) + POLL_S
    if event is Event.OPENED:
        return step(state, ACME, up(now), now, LIMITS)[0]
    if event is Event.CLOSED:
        return step(state, ACME, down(now), now, LIMITS)[0]
    bound = BOUNDS[Phase.WARNED if event is Event.WARN_DUE else Phase.OVERDUE]
    ripe = replace(state, down_s=bound - POLL_S)
    return step(ripe, ACME, down(now), now, LIMITS)[0]


REACHED = {
    (Phase.UP, Event.CLOSED): Phase.WAITING,
    (Phase.WAITING, Event.WARN_DUE): Phase.WARNED,
    (Phase.WARNED, Event.ACT_DUE): Phase.OVERDUE,
    (Phase.WAITING, Event.OPENED): Phase.UP,
    (Phase.WARNED, Event.OPENED): Phase.UP,
    (Phase.OVERDUE, Event.OPENED): Phase.UP,
}


@pytest.mark.parametrize("cell", REACHED, ids=lambda cell: f"{cell[0]}-{cell[1]}")
def test_every_cell_of_the_table_is_reached(cell: tuple[Phase, Event]) -> None:
    phase, event = cell
    assert at(phase).phase is phase
    assert push(at(phase), event).phase is REACHED[cell]


def test_there_is_no_other_cell() -> None:
    assert dict(TRANSITIONS) == REACHED


@pytest.mark.parametrize("phase", list(Phase)[1:])
def test_a_closed_session_that_is_closed_again_only_gets_older(phase: Phase) -> None:
    after = push(at(phase), Event.CLOSED)
    assert after.phase is phase
    assert after.down_s == BOUNDS[phase] + POLL_S


def test_the_timeline_warns_at_ten_minutes_and_is_overdue_at_fifteen() -> None:
    _, told = fold(step, State(), [*polls(1200), up(NOW + 1215)])
    assert [(s.at - NOW, s.detail["phase"], s.severity, s.active) for s in told] == [
        (0, "waiting", Severity.INFO, True),
        (600, "warned", Severity.WARNING, True),
        (900, "overdue", Severity.CRITICAL, True),
        (1215, "up", Severity.INFO, False),
    ]
    assert {s.kind for s in told} == {SymptomKind.DOWN}
    assert [s.detail["down_s"] for s in told] == [0, 600, 900, 0]


@pytest.mark.parametrize("gap_s", [31, 120, 3600, 8 * 3600, 30 * 86_400])
@pytest.mark.parametrize("before_s", [0, 300, 585, 870])
def test_a_restart_or_a_suspend_adds_two_polls_and_forgets_nothing(gap_s: float, before_s: float) -> None:
    state, _ = fold(step, State(), polls(before_s))
    now = NOW + before_s + gap_s
    after, _ = step(state, ACME, down(now), now, LIMITS)
    assert after.down_s == before_s + 2 * POLL_S
    assert after.since == NOW


@pytest.mark.parametrize("jump_s", [3600, -3600, 8 * 3600, -8 * 3600])
def test_a_clock_that_was_set_neither_adds_nor_forgets(jump_s: float) -> None:
    state, _ = fold(step, State(), polls(300))
    now = NOW + 300 + jump_s
    after, told = step(state, ACME, down(now), now, LIMITS)
    assert 300 <= after.down_s <= 300 + 2 * POLL_S
    assert told == ()
    later, _ = step(after, ACME, down(now + POLL_S), now + POLL_S, LIMITS)
    assert later.down_s == after.down_s + POLL_S


def test_two_polls_are_those_of_the_slower_interval() -> None:
    limits = Limits(poll=PollLimits(connection_s=5, connection_down_s=60))
    state, _ = fold(step, State(), [down(NOW), down(NOW + 60), down(NOW + 300)], limits=limits)
    assert state.down_s == 60 + 120


def test_an_hour_without_network_adds_nothing_and_forgets_nothing() -> None:
    state, _ = fold(step, State(), polls(300))
    hour = [network(online=False, at=NOW + 301), *polls(3600, NOW + 305), network(at=NOW + 3906)]
    held, told = fold(step, state, hour)
    assert held.down_s == 300
    assert told == []
    after, _ = step(held, ACME, down(NOW + 3911), NOW + 3911, LIMITS)
    assert after.down_s == 300 + 5


@pytest.mark.parametrize(("online", "whatsapp"), [(False, False), (True, False), (False, True)])
def test_the_timer_holds_whatever_part_of_the_network_is_missing(online: bool, whatsapp: bool) -> None:
    state, _ = fold(step, State(), [down(NOW), network(online, whatsapp), down(NOW + 15)])
    assert state.down_s == 0
    assert state.held


def test_a_network_that_stays_fine_changes_nothing() -> None:
    state = at(Phase.WAITING)
    assert step(state, ACME, network(), NOW, LIMITS) == (state, ())
    first, _ = fold(step, State(), [network(False), network(False), network()])
    assert first.seen_at is None


def test_polls_without_an_answer_add_nothing() -> None:
    state, _ = fold(step, State(), polls(300))
    silence = [seen(UNKNOWN, NOW + 300 + n * POLL_S) for n in range(1, 200)]
    after, told = fold(step, state, silence)
    assert after.down_s == 300
    assert after.phase is Phase.WAITING
    assert told == []


def test_an_open_socket_without_a_phone_is_not_up() -> None:
    phantom = seen(ConnState.CONNECTED, paired=False)
    assert not is_up(phantom)
    assert is_up(seen(ConnState.CONNECTED, paired=None))
    state, told = fold(step, State(), [phantom])
    assert state.phase is Phase.WAITING
    assert [s.active for s in told] == [True]


@pytest.mark.parametrize("state", [ConnState.CONNECTING, ConnState.WAITING_QR, ConnState.DISCONNECTED])
def test_whatever_is_not_connected_is_down(state: ConnState) -> None:
    assert fold(step, State(), [seen(state)])[0].down


def test_the_first_poll_and_the_first_one_after_being_up_add_nothing() -> None:
    state, _ = fold(step, State(), [up(NOW), down(NOW + 15)])
    assert state.down_s == 0
    assert state.last_up_at == NOW
    assert state.since == NOW + 15


def test_other_facts_are_none_of_its_business() -> None:
    state = at(Phase.WARNED)
    assert step(state, ACME, Tick(at=NOW), NOW, LIMITS) == (state, ())


def test_limits_are_the_companys_own() -> None:
    limits = Limits(disconnect=DisconnectLimits(warn_after_s=15, act_after_s=15))
    _, told = fold(step, State(), [down(NOW), down(NOW + 15)], limits=limits)
    assert [s.detail["phase"] for s in told] == ["waiting", "overdue"]


FACTS = st.lists(
    st.tuples(
        st.sampled_from([*ConnState, "offline", "online", "phantom", "tick"]),
        st.one_of(st.sampled_from([5.0, 15.0]), st.floats(-9 * 3600, 9 * 3600)),
    ),
    max_size=80,
)


def facts_of(row: list[tuple[str, float]]) -> Iterator[Fact]:
    now = NOW
    for what, gap in row:
        now += gap
        if what in ("offline", "online"):
            yield network(what == "online", at=now)
        elif what == "tick":
            yield Tick(at=now)
        elif what == "phantom":
            yield seen(ConnState.CONNECTED, now, paired=False)
        else:
            yield seen(ConnState(what), now, paired=True if what == ConnState.CONNECTED else None)


@given(FACTS)
def test_phase_and_down_time_always_agree(row: list[tuple[str, float]]) -> None:
    states = [State()]
    for fact in facts_of(row):
        after, told = step(states[-1], ACME, fact, fact.at, LIMITS)
        assert bool(told) is (after.phase is not states[-1].phase)
        states.append(after)
    for before, after in pairwise(states):
        assert (after.phase is Phase.UP) is not after.down
        assert (after.since is None) is not after.down
        assert after.down_s >= BOUNDS[after.phase]
        assert after.phase is Phase.OVERDUE or after.down_s < 900
        assert after.phase in (Phase.OVERDUE, Phase.WARNED) or after.down_s < 600
        assert after.down_s == 0 or before.down_s <= after.down_s <= before.down_s + 2 * POLL_S
        assert not before.held or after.down_s in (0, before.down_s)


def test_what_the_timer_keeps() -> None:
    state, _ = fold(step, State(), [down(NOW), down(NOW + POLL_S)])
    assert state == State(Phase.WAITING, POLL_S, NOW + POLL_S, True, NOW)
    state, _ = fold(step, state, [up(NOW + 100)])
    assert state == State(Phase.UP, 0.0, NOW + 100, last_up_at=NOW + 100)
    state, _ = fold(step, state, [seen(UNKNOWN, NOW + 110)])
    assert state == State(Phase.UP, 0.0, NOW + 110, last_up_at=NOW + 100)


def test_only_what_was_seen_closed_twice_adds_down_time() -> None:
    state, _ = fold(step, State(), [up(NOW), down(NOW + 15)])
    assert (state.down_s, state.since) == (0.0, NOW + 15)
    state, _ = fold(step, state, [seen(UNKNOWN, NOW + 20), down(NOW + 30)])
    assert state.down_s == 10.0
    state, _ = fold(step, state, [down(NOW + 30)])
    assert state.down_s == 10.0
    state, _ = fold(step, state, [down(NOW + 30 + 2 * POLL_S + 1)])
    assert state.down_s == 10.0 + 2 * POLL_S
    state, _ = fold(step, state, [down(NOW)])
    assert state.down_s == 10.0 + 2 * POLL_S


def test_a_change_of_phase_is_told_whole() -> None:
    _, told = fold(step, State(), [down(NOW), up(NOW + 14.6)])
    assert told == [
        Symptom(ACME, SymptomKind.DOWN, NOW, True, Severity.INFO, {"phase": "waiting", "down_s": 0}),
        Symptom(ACME, SymptomKind.DOWN, NOW + 14.6, False, Severity.INFO, {"phase": "up", "down_s": 0}),
    ]


def test_a_network_that_was_and_is_there_changes_nothing() -> None:
    state = fold(step, State(), [down(NOW)])[0]
    assert step(state, ACME, network(at=NOW + 9), NOW + 9, LIMITS)[0] is state
    held = fold(step, state, [network(False, at=NOW + 9)])[0]
    assert held == replace(state, held=True)
    assert fold(step, held, [network(at=NOW + 20)])[0] == replace(state, seen_at=NOW + 20)
    assert fold(step, State(), [network(False), network()])[0] == State()
    for half in (network(True, False), network(False, True)):
        assert fold(step, State(), [half])[0].held
