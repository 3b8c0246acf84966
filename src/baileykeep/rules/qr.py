"""Pairing that goes wrong: a QR that somebody scanned in vain, and a start that never shows one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    CredsSeen,
    Fact,
    FilesSeen,
    LogFact,
    PairingDone,
    QrShown,
    StreamClosed,
    StreamOpened,
)
from baileykeep.model.inventory import TELL_OF_LOGIN
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind

QR_LIVES_S = 60.0
"""The first QR of a row lives so long; later ones 20 s, and each tells of itself."""

FORGET_S = 1800.0
"""A scan that failed is an old story when nobody tried again for so long."""

OUR_CLOSE_S = 10.0
"""So long after we close a session, a QR and a close that are told of are still that session's."""

NO_SCAN = frozenset({CloseKind.QR_ENDED, CloseKind.RESTART_REQUIRED})
NO_SCAN_CODES = frozenset({408, 515})
"""Closing while a QR is out without anybody having scanned: its time was over, or the pairing was done."""


@dataclass(frozen=True, slots=True)
class State:
    """`qr_at`: a QR was last seen out then. `ours_until`: QRs and closes until then are of a session that we closed.
    `waiting_since`/`waiting_at`: the row of polls that miss one."""

    qr_at: Moment | None = None
    ours_until: Moment | None = None
    failed_at: Moment | None = None
    failures: int = 0
    folder_paired: bool | None = None
    waiting_since: Moment | None = None
    waiting_at: Moment | None = None
    no_qr: bool = False


Step = tuple[State, tuple[Symptom, ...]]


def step(state: State, subject: Subject, fact: Fact, now: float, limits: Limits) -> Step:
    """QR_SCAN_FAILED at every scan in vain, over when paired; NO_QR after `no_qr_after_s`, over with a QR."""
    if state.ours_until is not None and now > state.ours_until + OUR_CLOSE_S:
        state = replace(state, ours_until=None)  # a log whose clock is behind must not hide what happens later
    if isinstance(fact, FilesSeen | CredsSeen):
        creds = fact.creds if isinstance(fact, CredsSeen) else fact.inventory.creds
        state = replace(state, folder_paired=creds.paired if creds.state in TELL_OF_LOGIN else None)
    elif isinstance(fact, ConnectionSeen):
        return _polled(state, subject, fact, now, limits)
    elif isinstance(fact, LogFact) and fact.company == subject.id:
        return _logged(state, subject, fact, min(fact.at, now))
    return _forgotten(state, subject, now)


def put_out(state: State, now: float) -> State:
    """After we ourselves got a QR from the gateway: no poll or log line need have told of it yet."""
    return replace(state, qr_at=now, ours_until=None if state.ours_until is None else min(state.ours_until, now))


def taken_away(state: State, now: float) -> State:
    """After we ourselves close a session: a QR that was out goes without anybody having scanned it.

    A log is read, and a poll answered, a moment later than it happens: what they still tell of it says nothing.
    """
    return replace(state, qr_at=None, ours_until=now + OUR_CLOSE_S)


def _logged(state: State, subject: Subject, fact: LogFact, now: float) -> Step:
    if isinstance(fact, QrShown):
        return _qr_out(state, subject, now)
    if isinstance(fact, PairingDone | StreamOpened):
        return _paired(state, subject, now)
    if isinstance(fact, StreamClosed):
        return _closed(state, subject, fact.code, now, scanned=fact.kind not in NO_SCAN)
    return state, ()


def _polled(state: State, subject: Subject, fact: ConnectionSeen, now: float, limits: Limits) -> Step:
    if fact.state is ConnState.UNKNOWN:
        return _forgotten(state, subject, now)
    if fact.has_qr or fact.state is ConnState.WAITING_QR:
        return _qr_out(state, subject, now)
    if fact.state is ConnState.CONNECTED and fact.paired is not False:
        return _paired(state, subject, now)
    if fact.state is ConnState.CONNECTING:
        return _still_no_qr(state, subject, fact, now, limits)
    state, over = _no_qr_over(state, subject, now)
    state, failed = _closed(state, subject, fact.code, now, scanned=fact.code is not None)
    return state, over + failed


def _qr_out(state: State, subject: Subject, now: float) -> Step:
    return _no_qr_over(state if _ours(state, now) else replace(state, qr_at=now), subject, now)


def _ours(state: State, at: float) -> bool:
    return state.ours_until is not None and at <= state.ours_until


def _paired(state: State, subject: Subject, now: float) -> Step:
    state, over = _no_qr_over(replace(state, qr_at=None), subject, now)
    if state.failed_at is None:
        return state, over
    done = _symptom(subject, SymptomKind.QR_SCAN_FAILED, now, active=False)
    return replace(state, failed_at=None, failures=0), (*over, done)


def _closed(state: State, subject: Subject, code: int | None, now: float, *, scanned: bool) -> Step:
    """The connection ended. The log and the poll may both say so: the first one takes the QR away."""
    if _ours(state, now):
        return state, ()
    out = state.qr_at is not None and now - state.qr_at <= QR_LIVES_S
    state = replace(state, qr_at=None)
    if not out or not scanned or code in NO_SCAN_CODES:
        return state, ()
    state = replace(state, failed_at=now, failures=state.failures + 1)
    detail: Detail = {"code": code, "count": state.failures}
    return state, (_symptom(subject, SymptomKind.QR_SCAN_FAILED, now, active=True, detail=detail),)


def _forgotten(state: State, subject: Subject, now: float) -> Step:
    if state.failed_at is None:
        return state, ()
    last = state.failed_at if state.qr_at is None else max(state.failed_at, state.qr_at)
    if now - last <= FORGET_S:
        return state, ()
    over = _symptom(subject, SymptomKind.QR_SCAN_FAILED, now, active=False)
    return replace(state, failed_at=None, failures=0), (over,)


def _still_no_qr(state: State, subject: Subject, fact: ConnectionSeen, now: float, limits: Limits) -> Step:
    """Only a login that is known not to be paired owes us a QR."""
    unpaired = fact.paired is False or (fact.paired is None and state.folder_paired is False)
    shown = state.qr_at is not None and now - state.qr_at <= QR_LIVES_S
    if not unpaired or shown:
        return _no_qr_over(state, subject, now)
    gap = state.waiting_at is None or not 0 <= now - state.waiting_at <= 2 * limits.poll.connection_s
    since = now if gap or state.waiting_since is None else state.waiting_since
    state = replace(state, waiting_since=since, waiting_at=now)
    if state.no_qr or now - since <= limits.disconnect.no_qr_after_s:
        return state, ()
    return replace(state, no_qr=True), (_symptom(subject, SymptomKind.NO_QR, now, active=True),)


def _no_qr_over(state: State, subject: Subject, now: float) -> Step:
    after = replace(state, waiting_since=None, waiting_at=None, no_qr=False)
    return after, (_symptom(subject, SymptomKind.NO_QR, now, active=False),) if state.no_qr else ()


def _symptom(subject: Subject, kind: SymptomKind, now: float, *, active: bool, detail: Detail | None = None) -> Symptom:
    return Symptom(subject, kind, now, active, Severity.WARNING if active else Severity.INFO, detail or {})
