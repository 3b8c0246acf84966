"""What a command works on: a company (through the daemon, or by its configuration) or a bare folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baileykeep.model.errors import UsageError

Target = Annotated[
    str | None, typer.Argument(metavar="[COMPANY]", help="A company's id; or use --folder.", show_default=False)
]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="PATH", help="An auth folder; needs no configuration.", show_default=False),
]
Stopped = Annotated[
    bool, typer.Option("--stopped", help="Your word that nothing runs on it; only for work without the daemon.")
]


def one_of(company: str | None, folder: Path | None) -> None:
    """Raise `UsageError` unless exactly one is given, and the folder is one."""
    if (company is None) == (folder is None):
        raise UsageError("name a COMPANY or a --folder, and not both")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
