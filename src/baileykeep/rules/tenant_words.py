"""A message to a company, in its language and its time zone."""

from __future__ import annotations

from datetime import datetime, tzinfo

from baileykeep.rules.tenants import Condition
from baileykeep.rules.tongues import TONGUES
from baileykeep.rules.tongues.base import Told, Tongue

DEFAULT = "en"
APART, JOINED = "\u2068", "\u2069"
"""Unicode's isolates: what stands between them keeps its own direction."""

TEST = "test"
LONGEST_NAME = 80


def told(
    kind: str, after: str, *, name: str, language: str, zone: tzinfo, since: float, at: float, scan_url: str = ""
) -> Told:
    """The finished texts. `kind` is a condition or TEST, `after` what was told before; times are epoch seconds."""
    tongue = TONGUES.get(language, TONGUES[DEFAULT])
    text = _text(tongue, kind, after)
    scan = bool(scan_url) and kind == Condition.NEEDS_SCAN
    found = {
        "name": name_of(name),
        "since": _moment(tongue, zone, since, at),
        "at": _moment(tongue, zone, at, at),
        "link": scan_url,
    }
    if tongue.right_to_left:
        found = {key: f"{APART}{value}{JOINED}" for key, value in found.items()}
    todo = tongue.scan_here if scan else text.todo
    return Told(*(part.format_map(found) for part in (text.title, text.text, todo)))


def _text(tongue: Tongue, kind: str, after: str) -> Told:
    readable = kind == Condition.CONNECTED and after == Condition.UNREADABLE
    found: Told = tongue.readable if readable else getattr(tongue, kind)
    return found


def _moment(tongue: Tongue, zone: tzinfo, then: float, now: float) -> str:
    local = datetime.fromtimestamp(then, zone)
    time = f"{local:%H:%M}"
    if local.date() == datetime.fromtimestamp(now, zone).date():
        return tongue.time.format(time=time)
    return tongue.date.format(time=time, date=local.strftime(tongue.day))


def name_of(name: str) -> str:
    """A company's name as it may stand in any text: one short line that turns no other text around."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:LONGEST_NAME]
