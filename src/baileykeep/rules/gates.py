"""When an applicable rung of the ladder must wait. The first gate that answers names the reason.

The docstring of each gate stands in the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from baileykeep.model.decisions import Decision, Reason
from baileykeep.model.incident import Cause, Rung
from baileykeep.model.limits import DAY
from baileykeep.rules.case import NO_BUDGET, Case, hold, since_last, spent_today
from baileykeep.rules.cause import PROVED
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.questions import question
from baileykeep.rules.reach import Beside

Gate = Callable[[Case, Rung], Decision | None]

REMOVES_FILES = frozenset({Rung.CLEANUP, Rung.REPAIR_SESSIONS, Rung.RELINK, Rung.PAIR_AGAIN})
BY_WINDOW = frozenset({Cause.FILES_CRITICAL, Cause.FILES_PLANNED})
"""Causes whose cleanup a maintenance window may bring about, at most once in a week."""

GOES_BY_AGE = frozenset({Rung.CLEANUP})
"""Who removes files by their age needs a clock that is right; what is set aside is named, or all of it."""


def daemon(case: Case, rung: Rung) -> Decision | None:
    """Shutting down, a failed safety check, another action on it, a pause."""
    fleet = case.fleet
    if fleet.shutting_down:
        return hold(Reason.SHUTTING_DOWN, rung)
    if fleet.breach:
        return hold(Reason.BREACH, rung)
    if fleet.busy:
        return hold(Reason.ACTION_RUNNING, rung)
    return hold(Reason.PAUSED, rung) if fleet.paused else None


def network(case: Case, rung: Rung) -> Decision | None:
    """This host is offline, or WhatsApp cannot be reached from here."""
    if not case.fleet.online:
        return hold(Reason.NETWORK_DOWN, rung)
    return None if case.fleet.whatsapp else hold(Reason.WHATSAPP_DOWN, rung)


def brake(case: Case, rung: Rung) -> Decision | None:
    """Many companies dropped together; not for causes that a code proved."""
    if case.incident.cause in PROVED or rung is Rung.RESTART_PROCESS:
        return None
    if case.fleet.braked:
        return hold(Reason.BRAKE, rung)
    until = case.fleet.not_before
    return hold(Reason.BRAKE, rung, until) if until is not None and case.now < until else None


def gateway(case: Case, rung: Rung) -> Decision | None:
    """The logins cannot be seen; the gateway is down, or nobody knows whether the session is connected.

    The latter two do not bar a mere backup.
    """
    if case.fleet.store_down:
        return hold(Reason.STORE_DOWN, rung)
    if rung in (Rung.RESTART_PROCESS, Rung.SNAPSHOT):
        return None
    if case.fleet.gateway_down:
        return hold(Reason.GATEWAY_DOWN, rung)
    return hold(Reason.UNKNOWN_STATE, rung) if case.view.unknown else None


def startup(case: Case, rung: Rung) -> Decision | None:
    """The first minutes after the daemon started."""
    # a clock that was set back since must not prolong them
    started, until = case.fleet.started_at, case.fleet.started_at + case.limits.disconnect.startup_grace_s
    return hold(Reason.STARTING_UP, rung, until) if started <= case.now < until else None


def timing(case: Case, rung: Rung) -> Decision | None:
    """The cause's own timeline."""
    return TIMING[case.incident.cause](case, rung) if case.incident.cause in TIMING else None


def clock(case: Case, rung: Rung) -> Decision | None:
    """The wall clock jumped a short while ago; only for what goes by the age of files."""
    if case.fleet.jumped_at is None or rung not in GOES_BY_AGE:
        return None
    until = case.fleet.jumped_at + case.limits.ladder.clock_jump_s
    return hold(Reason.CLOCK_JUMPED, rung, until) if case.now < until else None


def cooldown(case: Case, rung: Rung) -> Decision | None:
    """The same rung was tried a short while ago, in whichever incident."""
    pause, since = _pause(case, rung), since_last(case, rung)
    if since < pause:
        return hold(Reason.COOLDOWN, rung, case.now + pause - since)
    untouched = [a.begun_at for a in case.incident.tried(rung, case.incident.cause) if a.untouched]
    until = max(untouched, default=float("-inf")) + case.limits.ladder.reconnect_cooldown_s
    return hold(Reason.COOLDOWN, rung, until) if case.now < until else None


def _pause(case: Case, rung: Rung) -> float:
    limits = case.limits
    if rung is Rung.RECONNECT:
        retries = max(0, len(case.incident.tried(Rung.RECONNECT)) - 1)
        return float(limits.ladder.reconnect_cooldown_s * 2 ** min(retries, 5))
    if rung is Rung.RESTART_PROCESS:
        return limits.ladder.restart_backoff_s
    if rung is not Rung.CLEANUP:
        return 0.0
    by_window = case.incident.cause in BY_WINDOW and bool(case.fleet.window)
    return limits.cleanup.window_cooldown_s if by_window else limits.cleanup.cooldown_s


def budget(case: Case, rung: Rung) -> Decision | None:
    """The day's automatic repairs are spent; not for asking a human, nor for what one agreed to."""
    if rung in NO_BUDGET or question(case, rung) is not None:
        return None
    spent = spent_today(case.history, case.now)
    if len(spent) < case.limits.ladder.daily_budget:
        return None
    return hold(Reason.BUDGET_SPENT, rung, spent[0].begun_at + DAY)


GATES: tuple[Gate, ...] = (daemon, network, brake, startup, gateway, timing, clock, cooldown, budget)
"""Asked in this order; the first that answers is the reason."""


# --- the timelines of causes ----------------------------------------------------------------------------------


def _disconnected(case: Case, rung: Rung) -> Decision | None:
    return None if case.view.timer.phase is Phase.OVERDUE else hold(Reason.TOO_EARLY, rung)


def _replaced(case: Case, rung: Rung) -> Decision | None:
    until = (case.view.proved_at or case.incident.opened_at) + case.limits.ladder.replaced_cooldown_s
    return hold(Reason.TOO_EARLY, rung, until) if case.now < until else None


def _critical(case: Case, rung: Rung) -> Decision | None:
    """Critical while connected is no emergency: the next window, or after a day a question where there is none."""
    if not case.view.up:
        return hold(Reason.TOO_EARLY, rung)
    if case.fleet.window is not None:
        return _in_window(case, rung)
    since = case.view.critical_since if case.view.critical_since is not None else case.now
    until = since + case.limits.thresholds.connected_critical_s
    return hold(Reason.WAIT_FOR_WINDOW, rung, until) if case.now < until else None


def _in_window(case: Case, rung: Rung) -> Decision | None:
    """A window acts on a company with nothing else wrong, and on one of a gateway at a time."""
    if not case.fleet.window:
        return hold(Reason.WAIT_FOR_WINDOW, rung)
    if case.fleet.neighbour:
        return hold(Reason.ACTION_RUNNING, rung)
    if case.fleet.neighbour_failed:
        return hold(Reason.NEIGHBOUR_FAILED, rung)
    return hold(Reason.OTHER_INCIDENT, rung) if case.fleet.other_incident else None


def _creds(case: Case, rung: Rung) -> Decision | None:
    """A running gateway has good creds in memory and rewrites them; only a stopped session's are put back."""
    return hold(Reason.SESSION_RUNNING, rung) if case.view.up else None


def _gateway_down(case: Case, rung: Rung) -> Decision | None:
    """Another gateway on the same process gives no answer either: soon it is down as well, or back."""
    return hold(Reason.TOO_EARLY, rung) if case.fleet.beside is Beside.WAITING else None


TIMING: Mapping[Cause, Gate] = {
    Cause.GATEWAY_DOWN: _gateway_down,
    Cause.DISCONNECTED: _disconnected,
    Cause.REPLACED: _replaced,
    Cause.FILES_CRITICAL: _critical,
    Cause.FILES_PLANNED: _in_window,
    Cause.CREDS_DAMAGED: _creds,
}
