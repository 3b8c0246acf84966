"""The ladder: which rung comes next for a cause, and every reason why it must wait.

Read it in this order: LADDER says which rungs a cause has, mildest first. `skips` says when a rung does not apply.
`gates` says when an applicable rung must wait; the first gate that answers names the reason. What remains is asked
of a human (`questions`) or done. Pure: the same case always gives the same decision.
"""

from __future__ import annotations

from collections.abc import Mapping

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.symptoms import Detail, Scope
from baileykeep.rules import gates, lacks, planned
from baileykeep.rules.case import Can, Case, Fleet, cleanup_target, hold, spent_today
from baileykeep.rules.gates import GATES, REMOVES_FILES
from baileykeep.rules.questions import STOPPING_OTHERS, answer_of, question
from baileykeep.rules.skips import SKIPS

__all__ = ["GATES", "LADDER", "SKIPS", "Can", "Case", "Fleet", "cleanup_target", "decide", "may_request", "spent_today"]

LADDER: Mapping[Cause, tuple[Rung, ...]] = {
    Cause.CREDS_DAMAGED: (Rung.RESTORE_CREDS,),
    Cause.LOGGED_OUT: (Rung.SNAPSHOT, Rung.RELINK),
    Cause.HALF_PAIRED: (Rung.PAIR_AGAIN,),
    Cause.REPLACED: (Rung.RECONNECT,),
    Cause.PHANTOM: (Rung.RECONNECT, Rung.RELINK),
    Cause.BAD_MAC: (Rung.REPAIR_SESSIONS, Rung.RELINK),
    Cause.REPORTED_CORRUPT: (Rung.RELINK,),
    Cause.DISCONNECTED: (Rung.RECONNECT, Rung.CLEANUP, Rung.RELINK),
    Cause.FILES_DANGER: (Rung.CLEANUP,),
    Cause.FILES_CRITICAL: (Rung.CLEANUP,),
    Cause.FILES_PLANNED: (Rung.CLEANUP,),
    Cause.GATEWAY_DOWN: (Rung.RESTART_PROCESS,),
}
"""Rungs per cause, in the order in which they are climbed. Every incident starts with an alert."""

HUMAN_ONLY = frozenset(
    {Cause.ACCOUNT_BLOCKED, Cause.CLIENT_TOO_OLD, Cause.MULTI_DEVICE_MISMATCH, Cause.WAITING_QR}
    | {Cause.GATEWAY_MISCONFIGURED, Cause.COMPANY_CRASHED, Cause.CREDS_CHANGED, Cause.PHONE_MISMATCH, Cause.BREACH}
)
"""Causes that only a human can cure; all others without a row are told and watched."""

FILES = frozenset({Cause.FILES_DANGER, Cause.FILES_CRITICAL})

RETRIED = frozenset({Cause.DISCONNECTED, Cause.PHANTOM})
"""After a human was called for these, reconnecting goes on with a growing pause, inside the daily budget."""


def decide(case: Case) -> Decision:
    """The one decision that follows from a case."""
    cause, attempts = case.incident.cause, case.incident.attempts
    if attempts and attempts[-1].outcome is None:
        return Decision(Verb.NONE, Reason.ACTION_RUNNING, attempts[-1].rung)
    if not rungs_of(case):
        human = cause in HUMAN_ONLY
        return Decision(Verb.HUMAN, Reason.HUMAN_ONLY) if human else Decision(Verb.NONE, Reason.ALERT_ONLY)
    return _settling(case) or _next(case)


UNTOUCHED_TRIES = 3
"""A rung that failed this often before its first step (no room for a backup, say) is used up after all."""


def rungs_of(case: Case) -> tuple[Rung, ...]:
    """The rungs of this cause. A gateway or the host is no session: what its log says is never repaired by guess."""
    rungs = LADDER.get(case.incident.cause, ())
    if case.incident.subject.scope is Scope.COMPANY:
        return rungs
    return tuple(rung for rung in rungs if rung is Rung.RESTART_PROCESS)


def _settling(case: Case) -> Decision | None:
    """A verified repair gets time to show in every watcher before the next rung is thought of."""
    last = case.incident.attempts[-1] if case.incident.attempts else None
    if last is None or last.outcome is not Outcome.HEALED or last.cause is not case.incident.cause:
        return None
    until = (last.ended_at or last.begun_at) + case.limits.ladder.settle_s
    return hold(Reason.TOO_EARLY, last.rung, until) if case.now < until else None


def _next(case: Case) -> Decision:
    skipped = Reason.NO_RUNG_LEFT
    for rung in rungs_of(case):
        if _finished(case, rung):
            skipped = Reason.NO_RUNG_LEFT
            continue
        reason = SKIPS[rung](case)
        if reason is None:
            return _climb(case, rung)
        skipped = reason
    return _nothing_left(case, skipped)


INCAPABLE = frozenset({Reason.CANNOT_DO, Reason.CANNOT_STOP})
"""Reasons that are about what there is, not about what happened."""


def incapable_of(case: Case) -> tuple[str, ...]:
    """What cannot be done about this cause here, each with what is missing for it."""
    rungs = (rung for rung in rungs_of(case) if SKIPS[rung](case) in INCAPABLE)
    return lacks.lines(case.can.lacks, rungs)


def incapable(cause: Cause, can: Can) -> tuple[str, ...]:
    """What could never be done about a cause here, whatever else holds."""
    return lacks.lines(can.lacks, LADDER.get(cause, ()))


def _finished(case: Case, rung: Rung) -> bool:
    tried = case.incident.tried(rung, case.incident.cause)
    ended = [
        a for a in tried if a.outcome not in (None, Outcome.SUPERSEDED) and a.begun_at >= case.incident.fresh_since
    ]
    return any(not a.untouched for a in ended) or len(ended) >= UNTOUCHED_TRIES


def _nothing_left(case: Case, skipped: Reason) -> Decision:
    if _need_not(case, skipped):
        return hold(skipped)
    if not case.incident.needs_human:
        return Decision(Verb.HUMAN, skipped, detail=_missing(case))
    if case.incident.cause in RETRIED and case.can.reconnect:
        return _climb(case, Rung.RECONNECT)
    return hold(skipped)


def _need_not(case: Case, skipped: Reason) -> bool:
    """Whether nobody need be called: the folder shrank, or it was only planned and the session is as it was."""
    if case.incident.cause is Cause.FILES_PLANNED:
        return not planned.left_down(case.incident, case.view) or _opening(case)
    return case.incident.cause in FILES and skipped is Reason.LEVEL_TOO_LOW


def _opening(case: Case) -> bool:
    """Whether a session that was only just started again may still come back."""
    last = case.incident.attempts[-1]
    started_at = last.ended_at if last.ended_at is not None else last.begun_at
    return last.outcome is not Outcome.FAILED and case.now - started_at < case.limits.ladder.verify_within_s


def _missing(case: Case) -> Detail:
    lines = incapable_of(case)
    return {"cannot": lines} if lines else {}


def _climb(case: Case, rung: Rung) -> Decision:
    for gate in GATES:
        held = gate(case, rung)
        if held is not None:
            return held
    reason = question(case, rung)
    return _do(case, Decision(Verb.ACT, Reason.NEXT_RUNG, rung)) if reason is None else _ask(case, rung, reason)


def _do(case: Case, decision: Decision) -> Decision:
    return decision if case.fleet.act else hold(Reason.OBSERVING, decision.rung)


def _ask(case: Case, rung: Rung, reason: Reason) -> Decision:
    answer = answer_of(case, rung)
    if answer is None:
        detail = {"others": case.can.others} if reason in STOPPING_OTHERS and case.can.others else {}
        return _do(case, Decision(Verb.ASK, reason, rung, detail=detail))
    if answer.state is ApprovalState.APPROVED:
        return _do(case, Decision(Verb.ACT, Reason.APPROVED, rung))
    if answer.state is ApprovalState.OPEN:
        return hold(Reason.APPROVAL_PENDING, rung, answer.asked_at + case.limits.relink.approval_ttl_s)
    rejected = answer.state is ApprovalState.REJECTED
    return hold(Reason.APPROVAL_REJECTED if rejected else Reason.APPROVAL_EXPIRED, rung)


def may_request(case: Case, rung: Rung, *, force: bool = False) -> Decision:
    """An operator asks for a rung by hand: only what protects the login still stands in the way.

    `force` is their word that a session which runs, or may run, is stopped for a cleanup.
    """
    if case.fleet.shutting_down:
        return hold(Reason.SHUTTING_DOWN, rung)
    if case.fleet.busy:
        return hold(Reason.ACTION_RUNNING, rung)
    incapable = _incapable(case, rung)
    if incapable is not None:
        words = lacks.why(case.can.lacks, rung)
        return Decision(Verb.HOLD, incapable, rung, detail={"why": words} if words else {})
    if rung is Rung.CLEANUP and not force and (case.view.up or case.view.unknown):
        return hold(Reason.SESSION_RUNNING if case.view.up else Reason.UNKNOWN_STATE, rung)
    return gates.clock(case, rung) or Decision(Verb.ACT, Reason.OPERATOR, rung)


NEEDS_FILES = REMOVES_FILES | {Rung.SNAPSHOT, Rung.BACKUP, Rung.RESTORE, Rung.RESTORE_CREDS}


def _incapable(case: Case, rung: Rung) -> Reason | None:
    """Why an action could only fail, whoever asks for it."""
    can = case.can
    able = {Rung.RECONNECT: can.reconnect, Rung.RELINK: can.relink, Rung.RESET: can.reset}
    if not able.get(rung, True) or (rung in NEEDS_FILES and not can.files):
        return Reason.CANNOT_DO
    stops = rung in REMOVES_FILES or rung in (Rung.RESTORE, Rung.RESTORE_CREDS)
    return Reason.CANNOT_STOP if stops and not (can.stop or can.stop_others) else None
