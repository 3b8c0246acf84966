"""`backup create|list|verify|restore|all`: of a company, or of a bare folder with --folder and --to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baileykeep.cli.installation import daemon
from baileykeep.cli.options import ACT, Config, Json, NoWait
from baileykeep.cli.output import line, print_json
from baileykeep.cli.progress import run_action
from baileykeep.cli.targets import Folder, Stopped, Target, one_of
from baileykeep.cli.words import count, plain
from baileykeep.model.errors import BaileykeepError, UsageError

if TYPE_CHECKING:
    from baileykeep.cli.local import LocalCompany
    from baileykeep.cli.offline import Known

MODES = ("identity", "full")
group = typer.Typer(help="Copies of logins: take, list, check, put back.", no_args_is_help=True)

To = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", help="With --folder: where its backups lie.", show_default=False)
]
Name = Annotated[
    str | None,
    typer.Option("--backup", metavar="NAME", help="Which one; the newest when left out.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the `backup` group to the command line."""
    app.add_typer(group, name="backup", rich_help_panel=ACT)


@group.command()
def create(
    target: Target = None,
    folder: Folder = None,
    to: To = None,
    stopped: Stopped = False,
    no_wait: NoWait = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Take a backup now, read it back and check every hash. Does not stop the session."""
    _checked(target, folder, to)
    if target is not None and daemon(config).alive():
        raise typer.Exit(run_action(daemon(config), "backup", {"company": target}, as_json=json, wait=not no_wait))
    from baileykeep.cli import offline_backup

    place, root, known = _place(target, folder, to, config)
    raise typer.Exit(offline_backup.create(place, root, as_json=json, stopped=stopped, known=known))


@group.command("list")
def list_backups(
    target: Target = None, folder: Folder = None, to: To = None, json: Json = False, config: Config = None
) -> None:
    """All backups of a company or folder, oldest first."""
    _checked(target, folder, to)
    from baileykeep.cli import offline_backup

    place, root, known = _place(target, folder, to, config)
    raise typer.Exit(offline_backup.show(place, root, as_json=json, known=known))


@group.command()
def verify(
    target: Target = None,
    folder: Folder = None,
    to: To = None,
    backup: Name = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Re-read a backup and check every hash in it."""
    _checked(target, folder, to)
    from baileykeep.cli import offline_backup

    place, root, known = _place(target, folder, to, config)
    raise typer.Exit(offline_backup.verify(place, root, backup, as_json=json, known=known))


@group.command()
def restore(
    target: Target = None,
    folder: Folder = None,
    to: To = None,
    backup: Name = None,
    mode: Annotated[
        str,
        typer.Option("--mode", metavar="identity|full", help="full: sessions too, and only if it never opened since."),
    ] = "identity",
    stopped: Stopped = False,
    no_wait: NoWait = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Put a backup back; what lies there is backed up first."""
    _checked(target, folder, to)
    if mode not in MODES:
        raise UsageError(f"--mode is identity or full, not {mode!r}")
    if target is not None and daemon(config).alive():
        args = {"company": target, "mode": mode, **({"backup": backup} if backup else {})}
        raise typer.Exit(run_action(daemon(config), "restore", args, as_json=json, wait=not no_wait))
    from baileykeep.cli import offline_backup

    place, root, known = _place(target, folder, to, config)
    with _alone(target, config):
        raise typer.Exit(
            offline_backup.bring_back(place, root, backup, mode, as_json=json, stopped=stopped, known=known)
        )


@group.command("all")
def all_companies(json: Json = False, config: Config = None) -> None:
    """Take a backup of every company, one after another; one that fails does not keep the others from theirs."""
    results = _all_by_daemon(config) if daemon(config).alive() else _all_offline(config)
    done: list[dict[str, Any]] = []
    for result in results:
        done.append(result)
        if not json:
            line(f"{plain(result['company'])}: {plain(result['error'] or 'backed up')}")
    failed = [result for result in done if result["error"]]
    if json:
        print_json(done)
    else:
        line(f"{count(len(done) - len(failed), 'company', 'companies')} backed up, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)


def _all_by_daemon(config: Path | None) -> Iterator[dict[str, Any]]:
    from baileykeep.cli.progress import wait_for

    client = daemon(config)
    for view in client.call("overview")["companies"]:
        result: dict[str, Any] = {"company": view["id"], "error": None}
        try:
            ended = wait_for(client, client.call("backup", {"company": view["id"]})["action"])
            if ended["outcome"] not in ("done", "healed"):
                result["error"] = ended["note"] or str(ended["outcome"])
        except BaileykeepError as error:
            result["error"] = error.cause
        yield result


def _all_offline(config: Path | None) -> Iterator[dict[str, Any]]:
    from baileykeep.cli.local import everybody
    from baileykeep.cli.offline_backup import take

    for local in everybody(config).values():
        result: dict[str, Any] = {"company": local.id, "error": None}
        try:
            result["name"] = take(local.folder, local.backups, local.known).name
        except BaileykeepError as error:
            result["error"] = error.cause
        yield result


def _checked(company: str | None, folder: Path | None, to: Path | None) -> None:
    one_of(company, folder)
    if folder is not None and to is None:
        raise UsageError("--folder needs --to DIR: where its backups lie")
    if company is not None and to is not None:
        raise UsageError("--to goes with --folder: a company's backups lie where the configuration says")


def _place(
    company: str | None, folder: Path | None, to: Path | None, config: Path | None
) -> tuple[Path | None, Path, Known]:
    """(auth folder, backups, what is known); no folder where the login lies in a database."""
    from baileykeep.cli.offline import BARE

    if folder is not None and to is not None:
        return folder, to, BARE
    local = _local(company, config)
    return local.folder, local.backups, local.known


def _local(company: str | None, config: Path | None) -> LocalCompany:
    from baileykeep.cli.local import find

    return find(config, str(company))


@contextmanager
def _alone(company: str | None, config: Path | None) -> Iterator[None]:
    from baileykeep.app.locks import offline_lock

    with offline_lock(_local(company, config).state_dir) if company else nullcontext():
        yield
