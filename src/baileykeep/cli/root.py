"""The list of commands, in the order and groups of `baileykeep --help`."""

from __future__ import annotations

from typing import Annotated

import typer

import baileykeep
from baileykeep.cli import (
    act,
    answer,
    backup,
    config_cmds,
    daemon,
    doctor,
    files,
    guard,
    init,
    look,
    offsite,
    scan,
    store,
    tell,
)
from baileykeep.cli.options import ACT, ANSWER, LOOK, PREPARE

app = typer.Typer(
    name="baileykeep",
    help="Keeps Baileys WhatsApp sessions alive: watches, decides, heals and tells.",
    epilog="Exit codes: 0 fine, 1 failed or unhealthy, 2 usage, 3 refused by a safety rule.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"baileykeep {baileykeep.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="The version.", callback=_version, is_eager=True)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from; works anywhere.")] = False,
) -> None:
    """Options of the command itself; --debug is read before the commands are."""


GROUPS = (
    (LOOK, (look.health, look.digest, look.explain, look.events)),
    (ACT, (act.reconnect, act.relink, act.reset)),
    (ANSWER, (answer.pause, answer.resume, answer.ack, answer.approve, answer.reject, answer.forget)),
    (PREPARE, (daemon.run, daemon.demo)),
)

for panel, commands in GROUPS:
    for command in commands:
        app.command(rich_help_panel=panel)(command)

files.register(app)
scan.register(app)
backup.register(app)
offsite.register(app)
store.register(app)
guard.register(app)
config_cmds.register(app)
init.register(app)
doctor.register(app)
tell.register(app)
