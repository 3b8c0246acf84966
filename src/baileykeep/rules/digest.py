"""The daily digest: what every company needed in a day, worst first, short enough for one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from baileykeep.model import codec
from baileykeep.model.incident import Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Subject

KINDS = (EntryKind.INCIDENT, EntryKind.ACTION_ENDED)
"""What the journal must be asked for."""

LATE_S = 4 * HOUR
"""A digest that could not be made in time is still sent within these hours, and after them left out."""

REPAIRS_A_DAY = 1
"""The target; more is a warning sign, and so are two within an hour."""


class Due(StrEnum):
    """What is to be done now about a day's digest. MISSED: it is too late for it."""

    SEND = "send"
    MISSED = "missed"


def due(now: float, at: time, zone: str, last: date | None) -> tuple[Due, date] | None:
    """Whether the digest of the day that `now` lies in is due; None when not yet, or when it was dealt with.

    `last` is the day that was dealt with last. One that lies ahead by more than a day is from a clock that was wrong.
    """
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    due_at = datetime.combine(today, at, ZoneInfo(zone)).timestamp()
    done = last is not None and today <= last <= today + timedelta(days=1)
    if now < due_at or done:
        return None
    return (Due.SEND if now - due_at <= LATE_S else Due.MISSED), today


@dataclass(frozen=True, slots=True)
class Past:
    """What one subject needed. `trouble_s` is how long a story that the ladder acts on was open."""

    opened: int = 0
    closed: int = 0
    humans: int = 0
    repairs: tuple[float, ...] = ()
    relinks: int = 0
    trouble_s: float = 0.0
    unread_after_repair: bool = False

    @property
    def sign(self) -> str:
        """Which target was missed, in words; empty when none was."""
        close = any(b - a < HOUR for a, b in zip(self.repairs, self.repairs[1:], strict=False))
        if len(self.repairs) > REPAIRS_A_DAY:
            return f"{len(self.repairs)} repairs in a day" + (", two of them within an hour" if close else "")
        return "messages stayed unreadable after a repair" if self.unread_after_repair else ""


def past(entries: Iterable[Entry], still_open: Iterable[Incident], since: float, now: float) -> dict[Subject, Past]:
    """Every subject's day, from the journal's entries of these `KINDS` and the stories that are open now."""
    stories: dict[str, Incident] = {}
    attempts: dict[str, tuple[Subject, Attempt]] = {}
    for entry in entries:
        found = _stored(entry)
        if isinstance(found, Incident):
            stories[found.id] = found
        elif found is not None:
            attempts[found.action_id] = (entry.subject, found)
    stories |= {incident.id: incident for incident in still_open}
    subjects = {incident.subject for incident in stories.values()} | {subject for subject, _ in attempts.values()}
    return {
        subject: _past(
            [i for i in stories.values() if i.subject == subject],
            [a for whose, a in attempts.values() if whose == subject],
            since,
            now,
        )
        for subject in subjects
    }


def _stored(entry: Entry) -> Incident | Attempt | None:
    """None for what another version wrote and this one cannot read."""
    try:
        if entry.kind is EntryKind.INCIDENT:
            return codec.decode(Incident, entry.data["incident"])
        return codec.decode(Attempt, entry.data["attempt"])
    except (TypeError, ValueError, KeyError):
        return None


def _past(stories: Sequence[Incident], attempts: Sequence[Attempt], since: float, now: float) -> Past:
    done = [a for a in attempts if a.outcome not in (None, Outcome.SUPERSEDED) and not a.untouched]
    return Past(
        opened=sum(i.opened_at >= since for i in stories),
        closed=sum(i.closed_at is not None for i in stories),
        humans=sum(i.needs_human for i in stories),
        repairs=tuple(sorted(a.begun_at for a in done if a.operator is None and a.rung is not Rung.SNAPSHOT)),
        relinks=sum(a.rung in (Rung.RELINK, Rung.RESET) for a in done),
        trouble_s=sum(_open_s(i, since, now) for i in stories if i.topic is Topic.HEALTH),
        unread_after_repair=any(i.cause is Cause.AFTER_REPAIR for i in stories),
    )


def _open_s(incident: Incident, since: float, now: float) -> float:
    closed_at = incident.closed_at if incident.closed_at is not None else now
    return max(0.0, min(closed_at, now) - max(incident.opened_at, since))


def stale_backup(view: Mapping[str, Any], now: float) -> bool:
    """Whether a paired company has no backup, or none of the last day although its folder may have changed."""
    if not view["connection"]["paired"] or view["files"] is None:
        return False
    newest = view["backups"]["newest_at"]
    return newest is None or now - newest > DAY
