from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from baileykeep.model.backup import GoodCreds
from baileykeep.model.codec import decode, encode
from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    CredsSeen,
    Fact,
    PairingDone,
    QrShown,
    StreamClosed,
    StreamOpened,
    Tick,
)
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.creds_guard import DAMAGED, GuardState, History, Verdict, forget, history_of, judge, step
from tests.unit.rules.folders import NOW, creds

COPY = GoodCreds("a" * 16, "***0001", NOW)
SAME = creds()
OTHER = creds(identity="b" * 16)
FRESH = creds(identity="b" * 16, paired=False)
STRIPPED = creds(paired=False)
MISSING = Creds(CredsState.MISSING)
TORN = Creds(CredsState.TORN)
STOPPED = History(stopped=True)


@pytest.mark.parametrize(
    ("copy", "current", "history", "verdict", "take_copy"),
    [
        (None, SAME, History(), Verdict.OK, True),
        (None, SAME, History(logged_out=True), Verdict.OK, False),
        (None, FRESH, History(), Verdict.OK, False),
        (None, MISSING, STOPPED, Verdict.OK, False),
        (None, TORN, STOPPED, Verdict.ALERT, False),
        (COPY, SAME, History(), Verdict.OK, True),
        (COPY, SAME, History(qr=True), Verdict.OK, True),
        (COPY, SAME, History(logged_out=True), Verdict.RETIRE, False),
        (COPY, OTHER, History(pairing=True), Verdict.OK, True),
        (COPY, OTHER, History(pairing=True, logged_out=True), Verdict.OK, True),
        (COPY, OTHER, History(relink=True), Verdict.OK, True),
        (COPY, SAME, History(pairing=True, logged_out=True), Verdict.RETIRE, False),
        (COPY, SAME, History(relink=True, logged_out=True), Verdict.RETIRE, False),
        (COPY, SAME, History(pairing=True, relink=True), Verdict.OK, True),
        (COPY, OTHER, STOPPED, Verdict.ASK, False),
        (COPY, OTHER, History(logged_out=True), Verdict.RETIRE, False),
        (COPY, FRESH, STOPPED, Verdict.ASK, False),
        (COPY, FRESH, History(relink=True), Verdict.OK, False),
        (COPY, STRIPPED, STOPPED, Verdict.ASK, False),
        (COPY, MISSING, STOPPED, Verdict.ASK, False),
        (COPY, MISSING, History(logged_out=True, stopped=True), Verdict.RETIRE, False),
        (COPY, TORN, STOPPED, Verdict.RESTORE, False),
        (COPY, Creds(CredsState.EMPTY), STOPPED, Verdict.RESTORE, False),
        (COPY, Creds(CredsState.ZEROED), STOPPED, Verdict.RESTORE, False),
        (COPY, TORN, History(), Verdict.ALERT, False),
        (COPY, TORN, History(qr=True, stopped=True), Verdict.ASK, False),
        (COPY, TORN, History(relink=True, stopped=True), Verdict.ASK, False),
        (replace(COPY, qr=True), TORN, STOPPED, Verdict.ASK, False),
        (replace(COPY, relink=True), TORN, STOPPED, Verdict.ASK, False),
        (replace(COPY, relink=True), OTHER, STOPPED, Verdict.OK, True),
        (COPY, TORN, History(pairing=True, stopped=True), Verdict.RETIRE, False),
        (COPY, TORN, History(logged_out=True, stopped=True), Verdict.RETIRE, False),
        (COPY, Creds(CredsState.UNREADABLE), STOPPED, Verdict.ALERT, False),
    ],
)
def test_verdicts(copy: GoodCreds | None, current: Creds, history: History, verdict: Verdict, take_copy: bool) -> None:
    found = judge(copy, current, history)
    assert (found.verdict, found.take_copy) == (verdict, take_copy)
    assert found.reason


def test_it_restores_by_itself_only_where_nothing_can_be_lost() -> None:
    flags = list(itertools.product((False, True), repeat=5))
    for current in (SAME, OTHER, FRESH, STRIPPED, *(Creds(state) for state in CredsState)):
        for copy, given in itertools.product((None, COPY), flags):
            history = History(*given)
            found = judge(copy, current, history)
            if found.verdict is Verdict.RESTORE:
                assert copy is not None
                assert current.state in DAMAGED
                assert history == STOPPED
            if found.take_copy:
                assert current.paired


def test_what_is_remembered_beside_the_copy_weighs_like_what_was_just_seen() -> None:
    shown, begun = replace(COPY, qr=True), replace(COPY, relink=True)
    for current in (TORN, Creds(CredsState.EMPTY), Creds(CredsState.ZEROED)):
        assert judge(shown, current, STOPPED).verdict is Verdict.ASK
        assert judge(begun, current, STOPPED).verdict is Verdict.ASK
    assert judge(shown, TORN, STOPPED) == judge(COPY, TORN, History(qr=True, stopped=True))
    assert judge(begun, TORN, STOPPED) == judge(COPY, TORN, History(relink=True, stopped=True))
    assert judge(begun, OTHER, STOPPED) == judge(COPY, OTHER, History(relink=True, stopped=True))


def seen(facts: Creds) -> Fact:
    return CredsSeen(at=NOW, company="c", creds=facts)


def closed(kind: CloseKind, code: int | None = None) -> Fact:
    return StreamClosed(at=NOW, gateway="g", company="c", kind=kind, code=code)


QR = QrShown(at=NOW, gateway="g", company="c")
PAIRED = PairingDone(at=NOW, gateway="g", company="c")
OPENED = StreamOpened(at=NOW, gateway="g", company="c")
LOGOUT = closed(CloseKind.DEVICE_REMOVED, 401)


def run(*facts: Fact, state: GuardState | None = None) -> tuple[GuardState, list[Symptom]]:
    state, told = state or GuardState(), list[Symptom]()
    for fact in facts:
        state, symptoms = step(state, company("c"), fact, NOW, Limits())
        assert decode(GuardState, encode(state)) == state
        told += symptoms
    return state, told


def summary(*facts: Fact) -> list[tuple[SymptomKind, bool, object]]:
    return [(symptom.kind, symptom.active, symptom.detail["what"]) for symptom in run(*facts)[1]]


def test_damage_begins_and_ends() -> None:
    assert summary(seen(SAME), seen(TORN), seen(TORN), seen(SAME)) == [
        (SymptomKind.CREDS_DAMAGED, True, "torn"),
        (SymptomKind.CREDS_DAMAGED, False, "torn"),
    ]
    assert summary(seen(Creds(CredsState.UNREADABLE))) == [(SymptomKind.CREDS_DAMAGED, True, "unreadable")]


@pytest.mark.parametrize(("now", "what"), [(OTHER, "other_login"), (FRESH, "never_paired"), (MISSING, "missing")])
def test_a_change_without_a_pairing_is_told(now: Creds, what: str) -> None:
    assert summary(seen(SAME), seen(now), seen(SAME)) == [
        (SymptomKind.CREDS_CHANGED, True, what),
        (SymptomKind.CREDS_CHANGED, False, what),
    ]
    assert summary(seen(SAME), QR, seen(now)) == [(SymptomKind.CREDS_CHANGED, True, what)]


@pytest.mark.parametrize("why", [PAIRED, LOGOUT, closed(CloseKind.LOGGED_OUT), closed(CloseKind.OTHER, 401)])
def test_a_change_with_a_reason_is_not(why: Fact) -> None:
    assert summary(seen(SAME), why, seen(FRESH), seen(MISSING), seen(OTHER)) == []


def test_a_pairing_told_after_its_creds_ends_the_alarm() -> None:
    state, told = run(seen(SAME), seen(OTHER), PAIRED, seen(OTHER))
    assert [symptom.active for symptom in told] == [True, False]
    assert state.identity == OTHER.identity


def test_a_replaced_connection_is_no_logout() -> None:
    assert not run(seen(SAME), closed(CloseKind.REPLACED, 440))[0].logged_out
    assert not run(seen(SAME), closed(CloseKind.REPLACED, 401))[0].logged_out
    assert run(seen(SAME), ConnectionSeen(at=NOW, company="c", state=ConnState.DISCONNECTED, code=401))[0].logged_out


def test_nothing_is_said_of_a_folder_that_never_was_paired() -> None:
    assert summary(seen(MISSING), QR, seen(FRESH), PAIRED, seen(SAME)) == []


def test_damage_turning_into_a_change_swaps_the_symptoms() -> None:
    assert summary(seen(SAME), seen(TORN), seen(FRESH)) == [
        (SymptomKind.CREDS_DAMAGED, True, "torn"),
        (SymptomKind.CREDS_DAMAGED, False, "torn"),
        (SymptomKind.CREDS_CHANGED, True, "never_paired"),
    ]


def test_the_history_is_what_happened_since_the_creds_were_good() -> None:
    waiting = ConnectionSeen(at=NOW, company="c", state=ConnState.WAITING_QR)
    assert history_of(run(seen(SAME), waiting)[0], relink=False, stopped=True) == History(qr=True, stopped=True)
    assert history_of(run(QR, seen(SAME))[0], relink=True, stopped=False) == History(relink=True)
    assert run(seen(SAME), LOGOUT, OPENED)[0].logged_out is False
    assert run(seen(SAME), LOGOUT, seen(SAME))[0].logged_out is True


def test_our_own_relink_is_expected() -> None:
    state, _ = run(seen(SAME))
    assert run(seen(MISSING), seen(FRESH), seen(OTHER), state=forget(state))[1] == []


def test_the_symptoms_are_whole() -> None:
    acme = company("c")
    _, told = run(seen(SAME), seen(TORN), seen(FRESH), seen(SAME))
    assert told == [
        Symptom(acme, SymptomKind.CREDS_DAMAGED, NOW, True, Severity.EMERGENCY, {"what": "torn"}),
        Symptom(acme, SymptomKind.CREDS_DAMAGED, NOW, False, Severity.INFO, {"what": "torn"}),
        Symptom(acme, SymptomKind.CREDS_CHANGED, NOW, True, Severity.CRITICAL, {"what": "never_paired"}),
        Symptom(acme, SymptomKind.CREDS_CHANGED, NOW, False, Severity.INFO, {"what": "never_paired"}),
    ]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((seen(SAME),), GuardState(SAME.identity)),
        ((seen(SAME), seen(SAME)), GuardState(SAME.identity)),
        ((QR, LOGOUT, seen(SAME)), GuardState(SAME.identity)),
        ((seen(SAME), LOGOUT, seen(SAME)), GuardState(SAME.identity, logged_out=True)),
        ((seen(SAME), LOGOUT, seen(OTHER)), GuardState(OTHER.identity)),
        ((seen(SAME), LOGOUT, PAIRED), GuardState(SAME.identity, pairing=True)),
        ((seen(SAME), PAIRED, seen(OTHER)), GuardState(OTHER.identity)),
        ((seen(SAME), PAIRED, seen(MISSING)), GuardState(SAME.identity, pairing=True)),
        ((seen(FRESH),), GuardState()),
        ((seen(SAME), seen(TORN), PAIRED), GuardState(SAME.identity, pairing=True)),
        ((seen(SAME), LOGOUT, seen(TORN)), GuardState(SAME.identity, logged_out=True)),
        ((seen(SAME), seen(TORN)), GuardState(SAME.identity, told=SymptomKind.CREDS_DAMAGED, told_what="torn")),
        (
            (seen(SAME), seen(TORN), LOGOUT, seen(TORN)),
            GuardState(SAME.identity, logged_out=True, told=SymptomKind.CREDS_DAMAGED, told_what="torn"),
        ),
    ],
)
def test_what_is_kept_of_the_past(facts: tuple[Fact, ...], state: GuardState) -> None:
    assert run(*facts)[0] == state


def test_the_whole_history_is_handed_on() -> None:
    state = GuardState(qr=True, logged_out=True, pairing=True)
    assert history_of(state, relink=True, stopped=True) == History(True, True, True, True, True)
    assert history_of(GuardState(), relink=False, stopped=False) == History()


def test_after_our_own_relink_what_was_told_still_ends() -> None:
    damaged = GuardState("a" * 16, True, True, True, SymptomKind.CREDS_DAMAGED, "torn")
    assert forget(damaged) == GuardState(told=SymptomKind.CREDS_DAMAGED, told_what="torn")
    _, told = run(seen(OTHER), state=forget(damaged))
    assert [(symptom.kind, symptom.active) for symptom in told] == [(SymptomKind.CREDS_DAMAGED, False)]


def test_a_login_that_came_after_a_logout_is_guarded_like_any_other() -> None:
    assert summary(seen(SAME), LOGOUT, PAIRED, seen(TORN)) == [(SymptomKind.CREDS_DAMAGED, True, "torn")]
    assert summary(seen(SAME), LOGOUT, OPENED, seen(TORN)) == [(SymptomKind.CREDS_DAMAGED, True, "torn")]
    up = ConnectionSeen(at=NOW, company="c", state=ConnState.CONNECTED)
    assert summary(seen(SAME), LOGOUT, up, seen(TORN)) == [(SymptomKind.CREDS_DAMAGED, True, "torn")]


def test_a_poll_that_shows_a_qr_or_a_logout_counts_like_the_log() -> None:
    poll = ConnectionSeen(at=NOW, company="c", state=ConnState.CONNECTING, has_qr=True)
    assert run(seen(SAME), poll)[0].qr
    assert run(seen(SAME), QR)[0].qr
    assert not run(seen(SAME))[0].qr
    for code, out in ((401, True), (403, False), (None, False)):
        down = ConnectionSeen(at=NOW, company="c", state=ConnState.DISCONNECTED, code=code)
        assert run(seen(SAME), down)[0].logged_out is out
    for kind, code, out in (
        (CloseKind.DEVICE_REMOVED, None, True),
        (CloseKind.LOGGED_OUT, None, True),
        (CloseKind.OTHER, 401, True),
        (CloseKind.OTHER, 403, False),
        (CloseKind.LOST, None, False),
        (CloseKind.REPLACED, 401, False),
    ):
        assert run(seen(SAME), closed(kind, code))[0].logged_out is out
    assert run(Tick(at=NOW), state=GuardState("a"))[0] == GuardState("a")


def test_a_missing_login_is_told_apart_from_an_unpaired_one() -> None:
    assert "gone" in judge(COPY, MISSING, STOPPED).reason
    assert "unpaired" in judge(COPY, FRESH, STOPPED).reason
    assert "another paired" in judge(COPY, OTHER, STOPPED).reason


def test_damage_of_another_kind_is_told_again_and_not_as_over() -> None:
    assert summary(seen(SAME), seen(TORN), seen(Creds(CredsState.EMPTY)), seen(SAME)) == [
        (SymptomKind.CREDS_DAMAGED, True, "torn"),
        (SymptomKind.CREDS_DAMAGED, True, "empty"),
        (SymptomKind.CREDS_DAMAGED, False, "empty"),
    ]
