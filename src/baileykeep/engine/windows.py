"""Maintenance windows: what they are there for, and what they depend on besides the company itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypedDict

from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.units import CompanyUnit, Units
from baileykeep.model.incident import Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.inventory import Level
from baileykeep.model.limits import DAY
from baileykeep.model.symptoms import HOST, Subject, gateway
from baileykeep.rules import findings, incidents, planned
from baileykeep.rules.view import CompanyView, Finding

NO_TROUBLE = frozenset(
    {Cause.FILES_HIGH, Cause.FILES_CRITICAL, Cause.FILES_DANGER, Cause.FILES_PLANNED, Cause.FORECAST}
    | {Cause.STALE_SESSIONS, Cause.TENANT_UNTOLD}
)
"""What a cleanup is the cure for, or has nothing to do with the session: these do not keep a window from it."""

FAILED_COUNTS_S = DAY
"""For so long after a session did not come back from it, no other one of that gateway is closed in a window."""


class Beside(TypedDict):
    """Fields of `rules.case.Fleet`."""

    window: bool | None
    neighbour: bool
    neighbour_failed: bool
    other_incident: bool


def neighbours(member: Member, running: Iterable[Subject], roster: Roster) -> list[Member]:
    """Other members of its gateway, or of one on the same process, on which an action runs."""
    near = {member.gateway, *member.shares}
    others = (roster.member(subject) for subject in running if subject != member.subject)
    return [other for other in others if other is not None and other.gateway in near]


def beside(
    member: Member, units: Units, ledger: Ledger, neighbours: Sequence[Member], roster: Roster, now: float
) -> Beside:
    """Whether the window is open for new work, and, while it is, what else goes on around the company."""
    window = member.window_at(now)
    unit = units(member.subject) if window else None
    view = unit.view() if isinstance(unit, CompanyUnit) else None
    return {
        "window": window,
        "neighbour": bool(neighbours),
        "neighbour_failed": bool(window) and _failed_near(member, ledger, roster, now),
        "other_incident": bool(window) and troubled(member, view, ledger),
    }


def troubled(member: Member, view: CompanyView | None, ledger: Ledger) -> bool:
    """Whether anything but its folder is wrong with it, or something further out: also what no story tells of yet."""
    outside = (gateway(member.gateway), HOST)
    if any(ledger.get(subject, Topic.HEALTH) is not None for subject in outside):
        return True
    watched = ledger.get(member.subject, Topic.WATCH)
    found = findings.everything(view, member.limits) if view is not None else ()
    causes = {finding.cause for finding in found} | ({watched.cause} if watched is not None else set())
    return not causes <= NO_TROUBLE


def _failed_near(member: Member, ledger: Ledger, roster: Roster, now: float) -> bool:
    failed = [subject for subject, at in ledger.failed_windows.items() if now - at < FAILED_COUNTS_S]
    return bool(neighbours(member, failed, roster))


def due(member: Member, view: CompanyView, ledger: Ledger, now: float) -> Finding | None:
    """What an open window is there for; None beside any other story, and while no window is open for new work."""
    before = ledger.get(member.subject, Topic.HEALTH)
    if before is not None and before.cause is not Cause.FILES_PLANNED:
        return None
    if before is not None and planned.left_down(before, view):
        return Finding(before.cause, before.severity, before.detail)
    if not member.window_at(now) or troubled(member, view, ledger):
        return None
    return wanted(member, view, ledger, now)


def wanted(member: Member, view: CompanyView, ledger: Ledger, now: float) -> Finding | None:
    """The same of the next window, for a company that has one."""
    if member.window is None or not _may_clean(member):
        return None
    return planned.wanted(view, ledger.history(member.subject), member.limits, now)


def told_with(finding: Finding, member: Member, ledger: Ledger, now: float) -> Finding:
    """A full folder that the next window will see to is told so: nobody need plan anything."""
    high = finding.cause is Cause.FILES_HIGH and finding.detail.get("enough")
    if member.window is None or not high or not _may_clean(member):
        return finding
    opens_at = now if member.window_at(now) else member.window.opens_at(now)
    rested_at = planned.last_cleanup(ledger.history(member.subject)) + member.limits.cleanup.window_cooldown_s
    if opens_at is None or opens_at < rested_at:
        return finding
    return replace(finding, detail={**finding.detail, "window": str(member.window)})


def _may_clean(member: Member) -> bool:
    """Where others would be stopped with it somebody would have to be asked, and nobody is called for what can wait."""
    return member.can.files and member.can.stop


def cleaned(member: Member, ledger: Ledger, now: float) -> bool:
    """Whether a cleanup brought this company's folder down a short while ago, or is about to."""
    since = now - member.limits.cleanup.cooldown_s
    return any(
        a.rung is Rung.CLEANUP and a.outcome in (None, Outcome.HEALED) and a.begun_at > since
        for a in ledger.history(member.subject)
    )


def how_over(member: Member, incident: Incident, level: Level, ledger: Ledger, now: float) -> str:
    """How a full folder that was only watched is over: as a graver story's matter, or cleaned by another one."""
    if incident.cause is not Cause.FILES_HIGH:
        return ""
    if level.rank >= Level.CRITICAL.rank:
        return incidents.OUTGROWN
    return incidents.CLEANED if cleaned(member, ledger, now) else ""
