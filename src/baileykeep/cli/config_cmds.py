"""`config check` and `config show`: the configuration before it goes live, and what it comes to for one company."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baileykeep.cli.installation import config_dir
from baileykeep.cli.options import PREPARE, Company, Config, Json
from baileykeep.cli.output import facts, line, print_json

if TYPE_CHECKING:
    from baileykeep.config import CompanySettings, Problem, Settings

Directory = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", help="Configuration folder; ./config, then /etc/baileykeep.", show_default=False),
]
group = typer.Typer(help="Check the configuration, or show what it comes to.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the `config` group to the command line."""
    app.add_typer(group, name="config", rich_help_panel=PREPARE)


@group.command()
def check(directory: Directory = None, as_json: Json = False) -> None:
    """All that is wrong with the configuration, or "fine"; exit 2 when it cannot be used."""
    answer = examine(config_dir(directory))
    if as_json:
        print_json(answer)
    else:
        line(told(answer))
    raise typer.Exit(0 if answer["ok"] else 2)


@group.command()
def show(company: Company, config: Config = None, as_json: Json = False) -> None:
    """One company's effective settings, and where each comes from; secrets are hidden."""
    answer = effective(config_dir(config), company)
    if as_json:
        print_json(answer)
    else:
        line(drawn(answer))


def examine(directory: Path) -> dict[str, Any]:
    """What `config check` answers: `ok`, `problems`, and the installation in numbers where it can be used."""
    from baileykeep.config import BadConfig, errors, load_partial

    try:
        settings, problems = load_partial(directory)
    except BadConfig as error:
        return {"ok": False, "directory": str(directory), "problems": [_problem(found) for found in error.problems]}
    summary = _summary(settings)
    found = [_problem(problem) for problem in problems]
    return {"ok": not errors(problems), "directory": str(directory), "problems": found, **summary}


def _problem(problem: Problem) -> dict[str, Any]:
    told = {key: value for key, value in dataclasses.asdict(problem).items() if key != "syntax"}
    return {**told, "text": str(problem)}


def _summary(settings: Settings) -> dict[str, Any]:
    from baileykeep.config.discover import placements

    placed, odd = placements(settings)
    return {
        "mode": settings.installation.mode,
        "gateways": sorted(settings.gateways),
        "company_files": sorted(settings.companies),
        "companies": sorted(placed),
        "notes": [f"{oddity.path} {oddity.reason}" for oddity in odd],
    }


def told(answer: dict[str, Any]) -> str:
    """The answer of `examine` in lines for people."""
    lines = [f"{'warning' if p['warning'] else 'error'}: {p['text']}" for p in answer["problems"]]
    lines += [f"note: {note}" for note in answer.get("notes", ())]
    if answer["ok"]:
        count, gateways = len(answer["companies"]), ", ".join(answer["gateways"])
        companies = "1 company" if count == 1 else f"{count} companies"
        word = "gateway" if len(answer["gateways"]) == 1 else "gateways"
        lines.append(f"fine: {companies}, {word} {gateways}, mode {answer['mode']}")
    else:
        count = sum(not problem["warning"] for problem in answer["problems"])
        lines.append(f"{count} {'error' if count == 1 else 'errors'} in {answer['directory']}")
    return "\n".join(lines)


def effective(directory: Path, ident: str) -> dict[str, Any]:
    """What `config show` answers. Raises `BadConfig`, or `UsageError` for a company that nobody knows."""
    from baileykeep.config import load
    from baileykeep.config.discover import placements
    from baileykeep.model.errors import UsageError

    settings = load(directory)
    placed, _ = placements(settings)
    if ident not in placed and ident not in settings.companies:
        raise UsageError(f"there is no company {ident}", next_step=_nearest(ident, {*placed, *settings.companies}))
    place = placed.get(ident)
    gateway = place.gateway if place else None
    return {
        "company": ident,
        "gateway": gateway,
        "folder": str(place.folder) if place and place.folder else None,
        **({"row": place.row} if place and place.row else {}),
        **_facts(settings, settings.company(ident), gateway),
        "limits": _limits(settings, ident),
    }


def _nearest(ident: str, known: set[str]) -> str:
    import difflib

    close = difflib.get_close_matches(ident, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else "`baileykeep config check` counts those that were found"


def _facts(settings: Settings, company: CompanySettings, gateway: str | None) -> dict[str, Any]:
    from baileykeep.rules.masking import mask_phone

    window = company.window
    return {
        "name": company.facts.name,
        "enabled": settings.enabled(company.id),
        "mode": settings.installation.mode,
        "phone": mask_phone(company.facts.phone),
        "baileys": settings.generation(company.id, gateway or ""),
        "language": company.facts.language or settings.installation.language,
        "chats": list(settings.chats(company.id)),
        "second_chats": list(settings.second_chats(company.id)),
        "window": str(window) if window else None,
    }


def _limits(settings: Settings, ident: str) -> dict[str, dict[str, dict[str, str]]]:
    from baileykeep.config.limit_checks import shown
    from baileykeep.config.limit_tables import SECTIONS, written

    limits = settings.limits_for(ident)
    return {
        section: {
            written(item.name): {
                "value": shown(item.name, getattr(getattr(limits, section), item.name)),
                "from": settings.origin(ident, section, item.name),
            }
            for item in dataclasses.fields(kind)
        }
        for section, kind in SECTIONS.items()
    }


def drawn(answer: dict[str, Any]) -> str:
    """The answer of `effective` in lines for people."""
    pairs = {key: _word(value) for key, value in answer.items() if key != "limits"}
    lines = [facts(pairs)]
    for section, values in answer["limits"].items():
        lines += ["", f"[limits.{section}]"]
        width = max(len(key) for key in values)
        lines += [f"{key:<{width}}  {item['value']:<16}  {item['from']}" for key, item in values.items()]
    return "\n".join(lines)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
