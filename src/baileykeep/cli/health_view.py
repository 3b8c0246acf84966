"""How `health` looks: one screen, worst first, readable at 80 columns and without colour."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from baileykeep.cli.words import clock, count, holding, human, plain, short, span
from baileykeep.model.overview import (
    HEALTHS,
    ApprovalView,
    CompanyView,
    FilesView,
    GatewayView,
    IncidentView,
    Overview,
    unhealthy,
    worst_first,
)

HEALTHY_SHOWN = 20
"""So many healthy companies are listed; the rest is one line, unless all are asked for."""

NAME_COLUMNS = 24

MARKS = {"ok": ("●", "green"), "watch": ("◐", "cyan"), "trouble": ("▲", "yellow"), "down": ("✖", "bold red")}
LEVELS = {
    "excellent": "green",
    "healthy": "green",
    "monitor": "cyan",
    "warning": "yellow",
    "critical": "red",
    "danger": "bold red",
    "fatal": "bold white on red",
}
STATES = {"waiting_qr": "wants QR", "disconnected": "down"}


def screen(view: Overview, *, show_all: bool = False) -> Group:
    """The whole picture."""
    now, companies = view["now"], _shown(view["companies"], show_all)
    parts: list[RenderableType] = [_headline(view), *_notes(view)]
    for gateway in view["gateways"]:
        parts += _gateway(gateway)
    parts += [_host_incident(incident, now) for incident in view.get("incidents", [])]
    if companies:
        parts += ["", _row(*(Text(word, style="dim") for word in ("  COMPANY", "STATE", "FILES", "BACKUP")))]
    for company in companies:
        parts += _company(company, now)
    return Group(*parts, "", _summary(view["companies"], show_all))


def _headline(view: Overview) -> Table:
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right")
    left = Text.assemble(("Baileykeep ", "bold"), plain(view["version"]), " · ")
    left.append(view["mode"], style="bold green" if view["mode"] == "act" else "bold yellow")
    left.append(f" · up {span(view['now'] - view['started_at'])}", style="dim")
    line.add_row(left, _network(view))
    return line


def _network(view: Overview) -> Text:
    network = view["network"]
    if not network["online"]:
        return Text("✖ this host is offline", style="bold red")
    if not network["whatsapp"]:
        return Text("▲ WhatsApp unreachable", style="yellow")
    return Text("● online, WhatsApp reachable", style="green")


def _notes(view: Overview) -> Iterator[Text]:
    if view["mode"] != "act":
        yield Text("observing: it watches and tells, and touches nothing", style="yellow")
    if view["paused_until"] is not None:
        yield Text(f"paused for all until {clock(view['paused_until'])}", style="yellow")
    if not view["config"]["ok"]:
        yield Text("configuration: the last good one is in use", style="bold red")
    for problem in view["config"]["problems"]:
        yield Text(f"  {plain(problem)}", style="red")
    yield from _copies(view)


def _copies(view: Overview) -> Iterator[Text]:
    """What keeps copies from leaving this host, and how many wait for it."""
    copies = view.get("copies")
    if copies is None or (not copies["problem"] and not copies["waiting"]):
        return
    text = Text("copies off this host: " if copies["to"] else "", style="yellow")
    if copies["waiting"]:
        text.append(f"those of {count(copies['waiting'], 'company', 'companies')} wait")
        text.append(f" since {span(view['now'] - copies['waiting_since'])}" if copies["waiting_since"] else "")
        text.append(": " if copies["problem"] else "")
    yield text.append(plain(copies["problem"] or ""))


def _gateway(gateway: GatewayView) -> Iterator[Text]:
    process = gateway["process"]
    text = Text.assemble("gateway ", (plain(gateway["id"]), "bold"), f" ({plain(gateway['dialect'])}) ")
    if gateway["problem"]:
        text.append(f"✖ no answer: {human(gateway['problem'])}", style="bold red")
    else:
        text.append("● answers", style="green")
    if process["manager"] != "none":
        text.append(f" · {plain(process['manager'])} ")
        text.append(human(process["state"]), style="" if process["state"] == "running" else "red")
        text.append(f", {count(process['restarts'], 'restart')}" if process["restarts"] else "")
    text.append(f" · {count(gateway['companies'], 'company', 'companies')}")
    yield text
    if gateway.get("carries"):
        yield Text(f"  its process carries {plain(gateway['carries'])}")
    for lacking in gateway["not_watched"]:
        yield Text(f"  {plain(lacking)}", style="dim")
    if gateway["braked"]:
        yield Text("  brake: many of its companies dropped at once, so no repairs there now", style="bold yellow")


def _host_incident(incident: IncidentView, now: float) -> Text:
    text = Text("▲ ", style="yellow")
    _, _, name = incident.get("subject", "").partition(":")
    if name and name not in incident["headline"]:
        text.append(f"{human(incident.get('subject', '')).replace(':', ' ')}: ", style="bold")
    text.append(f"{plain(incident['headline'])}, {span(now - incident['opened_at'])}")
    text.append_text(_held(incident))
    return text


def _shown(companies: list[CompanyView], show_all: bool) -> list[CompanyView]:
    ordered = worst_first(companies)
    sick = sum(1 for view in ordered if view["health"] != "ok")
    return ordered if show_all else ordered[: sick + HEALTHY_SHOWN]


def _row(company: Text, state: Text, files: Text, backup: Text) -> Table:
    """One line of columns. Each row is a table of its own, so that what is below it may use the whole width."""
    row = Table.grid(expand=True, padding=(0, 1, 0, 0))
    row.add_column(ratio=1, overflow="fold")
    row.add_column(width=14, no_wrap=True)
    row.add_column(width=13, no_wrap=True)
    row.add_column(width=6, no_wrap=True, justify="right")
    row.add_row(company, state, files, backup)
    return row


def _company(view: CompanyView, now: float) -> Iterator[RenderableType]:
    yield _row(_name(view), _state(view), _files(view["files"]), _backup(view, now))
    story = _story(view, now)
    if story.plain:
        yield Padding(story, (0, 0, 0, 4))


def _name(view: CompanyView) -> Text:
    mark, style = MARKS.get(view["health"], ("?", "yellow"))
    text = Text.assemble((f"{mark} ", style), (plain(view["id"]), "bold" if unhealthy(view["health"]) else ""))
    if view["name"] and view["name"] != view["id"]:
        name = Text(f" {plain(view['name'])}", style="dim")
        name.truncate(NAME_COLUMNS, overflow="ellipsis")
        text.append_text(name)
    return text


def _state(view: CompanyView) -> Text:
    connection = view["connection"]
    state = connection["state"]
    word = STATES.get(state, human(state))
    style = "green" if state == "connected" else "cyan" if state == "connecting" else "red"
    if state == "connected" and connection["paired"] is False:
        word, style = "not paired", "red"
    if state == "disconnected":
        word += f" {span(connection['down_s'])}"
    return Text(word, style=style)


def _files(files: FilesView | None) -> Text:
    if files is None:
        return Text("–", style="dim")
    style = LEVELS.get(files["level"], "yellow")
    return Text.assemble((f"{files['counted']:>3} ", style), (human(files["level"]), style))


def _backup(view: CompanyView, now: float) -> Text:
    newest = view["backups"]["newest_at"]
    if newest is None:
        return Text("–", style="dim") if _out_of_reach(view) else Text("none", style="red")
    return Text(short(now - newest), style="" if now - newest < 2 * 86400 else "yellow")


def _out_of_reach(view: CompanyView) -> bool:
    """Whether there is nothing that could be backed up."""
    return view["files"] is None and bool(view["not_watched"])


def _story(view: CompanyView, now: float) -> Text:
    lines: list[Text] = []
    if view["paused_until"] is not None:
        lines.append(Text(f"paused for {span(view['paused_until'] - now)}", style="yellow"))
    for incident in view["incidents"]:
        text = Text(without_name(incident["headline"], view["id"]), style="bold" if incident["needs_human"] else "")
        lines.append(text.append_text(_held(incident)))
        if incident["approval"] is not None:
            lines.append(_question(incident["approval"], view["id"], now))
    if view["next"] and (view["incidents"] or view["health"] != "ok"):
        lines.append(Text(f"→ {plain(view['next'])}", style="cyan"))
    return Text("\n").join(lines)


def _held(incident: IncidentView) -> Text:
    return Text(f" · held: {holding(incident['hold'])}" if incident["hold"] else "", style="not bold dim")


def _question(approval: ApprovalView, company: str, now: float) -> Text:
    text = Text(f"→ baileykeep approve {plain(company)}", style="bold yellow")
    left = span(approval["expires_at"] - now)
    return text.append(f" ({human(approval['rung'])}, {left} left)", style="not bold yellow")


def without_name(headline: str, company: str) -> str:
    """A headline that stands beside its company need not begin with it."""
    name, colon, rest = plain(headline).partition(": ")
    return rest if colon and company in name else plain(headline)


def _summary(companies: list[CompanyView], show_all: bool) -> Text:
    if not companies:
        return Text("No company yet: no folder matches the configured sessions layout.", style="yellow")
    text = Text()
    hidden = len(companies) - len(_shown(companies, show_all))
    if hidden:
        text.append(f"… and {count(hidden, 'healthy company', 'healthy companies')} (--all shows them)\n", style="dim")
    text.append(f"{count(len(companies), 'company', 'companies')}: ")
    words = []
    for health in reversed(HEALTHS):
        number = sum(1 for view in companies if view["health"] == health)
        if number:
            words.append(Text(f"{number} {health}", style=MARKS[health][1]))
    text.append_text(Text(", ").join(words))
    return text
