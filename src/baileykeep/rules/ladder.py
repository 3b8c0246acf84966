"""The ladder: which rung comes next for a cause, and every reason why it must wait.

Read it in this order: LADDER says which rungs a cause has, mildest first. SKIPS says when a rung does not apply.
GATES says when an applicable rung must wait; the first gate that answers names the reason. What remains is asked
of a human (`_question`) or done. Pure: the same case always gives the same decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import ApprovalState, Attempt, Cause, Incident, Outcome, Rung
from baileykeep.model.inventory import Level
from baileykeep.model.limits import DAY, HOUR, Limits
from baileykeep.rules.cause import PROVED
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.view import CompanyView

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
    Cause.GATEWAY_DOWN: (Rung.RESTART_PROCESS,),
}
"""Rungs per cause, in the order in which they are climbed. Every incident starts with an alert."""

HUMAN_ONLY = frozenset(
    {Cause.ACCOUNT_BLOCKED, Cause.CLIENT_TOO_OLD, Cause.MULTI_DEVICE_MISMATCH, Cause.WAITING_QR, Cause.STATE_CONFLICT}
    | {Cause.GATEWAY_MISCONFIGURED, Cause.COMPANY_CRASHED, Cause.CREDS_CHANGED, Cause.PHONE_MISMATCH}
)
"""Causes that only a human can cure; all others without a row are told and watched."""

RETRIED = frozenset({Cause.DISCONNECTED, Cause.PHANTOM})
"""After a human was called for these, reconnecting goes on with a growing pause, inside the daily budget."""

REMOVES_FILES = frozenset({Rung.CLEANUP, Rung.REPAIR_SESSIONS, Rung.RELINK, Rung.PAIR_AGAIN})
NO_BUDGET = frozenset({Rung.SNAPSHOT, Rung.ALERT})


@dataclass(frozen=True, slots=True)
class Fleet:
    """What holds for everybody, or comes from outside the company, at the moment of the decision.

    `window` is whether the company's maintenance window is open for new work; None when it has none.
    """

    act: bool = False
    started_at: float = 0.0
    shutting_down: bool = False
    online: bool = True
    whatsapp: bool = True
    paused: bool = False
    braked: bool = False
    not_before: float | None = None
    gateway_down: bool = False
    jumped_at: float | None = None
    busy: bool = False
    breach: bool = False
    window: bool | None = None


@dataclass(frozen=True, slots=True)
class Can:
    """What this company's gateway and process manager can do. `stop_others`: only by stopping other companies too."""

    reconnect: bool = True
    stop: bool = True
    stop_others: bool = False
    relink: bool = True
    restart_process: bool = False
    files: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """All that one decision depends on. `history` holds this subject's attempts of the last days, oldest first."""

    incident: Incident
    view: CompanyView
    fleet: Fleet
    can: Can
    limits: Limits
    now: float
    history: tuple[Attempt, ...] = field(default=())


Check = Callable[[Case, Rung], Decision | None]


def decide(case: Case) -> Decision:
    """The one decision that follows from a case."""
    cause = case.incident.cause
    if cause not in LADDER:
        human = cause in HUMAN_ONLY
        return Decision(Verb.HUMAN, Reason.HUMAN_ONLY) if human else Decision(Verb.NONE, Reason.ALERT_ONLY)
    if case.incident.attempts and case.incident.attempts[-1].outcome is None:
        return Decision(Verb.NONE, Reason.ACTION_RUNNING, case.incident.attempts[-1].rung)
    settling = _settling(case)
    if settling is not None:
        return settling
    skipped = Reason.NO_RUNG_LEFT
    for rung in LADDER[cause]:
        if _finished(case, rung):
            continue
        reason = SKIPS[rung](case) if rung in SKIPS else None
        if reason is None:
            return _climb(case, rung)
        skipped = reason
    return _nothing_left(case, skipped)


def hold(reason: Reason, rung: Rung | None = None, until: float | None = None) -> Decision:
    """Not now, and why."""
    return Decision(Verb.HOLD, reason, rung, until)


def _settling(case: Case) -> Decision | None:
    """A verified repair gets time to show in every watcher before the next rung is thought of."""
    last = case.incident.attempts[-1] if case.incident.attempts else None
    if last is None or last.outcome is not Outcome.HEALED or last.cause is not case.incident.cause:
        return None
    until = (last.ended_at or last.begun_at) + case.limits.ladder.settle_s
    return hold(Reason.TOO_EARLY, last.rung, until) if case.now < until else None


def _finished(case: Case, rung: Rung) -> bool:
    tried = case.incident.tried(rung, case.incident.cause)
    return any(a.outcome not in (None, Outcome.SUPERSEDED) for a in tried)


def _climb(case: Case, rung: Rung) -> Decision:
    for gate in GATES:
        held = gate(case, rung)
        if held is not None:
            return held
    reason = _question(case, rung)
    if reason is not None:
        return _ask(case, rung, reason)
    return _do(case, Decision(Verb.ACT, Reason.NEXT_RUNG, rung))


def _do(case: Case, decision: Decision) -> Decision:
    return decision if case.fleet.act else hold(Reason.OBSERVING, decision.rung)


def _nothing_left(case: Case, skipped: Reason) -> Decision:
    if not case.incident.needs_human:
        return Decision(Verb.HUMAN, skipped)
    if case.incident.cause in RETRIED and case.can.reconnect:
        return _climb(case, Rung.RECONNECT)
    return hold(skipped)


# --- when a rung does not apply -------------------------------------------------------------------------------


def _skip_reconnect(case: Case) -> Reason | None:
    return None if case.can.reconnect else Reason.CANNOT_DO


def _skip_restart(case: Case) -> Reason | None:
    return None if case.can.restart_process else Reason.CANNOT_DO


def cleanup_target(case: Case) -> int:
    """The count that a cleanup must get below: the bound of the level that asks for it."""
    thresholds = case.limits.thresholds
    counted = case.view.inventory.counted if case.view.inventory else 0
    in_danger = case.incident.cause is Cause.FILES_DANGER or counted >= thresholds.danger
    return thresholds.danger if in_danger else thresholds.critical


def _skip_cleanup(case: Case) -> Reason | None:
    inventory = case.view.inventory
    if not case.can.files or inventory is None:
        return Reason.CANNOT_DO
    if case.view.level.rank < Level.CRITICAL.rank:
        return Reason.LEVEL_TOO_LOW
    if inventory.reclaimable == 0:
        return Reason.NOTHING_RECLAIMABLE
    if inventory.counted_after >= cleanup_target(case):
        return Reason.NOT_ENOUGH_RECLAIMABLE
    if not (case.can.stop or case.can.stop_others):
        return Reason.CANNOT_STOP
    recently = _since_last(case, Rung.CLEANUP) < case.limits.cleanup.cooldown_s
    return Reason.COOLDOWN if recently and case.incident.cause is Cause.DISCONNECTED else None


def _skip_repair(case: Case) -> Reason | None:
    blocked = _skip_stopping(case)
    if blocked is not None:
        return blocked
    if not case.incident.detail.get("addresses"):
        return Reason.CANNOT_DO
    return Reason.COOLDOWN if _since_last(case, Rung.REPAIR_SESSIONS) < HOUR else None


def _skip_relink(case: Case) -> Reason | None:
    if not case.can.relink or not case.can.files:
        return Reason.CANNOT_DO
    if not (case.can.stop or case.can.stop_others):
        return Reason.CANNOT_STOP
    if case.limits.relink.approval == "never":
        return Reason.APPROVAL_NEVER
    if case.incident.cause is Cause.DISCONNECTED and case.view.level is not Level.FATAL:
        return Reason.LEVEL_TOO_LOW
    approval = case.incident.approval
    if approval is not None and approval.rung is Rung.RELINK:
        return {ApprovalState.REJECTED: Reason.APPROVAL_REJECTED, ApprovalState.EXPIRED: Reason.APPROVAL_EXPIRED}.get(
            approval.state
        )
    return None


def _skip_snapshot(case: Case) -> Reason | None:
    return None if case.can.files else Reason.CANNOT_DO


def _skip_stopping(case: Case) -> Reason | None:
    """For rungs that change files of a stopped session."""
    if not case.can.files:
        return Reason.CANNOT_DO
    return None if case.can.stop or case.can.stop_others else Reason.CANNOT_STOP


def _since_last(case: Case, rung: Rung) -> float:
    """Seconds since the last attempt at a rung began, in any incident; infinite when there was none."""
    begun = [a.begun_at for a in case.history if a.rung is rung and a.outcome is not Outcome.SUPERSEDED]
    return case.now - max(begun) if begun else float("inf")


SKIPS: Mapping[Rung, Callable[[Case], Reason | None]] = {
    Rung.RECONNECT: _skip_reconnect,
    Rung.RESTART_PROCESS: _skip_restart,
    Rung.CLEANUP: _skip_cleanup,
    Rung.REPAIR_SESSIONS: _skip_repair,
    Rung.RELINK: _skip_relink,
    Rung.SNAPSHOT: _skip_snapshot,
    Rung.RESTORE_CREDS: _skip_stopping,
    Rung.PAIR_AGAIN: _skip_stopping,
}


# --- when an applicable rung must wait ------------------------------------------------------------------------


def _gate_daemon(case: Case, rung: Rung) -> Decision | None:
    fleet = case.fleet
    if fleet.shutting_down:
        return hold(Reason.SHUTTING_DOWN, rung)
    if fleet.breach:
        return hold(Reason.BREACH, rung)
    if fleet.busy:
        return hold(Reason.ACTION_RUNNING, rung)
    return hold(Reason.PAUSED, rung) if fleet.paused else None


def _gate_network(case: Case, rung: Rung) -> Decision | None:
    if not case.fleet.online:
        return hold(Reason.NETWORK_DOWN, rung)
    return None if case.fleet.whatsapp else hold(Reason.WHATSAPP_DOWN, rung)


def _gate_brake(case: Case, rung: Rung) -> Decision | None:
    if case.incident.cause in PROVED or rung is Rung.RESTART_PROCESS:
        return None
    if case.fleet.braked:
        return hold(Reason.BRAKE, rung)
    until = case.fleet.not_before
    return hold(Reason.BRAKE, rung, until) if until is not None and case.now < until else None


def _gate_gateway(case: Case, rung: Rung) -> Decision | None:
    """Nothing is done to a session whose gateway is down or whose state nobody knows; a backup still is."""
    if rung in (Rung.RESTART_PROCESS, Rung.SNAPSHOT):
        return None
    if case.fleet.gateway_down:
        return hold(Reason.GATEWAY_DOWN, rung)
    return hold(Reason.UNKNOWN_STATE, rung) if case.view.unknown else None


def _gate_startup(case: Case, rung: Rung) -> Decision | None:
    until = case.fleet.started_at + case.limits.disconnect.startup_grace_s
    return hold(Reason.STARTING_UP, rung, until) if case.now < until else None


def _gate_timing(case: Case, rung: Rung) -> Decision | None:
    """What the cause's own timeline asks to wait for."""
    return TIMING[case.incident.cause](case, rung) if case.incident.cause in TIMING else None


def _gate_clock(case: Case, rung: Rung) -> Decision | None:
    if case.fleet.jumped_at is None or rung not in REMOVES_FILES:
        return None
    until = case.fleet.jumped_at + case.limits.ladder.clock_jump_s
    return hold(Reason.CLOCK_JUMPED, rung, until) if case.now < until else None


def _gate_cooldown(case: Case, rung: Rung) -> Decision | None:
    cooldown = _cooldown(case, rung)
    since = _since_last(case, rung)
    return hold(Reason.COOLDOWN, rung, case.now + cooldown - since) if since < cooldown else None


def _cooldown(case: Case, rung: Rung) -> float:
    limits = case.limits
    if rung is Rung.RECONNECT:
        retries = max(0, len(case.incident.tried(Rung.RECONNECT)) - 1)
        return float(limits.ladder.reconnect_cooldown_s * 2 ** min(retries, 5))
    if rung is Rung.RESTART_PROCESS:
        return limits.ladder.restart_backoff_s
    if rung is not Rung.CLEANUP:
        return 0.0
    by_window = case.incident.cause is Cause.FILES_CRITICAL and bool(case.fleet.window)
    return limits.cleanup.window_cooldown_s if by_window else limits.cleanup.cooldown_s


def _gate_budget(case: Case, rung: Rung) -> Decision | None:
    if rung in NO_BUDGET:
        return None
    spent = spent_today(case.history, case.now)
    if len(spent) < case.limits.ladder.daily_budget:
        return None
    return hold(Reason.BUDGET_SPENT, rung, spent[0].begun_at + DAY)


def spent_today(history: tuple[Attempt, ...], now: float) -> list[Attempt]:
    """The automatic repairs of the last 24 hours, oldest first."""
    return [
        a
        for a in history
        if a.operator is None and a.rung not in NO_BUDGET and a.outcome is not Outcome.SUPERSEDED
        if now - a.begun_at < DAY
    ]  # fmt: skip


GATES: tuple[Check, ...] = (
    _gate_daemon,
    _gate_network,
    _gate_brake,
    _gate_gateway,
    _gate_startup,
    _gate_timing,
    _gate_clock,
    _gate_cooldown,
    _gate_budget,
)
"""Asked in this order; the first that answers is the reason."""


# --- the timelines of causes ----------------------------------------------------------------------------------


def _time_disconnected(case: Case, rung: Rung) -> Decision | None:
    return None if case.view.timer.phase is Phase.OVERDUE else hold(Reason.TOO_EARLY, rung)


def _time_replaced(case: Case, rung: Rung) -> Decision | None:
    until = (case.view.proved_at or case.incident.opened_at) + case.limits.ladder.replaced_cooldown_s
    return hold(Reason.TOO_EARLY, rung, until) if case.now < until else None


def _time_critical(case: Case, rung: Rung) -> Decision | None:
    """Critical while connected is no emergency: the next window, or after a day a question where there is none."""
    if not case.view.up:
        return hold(Reason.TOO_EARLY, rung)
    if case.fleet.window is not None:
        return None if case.fleet.window else hold(Reason.WAIT_FOR_WINDOW, rung)
    since = case.view.critical_since if case.view.critical_since is not None else case.now
    until = since + case.limits.thresholds.connected_critical_s
    return hold(Reason.WAIT_FOR_WINDOW, rung, until) if case.now < until else None


def _time_creds(case: Case, rung: Rung) -> Decision | None:
    """A running gateway has good creds in memory and rewrites them; only a stopped session's are put back."""
    return hold(Reason.SESSION_RUNNING, rung) if case.view.up else None


TIMING: Mapping[Cause, Check] = {
    Cause.DISCONNECTED: _time_disconnected,
    Cause.REPLACED: _time_replaced,
    Cause.FILES_CRITICAL: _time_critical,
    Cause.CREDS_DAMAGED: _time_creds,
}


# --- what a human is asked first ------------------------------------------------------------------------------


def _question(case: Case, rung: Rung) -> Reason | None:
    """Why this rung needs a human's word, or None when it does not."""
    if rung is Rung.RELINK:
        proved_dead = case.incident.cause is Cause.LOGGED_OUT
        return None if proved_dead and case.limits.relink.approval == "auto" else Reason.ENDS_LOGIN
    if rung is Rung.RESTORE_CREDS:
        return None if case.view.creds_sure else Reason.UNSURE_CREDS
    if rung is Rung.CLEANUP and case.incident.cause is Cause.FILES_CRITICAL and not case.fleet.window:
        return Reason.CONNECTED_CLEANUP
    if rung in (Rung.CLEANUP, Rung.REPAIR_SESSIONS, Rung.PAIR_AGAIN) and not case.can.stop:
        return Reason.STOPS_OTHERS
    return None


def _ask(case: Case, rung: Rung, reason: Reason) -> Decision:
    approval = case.incident.approval
    if approval is None or approval.rung is not rung:
        return _do(case, Decision(Verb.ASK, reason, rung))
    if approval.state is ApprovalState.APPROVED:
        return _do(case, Decision(Verb.ACT, Reason.APPROVED, rung))
    if approval.state is ApprovalState.OPEN:
        return hold(Reason.APPROVAL_PENDING, rung, approval.asked_at + case.limits.relink.approval_ttl_s)
    rejected = approval.state is ApprovalState.REJECTED
    return hold(Reason.APPROVAL_REJECTED if rejected else Reason.APPROVAL_EXPIRED, rung)


def may_request(case: Case, rung: Rung) -> Decision:
    """An operator asks for a rung by hand: only what protects the login still stands in the way."""
    if case.fleet.shutting_down:
        return hold(Reason.SHUTTING_DOWN, rung)
    if case.fleet.busy:
        return hold(Reason.ACTION_RUNNING, rung)
    if rung in REMOVES_FILES and not case.can.files:
        return hold(Reason.CANNOT_DO, rung)
    if rung in REMOVES_FILES and not (case.can.stop or case.can.stop_others):
        return hold(Reason.CANNOT_STOP, rung)
    return _gate_clock(case, rung) or Decision(Verb.ACT, Reason.OPERATOR, rung)
