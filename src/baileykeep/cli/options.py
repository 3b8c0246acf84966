"""The options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LOOK = "Look"
ACT = "Act on a session"
ANSWER = "Answer the ladder"
PREPARE = "Prepare and run"

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="DIR",
        envvar="BAILEYKEEP_CONFIG",
        help="Configuration folder; ./config, then /etc/baileykeep.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output.")]
Company = Annotated[str, typer.Argument(metavar="COMPANY", help="The company's id.")]
MaybeCompany = Annotated[
    str | None, typer.Argument(metavar="[COMPANY]", help="The company's id; all when left out.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the action's id and return at once.")]
