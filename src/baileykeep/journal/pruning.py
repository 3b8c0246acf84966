"""What may be forgotten, and in which order. Each statement deletes one batch, so that writers never wait long.

Never: entries of open incidents, entries of actions that were begun and not ended, pending notices.
When size forces it, told notices go first and what budgets and cooldowns are rebuilt from goes last.
"""

from __future__ import annotations

from sqlalchemy import Delete, and_, delete, not_, or_, select

from baileykeep.journal.schema import entries, incidents, notices
from baileykeep.model.records import EntryKind, NoticeState

Batch = Delete

BATCH = 500

STEERING = (EntryKind.ACTION_BEGUN, EntryKind.ACTION_ENDED, EntryKind.OPERATOR)
"""What timers, budgets, cooldowns and pauses are rebuilt from."""

_ended = entries.alias("ended")
_OPEN = select(incidents.c.id).where(incidents.c.closed_at.is_(None))
_UNFINISHED = select(entries.c.action).where(
    entries.c.kind == EntryKind.ACTION_BEGUN.value,
    entries.c.action.is_not(None),
    ~select(_ended.c.id)
    .where(_ended.c.action == entries.c.action, _ended.c.kind == EntryKind.ACTION_ENDED.value)
    .exists(),
)
_ENTRY_MAY_GO = and_(
    or_(entries.c.incident.is_(None), entries.c.incident.not_in(_OPEN)),
    or_(entries.c.action.is_(None), entries.c.action.not_in(_UNFINISHED.correlate(None))),
)
_NOTICE_MAY_GO = and_(
    notices.c.state != NoticeState.PENDING.value,
    or_(notices.c.incident.is_(None), notices.c.incident.not_in(_OPEN)),
)
_STEERS = entries.c.kind.in_([kind.value for kind in STEERING])

FORGOTTEN_INCIDENTS = delete(incidents).where(
    incidents.c.closed_at.is_not(None),
    incidents.c.id.not_in(select(entries.c.incident).where(entries.c.incident.is_not(None))),
)
"""Closed incidents of which no entry is left."""


def by_age(before: float) -> tuple[Batch, ...]:
    """Everything older than `before` that may go."""
    old_notices = select(notices.c.id).where(_NOTICE_MAY_GO, notices.c.at < before)
    old_entries = select(entries.c.id).where(_ENTRY_MAY_GO, entries.c.at < before)
    return (
        delete(notices).where(notices.c.id.in_(old_notices.order_by(notices.c.id).limit(BATCH))),
        delete(entries).where(entries.c.id.in_(old_entries.order_by(entries.c.id).limit(BATCH))),
    )


def by_size() -> tuple[Batch, ...]:
    """The oldest of what may go, the least needed kinds first."""
    told = select(notices.c.id).where(_NOTICE_MAY_GO)
    plain = select(entries.c.id).where(_ENTRY_MAY_GO, not_(_STEERS))
    steering = select(entries.c.id).where(_ENTRY_MAY_GO, _STEERS)
    return (
        delete(notices).where(notices.c.id.in_(told.order_by(notices.c.id).limit(BATCH))),
        delete(entries).where(entries.c.id.in_(plain.order_by(entries.c.id).limit(BATCH))),
        delete(entries).where(entries.c.id.in_(steering.order_by(entries.c.id).limit(BATCH))),
    )
