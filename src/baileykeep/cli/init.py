"""`init`: the first configuration, observing, with everything else as comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from baileykeep.cli.options import PREPARE
from baileykeep.cli.output import can_ask, line
from baileykeep.model.errors import BaileykeepError, Refused, UsageError

MAIN_FILE = "baileykeep.toml"

TEMPLATE = """\
# Baileykeep's installation. Every key is explained in docs/configuration.md; saving applies within a second.

# "observe" only tells what it would have done. When its notices read right, write "act" here.
mode = "observe"

state_dir = "/var/lib/baileykeep"
backups_dir = "/var/backups/baileykeep"
timezone = {timezone}

[gateways.main]
dialect = {dialect}
url = {url}
# Where each company's auth folder lies; the part in braces is the company's id.
sessions = {sessions}
{secret}

# One table for each log file; stdout and stderr are two files.
[[gateways.main.logs]]
path = {log}
# How a line names its company: a JSON field, or a regular expression with a group called company.
company_field = "companyId"
# company_regex = '\\[(?P<company>[0-9]+)\\]'

[gateways.main.process]
{process}

# People on call. Ids of chats and users: write to the bot, then look at its getUpdates.
# [telegram]
# token_file = "/etc/baileykeep/telegram_token"
# chats = [-1001234567890]
# second = []
# users = []

# Somebody outside who notices when this daemon is gone.
# [heartbeat]
# url_file = "/etc/baileykeep/heartbeat_url"

# What differs for one company goes into companies/<id>.toml; for all of them, here:
# [limits.disconnect]
# warn_after = "10m"
# act_after = "15m"
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` has to know of the gateway; the defaults are those of the usual place of each dialect."""

    dialect: str
    url: str
    sessions: str
    log: str
    pm2: str = ""
    secret_file: str = ""
    timezone: str = "UTC"


USUAL: Mapping[str, Answers] = {
    "ai-admin": Answers(
        "ai-admin",
        "http://127.0.0.1:3000",
        "/opt/ai-admin/baileys_sessions/company_{company}",
        "/root/.pm2/logs/ai-admin-api-out.log",
        "ai-admin-api",
    ),
    "x-internal-secret": Answers(
        "x-internal-secret",
        "http://127.0.0.1:3300",
        "/opt/gateway/storage/whatsapp/business_{company}/auth",
        "/opt/gateway/logs/gateway.log",
        secret_file="/etc/baileykeep/gateway_secret",  # noqa: S106 - a path
    ),
    "x-api-key": Answers(
        "x-api-key",
        "http://127.0.0.1:3001",
        "/opt/gateway/auth_sessions/{company}",
        "/opt/gateway/logs/gateway.log",
        secret_file="/etc/baileykeep/gateway_key",  # noqa: S106 - a path
    ),
}


def register(app: typer.Typer) -> None:
    """Add `init` to the command line."""
    app.command(rich_help_panel=PREPARE)(init)


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write it.")] = Path("config"),
    dialect: Annotated[str | None, typer.Option(help="How the gateway talks.", show_default=False)] = None,
    url: Annotated[str | None, typer.Option(help="Where the gateway listens.", show_default=False)] = None,
    sessions: Annotated[str | None, typer.Option(help="Auth folders, with {company}.", show_default=False)] = None,
    log: Annotated[str | None, typer.Option(help="The gateway's log file.", show_default=False)] = None,
) -> None:
    """Write a first configuration that only observes; an existing one is never overwritten."""
    file = directory / MAIN_FILE
    if file.exists():
        raise _exists(file)
    answers = answered({"dialect": dialect, "url": url, "sessions": sessions, "log": log}, ask=can_ask())
    write(directory, answers)
    line(next_steps(directory))


def answered(given: Mapping[str, str | None], *, ask: bool) -> Answers:
    """Options as given, the rest asked on a terminal or else as usual for the dialect."""
    dialect = given.get("dialect") or _ask(ask, "Dialect", "ai-admin", f"one of {', '.join(USUAL)}, or your own")
    usual = USUAL.get(dialect) or Answers(dialect, **_without_dialect(USUAL["ai-admin"]))
    return Answers(
        dialect,
        given.get("url") or _ask(ask, "URL of the gateway", usual.url),
        given.get("sessions") or _ask(ask, "Auth folders", usual.sessions),
        given.get("log") or _ask(ask, "Log file", usual.log),
        usual.pm2,
        usual.secret_file,
        usual.timezone,
    )


def _without_dialect(usual: Answers) -> dict[str, str]:
    return {"url": usual.url, "sessions": usual.sessions, "log": usual.log}


def _ask(ask: bool, what: str, default: str, hint: str = "") -> str:
    if not ask:
        return default
    answer: str = typer.prompt(f"{what} ({hint})" if hint else what, default=default)
    return answer


def rendered(answers: Answers) -> str:
    """The text of the file. Raises `UsageError` for an answer that no TOML string can hold."""
    process = f'manager = "pm2"\nname = {_quoted(answers.pm2)}' if answers.pm2 else 'manager = "none"'
    secret = f"secret_file = {_quoted(answers.secret_file)}" if answers.secret_file else '# secret_file = "…"'
    return TEMPLATE.format(
        timezone=_quoted(answers.timezone),
        dialect=_quoted(answers.dialect),
        url=_quoted(answers.url),
        sessions=_quoted(answers.sessions),
        log=_quoted(answers.log),
        process=process,
        secret=secret,
    )


def _quoted(text: str) -> str:
    if not text.isprintable():
        raise UsageError("an answer holds characters that cannot be printed", next_step="write it again")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write(directory: Path, answers: Answers) -> Path:
    """Write the file and the folder for companies; raises `Refused` when there is a file already."""
    text = rendered(answers)
    file = directory / MAIN_FILE
    try:
        (directory / "companies").mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise _exists(file) from None
    except OSError as error:
        raise BaileykeepError(f"cannot write {file}: {error.strerror}", next_step="choose another DIR") from error
    return file


def _exists(file: Path) -> Refused:
    return Refused(f"{file} exists and is not overwritten", next_step="edit it, or name another DIR", code="exists")


def next_steps(directory: Path) -> str:
    """What to do after `init`."""
    return (
        f"Wrote {directory / MAIN_FILE} (mode observe: it tells, and touches nothing).\n"
        "\n"
        "Next:\n"
        f"  1. look through it, and check it:   baileykeep config check {directory}\n"
        f"  2. see whether all is reachable:    baileykeep doctor --config {directory}\n"
        f"  3. let it watch:                    baileykeep run --config {directory}\n"
        f'  4. when its "would have …" notices read right, set mode = "act" in {directory / MAIN_FILE};\n'
        "     it applies within a second."
    )
