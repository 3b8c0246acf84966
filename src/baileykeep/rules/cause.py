"""Why a session is down decides what to do: this folds codes and log lines into one cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    CredsSeen,
    Fact,
    PairingDone,
    StreamClosed,
    StreamOpened,
)
from baileykeep.model.incident import Cause
from baileykeep.model.inventory import TELL_OF_LOGIN, Creds
from baileykeep.model.moments import Moment
from baileykeep.rules import disconnect

BY_CODE: Mapping[int | None, Cause] = {
    401: Cause.LOGGED_OUT,
    402: Cause.ACCOUNT_BLOCKED,
    403: Cause.ACCOUNT_BLOCKED,
    405: Cause.CLIENT_TOO_OLD,
    406: Cause.ACCOUNT_BLOCKED,
    411: Cause.MULTI_DEVICE_MISMATCH,
    440: Cause.REPLACED,
}
"""Disconnect status codes that prove a cause by themselves; all others, and none at all, are a plain disconnect."""

BY_KIND: Mapping[CloseKind, Cause] = {
    CloseKind.DEVICE_REMOVED: Cause.LOGGED_OUT,
    CloseKind.LOGGED_OUT: Cause.LOGGED_OUT,
    CloseKind.REPLACED: Cause.REPLACED,
    CloseKind.QR_ENDED: Cause.WAITING_QR,
}

USELESS_LOGIN = frozenset({Cause.LOGGED_OUT, Cause.HALF_PAIRED})
"""Causes that prove the stored login useless: WhatsApp ended it, or it never was paired."""

PROVED = USELESS_LOGIN | {Cause.ACCOUNT_BLOCKED, Cause.REPLACED}
"""Causes proved by a code: they keep their own incident even while the fleet brake holds."""

CONFLICT_S = 60.0
"""For so long a proof from the log outweighs a status that still says connected; meanwhile the state is unknown."""


@dataclass(frozen=True, slots=True)
class State:
    """What was last proved about the session's end; cleared when it opens again.

    `at` is when the cause was first proved, `logged_at` when the log last proved it. `code` is kept without a cause
    too, since it tells people what was seen. `login` is the identity of the last login in the folder, also of half a
    one, and `of` that of the login that was there when the cause was proved; empty where none was seen yet, None where
    nobody looked.
    """

    cause: Cause | None = None
    code: int | None = None
    at: Moment | None = None
    device_removed: bool = False
    logged_at: Moment | None = None
    login: str | None = None
    of: str | None = None


def step(state: State, fact: Fact) -> State:
    """Fold one fact. The newest proof wins, except that "no longer linked" is only undone by a new opening.

    A close that proves nothing (a lost connection, say) takes no proof away: only an opening does.
    """
    if isinstance(fact, ConnectionSeen):
        return _from_status(state, fact)
    if isinstance(fact, CredsSeen):
        return _with_login(state, fact.creds)
    if isinstance(fact, StreamOpened | PairingDone):
        # after a crash lines from before the proof may be read once more
        return state if state.at is not None and fact.at < state.at else _nothing_proved(state)
    if isinstance(fact, StreamClosed):
        return _proved(state, BY_KIND.get(fact.kind) or BY_CODE.get(fact.code), fact.code, fact)
    return state


def _from_status(state: State, fact: ConnectionSeen) -> State:
    if disconnect.is_up(fact):
        return state if state == _nothing_proved(state) or _contested(state, fact.at) else _nothing_proved(state)
    if fact.state is ConnState.DISCONNECTED:
        return _proved(state, BY_CODE.get(fact.code), fact.code, fact)
    return state


def _with_login(state: State, creds: Creds) -> State:
    there = creds.identity if creds.paired or creds.half_paired else None
    if there is None:
        none = state.login is None and creds.state in TELL_OF_LOGIN
        return replace(state, login="") if none else state
    return state if there == state.login else replace(state, login=there)


def holds_for_what_lies_there(state: State) -> bool:
    """What was proved of one login says nothing of another that was paired since."""
    return state.of is None or state.of == state.login


def _nothing_proved(state: State) -> State:
    return State(login=state.login)


def _contested(state: State, at: float) -> bool:
    """Whether the log proved the end just now; a clock that was set far off in between contests nothing."""
    return state.logged_at is not None and abs(at - state.logged_at) <= CONFLICT_S


def _proved(state: State, cause: Cause | None, code: int | None, fact: Fact) -> State:
    if cause is None:
        return replace(state, code=code if code is not None else state.code) if state.cause is None else state
    if state.cause is Cause.LOGGED_OUT and cause is not Cause.LOGGED_OUT:
        return state
    logged = isinstance(fact, StreamClosed)
    anew = state.cause is not cause or (logged and (state.logged_at is None or fact.at > state.logged_at))
    removed = isinstance(fact, StreamClosed) and fact.kind is CloseKind.DEVICE_REMOVED
    return State(
        cause,
        code if code is not None or cause is not state.cause else state.code,
        state.at if state.cause is cause else fact.at,
        removed or state.device_removed,
        fact.at if logged else state.logged_at,
        state.login,
        state.login if anew else state.of,  # a status only repeats the code of the last close
    )


def cause_of(state: State, *, half_paired: bool, waiting_qr: bool) -> Cause:
    """The cause of a session that is not up. A 401 on a folder that never was paired is cured by pairing again."""
    if state.cause is Cause.LOGGED_OUT and half_paired:
        return Cause.HALF_PAIRED
    if state.cause is Cause.LOGGED_OUT:
        return Cause.LOGGED_OUT
    if waiting_qr:
        return Cause.WAITING_QR
    return state.cause or Cause.DISCONNECTED
