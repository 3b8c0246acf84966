"""`run` and `demo`: the long-running process itself."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from baileykeep.cli.installation import config_dir
from baileykeep.cli.options import Config


def run(config: Config = None) -> None:
    """The daemon: watch, decide, heal and tell until stopped."""
    from baileykeep.app import main

    raise typer.Exit(main(config_dir(config)))


def demo(
    fast: Annotated[bool, typer.Option("--fast", help="End by itself within a minute; exit 0 only if all healed.")] = (
        False
    ),
) -> None:
    """Three companies on a stand-in gateway break and are healed, live, with time compressed."""
    raise typer.Exit(import_module("baileykeep.demo").run(fast=fast) or 0)
