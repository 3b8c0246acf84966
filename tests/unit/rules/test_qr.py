from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from baileykeep.model.codec import decode, encode
from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    CredsSeen,
    Fact,
    FilesSeen,
    LogActive,
    PairingDone,
    QrShown,
    StreamClosed,
    StreamOpened,
    Tick,
)
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.qr import State, put_out, step, taken_away
from tests.unit.rules.cases import inventory

ACME = company("acme")
CONNECTING = ConnState.CONNECTING


def run(
    facts: Iterable[Fact], state: State | None = None
) -> tuple[State, list[tuple[SymptomKind, bool]], list[Symptom]]:
    state, found = state or State(), list[Symptom]()
    for fact in facts:
        state, symptoms = step(state, ACME, fact, fact.at, Limits())
        found += symptoms
    assert decode(State, encode(state)) == state
    return state, [(s.kind, s.active) for s in found], found


def shown(at: float) -> Fact:
    return QrShown(at=at, gateway="gw", company="acme")


def closed(at: float, kind: CloseKind, code: int | None) -> Fact:
    return StreamClosed(at=at, gateway="gw", company="acme", kind=kind, code=code)


def done(at: float) -> Fact:
    return PairingDone(at=at, gateway="gw", company="acme")


def status(
    at: float, state: ConnState, paired: bool | None = False, code: int | None = None, *, has_qr: bool = False
) -> Fact:
    return ConnectionSeen(at=at, company="acme", state=state, paired=paired, code=code, has_qr=has_qr)


FAILED, OVER = (SymptomKind.QR_SCAN_FAILED, True), (SymptomKind.QR_SCAN_FAILED, False)
MISSING, THERE = (SymptomKind.NO_QR, True), (SymptomKind.NO_QR, False)


@pytest.mark.parametrize(
    ("kind", "code"), [(CloseKind.OTHER, 503), (CloseKind.LOGGED_OUT, 401), (CloseKind.LOST, None)]
)
def test_closing_while_a_qr_is_out_is_a_scan_that_failed(kind: CloseKind, code: int | None) -> None:
    _, kinds, found = run([shown(0), closed(10, kind, code)])
    assert kinds == [FAILED]
    assert found[0].detail == {"code": code, "count": 1}


@pytest.mark.parametrize(
    ("kind", "code"),
    [(CloseKind.QR_ENDED, 408), (CloseKind.QR_ENDED, None), (CloseKind.LOST, 408), (CloseKind.RESTART_REQUIRED, 515)],
)
def test_a_qr_that_ran_out_and_the_restart_after_pairing_are_not(kind: CloseKind, code: int | None) -> None:
    assert run([shown(0), closed(10, kind, code)])[1] == []


def test_a_pairing_that_was_done_is_not() -> None:
    assert run([shown(0), done(5), closed(6, CloseKind.OTHER, 503)])[1] == []


def test_a_qr_of_long_ago_is_not_out() -> None:
    assert run([shown(0), closed(61, CloseKind.OTHER, 503)])[1] == []


def test_log_and_status_telling_of_one_scan_count_it_once() -> None:
    facts = [
        status(0, ConnState.WAITING_QR, has_qr=True),
        closed(3, CloseKind.OTHER, 503),
        status(5, ConnState.DISCONNECTED, code=503),
    ]
    assert run(facts)[1] == [FAILED]


def test_status_alone_can_tell_but_only_with_a_code() -> None:
    out = status(0, ConnState.WAITING_QR)
    assert run([out, status(5, ConnState.DISCONNECTED, code=500)])[1] == [FAILED]
    assert run([out, status(5, ConnState.DISCONNECTED)])[1] == []
    assert run([out, status(5, ConnState.DISCONNECTED, code=408)])[1] == []


@pytest.mark.parametrize(
    "end",
    [
        done(30),
        StreamOpened(at=30, gateway="gw", company="acme"),
        status(30, ConnState.CONNECTED, True),
        Tick(at=1900),
    ],
)
def test_it_is_over_when_paired_or_long_forgotten(end: Fact) -> None:
    assert run([shown(0), closed(10, CloseKind.OTHER, 503), shown(20), end])[1] == [FAILED, OVER]


def test_each_further_failure_is_said() -> None:
    facts = [shown(0), closed(10, CloseKind.OTHER, 503), shown(20), closed(30, CloseKind.OTHER, 500)]
    assert [s.detail for s in run(facts)[2]] == [{"code": 503, "count": 1}, {"code": 500, "count": 2}]


def test_unattributed_lines_are_not_ours() -> None:
    facts: list[Fact] = [QrShown(at=0, gateway="gw"), StreamClosed(at=1, gateway="gw", kind=CloseKind.OTHER, code=503)]
    assert run(facts)[0] == State()


def test_connecting_without_a_login_and_without_a_qr_for_thirty_seconds_is_told() -> None:
    polls = [status(float(t), CONNECTING) for t in range(0, 31, 5)]
    assert run(polls)[1] == []
    assert run([*polls, status(31, CONNECTING), status(36, CONNECTING)])[1] == [MISSING]


@pytest.mark.parametrize(
    "end",
    [
        shown(40),
        status(40, ConnState.WAITING_QR),
        status(40, CONNECTING, has_qr=True),
        status(40, ConnState.DISCONNECTED),
        status(40, CONNECTING, True),
    ],
)
def test_it_is_over_with_a_qr_a_login_or_the_end_of_the_start(end: Fact) -> None:
    polls = [status(float(t), CONNECTING) for t in range(0, 40, 5)]
    assert run([*polls, end])[1] == [MISSING, THERE]


def test_a_paired_login_owes_no_qr() -> None:
    assert run(status(float(t), CONNECTING, True) for t in range(0, 300, 5))[1] == []
    assert run(status(float(t), CONNECTING, None) for t in range(0, 300, 5))[1] == []


@pytest.mark.parametrize(
    ("creds", "expected"),
    [
        (Creds(CredsState.WHOLE, paired=False), [MISSING]),
        (Creds(CredsState.MISSING), [MISSING]),
        (Creds(CredsState.WHOLE, paired=True), []),
        (Creds(CredsState.TORN), []),
    ],
)
def test_the_folder_answers_where_the_gateway_does_not_tell(
    creds: Creds, expected: list[tuple[SymptomKind, bool]]
) -> None:
    seen = CredsSeen(at=0, company="acme", creds=creds)
    assert run([seen, *(status(float(t), CONNECTING, None) for t in range(0, 60, 5))])[1] == expected


def test_polls_without_an_answer_add_nothing() -> None:
    gap = [status(float(t), ConnState.UNKNOWN, None) for t in range(5, 300, 5)]
    assert run([status(0, CONNECTING), *gap, status(300, CONNECTING)])[1] == []


def test_a_log_that_merely_moves_changes_nothing() -> None:
    state = run([shown(0)])[0]
    assert run([LogActive(at=1, gateway="gw", company="acme")], state)[0] == state


def closing(at: float) -> Fact:
    return closed(at, CloseKind.OTHER, 503)


@pytest.mark.parametrize(("gap_s", "kinds"), [(59, [FAILED]), (60, [FAILED]), (61, [])])
def test_a_qr_is_out_for_a_minute(gap_s: float, kinds: list[tuple[SymptomKind, bool]]) -> None:
    assert run([shown(1000), closing(1000 + gap_s)])[1] == kinds


def test_a_qr_closes_once() -> None:
    state, kinds, _ = run([shown(0), closing(10), closing(20)])
    assert kinds == [FAILED]
    assert state == State(failed_at=10, failures=1)
    assert run([closing(20)])[0] == State()


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        ([Tick(at=1810)], []),
        ([Tick(at=1811)], [OVER]),
        ([shown(1000), Tick(at=1811)], []),
        ([shown(1000), Tick(at=2800)], []),
        ([shown(1000), Tick(at=2801)], [OVER]),
        ([status(1811, ConnState.UNKNOWN)], [OVER]),
    ],
)
def test_a_failed_scan_is_an_old_story_after_half_an_hour(
    facts: list[Fact], kinds: list[tuple[SymptomKind, bool]]
) -> None:
    failed, _, _ = run([shown(0), closing(10)])
    state, found, _ = run(facts, failed)
    assert found == kinds
    if kinds:
        assert (state.failed_at, state.failures) == (None, 0)
        assert run([shown(5000), closing(5001)], state)[2][0].detail["count"] == 1


def test_what_is_kept_after_a_pairing() -> None:
    assert run([shown(0), closing(10), shown(20), done(30)])[0] == State()
    assert run([shown(0), status(5, ConnState.CONNECTED, True)])[0] == State()


def test_without_a_failure_time_forgets_nothing() -> None:
    assert run([Tick(at=1_000_000)])[1] == []
    assert run([shown(0), Tick(at=1_000_000)])[0] == State(qr_at=0)


@pytest.mark.parametrize(
    ("times", "kinds"),
    [
        ((0, 30), []),
        ((0, 30, 30.5), [MISSING]),
        ((0, 31, 61), []),
        ((0, 31, 61, 61.5), [MISSING]),
        ((0, 20, 20, 31), [MISSING]),
        ((0, 20, 19, 31), []),
    ],
)
def test_a_start_without_a_qr_is_an_unbroken_row_of_polls(
    times: tuple[float, ...], kinds: list[tuple[SymptomKind, bool]]
) -> None:
    assert run([status(at, CONNECTING) for at in times])[1] == kinds


@pytest.mark.parametrize(("since_qr_s", "missing"), [(60, False), (61, True)])
def test_a_qr_that_was_out_is_owed_again_after_its_minute(since_qr_s: float, missing: bool) -> None:
    row = [status(float(t), CONNECTING) for t in range(0, 200, 5)]
    state = State(qr_at=-since_qr_s)
    _, kinds, found = run(row[:7], state)
    assert kinds == []
    _, kinds, found = run(row, state)
    assert [s.at for s in found] == [35 if missing else 40]


def test_the_symptoms_are_whole_and_nothing_stays_behind() -> None:
    state, _, found = run([*(status(float(t), CONNECTING) for t in range(0, 40, 5)), shown(40)])
    assert found == [
        Symptom(ACME, SymptomKind.NO_QR, 35, True, Severity.WARNING),
        Symptom(ACME, SymptomKind.NO_QR, 40, False, Severity.INFO),
    ]
    assert state == State(qr_at=40)
    _, _, found = run([shown(0), closing(10), done(20)])
    assert found == [
        Symptom(ACME, SymptomKind.QR_SCAN_FAILED, 10, True, Severity.WARNING, {"code": 503, "count": 1}),
        Symptom(ACME, SymptomKind.QR_SCAN_FAILED, 20, False, Severity.INFO),
    ]
    assert run([status(0, CONNECTING), status(5, CONNECTING, True)])[0] == State()
    assert run([status(0, CONNECTING), status(5, CONNECTING)])[0] == State(waiting_since=0, waiting_at=5)
    assert run([status(0, CONNECTING), status(5, ConnState.DISCONNECTED)])[0] == State()


def test_an_open_socket_without_a_login_is_no_pairing() -> None:
    assert run([shown(0), closing(10), shown(20), status(30, ConnState.CONNECTED, False)])[1] == [FAILED]


def test_a_listing_tells_of_the_login_too() -> None:
    unpaired = replace(inventory(), creds=Creds(CredsState.WHOLE, paired=False))
    seen = FilesSeen(at=0, company="acme", inventory=unpaired)
    assert run([seen, *(status(float(t), CONNECTING, None) for t in range(0, 60, 5))])[1] == [MISSING]
    assert run([seen, *(status(float(t), CONNECTING, True) for t in range(0, 60, 5))])[1] == []


def test_a_pairing_ends_both() -> None:
    row = [status(float(t), CONNECTING) for t in range(100, 140, 5)]
    facts = [shown(0), closing(10), *row, status(140, ConnState.CONNECTED, True)]
    assert run(facts)[1] == [FAILED, MISSING, THERE, OVER]


def test_a_line_counts_at_its_own_time_and_one_from_the_future_now() -> None:
    assert step(State(), ACME, shown(0), 100, Limits())[0] == State(qr_at=0)
    assert step(State(), ACME, shown(200), 100, Limits())[0] == State(qr_at=100)


def test_a_qr_that_we_took_away_was_not_scanned_in_vain() -> None:
    shown_once, _, _ = run([shown(0)])
    assert run([closed(1, CloseKind.LOST, None)], shown_once)[1] == [(SymptomKind.QR_SCAN_FAILED, True)]
    assert run([closed(1, CloseKind.LOST, None)], taken_away(shown_once, 0.5))[1] == []


def test_what_is_read_later_of_a_session_that_we_closed_says_nothing() -> None:
    """A loaded machine reads the line of the last QR, and that of the close, after the close itself."""
    closed_by_us = taken_away(State(qr_at=0), 5)
    late: list[Fact] = [shown(4.9), shown(5.4), closed(5.5, CloseKind.LOST, None)]
    assert run(late, closed_by_us)[1] == []
    assert run([shown(104), closed(105, CloseKind.LOST, None)], taken_away(State(), 100))[1] == []
    out_again = put_out(closed_by_us, 8)
    state, kinds, _ = run([shown(5.4), status(5.5, ConnState.DISCONNECTED, code=500)], out_again)
    assert (state.qr_at, kinds) == (8, [])


def test_a_log_whose_clock_is_behind_hides_no_scan_in_vain_for_long() -> None:
    opened, late_s = put_out(taken_away(State(), 5), 8), 3600.0
    behind = [closed(at - late_s, CloseKind.OTHER, 503) for at in (18, 18.1)]
    state, symptoms = step(opened, ACME, behind[0], 18, Limits())
    assert symptoms == ()
    state, (symptom,) = step(state, ACME, behind[1], 18.1, Limits())
    assert symptom.kind is SymptomKind.QR_SCAN_FAILED


@pytest.mark.parametrize("opened", [put_out(taken_away(State(), 5), 8), taken_away(State(), -10)])
def test_a_scan_in_vain_of_the_session_that_we_opened_after_it_is_told(opened: State) -> None:
    assert run([shown(9), closed(10, CloseKind.OTHER, 503)], opened)[1] == [FAILED]
    assert run([shown(9), closed(10, CloseKind.OTHER, 503)], put_out(opened, 8.5))[1] == [FAILED]


def test_a_qr_that_we_put_out_can_be_scanned_in_vain() -> None:
    assert run([closed(1, CloseKind.LOST, 403)], put_out(State(), 0))[1] == [(SymptomKind.QR_SCAN_FAILED, True)]
