"""The commands that only look: `health`, `explain`, `events`."""

from __future__ import annotations

import time
from typing import Annotated, Any, cast

import typer

from baileykeep.app.socket_client import DaemonClient
from baileykeep.cli.installation import daemon
from baileykeep.cli.options import Company, Config, Json, MaybeCompany
from baileykeep.cli.output import console, emit, interactive, line, print_json
from baileykeep.cli.words import clock, human, moment, plain, stamp
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BaileykeepError, UsageError
from baileykeep.model.overview import CompanyView, Overview, unhealthy

WATCH_EVERY_S = 2.0
RECENT = 20


def health(
    company: MaybeCompany = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Stay and update in place; Ctrl-C ends it.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing, only exit 0 or 1.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="List every healthy company too.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """How everything is, worst first, and what to do next. Exits 1 when any company is unhealthy."""
    if watch and (json or quiet):
        raise UsageError("--watch goes with neither --json nor --quiet")
    client = daemon(config)
    if watch:
        _watch(client, company, show_all)
        return
    answer = _ask(client, company)
    if not quiet:
        emit(answer, json, lambda found: _draw(client, found, company, show_all))
    raise typer.Exit(1 if _sick(answer, company) else 0)


def digest(json: Json = False, config: Config = None) -> None:
    """How the last 24 hours were, worst first: what is sent to everybody each morning."""
    emit(daemon(config).call("digest"), json, lambda made: "\n".join(map(plain, [made["headline"], *made["lines"]])))


def _ask(client: DaemonClient, company: str | None) -> dict[str, Any]:
    return client.call("company", {"company": company}) if company else client.call("overview")


def _sick(answer: dict[str, Any], company: str | None) -> bool:
    if company:
        return unhealthy(answer["health"])
    offline = not (answer["network"]["online"] and answer["network"]["whatsapp"])
    broken = offline or not answer["config"]["ok"] or any(gateway["problem"] for gateway in answer["gateways"])
    return broken or any(unhealthy(view["health"]) for view in answer["companies"])


def _draw(client: DaemonClient, answer: dict[str, Any], company: str | None, show_all: bool) -> Any:
    from baileykeep.cli import company_view, health_view

    if not company:
        return health_view.screen(cast(Overview, answer), show_all=show_all)
    recent = client.call("events", {"company": company, "limit": RECENT})["events"]
    return company_view.detail(cast(CompanyView, answer), SystemClock().now(), recent)


def _watch(client: DaemonClient, company: str | None, show_all: bool) -> None:
    from rich.live import Live

    first = _draw(client, _ask(client, company), company, show_all)
    try:
        with Live(first, console=console(), screen=interactive(), auto_refresh=False) as live:
            live.refresh()
            while True:
                time.sleep(WATCH_EVERY_S)
                live.update(_look_again(client, company, show_all), refresh=True)
    except KeyboardInterrupt:
        return


def _look_again(client: DaemonClient, company: str | None, show_all: bool) -> Any:
    """A daemon that restarts is part of what one watches, not the end of watching."""
    try:
        return _draw(client, _ask(client, company), company, show_all)
    except BaileykeepError as error:
        return f"{clock(SystemClock().now())}  {error.cause}; trying again"


def explain(company: Company, json: Json = False, config: Config = None) -> None:
    """Why it acted or held: the story of a company's incident, and what it waits for now."""
    answer = daemon(config).call("explain", {"company": company})
    if json:
        print_json(answer)
        return
    for entry in answer["lines"]:
        line(f"{stamp(entry['at'])}  {plain(entry['text'])}")
    if not answer["lines"]:
        line("Nothing happened that would need an explanation.")
    for text in answer.get("cannot", ()):
        line(f"here: {plain(text)}")
    line(f"now: {plain(answer['now'])}")


def events(
    company: MaybeCompany = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="2h (so long ago), or a date or time in ISO form.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many, the newest.")] = 200,
    json: Json = False,
    config: Config = None,
) -> None:
    """The journal: what happened, what was decided, who did what."""
    args: dict[str, Any] = {"limit": limit}
    if company:
        args["company"] = company
    if since:
        args["since"] = moment(since, SystemClock().now())
    answer = daemon(config).call("events", args)
    emit(answer, json, _events)


def _events(answer: dict[str, Any]) -> str:
    return "\n".join(_event(entry) for entry in answer["events"]) or "Nothing happened."


def _event(entry: dict[str, Any]) -> str:
    text, operator = plain(entry["text"]), entry.get("operator")
    who = f" ({plain(operator)})" if operator and operator not in text else ""
    company = f" {plain(entry['company'])}" if entry.get("company") else ""
    return f"{stamp(entry['at'])}{company}  {human(entry['kind'])}: {text}{who}"
