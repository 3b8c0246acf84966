"""Entries and notices as rows, the same for every journal."""

from __future__ import annotations

import json
from typing import Any

from baileykeep.model.codec import encode
from baileykeep.model.records import Entry, EntryKind, Notice, NoticeState
from baileykeep.model.symptoms import Severity, Subject

Row = Any
"""A mapping from column names to values, whatever the driver calls it."""


def to_json(value: Any) -> str:
    """Compact JSON of anything the codec knows. Raises ValueError for NaN and infinity.

    A file's name may hold bytes that are no text: they become question marks, since no database would take them.
    """
    text = _ENCODER.encode(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _encoded(value: Any) -> Any:
    """What `json` does not know by itself."""
    plain = encode(value)
    if plain is value:
        raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
    return plain


_ENCODER = json.JSONEncoder(default=_encoded, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def entry_row(entry: Entry) -> dict[str, Any]:
    """What is stored of an entry; its id is given by the storage."""
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "subject": str(entry.subject),
        "incident": entry.incident,
        "action": entry.action,
        "operator": entry.operator,
        "data": dict(entry.data),
    }


def entry_of(row: Row) -> Entry:
    """The inverse of `entry_row`, with the id."""
    return Entry(
        at=row["at"],
        kind=EntryKind(row["kind"]),
        subject=Subject.parse(row["subject"]),
        incident=row["incident"],
        action=row["action"],
        operator=row["operator"],
        data=row["data"],
        id=row["id"],
    )


def notice_row(notice: Notice) -> dict[str, Any]:
    """What is stored of a notice; its id is given by the storage."""
    return {
        "at": notice.at,
        "channel": notice.channel,
        "key": notice.key,
        "incident": notice.incident,
        "subject": str(notice.subject),
        "severity": notice.severity.value,
        "sound": notice.sound,
        "data": dict(notice.data),
        "attempts": notice.attempts,
        "not_before": notice.not_before,
        "state": notice.state.value,
    }


def notice_of(row: Row) -> Notice:
    """The inverse of `notice_row`, with the id."""
    return Notice(
        at=row["at"],
        channel=row["channel"],
        key=row["key"],
        incident=row["incident"],
        subject=Subject.parse(row["subject"]),
        severity=Severity(row["severity"]),
        sound=bool(row["sound"]),
        data=row["data"],
        id=row["id"],
        attempts=row["attempts"],
        not_before=row["not_before"],
        state=NoticeState(row["state"]),
    )


def closed_at(entry: Entry) -> float | None:
    """When an INCIDENT entry says that its incident was closed; None while it is open."""
    value: float | None = entry.data.get("closed_at")
    return value
