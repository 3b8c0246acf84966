"""How `health COMPANY` looks: one company in full sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from baileykeep.cli.health_view import LEVELS, MARKS, STATES, without_name
from baileykeep.cli.words import clock, holding, human, plain, span
from baileykeep.model.overview import CompanyView, IncidentView

SHOWN = 8
"""Lines of the journal at the end."""


def detail(view: CompanyView, now: float, recent: list[dict[str, Any]]) -> Group:
    """One company; `recent` are the newest journal lines, each with `at` and `text`."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in _rows(view, now):
        grid.add_row(label, text)
    told = dict.fromkeys((clock(entry["at"]), plain(entry["text"])) for entry in recent)  # stories repeat their steps
    if told:
        grid.add_row("", "")
    for at, said in list(told)[-SHOWN:]:
        grid.add_row(at, Text(said))
    return Group(_title(view), "", grid)


def _title(view: CompanyView) -> Text:
    mark, style = MARKS.get(view["health"], ("?", "yellow"))
    text = Text.assemble((f"{mark} ", style), (plain(view["id"]), "bold"))
    text.append(f" {plain(view['name'])}" if view["name"] and view["name"] != view["id"] else "")
    text.append(f" · gateway {plain(view['gateway'])}")
    if view["phone"]:
        text.append(f" · phone {plain(view['phone'])}")
    return text


def _rows(view: CompanyView, now: float) -> Iterator[tuple[str, Text]]:
    yield "connection", _connection(view, now)
    yield "files", _files(view)
    yield "backups", _backups(view, now)
    for text in view["not_watched"]:
        yield "not watched", Text(plain(text), style="dim")
    if view["paused_until"] is not None:
        yield "paused", Text(f"until {clock(view['paused_until'])}", style="yellow")
    for incident in view["incidents"]:
        yield "incident", _incident(incident, view["id"], now)
    for text in view["cannot"]:
        yield "cannot", Text(plain(text).removeprefix("Cannot "))
    if view["next"]:
        yield "next", Text(plain(view["next"]), style="cyan")


def _connection(view: CompanyView, now: float) -> Text:
    connection = view["connection"]
    state = STATES.get(connection["state"], human(connection["state"]))
    text = Text(state, style="green" if connection["state"] == "connected" else "red")
    if connection["state"] == "disconnected":
        text.append(f" for {span(connection['down_s'])}")
    elif connection["since"] is not None:
        text.append(f" for {span(now - connection['since'])}")
    if connection["cause"]:
        text.append(f" ({human(connection['cause'])})")
    if connection["paired"] is not None:
        text.append(", paired" if connection["paired"] else ", not paired")
    if "heard" in connection and "heard_s" in connection:
        text.append(f", last heard: {human(connection['heard'])}, {span(connection['heard_s'])} ago", style="default")
    return text


def _files(view: CompanyView) -> Text:
    files = view["files"]
    if files is None:
        return Text("not visible from here", style="dim")
    text = Text(f"{files['counted']} counted of {files['total']}: ")
    text.append(human(files["level"]), style=LEVELS.get(files["level"], "yellow"))
    text.append(f", {files['reclaimable']} could be cleaned up")
    return text


def _backups(view: CompanyView, now: float) -> Text:
    backups = view["backups"]
    if backups["newest_at"] is None:
        return Text("none", style="dim" if view["not_watched"] and view["files"] is None else "red")
    kind = f" ({human(backups['newest_kind'])})" if backups["newest_kind"] else ""
    text = Text(f"{backups['count']}, newest {span(now - backups['newest_at'])} old{kind}")
    if "offsite_at" in backups:
        away_at = backups["offsite_at"]
        text.append(f"; off this host {span(now - away_at)} old" if away_at is not None else "; none off this host")
    return text


def _incident(incident: IncidentView, company: str, now: float) -> Text:
    text = Text(human(incident["severity"]), style="bold yellow")
    text.append(f": {without_name(incident['headline'], company)}", style="not bold default")
    text.append(f" ({plain(incident['id'])}, {span(now - incident['opened_at'])})", style="not bold default")
    if incident["hold"]:
        text.append(f"\nheld: {holding(incident['hold'])}")
    approval = incident["approval"]
    if approval is not None:
        text.append(f"\nwaits for your word on: {human(approval['rung'])}, until {clock(approval['expires_at'])}")
        text.append(f"\n→ baileykeep approve {plain(company)}", style="bold")
        text.append(f"\n→ baileykeep reject {plain(company)}", style="bold")
    elif incident["needs_human"]:
        text.append("\nneeds a human", style="bold")
    return text
