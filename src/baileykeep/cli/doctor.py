"""`doctor`: what can be reached from here, before going live. Each line says what it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from baileykeep.cli.checks import FAIL, OK, WARN, Check, named
from baileykeep.cli.installation import config_dir, daemon
from baileykeep.cli.options import PREPARE, Config, Json
from baileykeep.cli.output import console, print_json
from baileykeep.cli.words import plain
from baileykeep.model.errors import BaileykeepError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text

    from baileykeep.config import Settings

COLOURS = {OK: "green", WARN: "yellow", FAIL: "bold red"}


def register(app: typer.Typer) -> None:
    """Add `doctor` to the command line."""
    app.command(rich_help_panel=PREPARE)(doctor)


def doctor(config: Config = None, json: Json = False) -> None:
    """Look at everything the daemon will need, as the user who runs this. Changes nothing."""
    directory = config_dir(config)
    found = list(examine(directory)) if json else _telling(examine(directory))
    if json:
        print_json({"ok": not _failed(found), "checks": [check.as_json() for check in found]})
    raise typer.Exit(1 if _failed(found) else 0)


def examine(directory: Path) -> Iterator[Check]:
    """Every check, cheapest first; none of them raises."""
    settings, configured = _configuration(directory)
    yield from configured
    yield _daemon(directory)
    if settings is not None:
        yield from _with(settings)


def _with(settings: Settings) -> Iterator[Check]:
    from baileykeep.cli import (
        checks,
        checks_copies,
        checks_ladder,
        checks_logins,
        checks_logs,
        checks_outside,
        checks_telegram,
        checks_tenants,
    )
    from baileykeep.config.discover import survey

    found = survey(settings)
    yield checks.state_dir(settings.installation.state_dir)
    yield checks.backups_dir(settings.installation.backups_dir)
    yield checks_copies.away(settings, found)
    yield checks.journal(settings.installation.state_dir)
    yield from checks.folders(settings, found)
    yield from checks_logins.logins(settings, found)
    yield from checks_logs.logs(settings, found)
    yield from checks_outside.gateways(settings, found)
    yield from checks_ladder.ladder(settings)
    yield from checks_telegram.telegram(settings)
    yield from checks_tenants.tenants(settings, found)


def _configuration(directory: Path) -> tuple[Settings | None, list[Check]]:
    from baileykeep.config import BadConfig, errors, load_partial

    try:
        settings, problems = load_partial(directory)
    except BadConfig as error:
        return None, [Check("configuration", FAIL, str(problem)) for problem in error.problems]
    found = [Check("configuration", WARN if problem.warning else FAIL, str(problem)) for problem in problems]
    if not errors(problems):
        mode = settings.installation.mode
        meaning = "it will touch nothing and only tell" if mode == "observe" else "it will act"
        found.append(Check("configuration", OK, f"{directory} can be used; mode {mode}: {meaning}"))
    if not settings.gateways:
        found.append(Check("configuration", FAIL, "no gateway is configured", "add a [gateways.<name>] table"))
    return settings, found


def _daemon(directory: Path) -> Check:
    try:
        version = daemon(directory).call("overview")["version"]
    except BaileykeepError as error:
        if error.code == "no_daemon":
            return Check("daemon", WARN, "not running", "fine before going live; `baileykeep run` starts it")
        return named("daemon", FAIL, error)
    return Check("daemon", OK, f"running, version {plain(version)}")


def _telling(checks: Iterable[Check]) -> list[Check]:
    """Print each as soon as it is known: some of them ask others and wait."""
    found = []
    for check in checks:
        found.append(check)
        console().print(_drawn(check), soft_wrap=True)
    return found


def _drawn(check: Check) -> Text:
    from rich.text import Text

    text = Text.assemble((f"{check.state:<4}  ", COLOURS[check.state]), (check.name, "bold"), f": {plain(check.text)}")
    if check.next_step and check.state != OK:
        text.append(f"\n      → {plain(check.next_step)}", style="dim")
    return text


def _failed(found: Iterable[Check]) -> bool:
    return any(check.state == FAIL for check in found)
