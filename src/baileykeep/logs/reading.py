"""What stands on one line: plain words, a logger's JSON record, or either of them wrapped by a process manager."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TOKENS = r"""(?:
    \d+\|[^|\n]{1,64}\|
  | [\w.-]{1,64}\s{1,16}\|
  | \[[^\]\n]{0,80}\]
  | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ,]{1,3}\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?:?
  | \d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?:?
  | (?:TRACE|DEBUG|INFO|LOG|WARN|WARNING|ERROR|FATAL|VERBOSE)(?:\s?\(\d{1,9}\))?:?
  | [A-Z][a-z]{2}\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d\s\S{1,64}\s[\w.@-]{1,64}(?:\[\d{1,9}\])?:
  | (?:[\d\s:.,/+-]|[A-Z][a-z]{2}\b|[AaPp][Mm]\b|[TZ]|UTC|GMT){4,48}:\s
)\s*"""
_PREFIX = re.compile(rf"\s*(?:{_TOKENS}){{0,8}}", re.VERBOSE)
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?\s?(?:Z|[+-]\d\d:?\d\d)")
_WORDS_BEFORE_JSON = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line, understood.

    `words` is plain text without known prefixes and without what stands in JSON behind it: that part may quote what
    a customer wrote. `record` is a logger's JSON object (it has a message), `data` another JSON object at the end of
    the line. `text` is the whole line, for attribution only.
    """

    text: str
    words: str
    record: Json | None = None
    data: Json | None = None
    wrapper: Json | None = None
    time_s: float | None = None

    @property
    def message(self) -> str:
        """The logger's message, empty where the line is no record."""
        return message_of(self.record) if self.record is not None else ""


def read(raw: bytes) -> Iterator[Line]:
    """The lines that `raw` holds: one, or several where a process manager wrapped a burst into one record."""
    text = _COLOUR.sub("", raw.decode("utf-8", "replace")).lstrip("\x00").rstrip()
    outer = _json_behind(text)
    inner = _unwrap(outer[1]) if outer else None
    if outer is None or inner is None:
        yield _line(text, outer, None)
        return
    for part in inner.removesuffix("\n").split(
        "\n"
    ):  # of all that Unicode calls a line's end only this one ends a line
        part = _COLOUR.sub("", part).rstrip()
        yield _line(part, _json_behind(part), outer[1])


def message_of(record: Json) -> str:
    """What a record says; the field's name differs between loggers."""
    for key in ("msg", "message"):
        value = record.get(key)
        if isinstance(value, str):
            return value
    return ""


def before_json(words: str) -> str:
    """The part in front of the first brace."""
    return words.split("{", 1)[0].strip()


def _line(text: str, found: tuple[int, Json] | None, wrapper: Json | None) -> Line:
    start, value = found or (len(text), None)
    ahead = before_json(text[:start])
    words = ahead[_prefix_end(ahead) :]
    if value is None:
        return Line(text, words, wrapper=wrapper, time_s=_time_of(None, wrapper, ahead))
    time_s = _time_of(value, wrapper, ahead)
    if message_of(value) and not words:
        return Line(text, before_json(message_of(value)), record=value, wrapper=wrapper, time_s=time_s)
    return Line(text, words, data=value, wrapper=wrapper, time_s=time_s)


def _prefix_end(text: str) -> int:
    found = _PREFIX.match(text[:512])
    return found.end() if found else 0


def _json_behind(text: str) -> tuple[int, Json] | None:
    start = text.find("{")
    if start < 0 or start > _WORDS_BEFORE_JSON or not text.endswith("}"):
        return None
    try:
        value = json.loads(text[start:] if start else text)
    except (ValueError, RecursionError):
        return None
    return (start, value) if isinstance(value, dict) else None


def _unwrap(value: Json) -> str | None:
    """What a process manager wrapped. A gateway's own records may share one of the names, not both."""
    if isinstance(value.get("message"), str) and "app_name" in value and "process_id" in value:
        return str(value["message"])
    if isinstance(value.get("log"), str) and "stream" in value:
        return str(value["log"])
    return None


def _time_of(value: Json | None, wrapper: Json | None, ahead: str) -> float | None:
    for candidate in (value, wrapper):
        for key in ("time", "timestamp") if candidate is not None else ():
            moment = _epoch(candidate.get(key)) if candidate is not None else None
            if moment is not None:
                return moment
    found = _ZONED.search(ahead)
    return _epoch(found.group()) if found else None


def _epoch(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int | float):
        return value / 1000 if 1e11 < value < 1e14 else None
    try:
        moment = datetime.fromisoformat(value.replace(" Z", "Z").replace(" +", "+"))
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
