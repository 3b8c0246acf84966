"""Builders for ladder cases: a plain one that would act, to be changed in one respect by each test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Approval, ApprovalState, Attempt, Cause, Incident, Outcome, Rung, StoryLine
from baileykeep.model.inventory import Category, Creds, CredsState, Inventory, Level, PreKeys
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Detail, Severity, Subject, company
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.findings import topic_of
from baileykeep.rules.ladder import Can, Case, Fleet
from baileykeep.rules.levels import level_of
from baileykeep.rules.view import CompanyView, Timer

NOW = 1_800_000_000.0
ACME = company("acme")
ACTING = Fleet(act=True, started_at=NOW - 86_400)


def inventory(counted: int = 60, after: int | None = None) -> Inventory:
    """A paired folder with so many counted files, of which a cleanup would leave `after`."""
    left = counted if after is None else after
    return Inventory(
        total=counted,
        counted=counted,
        level=level_of(counted, Limits().thresholds),
        reclaimable=counted - left,
        creds=Creds(CredsState.WHOLE, paired=True),
        categories={Category.SESSION: counted},
        pre_keys=PreKeys(30, 30, 31, 50),
        counted_after=left,
    )


def view(**changes: Any) -> CompanyView:
    """A company that is overdue: disconnected for long, everything known."""
    base = CompanyView(
        "acme",
        conn=ConnState.DISCONNECTED,
        unknown=False,
        timer=Timer(Phase.OVERDUE, 1000.0, NOW - 1000, NOW - 1000),
        inventory=inventory(),
    )
    return replace(base, **changes)


def incident(
    cause: Cause = Cause.DISCONNECTED, *attempts: Attempt, subject: Subject = ACME, **changes: Any
) -> Incident:
    """An open story with this cause."""
    base = Incident(
        "i1", subject, topic_of(cause), cause, Severity.WARNING, NOW - 900, NOW - 900,
        attempts=attempts, story=(StoryLine(NOW - 900, "It began."),),
    )  # fmt: skip
    return replace(base, **changes)


def tried(
    rung: Rung,
    cause: Cause = Cause.DISCONNECTED,
    outcome: Outcome | None = Outcome.FAILED,
    ago_s: float = 3600,
    **more: Any,
) -> Attempt:
    """One attempt that ended this way, so long ago."""
    ended = None if outcome is None else NOW - ago_s
    return Attempt(rung, cause, NOW - ago_s, f"a{rung}{ago_s:.0f}", ended, outcome, **more)


def approval(rung: Rung, state: ApprovalState = ApprovalState.OPEN, operator: str | None = None) -> Approval:
    """A question about a rung."""
    return Approval(rung, 3, NOW - 60, state, operator)


def case(
    cause: Cause = Cause.DISCONNECTED, *attempts: Attempt, seen: CompanyView | None = None, fleet: Fleet = ACTING,
    can: Can | None = None, limits: Limits | None = None, history: tuple[Attempt, ...] = (),
    detail: Detail | None = None, **changes: Any,
) -> Case:  # fmt: skip
    """Everything one decision depends on."""
    story = incident(cause, *attempts, detail=detail or {}, **changes)
    return Case(story, seen or view(), fleet, can or Can(), limits or Limits(), NOW, history or attempts)


__all__ = ["ACME", "ACTING", "NOW", "Level", "approval", "case", "incident", "inventory", "tried", "view"]
