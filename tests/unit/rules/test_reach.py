"""Host, WhatsApp and gateway told apart, each told once when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from baileykeep.model.facts import (
    ConnState,
    Fact,
    FilesSeen,
    GatewaySeen,
    LogActive,
    LogGap,
    Problem,
    ProcessSeen,
    ProcessState,
    Tick,
)
from baileykeep.model.limits import Limits, PollLimits
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind, gateway
from baileykeep.rules.reach import MISCONFIGURED, GatewayState, HostState, step_gateway, step_host
from tests.unit.rules.cases import NOW, inventory
from tests.unit.rules.facts import LIMITS, fold, network, seen

MAIN = gateway("main")
DEAD_S = LIMITS.disconnect.gateway_dead_after_s
DOWN, WRONG = SymptomKind.GATEWAY_DOWN, SymptomKind.GATEWAY_MISCONFIGURED

# --- the host --------------------------------------------------------------------------------------------------


def host(*facts: Fact) -> list[tuple[SymptomKind, bool]]:
    _, told = fold(step_host, HostState(), facts, HOST)
    assert all(s.subject == HOST and s.severity is Severity.CRITICAL for s in told)
    return [(s.kind, s.active) for s in told]


OFFLINE, UNREACHABLE = SymptomKind.HOST_OFFLINE, SymptomKind.WHATSAPP_UNREACHABLE


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ([network()], []),
        ([network(False, False)], [(OFFLINE, True)]),
        ([network(True, False)], [(UNREACHABLE, True)]),
        ([network(), network(False, False), network(False, False)], [(OFFLINE, True)]),
        ([network(False, False), network()], [(OFFLINE, True), (OFFLINE, False)]),
        ([network(False, False), network(True, False)], [(OFFLINE, True), (OFFLINE, False), (UNREACHABLE, True)]),
        ([network(True, False), network(False, False)], [(UNREACHABLE, True), (OFFLINE, True), (UNREACHABLE, False)]),
        ([network(True, False), network(True, False), network()], [(UNREACHABLE, True), (UNREACHABLE, False)]),
        ([network(False, True)], [(OFFLINE, True)]),
        ([Tick(at=NOW)], []),
    ],
)
def test_the_host_tells_of_changes_only(facts: list[Fact], told: list[tuple[SymptomKind, bool]]) -> None:
    assert host(*facts) == told


# --- a gateway -------------------------------------------------------------------------------------------------


def answer(problem: Problem | None = None, at: float = NOW) -> GatewaySeen:
    return GatewaySeen(at=at, gateway="main", problem=problem)


def process(state: ProcessState, at: float = NOW) -> ProcessSeen:
    return ProcessSeen(at=at, gateway="main", state=state)


def ticks(seconds: float, start: float = NOW) -> Iterator[Fact]:
    return (Tick(at=start + n * 5.0) for n in range(1, int(seconds / 5) + 1))


def log(at: float) -> LogActive:
    return LogActive(at=at, gateway="main")


def look(at: float, written_at: float | None) -> FilesSeen:
    return FilesSeen(at=at, company="acme", inventory=replace(inventory(), newest_mtime=written_at))


def run(*facts: Fact, state: GatewayState | None = None) -> tuple[GatewayState, list[tuple[SymptomKind, bool, float]]]:
    after, told = fold(step_gateway, state or GatewayState(), facts, MAIN)
    return after, [(s.kind, s.active, s.at - NOW) for s in told]


def told_by(*facts: Fact, state: GatewayState | None = None) -> list[tuple[SymptomKind, bool, float]]:
    return run(*facts, state=state)[1]


@pytest.mark.parametrize("problem", [Problem.REFUSED, Problem.TIMEOUT, Problem.SERVER_ERROR])
def test_a_gateway_that_is_silent_for_five_minutes_is_down(problem: Problem) -> None:
    assert told_by(answer(problem), *ticks(DEAD_S - 5)) == []
    assert told_by(answer(problem), *ticks(DEAD_S + 60)) == [(DOWN, True, DEAD_S)]


@pytest.mark.parametrize("state", [ProcessState.STOPPED, ProcessState.ERRORED])
def test_the_managers_word_is_enough_where_nobody_answers(state: ProcessState) -> None:
    assert told_by(answer(Problem.REFUSED), process(state)) == [(DOWN, True, 0)]
    assert told_by(process(state), answer(Problem.REFUSED)) == [(DOWN, True, 0)]


@pytest.mark.parametrize("state", [ProcessState.STOPPED, ProcessState.ERRORED])
def test_a_gateway_that_answers_is_up_whatever_its_manager_says(state: ProcessState) -> None:
    assert told_by(answer(), process(state), *ticks(600)) == []


@pytest.mark.parametrize("state", [ProcessState.RUNNING, ProcessState.UNKNOWN])
def test_a_process_that_runs_or_is_not_known_gets_its_five_minutes(state: ProcessState) -> None:
    assert told_by(answer(Problem.REFUSED), process(state), *ticks(DEAD_S - 5)) == []


def test_a_process_that_came_up_again_gets_its_five_minutes_anew() -> None:
    down = [answer(Problem.REFUSED), process(ProcessState.STOPPED), *ticks(DEAD_S * 3)]
    up_at = NOW + DEAD_S * 3
    came_up = [process(ProcessState.RUNNING, up_at), *ticks(DEAD_S - 5, up_at)]
    assert told_by(*down, *came_up) == [(DOWN, True, 0), (DOWN, False, DEAD_S * 3)]
    assert told_by(*down, *came_up, Tick(at=up_at + DEAD_S))[2:] == [(DOWN, True, DEAD_S * 4)]
    quiet = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW, process=ProcessState.STOPPED)
    assert run(process(ProcessState.RUNNING), state=quiet)[0].quiet_s == 0.0
    still = [process(ProcessState.RUNNING, NOW + DEAD_S - 5), Tick(at=NOW + DEAD_S)]
    assert told_by(process(ProcessState.RUNNING), answer(Problem.REFUSED), *ticks(DEAD_S - 5), *still)[0][0] is DOWN


@pytest.mark.parametrize("problem", sorted(MISCONFIGURED))
def test_what_no_waiting_cures_is_told_at_once(problem: Problem) -> None:
    assert told_by(answer(problem), *ticks(600)) == [(WRONG, True, 0)]


def test_wrong_url_key_and_certificate_are_what_no_waiting_cures() -> None:
    assert {Problem.UNAUTHORIZED, Problem.TLS, Problem.NOT_FOUND, Problem.BAD_ANSWER} == MISCONFIGURED


def test_refused_while_the_log_moves_is_a_wrong_address() -> None:
    moving = [fact for n in range(1, 80) for fact in (Tick(at=NOW + 5 * n), log(NOW + 5 * n))]
    assert told_by(answer(Problem.REFUSED), *moving) == [(WRONG, True, DEAD_S)]


def test_a_log_that_falls_silent_too_turns_it_into_a_gateway_that_is_down() -> None:
    moving = [fact for n in range(1, 61) for fact in (Tick(at=NOW + 5 * n), log(NOW + 5 * n))]
    told = told_by(answer(Problem.REFUSED), *moving, *ticks(DEAD_S, NOW + 300))
    assert told == [(WRONG, True, 300), (WRONG, False, 600), (DOWN, True, 600)]


def test_one_log_line_or_auth_write_begins_the_five_minutes_anew() -> None:
    start = [look(NOW - 1, NOW - 100), answer(Problem.TIMEOUT)]
    lines = [log(NOW + 200), LogGap(at=NOW + 200, gateway="main")]
    for sign in (*lines, look(NOW + 200, NOW + 199)):
        told = told_by(*start, *ticks(200), sign, *ticks(DEAD_S - 5, NOW + 200))
        assert (DOWN, True, 300) not in told
        assert told == [(WRONG, True, 300)]


def test_our_own_looks_at_a_folder_are_no_sign_of_life() -> None:
    looks = [fact for n in range(1, 61) for fact in (Tick(at=NOW + 5 * n), look(NOW + 5 * n, NOW - 100))]
    assert told_by(look(NOW - 1, NOW - 100), answer(Problem.REFUSED), *looks) == [(DOWN, True, DEAD_S)]


@pytest.mark.parametrize("written_at", [None, NOW + 9000])
def test_an_empty_folder_or_a_date_to_come_is_no_sign_of_life(written_at: float | None) -> None:
    start = [look(NOW - 1, NOW - 100), answer(Problem.REFUSED)]
    assert told_by(*start, *ticks(200), look(NOW + 200, written_at), *ticks(100, NOW + 200)) == [(DOWN, True, DEAD_S)]


def test_an_answer_ends_it() -> None:
    state, told = run(answer(Problem.REFUSED), *ticks(400), answer(at=NOW + 401))
    assert told == [(DOWN, True, 300), (DOWN, False, 401)]
    assert (state.quiet_s, state.failing_s, state.active) == (0, 0, None)
    assert told_by(answer(Problem.REFUSED, NOW + 500), *ticks(295, NOW + 500), state=state) == []


def test_another_problem_does_not_begin_the_five_minutes_anew() -> None:
    facts = [answer(Problem.REFUSED), *ticks(150), answer(Problem.TIMEOUT, NOW + 150), *ticks(150, NOW + 150)]
    assert told_by(*facts) == [(DOWN, True, DEAD_S)]


@pytest.mark.parametrize("gap_s", [3600, -3600, 8 * 3600, -8 * 3600])
def test_a_restart_a_suspend_or_a_set_clock_does_not_kill_a_gateway(gap_s: float) -> None:
    state, _ = run(answer(Problem.REFUSED), *ticks(60))
    assert told_by(Tick(at=NOW + 60 + gap_s), state=state) == []
    assert told_by(Tick(at=NOW + 60 + gap_s), *ticks(205, NOW + 60 + gap_s), state=state) == []
    later = told_by(Tick(at=NOW + 60 + gap_s), *ticks(240, NOW + 60 + gap_s), state=state)
    assert [kind for kind, _, _ in later] == [DOWN]


def test_while_this_host_is_offline_no_gateway_gets_older() -> None:
    hour = [answer(Problem.TIMEOUT), network(False, False), *ticks(3600)]
    state, told = run(*hour)
    assert told == []
    assert told_by(network(at=NOW + 3600), *ticks(DEAD_S - 5, NOW + 3600), state=state) == []


def test_facts_about_sessions_say_nothing_about_the_gateway() -> None:
    state = GatewayState()
    assert step_gateway(state, MAIN, seen(ConnState.CONNECTED), NOW, LIMITS) == (state, ())
    assert step_gateway(state, MAIN, network(), NOW, LIMITS) == (state, ())
    assert step_gateway(state, MAIN, log(NOW), NOW, LIMITS) == (state, ())


def test_a_symptom_says_what_was_seen() -> None:
    _, told = fold(step_gateway, GatewayState(), [process(ProcessState.ERRORED), answer(Problem.REFUSED)], MAIN)
    assert told == [
        Symptom(MAIN, DOWN, NOW, True, Severity.CRITICAL, {"problem": "refused", "process": "errored"}),
    ]


def test_an_answer_leaves_nothing_behind() -> None:
    failing = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW, True, NOW - 5, active=DOWN)
    state, _ = run(answer(at=NOW + 1), state=failing)
    assert state == GatewayState(written_at=NOW - 5)
    again, _ = run(answer(Problem.TIMEOUT, NOW + 9), state=state)
    assert again == GatewayState(Problem.TIMEOUT, seen_at=NOW + 9, written_at=NOW - 5)
    other, _ = run(answer(Problem.TLS, NOW + 10), state=again)
    assert other == GatewayState(Problem.TLS, 1.0, 1.0, NOW + 10, written_at=NOW - 5, active=WRONG)


def test_a_sign_of_life_while_all_is_well_is_not_remembered() -> None:
    assert run(log(NOW), look(NOW, NOW - 5))[0] == GatewayState(written_at=NOW - 5)
    failing = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW)
    assert run(log(NOW), state=failing)[0] == GatewayState(Problem.REFUSED, 0.0, 200.0, NOW, moved=True)


@pytest.mark.parametrize(
    ("known", "written_at", "kept", "alive"),
    [
        (None, NOW - 5, NOW - 5, False),
        (None, NOW, NOW, False),
        (NOW - 5, NOW - 4, NOW - 4, True),
        (NOW - 5, NOW, NOW, True),
        (NOW - 5, NOW - 5, NOW - 5, False),
        (NOW - 5, NOW - 6, NOW - 5, False),
        (NOW - 5, NOW + 1, NOW - 5, False),
        (NOW - 5, None, NOW - 5, False),
    ],
)
def test_only_a_write_since_the_last_look_is_life(
    known: float | None, written_at: float | None, kept: float, alive: bool
) -> None:
    failing = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW, written_at=known)
    state, _ = run(look(NOW, written_at), state=failing)
    assert (state.written_at, state.moved, state.quiet_s) == (kept, alive, 0.0 if alive else 100.0)


def test_the_network_is_remembered_and_other_facts_leave_the_state_as_it_is() -> None:
    assert run(network(False, False))[0].offline
    assert not run(network(False, False), network())[0].offline
    failing = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW - 10)
    assert step_gateway(failing, MAIN, network(), NOW, LIMITS)[0].quiet_s == 110.0
    assert step_gateway(failing, MAIN, seen(ConnState.CONNECTED), NOW, LIMITS) == (failing, ())
    assert step_gateway(failing, MAIN, Tick(at=NOW), NOW, LIMITS)[0].quiet_s == 110.0
    nothing_new = look(NOW, NOW - 100)
    assert step_gateway(replace(failing, written_at=NOW - 100), MAIN, nothing_new, NOW, LIMITS)[0].quiet_s == 110.0
    assert step_gateway(replace(failing, offline=True), MAIN, Tick(at=NOW), NOW, LIMITS)[0].quiet_s == 100.0


@pytest.mark.parametrize(("up_s", "down_s"), [(5, 30), (30, 5)])
def test_a_gap_counts_as_two_of_the_longer_polls_at_the_most(up_s: float, down_s: float) -> None:
    slow = Limits(poll=PollLimits(connection_s=up_s, connection_down_s=down_s))
    for gap_s, counted_s in ((59.0, 59.0), (60.0, 60.0), (61.0, 60.0), (3600.0, 60.0), (-3600.0, 0.0)):
        failing = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW - gap_s)
        after, _ = step_gateway(failing, MAIN, Tick(at=NOW), NOW, slow)
        assert (after.quiet_s, after.failing_s, after.seen_at) == (100.0 + counted_s, 200.0 + counted_s, NOW)


@pytest.mark.parametrize("found", [ProcessState.STOPPED, ProcessState.ERRORED, ProcessState.UNKNOWN])
def test_a_process_that_did_not_come_up_gets_no_more_time(found: ProcessState) -> None:
    quiet = GatewayState(Problem.REFUSED, 100.0, 200.0, NOW, process=ProcessState.STOPPED, active=DOWN)
    assert run(process(found), state=quiet)[0].quiet_s == 100.0
