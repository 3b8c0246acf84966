"""When a rung of the ladder does not apply at all, so that the next one is looked at.

The docstring of each check stands in the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from baileykeep.model.decisions import Reason
from baileykeep.model.incident import ApprovalState, Cause, Outcome, Rung
from baileykeep.model.inventory import Level
from baileykeep.model.limits import DAY, HOUR
from baileykeep.rules.case import Case, cleanup_target, since_last
from baileykeep.rules.questions import answer_of


def _files(case: Case) -> Reason | None:
    """The files are not seen, or the session cannot be stopped."""
    if not case.can.files:
        return Reason.CANNOT_DO
    return None if case.can.stop or case.can.stop_others else Reason.CANNOT_STOP


def _reconnect(case: Case) -> Reason | None:
    """The gateway has no call for it, or a login that is used twice was already tried within a day."""
    if not case.can.reconnect:
        return Reason.CANNOT_DO
    replaced = case.incident.cause is Cause.REPLACED
    return Reason.COOLDOWN if replaced and _reconnected_after_replaced(case) else None


def _reconnected_after_replaced(case: Case) -> bool:
    return any(
        a.rung is Rung.RECONNECT and a.cause is Cause.REPLACED and a.operator is None
        for a in case.history
        if a.outcome is not Outcome.SUPERSEDED and case.now - a.begun_at < DAY
    )


def _restart(case: Case) -> Reason | None:
    """No process manager is configured."""
    return None if case.can.restart_process else Reason.CANNOT_DO


def _snapshot(case: Case) -> Reason | None:
    """The files are not seen."""
    return None if case.can.files else Reason.CANNOT_DO


def _cleanup(case: Case) -> Reason | None:
    """Too few files, too few that may go, files not seen, a session that cannot be stopped, or done lately."""
    inventory, target = case.view.inventory, cleanup_target(case)
    if inventory is None:
        return Reason.CANNOT_DO
    if target is None or inventory.counted < target:
        return Reason.LEVEL_TOO_LOW
    if inventory.reclaimable == 0:
        return Reason.NOTHING_RECLAIMABLE
    if inventory.counted_after >= target:
        return Reason.NOT_ENOUGH_RECLAIMABLE
    recently = since_last(case, Rung.CLEANUP) < case.limits.cleanup.cooldown_s
    return _files(case) or (Reason.COOLDOWN if recently and case.incident.cause is Cause.DISCONNECTED else None)


def _repair(case: Case) -> Reason | None:
    """No contact is named, it was done within the hour, files not seen, or a session that cannot be stopped."""
    if not case.incident.detail.get("addresses"):
        return _files(case) or Reason.CANNOT_DO
    return _files(case) or (Reason.COOLDOWN if since_last(case, Rung.REPAIR_SESSIONS) < HOUR else None)


def _relink(case: Case) -> Reason | None:
    """It cannot be done, is never allowed, was refused, or a mere disconnect with fewer files than fatal."""
    if not case.can.relink:
        return Reason.CANNOT_DO
    if _files(case) is not None:
        return _files(case)
    if case.limits.relink.approval == "never":
        return Reason.APPROVAL_NEVER
    if case.incident.cause is Cause.DISCONNECTED and case.view.level is not Level.FATAL:
        return Reason.LEVEL_TOO_LOW
    answer = answer_of(case, Rung.RELINK)
    refused = {ApprovalState.REJECTED: Reason.APPROVAL_REJECTED, ApprovalState.EXPIRED: Reason.APPROVAL_EXPIRED}
    return refused.get(answer.state) if answer is not None else None


SKIPS: Mapping[Rung, Callable[[Case], Reason | None]] = {
    Rung.SNAPSHOT: _snapshot,
    Rung.RECONNECT: _reconnect,
    Rung.RESTART_PROCESS: _restart,
    Rung.RESTORE_CREDS: _files,
    Rung.REPAIR_SESSIONS: _repair,
    Rung.CLEANUP: _cleanup,
    Rung.PAIR_AGAIN: _files,
    Rung.RELINK: _relink,
}
"""Why a rung is left out, or None when it applies."""
