"""What a maintenance window depends on besides the company itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member, Roster
from baileykeep.model.incident import Cause, Topic
from baileykeep.model.symptoms import Subject, gateway

ABOUT_FILES = frozenset({Cause.FILES_HIGH, Cause.FORECAST, Cause.STALE_SESSIONS})
"""Stories that a cleanup is the cure for: these do not keep a window from it."""


class Beside(TypedDict):
    """Fields of `rules.case.Fleet`."""

    window: bool | None
    neighbour: bool
    other_incident: bool


def neighbours(member: Member, running: Iterable[Subject], roster: Roster) -> list[Member]:
    """Other members of its gateway, or of one on the same process, on which an action runs."""
    near = {member.gateway, *member.shares}
    others = (roster.member(subject) for subject in running if subject != member.subject)
    return [other for other in others if other is not None and other.gateway in near]


def beside(member: Member, ledger: Ledger, neighbours: Sequence[Member], now: float) -> Beside:
    """Whether the window is open for new work, and what else goes on around the company."""
    watched = ledger.get(member.subject, Topic.WATCH)
    outside = ledger.get(gateway(member.gateway), Topic.HEALTH)
    trouble = watched is not None and watched.cause not in ABOUT_FILES
    return {
        "window": member.window_at(now),
        "neighbour": bool(neighbours),
        "other_incident": trouble or outside is not None,
    }
