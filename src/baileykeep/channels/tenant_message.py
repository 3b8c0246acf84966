"""A notice to a company, made ready for whichever way it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from baileykeep.model.records import Notice
from baileykeep.rules import tenant_words
from baileykeep.rules.tongues.base import Told

TYPES = {
    "connected": "whatsapp.connected",
    "down": "whatsapp.down",
    "needs_scan": "whatsapp.needs_scan",
    "elsewhere": "whatsapp.used_elsewhere",
    "refused": "whatsapp.refused",
    "unreadable": "whatsapp.messages_unreadable",
    tenant_words.TEST: "whatsapp.test",
}
"""What a machine that receives it goes by; these names never change their meaning."""


def words(notice: Notice) -> Told:
    """The texts of a notice in its language and time zone."""
    data = notice.data
    return tenant_words.told(
        data["kind"],
        data["after"],
        name=data["name"],
        language=data["language"],
        zone=ZoneInfo(data["zone"]),
        since=data["since"],
        at=data["at"],
        scan_url=data["scan_url"],
    )


def payload(notice: Notice) -> dict[str, Any]:
    """The same for machines, as Standard Webhooks advises: type, time and data."""
    data, told = notice.data, words(notice)
    return {
        "type": TYPES[data["kind"]],
        "timestamp": iso(data["at"]),
        "data": {
            "id": data["id"],
            "company": data["company"],
            "name": tenant_words.name_of(data["name"]),
            "state": data["kind"],
            "since": iso(data["since"]),
            "cause": data["cause"] or None,
            "incident": data["incident"] or None,
            "language": data["language"],
            "title": told.title,
            "text": told.text,
            "todo": told.todo,
            "scan_url": data["scan_url"] or None,
        },
    }


def iso(at: float) -> str:
    """A moment as machines write it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
