"""Durations, ages and times as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from baileykeep.model.decisions import Reason
from baileykeep.model.errors import UsageError
from baileykeep.rules.words import why_held

UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def is_duration(text: str) -> bool:
    """Whether a word such as `20m` or `1h30m` is a duration."""
    return DURATION.fullmatch(text) is not None


def seconds(text: str) -> float:
    """`20m` in seconds. Raises `UsageError`."""
    if not is_duration(text):
        raise UsageError(f"{text!r} is not a duration", next_step="write it like 90s, 20m, 2h, 1h30m or 3d")
    return sum(float(number) * UNIT_S[unit] for number, unit in PART.findall(text))


def moment(text: str, now: float) -> float:
    """`2h` (so long ago) or an ISO date or time, in epoch seconds. Without a zone it is local time."""
    if is_duration(text):
        return now - seconds(text)
    return iso(text)


def iso(text: str) -> float:
    """An ISO 8601 date or time in epoch seconds. Without a zone it is local time. Raises `UsageError`."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no time", next_step="write it like 2026-01-31T14:00:00+00:00, or 2h for two hours ago"
        ) from error
    return parsed.astimezone().timestamp()


def span(length_s: float) -> str:
    """A length of time in its two largest units, such as `3d 4h`."""
    left = max(0, int(length_s))
    if left < 60:
        return f"{left}s"
    days, left = divmod(left, 86400)
    hours, left = divmod(left, 3600)
    minutes = left // 60
    if days:
        return f"{days}d {hours}h" if hours and days < 10 else f"{days}d"
    if hours:
        return f"{hours}h {minutes}m" if minutes and hours < 10 else f"{hours}h"
    return f"{minutes}m"


def short(length_s: float) -> str:
    """A length of time in its largest unit, such as `3d`."""
    return span(length_s).partition(" ")[0]


def clock(at: float) -> str:
    """A moment of today or nearby, local time."""
    return _local(at).strftime("%H:%M:%S")


def stamp(at: float) -> str:
    """A moment with its date, local time."""
    return _local(at).strftime("%Y-%m-%d %H:%M:%S")


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone()


def plain(text: object) -> str:
    """Text from elsewhere without control characters: a terminal must not obey a company's name."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def human(word: str | None) -> str:
    """An enum's value as words."""
    return plain(word or "").replace("_", " ")


def holding(reason: str) -> str:
    """A hold's reason as a half sentence; a reason of some other version of the daemon as it is."""
    try:
        return why_held(Reason(reason))
    except ValueError:
        return human(reason)


def count(number: int, thing: str, plural: str = "") -> str:
    """`1 backup`, `3 backups`."""
    return f"{number} {thing if number == 1 else plural or thing + 's'}"
