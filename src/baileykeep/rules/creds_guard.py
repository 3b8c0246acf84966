"""When may the last-good copy of `creds.json` be put back, and when is somebody to be asked?

By itself only where nothing can be lost by it: the creds in place are empty, zeroed or torn, nothing happened since
the copy that could have made it stale, and the session is proved stopped. A missing file or another valid identity
may be a human's doing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from baileykeep.model.backup import GoodCreds
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
)
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind

DAMAGED = frozenset({CredsState.EMPTY, CredsState.ZEROED, CredsState.TORN})
"""States, after reading again, in which the file holds no login any more."""

LOGGED_OUT_CODE = 401


class Verdict(StrEnum):
    """OK: nothing to do but perhaps take a new copy. RETIRE: the copy is of a dead or replaced login."""

    OK = "ok"
    RESTORE = "restore"
    ASK = "ask"
    ALERT = "alert"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class History:
    """What happened since the copy was taken, and whether the session is proved stopped right now."""

    qr: bool = False
    logged_out: bool = False
    relink: bool = False
    pairing: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason, a sentence for people; `take_copy` when the creds in place are worth a new copy."""

    verdict: Verdict
    reason: str
    take_copy: bool = False


def judge(copy: GoodCreds | None, current: Creds, history: History) -> Judgement:
    """What to do about the creds in place. `current` was read again after a pause if it was not whole."""
    if current.state is CredsState.UNREADABLE:
        return Judgement(Verdict.ALERT, "creds.json cannot be read, so nothing is known of it")
    if copy is None:
        return _without_copy(current, history)
    history = replace(history, qr=history.qr or copy.qr, relink=history.relink or copy.relink)
    new_login = current.paired and current.identity != copy.identity and (history.pairing or history.relink)
    if current.paired and current.identity == copy.identity and not history.logged_out:
        return Judgement(Verdict.OK, "creds.json is whole and the login is the one we know", take_copy=True)
    if new_login:
        return Judgement(Verdict.OK, "a pairing was finished and its creds are whole", take_copy=True)
    if history.logged_out:
        return Judgement(Verdict.RETIRE, "WhatsApp ended this login (401), so the copy is of no use any more")
    if history.pairing:
        return Judgement(Verdict.RETIRE, "a new pairing was finished since the copy was taken")
    if current.state in DAMAGED:
        return _damaged(current, history)
    return _replaced(current, history)


def _without_copy(current: Creds, history: History) -> Judgement:
    if current.paired:
        fresh = not history.logged_out
        return Judgement(Verdict.OK, "creds.json is whole and paired", take_copy=fresh)
    if current.state in DAMAGED:
        return Judgement(Verdict.ALERT, f"creds.json is {current.state} and there is no good copy of it")
    return Judgement(Verdict.OK, "nothing is paired here yet")


def _damaged(current: Creds, history: History) -> Judgement:
    if history.relink:
        return Judgement(Verdict.ASK, f"creds.json is {current.state}, and a relink was begun since the copy was taken")
    if history.qr:
        return Judgement(Verdict.ASK, f"creds.json is {current.state}, and a QR was shown since the copy was taken")
    if not history.stopped:
        return Judgement(
            Verdict.ALERT,
            f"creds.json is {current.state}; the gateway still has it in memory, so it must not be restarted",
        )
    return Judgement(Verdict.RESTORE, f"creds.json is {current.state}, and nothing happened since the last good copy")


def _replaced(current: Creds, history: History) -> Judgement:
    """Missing, never paired, or another login, and no finished pairing that would explain it."""
    if history.relink:
        return Judgement(Verdict.OK, "a relink is going on, and nobody has paired yet")
    if current.state is CredsState.MISSING:
        return Judgement(Verdict.ASK, "creds.json is gone; somebody may have removed it on purpose")
    if current.paired:
        return Judgement(Verdict.ASK, "another paired login lies here; somebody may just have paired anew")
    return Judgement(Verdict.ASK, "an unpaired login lies here instead of the good one; somebody may be pairing")


@dataclass(frozen=True, slots=True)
class GuardState:
    """`identity` is that of the last whole and paired creds; the flags say what happened since they were seen.

    `told` is the kind of symptom that is active, `told_what` its detail.
    """

    identity: str | None = None
    qr: bool = False
    logged_out: bool = False
    pairing: bool = False
    told: SymptomKind | None = None
    told_what: str = ""


def history_of(state: GuardState, *, relink: bool, stopped: bool) -> History:
    """The history of `judge`, as far as the detector saw it; a relink of our own and the stop are the caller's."""
    return History(qr=state.qr, logged_out=state.logged_out, relink=relink, pairing=state.pairing, stopped=stopped)


def forget(state: GuardState) -> GuardState:
    """After we ourselves set the folder aside for a relink: whatever comes next is expected."""
    return GuardState(told=state.told, told_what=state.told_what)


def step(
    state: GuardState, subject: Subject, fact: Fact, now: float, limits: Limits
) -> tuple[GuardState, tuple[Symptom, ...]]:
    """CREDS_DAMAGED while the file holds no login, CREDS_CHANGED while another or none lies there unexplained."""
    match fact:
        case CredsSeen(creds=creds):
            return _seen(state, subject, creds, now)
        case PairingDone():
            return _tell(replace(state, pairing=True, logged_out=False), subject, now, None, "")
        case QrShown() | ConnectionSeen(has_qr=True) | ConnectionSeen(state=ConnState.WAITING_QR):
            return replace(state, qr=True), ()
        case StreamOpened() | ConnectionSeen(state=ConnState.CONNECTED):
            return replace(state, logged_out=False), ()
        case StreamClosed() | ConnectionSeen() if _logged_out(fact):
            return replace(state, logged_out=True), ()
    return state, ()


def _logged_out(fact: StreamClosed | ConnectionSeen) -> bool:
    """ "Replaced" prints the same text as a logout; its kind and code tell them apart."""
    if isinstance(fact, ConnectionSeen):
        return fact.code == LOGGED_OUT_CODE
    if fact.kind is CloseKind.REPLACED:
        return False
    return fact.code == LOGGED_OUT_CODE or fact.kind in (CloseKind.DEVICE_REMOVED, CloseKind.LOGGED_OUT)


def _seen(state: GuardState, subject: Subject, creds: Creds, now: float) -> tuple[GuardState, tuple[Symptom, ...]]:
    if creds.paired and (state.identity in (None, creds.identity) or state.pairing or state.logged_out):
        same = creds.identity == state.identity
        known = GuardState(creds.identity, logged_out=state.logged_out and same)
        return _tell(replace(known, told=state.told, told_what=state.told_what), subject, now, None, "")
    if state.logged_out:
        return state, ()
    if creds.state in DAMAGED or creds.state is CredsState.UNREADABLE:
        return _tell(state, subject, now, SymptomKind.CREDS_DAMAGED, creds.state.value)
    if state.identity is None or state.pairing:
        return _tell(state, subject, now, None, "")
    return _tell(state, subject, now, SymptomKind.CREDS_CHANGED, _what(creds))


def _what(creds: Creds) -> str:
    if creds.state is CredsState.MISSING:
        return "missing"
    return "other_login" if creds.paired else "never_paired"


def _tell(
    state: GuardState, subject: Subject, now: float, kind: SymptomKind | None, what: str
) -> tuple[GuardState, tuple[Symptom, ...]]:
    """End what was told before where it no longer holds, and begin what does."""
    if (kind, what) == (state.told, state.told_what):
        return state, ()
    symptoms: list[Symptom] = []
    if state.told is not None and state.told is not kind:
        symptoms.append(Symptom(subject, state.told, now, False, Severity.INFO, {"what": state.told_what}))
    if kind is not None:
        severity = Severity.EMERGENCY if kind is SymptomKind.CREDS_DAMAGED else Severity.CRITICAL
        detail: Detail = {"what": what}
        symptoms.append(Symptom(subject, kind, now, True, severity, detail))
    return replace(state, told=kind, told_what=what), tuple(symptoms)
