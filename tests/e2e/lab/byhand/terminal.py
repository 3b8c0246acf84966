"""What the lab's own terminal shows: where things are, what Baileykeep tells people, and what it does meanwhile."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from baileykeep.demo.feed import SAID_ALREADY
from baileykeep.rules import words_steps
from tests.crash.journal import Journal
from tests.e2e.lab.byhand.place import Place
from tests.e2e.lab.byhand.settings import NAMES

NOTICE = re.compile(r"(?P<time>\S+) (?P<mark>[! ]) (?P<severity>\w+) +(?P<text>.*)")
STYLES = {"info": "green", "warning": "yellow", "critical": "bold red", "emergency": "bold red"}


class Terminal:
    """One line for each thing that happens, as it happens. Times are UTC, as in the daemon's notices."""

    def __init__(self, console: Console):
        self._console = console

    def say(self, text: str, style: str = "") -> None:
        """A line of the lab's own."""
        self._console.print(Text(text, style))

    def typed(self, text: str) -> None:
        """Somebody typed this in the second terminal."""
        self._console.print(Text(f"{_clock(datetime.now(UTC))} ▸ {text}", "bold cyan"))

    def notice(self, line: str) -> None:
        """A line of the daemon's console channel."""
        found = NOTICE.fullmatch(line)
        if found is None:
            self._console.print(Text(line))
            return
        mark = "!" if found["mark"] == "!" else "·"
        self._console.print(Text(f"{found['time']} {mark} {found['text']}", STYLES.get(found["severity"], "")))

    def aside(self, at: float, who: str, text: str) -> None:
        """Something that nobody is told of, but that a visitor wants to see."""
        self._console.print(Text(f"{_clock(datetime.fromtimestamp(at, UTC))}   {who}: {text}", "dim"))


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


class Asides:
    """What happens between the notices, from the journal."""

    def __init__(self, journal: Journal):
        self._journal = journal
        self._seen = 0

    def news(self) -> Iterator[tuple[float, str, str]]:
        """When, who, what: all that came since the last look."""
        try:
            entries = self._journal.entries(self._seen)
        except sqlite3.OperationalError:  # not made yet, or being written
            return
        for entry in entries:
            self._seen = entry["id"]
            text = READERS[entry["kind"]](entry["data"]) if entry["kind"] in READERS else None
            if text:
                yield entry["at"], _name(entry["subject"]), text


def _name(subject: str) -> str:
    scope, _, ident = subject.partition(":")
    return NAMES.get(ident, ident) if scope == "company" else f"{scope} {ident}"


def _symptom(data: Mapping[str, Any]) -> str | None:
    if data["kind"] != "down":
        return None
    if not data["active"]:
        return "is connected again"
    return "lost its connection" if data.get("detail", {}).get("phase") == "waiting" else None


def _step(data: Mapping[str, Any]) -> str | None:
    text = words_steps.step(data["step"])
    return None if data["step"] in SAID_ALREADY else text[0].lower() + text[1:]


READERS = {"symptom": _symptom, "step_begun": _step}


def where(place: Place, *, bot: bool) -> Iterator[str]:
    """Where everything is, and what to type."""
    yield "Three companies are paired and kept alive: " + ", ".join(f"{i} {name}" for i, name in NAMES.items())
    yield ""
    yield f"  configuration   {place.config}"
    yield f"  auth folders    {place.gateway.folder('1')} …"
    yield f"  gateway's logs  {place.gateway.out.parent}"
    yield f"  daemon's log    {place.root / 'daemon.log'}"
    yield f"  gateway         {place.gateway.url}  (header X-Internal-Secret: $SECRET)"
    yield f"  Baileykeep      {place.http.url}/api/companies  (Authorization: Bearer $TOKEN)"
    yield f"  notices         {'in your Telegram chat' if bot else 'below'}"
    yield ""
    yield "In a second terminal:"
    yield f"  . {place.root}/env"
    yield "  baileykeep health"
    yield "  lab break 1 hang       # `lab` alone shows all that can be broken; docs/lab.md walks through it"
    yield ""
    yield "Ctrl-C ends everything."
