"""All that one decision of the ladder depends on, and what follows from the attempts made so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import Attempt, Cause, Incident, Outcome, Rung
from baileykeep.model.limits import DAY, Limits
from baileykeep.rules import planned
from baileykeep.rules.lacks import Lacks
from baileykeep.rules.reach import Beside
from baileykeep.rules.view import CompanyView

NO_BUDGET = frozenset({Rung.SNAPSHOT})
"""Rungs that change nothing, so that no budget bounds them."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What holds for everybody, or comes from outside the company, at the moment of the decision.

    `window` is whether the company's maintenance window is open for new work; None when it has none. `neighbour`: an
    action runs on another company of its gateway or process; `neighbour_failed`: one of them did not come back from a
    window's cleanup a short while ago; `other_incident`: one of its own, its gateway's or the host's is open beside
    what its folder tells. `beside` is how the other gateways on a gateway's process are.
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
    store_down: bool = False
    jumped_at: float | None = None
    busy: bool = False
    breach: bool = False
    window: bool | None = None
    neighbour: bool = False
    neighbour_failed: bool = False
    other_incident: bool = False
    beside: Beside = Beside.DOWN


@dataclass(frozen=True, slots=True)
class Can:
    """What this company's gateway and process manager can do. `stop_others`: only by stopping other companies too.

    `by_process`: its session is stopped and started with the whole process, because the gateway has no call for it.
    `lacks` says why something cannot be done. `others` names who else is stopped with the process, as words.
    """

    reconnect: bool = True
    stop: bool = True
    stop_others: bool = False
    relink: bool = True
    restart_process: bool = False
    files: bool = True
    by_process: bool = False
    reset: bool = True
    lacks: Lacks = field(default_factory=Lacks)
    others: str = ""


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


def hold(reason: Reason, rung: Rung | None = None, until: float | None = None) -> Decision:
    """Not now, and why."""
    return Decision(Verb.HOLD, reason, rung, until)


def since_last(case: Case, rung: Rung) -> float:
    """Seconds since the last attempt at a rung began, in any incident; infinite when there was none."""
    counted = (a for a in case.history if a.rung is rung and a.outcome is not Outcome.SUPERSEDED and not a.untouched)
    begun = [a.begun_at for a in counted]
    return case.now - max(begun) if begun else float("inf")


def spent_today(history: tuple[Attempt, ...], now: float) -> list[Attempt]:
    """The automatic repairs of the last 24 hours, oldest first."""
    return [
        a
        for a in history
        if a.operator is None and a.rung not in NO_BUDGET and a.outcome is not Outcome.SUPERSEDED
        if now - a.begun_at < DAY
    ]  # fmt: skip


def cleanup_target(case: Case) -> int | None:
    """The count that a cleanup must get below: the bound of the level that asks for it; None where none does."""
    if case.incident.cause is Cause.FILES_PLANNED:
        return planned.target(case.view, case.history, case.limits)
    thresholds = case.limits.thresholds
    counted = case.view.inventory.counted if case.view.inventory else 0
    in_danger = case.incident.cause is Cause.FILES_DANGER or counted >= thresholds.danger
    return thresholds.danger if in_danger else thresholds.critical
