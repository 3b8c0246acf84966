"""How the demo looks: a calm screen of 80 by 24 for a terminal, plain lines for everybody else."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from baileykeep.demo.feed import Line, Verb
from baileykeep.rules.words import duration

WIDEST = 100
"""Wider lines are harder to read, however wide the terminal is."""

WHO_COLUMNS, VERB_COLUMNS = 13, 6
INDENT = 8 + 1 + WHO_COLUMNS + 1 + VERB_COLUMNS + 1
ABOVE_FEED, BELOW_FEED = 4, 1

VERB_STYLES = {
    Verb.BREAKS: "magenta",
    Verb.SAW: "yellow",
    Verb.HOLDS: "cyan",
    Verb.DOES: "bold",
    Verb.FAILED: "red",
    Verb.HEALED: "bold green",
    Verb.OVER: "green",
    Verb.CHECKS: "dim",
}
MARKS = {"ok": ("●", "green"), "watch": ("◐", "cyan"), "trouble": ("▲", "yellow"), "down": ("✖", "bold red")}
LEVEL_STYLES = {"excellent": "green", "healthy": "green", "monitor": "cyan", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One company now. `doing` is a half sentence; `counted` is None until the folder was looked at."""

    name: str
    health: str
    state: str
    counted: int | None
    level: str
    doing: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of the demo."""

    now: float
    factor: float
    rows: Sequence[Row]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one company. `took_s` is from the first harm to the closed story, in the demo's time."""

    name: str
    trouble: str
    healed: bool
    did: str
    took_s: float
    gone: int
    left: int
    same_login: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of all. `backups_good` of `backups` were whole when read again at the end."""

    results: Sequence[Result]
    story_s: float
    real_s: float
    backups: int
    backups_good: int
    messages: int
    sounded: int

    @property
    def all_healed(self) -> bool:
        """Whether the demo kept its promise."""
        return all(result.healed for result in self.results)


# --- while it runs --------------------------------------------------------------------------------------------


def screen(picture: Picture, width: int = 80, height: int = 24) -> Group:
    """The whole picture, exactly as high as the terminal allows; the newest lines of the feed are at the bottom."""
    width = min(width, WIDEST)
    room = max(3, height - ABOVE_FEED - len(picture.rows) - BELOW_FEED)
    told = [part for line in picture.lines for part in styled(line, width)][-room:]
    space = [Text()] * (room - len(told))
    footer = Text("temporary files on this machine only · Ctrl-C ends it", style="dim", justify="right")
    return Group(_headline(picture), Text(), companies(picture.rows), Rule(style="dim"), *told, *space, footer)


def _headline(picture: Picture) -> Table:
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    left = Text.assemble(("Baileykeep demo", "bold"), (" · the real daemon, a stand-in gateway", "dim"))
    right = Text.assemble((f"{clock(picture.now)}", "bold"), (f"  time × {picture.factor:.0f}", "dim"))
    line.add_row(left, right)
    return line


def companies(rows: Sequence[Row]) -> Table:
    """One line per company: how it is, its files, and what happens to it now."""
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    for width in (15, 13, 12):
        table.add_column(width=width, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_row(*(Text(word, style="dim") for word in ("  COMPANY", "STATE", "FILES", "NOW")))
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[Text, Text, Text, Text]:
    mark, style = MARKS.get(row.health, MARKS["trouble"])
    files = Text("–", style="dim")
    if row.counted is not None:
        files = Text(f"{row.counted:>3} {row.level}", style=LEVEL_STYLES.get(row.level, "red"))
    state = Text(row.state, style="green" if row.state == "connected" else "red")
    return Text.assemble((f"{mark} ", style), (row.name, "bold")), state, files, Text(row.doing)


def styled(line: Line, width: int) -> list[Text]:
    """A line of the feed as lines of the terminal."""
    head, *rest = wrapped(line, width)
    first = Text(head)
    first.stylize("dim", 0, 8)
    first.stylize("bold", 9, 9 + WHO_COLUMNS)
    first.stylize(VERB_STYLES[line.verb], INDENT - 1 - VERB_COLUMNS, INDENT - 1)
    if line.verb in (Verb.HEALED, Verb.FAILED):
        first.stylize(VERB_STYLES[line.verb], INDENT)
    return [first, *(Text(text) for text in rest)]


def wrapped(line: Line, width: int = 80) -> list[str]:
    """The same without colours; what does not fit goes on below, indented."""
    head = f"{clock(line.at)} {plain(line.who):<{WHO_COLUMNS}} {line.verb.value:<{VERB_COLUMNS}} "
    parts = textwrap.wrap(plain(line.text), max(20, width - INDENT)) or [""]
    return [head + parts[0], *(" " * INDENT + part for part in parts[1:])]


# --- at the end -----------------------------------------------------------------------------------------------


def last_screen(rows: Sequence[Row], ending: Ending) -> Group:
    """How everybody is at the end, what was healed, what was left alone, what is kept, and what to do next."""
    parts: list[RenderableType] = [companies(rows), Text(), _verdict(ending), Text()]
    for result in ending.results:
        parts += _result(result)
    return Group(*parts, Text(), _facts(ending), Text(), _pairs({"Next": NEXT_STEPS}))


def _verdict(ending: Ending) -> Text:
    sick = [result.name for result in ending.results if not result.healed]
    took = f"{duration(ending.story_s)} of the demo's time, {ending.real_s:.0f} s of yours"
    if sick:
        return Text(f"Not healed in time: {', '.join(sick)} ({took}).", style="bold red")
    return Text.assemble((f"All {len(ending.results)} healed", "bold green"), f" in {took}.")


def _result(result: Result) -> list[RenderableType]:
    mark, style = ("✔", "bold green") if result.healed else ("✖", "bold red")
    head = Text.assemble((f"{mark} ", style), (f"{result.name:<{WHO_COLUMNS}} ", "bold"), f"{result.trouble}")
    if result.healed:
        head.append(f"; healed after {duration(result.took_s)}")
    return [head, Text(f"  {result.did}. Files taken out: {result.gone} of {result.gone + result.left}.")]


def _facts(ending: Ending) -> Table:
    same = sum(result.same_login for result in ending.results)
    logins = "the same as before; nobody had to scan a QR code"
    if same < len(ending.results):
        logins = f"only {same} of {len(ending.results)} are the same as before"
    good = ending.backups_good == ending.backups
    backups = f"{ending.backups} kept, " + (
        "every one read again just now and whole" if good else f"only {ending.backups_good} of them whole"
    )
    told = f"{ending.messages} messages to staff, edited as their stories went on; {ending.sounded} sounds"
    return _pairs({"Logins": logins, "Backups": backups, "Told": told})


NEXT_STEPS = """\
baileykeep init     writes a configuration for your own gateway
baileykeep doctor   says what is still missing
baileykeep run      only watches and tells until you switch it to act"""


def _pairs(pairs: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=7, style="dim")
    table.add_column()
    for name, text in pairs.items():
        table.add_row(name, Text(text))
    return table


def clock(at: float) -> str:
    """A moment in local time."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%H:%M:%S}"


def plain(text: str) -> str:
    """Text without control characters: a terminal must not obey it."""
    return "".join(c if c.isprintable() else " " for c in text)
