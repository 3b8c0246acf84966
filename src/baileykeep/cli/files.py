"""`inspect` and `cleanup`: of a company through the daemon, without one by its configuration, or of a bare folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from baileykeep.app.socket_client import NoDaemon
from baileykeep.cli import files_view
from baileykeep.cli.installation import daemon
from baileykeep.cli.options import ACT, LOOK, Config, Json, NoWait
from baileykeep.cli.output import emit
from baileykeep.cli.progress import run_action
from baileykeep.cli.targets import Folder, Stopped, Target, one_of
from baileykeep.model.errors import UsageError

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only tell what would go, with a reason per file.")]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Stop the session first; allows the lower age floor and `newest`. No backup is skipped."
    ),
]
Policy = Annotated[
    str | None, typer.Option("--policy", metavar="pool|newest", help="Which pre-keys stay.", show_default=False)
]
Now = Annotated[
    str | None,
    typer.Option("--now", metavar="ISO", help="Pretend that it is then; only with --dry-run.", show_default=False),
]
Backups = Annotated[
    Path | None,
    typer.Option(
        "--backups", metavar="DIR", help="With --folder: where the backup before it goes.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add `inspect` and `cleanup` to the command line."""
    app.command(rich_help_panel=LOOK)(inspect)
    app.command(rich_help_panel=ACT)(cleanup)


def inspect(target: Target = None, folder: Folder = None, json: Json = False, config: Config = None) -> None:
    """What lies in an auth folder: by type, what counts, the level, what a cleanup would free, who is paired."""
    one_of(target, folder)
    answer = _asked(config, "inspect", {"company": target}) if target is not None else None
    if answer is None:
        raise typer.Exit(_inspect_offline(target, folder, config, json))
    emit(answer, json, files_view.inventory)


def _asked(config: Path | None, command: str, args: dict[str, Any]) -> Any:
    """The daemon's answer; None where none runs, since looking needs no daemon."""
    try:
        return daemon(config).call(command, args)
    except NoDaemon:
        return None


def _inspect_offline(company: str | None, folder: Path | None, config: Path | None, as_json: bool) -> int:
    from baileykeep.cli import offline
    from baileykeep.cli.local import find

    if folder is not None:
        return offline.inspect_folder(folder, as_json=as_json)
    local = find(config, str(company))
    return offline.inspect_folder(local.folder, as_json=as_json, known=local.known)


def cleanup(
    target: Target = None,
    folder: Folder = None,
    dry_run: DryRun = False,
    force: Force = False,
    policy: Policy = None,
    now: Now = None,
    backups: Backups = None,
    stopped: Stopped = False,
    no_wait: NoWait = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Remove old sessions, sender keys and pre-keys: after a stop that was proved and a backup that was verified."""
    one_of(target, folder)
    if now is not None and not dry_run:
        raise UsageError("--now goes with --dry-run only", next_step="leave it out: a real cleanup uses the real time")
    wish: dict[str, Any] = {"policy": policy, "force": force}
    if folder is not None:
        from baileykeep.cli import offline

        code = offline.cleanup_folder(
            folder, dry_run=dry_run, as_json=json, now=now, backups=backups, stopped=stopped, **wish
        )
        raise typer.Exit(code)
    if backups is not None:
        raise UsageError("--backups goes with --folder: a company's backups lie where the configuration says")
    if dry_run:
        raise typer.Exit(_plan(str(target), config, wish, now, json))
    raise typer.Exit(_clean(str(target), config, wish, stopped=stopped, as_json=json, wait=not no_wait))


def _plan(company: str, config: Path | None, wish: dict[str, Any], now: str | None, as_json: bool) -> int:
    answer = _asked(config, "plan", {"company": company, **_said(wish)}) if now is None else None
    if answer is not None:
        emit(answer, as_json, files_view.plan)
        return 0
    from baileykeep.cli import offline
    from baileykeep.cli.local import find

    local = find(config, company)
    return offline.cleanup_folder(local.folder, dry_run=True, as_json=as_json, now=now, known=local.known, **wish)


def _clean(company: str, config: Path | None, wish: dict[str, Any], *, stopped: bool, as_json: bool, wait: bool) -> int:
    client = daemon(config)
    if client.alive():
        _warn(client.call("company", {"company": company})["files"])
        return run_action(client, "cleanup", {"company": company, **_said(wish)}, as_json=as_json, wait=wait)
    from baileykeep.cli import offline
    from baileykeep.cli.local import changing, find

    local = find(config, company)
    with changing(local, stopped=stopped):
        return offline.cleanup_folder(
            local.folder,
            dry_run=False,
            as_json=as_json,
            backups=local.backups,
            stopped=stopped,
            known=local.known,
            **wish,
        )


def _warn(files: dict[str, Any] | None) -> None:
    from baileykeep.cli.offline import SUSPICIOUS
    from baileykeep.model.inventory import Level

    if files is not None and files["level"] == Level.EXCELLENT:
        sys.stderr.write(f"warning: {SUSPICIOUS}\n")


def _said(wish: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wish.items() if value}
