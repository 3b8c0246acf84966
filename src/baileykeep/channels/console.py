"""Notices as lines of text, for the demo and for people without a messenger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo

from baileykeep.model.records import Notice

REMEMBERED = 1000
"""Stories whose lines are known to be told; a story may be told of once more after it was closed."""


class ConsoleChannel:
    """Writes each story line once, with its time, severity and company; sounding notices are marked."""

    name = "console"

    def __init__(self, write: Callable[[str], None], zone: tzinfo = UTC):
        self._write = write
        self._zone = zone
        self._told: dict[str, int] = {}

    async def deliver(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            for line in self._lines(notice):
                self._write(line)

    def _lines(self, notice: Notice) -> list[str]:
        data, told = notice.data, self._told.pop(notice.key, 0)
        if data.get("lines"):
            return [f"{self._time(notice.at)}   digest: {_plain(text)}" for text in (data["headline"], *data["lines"])]
        story = data.get("members") or data.get("story", [])
        mark = "!" if notice.sound else " "
        who = _plain(str(data.get("name") or data.get("title") or notice.subject))
        head = f"{mark} {notice.severity.value:<9} {who}:"
        lines = [f"{self._time(line['at'])} {head} {_plain(line['text'])}" for line in story[told:]]
        if notice.sound and data.get("reply"):
            lines.append(f"{self._time(notice.at)} {head} {_plain(data['reply'])}")
        self._told[notice.key] = len(story)
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return lines

    def _time(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at, self._zone):%H:%M:%S}"

    async def aclose(self) -> None:
        """Nothing to close."""


def _plain(text: str) -> str:
    """One line without control characters, which could colour or move a terminal's cursor."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())
