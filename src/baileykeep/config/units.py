"""Durations as people write them: "90s", "10m", "1h30m", "7d", or a plain number of seconds."""

from __future__ import annotations

import math
import re

_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[wdhms])\s*)+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[wdhms])", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def parse_duration(value: object) -> float:
    """Seconds from "10m", "1h30m", "500ms" or a number; raises ValueError that says how to write one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else math.inf
    text = value.strip().lower() if isinstance(value, str) else ""
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _WHOLE.fullmatch(text):
        raise ValueError('must be a duration such as "90s", "10m", "6h" or "7d", or a number of seconds')
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def format_duration(seconds: float) -> str:
    """The shortest way to write it that `parse_duration` reads back (to the millisecond)."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    text = ""
    for unit, size in _SECONDS.items():
        if unit == "w":
            continue
        count, left = divmod(left, round(size * 1000))
        text += f"{count}{unit}" if count else ""
    return text
