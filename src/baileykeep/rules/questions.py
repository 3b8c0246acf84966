"""What a human is asked before a rung is climbed, and which answers still count."""

from __future__ import annotations

from baileykeep.model.decisions import Reason
from baileykeep.model.incident import Approval, ApprovalState, Cause, Rung
from baileykeep.rules.case import Case
from baileykeep.rules.findings import RANK
from baileykeep.rules.reach import Beside

STOPS = frozenset({Rung.CLEANUP, Rung.REPAIR_SESSIONS, Rung.PAIR_AGAIN, Rung.RESTORE_CREDS, Rung.RELINK})
"""Rungs for which the session is stopped first."""


def question(case: Case, rung: Rung) -> Reason | None:
    """Why this rung needs a human's word, or None when it does not."""
    own = _OWN[rung](case) if rung in _OWN else None
    others = rung in STOPS and not case.can.stop
    if own is Reason.ENDS_LOGIN and others:
        return Reason.ENDS_LOGIN_STOPS_OTHERS
    return own or (Reason.STOPS_OTHERS if others else None)


def _ends_login(case: Case) -> Reason | None:
    proved_dead = case.incident.cause is Cause.LOGGED_OUT and case.view.proof_holds
    return None if proved_dead and case.limits.relink.approval == "auto" else Reason.ENDS_LOGIN


def _unsure_creds(case: Case) -> Reason | None:
    return None if case.view.creds_sure else Reason.UNSURE_CREDS


def _connected_cleanup(case: Case) -> Reason | None:
    return Reason.CONNECTED_CLEANUP if case.incident.cause is Cause.FILES_CRITICAL and not case.fleet.window else None


def _shared_process(case: Case) -> Reason | None:
    return Reason.STOPS_OTHERS if case.fleet.beside is Beside.LIVE else None


_OWN = {
    Rung.RELINK: _ends_login,
    Rung.RESTORE_CREDS: _unsure_creds,
    Rung.CLEANUP: _connected_cleanup,
    Rung.RESTART_PROCESS: _shared_process,
}

STOPPING_OTHERS = frozenset({Reason.STOPS_OTHERS, Reason.ENDS_LOGIN_STOPS_OTHERS})


def answer_of(case: Case, rung: Rung) -> Approval | None:
    """The question about this rung as it stands, None when it must be asked (again).

    A yes counts once, for the cause it was given for, and no longer than a question lives. A no stays, until
    something more pressing is wrong than what it was said about.
    """
    approval = case.incident.approval
    if approval is None or approval.rung is not rung or approval.spent:
        return None
    cause = approval.cause or case.incident.cause
    if approval.state is ApprovalState.APPROVED:
        given_at = approval.answered_at if approval.answered_at is not None else approval.asked_at
        fresh = case.now - given_at < case.limits.relink.approval_ttl_s
        return approval if fresh and cause is case.incident.cause else None
    return None if RANK[case.incident.cause] < RANK[cause] else approval
