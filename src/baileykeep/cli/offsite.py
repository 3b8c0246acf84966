"""`offsite list|push|verify|fetch|keygen`: copies off this host, with or without a daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baileykeep.cli.options import ACT, Company, Config, Json, MaybeCompany

group = typer.Typer(help="Copies off this host: send, look, check, bring home.", no_args_is_help=True)

KEEP_IT = "the file with the private key that opens copies"
Identity = Annotated[Path, typer.Option("--identity", metavar="FILE", help=f"{KEEP_IT[0].upper()}{KEEP_IT[1:]}.")]
MaybeIdentity = Annotated[
    Path | None,
    typer.Option("--identity", metavar="FILE", help=f"Open every copy with {KEEP_IT}.", show_default=False),
]
Name = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="Which copy; the newest paired login when left out.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the `offsite` group to the command line."""
    app.add_typer(group, name="offsite", rich_help_panel=ACT)


@group.command("list")
def list_copies(target: MaybeCompany = None, json: Json = False, config: Config = None) -> None:
    """What lies off this host: of one company by its entries, of all by their names."""
    from baileykeep.cli import offsite_work

    raise typer.Exit(offsite_work.show(config, target, as_json=json))


@group.command()
def push(target: MaybeCompany = None, json: Json = False, config: Config = None) -> None:
    """Send now what is missing there, read it back, and let go what retention no longer keeps."""
    from baileykeep.cli import offsite_work

    raise typer.Exit(offsite_work.push(config, target, as_json=json))


@group.command()
def verify(
    target: MaybeCompany = None, identity: MaybeIdentity = None, json: Json = False, config: Config = None
) -> None:
    """Read every copy there and check its hash; with the identity open it and check every file in it."""
    from baileykeep.cli import offsite_work

    raise typer.Exit(offsite_work.verify(config, target, identity, as_json=json))


@group.command()
def fetch(target: Company, identity: Identity, name: Name = None, json: Json = False, config: Config = None) -> None:
    """Bring a copy home as a backup that `backup restore` puts back, on this host or on a new one."""
    from baileykeep.cli import offsite_work

    raise typer.Exit(offsite_work.fetch(config, target, name, identity, as_json=json))


@group.command()
def keygen(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key is written; it must be new.")],
    json: Json = False,
) -> None:
    """Make a key: the private half into FILE (0600), the public one on standard output, for `recipients`."""
    from baileykeep.cli import offsite_keys

    raise typer.Exit(offsite_keys.keygen(to, as_json=json))
