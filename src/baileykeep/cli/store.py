"""`store export` and `store import`: a login between a database and an auth folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baileykeep.cli.installation import config_dir, daemon
from baileykeep.cli.options import ACT, Config, Json
from baileykeep.cli.output import line, print_json
from baileykeep.cli.targets import Stopped
from baileykeep.cli.words import count, plain
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BaileykeepError, Refused, UsageError

if TYPE_CHECKING:
    from baileykeep.backups.transfer import Transfer
    from baileykeep.backups.vault import Vault
    from baileykeep.cli.local import LocalCompany

group = typer.Typer(help="Logins between a database and auth folders.", no_args_is_help=True)

Words = Annotated[
    list[str], typer.Argument(metavar="[COMPANY] DIR", help="A company and its folder; with --all the folder of all.")
]
All = Annotated[bool, typer.Option("--all", help="Every company, each in a folder of its id below DIR.")]

Work = Callable[[str, Path], "Transfer"]


def register(app: typer.Typer) -> None:
    """Add the `store` group to the command line."""
    app.add_typer(group, name="store", rich_help_panel=ACT)


@group.command()
def export(
    words: Words,
    all_: All = False,
    from_backup: Annotated[
        bool, typer.Option("--from-backup", help="From the newest whole backup: needs no database.")
    ] = False,
    backup: Annotated[
        str | None, typer.Option("--backup", metavar="NAME", help="From this backup.", show_default=False)
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write a login into a new auth folder that Baileys opens without a QR. Changes nothing where it lies."""
    company, to = _words(words, everybody=all_)
    if all_ and backup is not None:
        raise UsageError("--backup names one company's backup: leave out --all")
    from_backup = from_backup or backup is not None
    work = _from_backup(config, backup) if from_backup else _live(config)
    names = [company] if company else _in_vault(config) if from_backup else _in_rows(config)
    raise typer.Exit(_each(names, to, work, everybody=all_, as_json=json, verb="exported"))


@group.command("import")
def import_(
    words: Words,
    all_: All = False,
    stopped: Stopped = False,
    replace_login: Annotated[
        bool, typer.Option("--replace-login", help="Also over another paired login, or one that was used since.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Put an auth folder's login into the database, in one go; what lies there is backed up first."""
    company, source = _words(words, everybody=all_)
    if not source.is_dir():
        raise UsageError(f"there is no folder {source}")
    if daemon(config).alive():
        raise Refused("the daemon runs here", next_step="stop it and the gateway, then try again", code="daemon_runs")
    names = [company] if company else sorted(child.name for child in source.iterdir() if child.is_dir())
    work = _into(config, stopped=stopped, replace=replace_login)
    raise typer.Exit(_each(names, source, work, everybody=all_, as_json=json, verb="imported"))


def _words(words: list[str], *, everybody: bool) -> tuple[str | None, Path]:
    if len(words) != (1 if everybody else 2):
        raise UsageError("name a COMPANY and a DIR, or --all and a DIR")
    return (None if everybody else words[0]), Path(words[-1]).absolute()


def _each(names: list[str], place: Path, work: Work, *, everybody: bool, as_json: bool, verb: str) -> int:
    """One after another; one that fails does not keep the others from theirs."""
    if everybody and not names:
        raise UsageError(
            "there is no company to carry over", next_step="`baileykeep config check` tells what was found"
        )
    if everybody and verb == "exported":
        _make(place)
    done = []
    for result in _results(names, place, work, everybody=everybody):
        done.append(result)
        if not as_json:
            line(_told(result, verb))
    if as_json:
        print_json(done if everybody else done[0])
    failed = sum(result["error"] is not None for result in done)
    if everybody and not as_json:
        line(f"{count(len(done) - failed, 'company', 'companies')} {verb}, {failed} failed")
    return 1 if failed else 0


def _make(place: Path) -> None:
    from baileykeep.fsys import Fsys

    try:
        Fsys().make_folder(place)
    except OSError as error:
        raise UsageError(f"{place} cannot be made: {error.strerror or error}") from error


def _results(names: list[str], place: Path, work: Work, *, everybody: bool) -> Iterator[dict[str, Any]]:
    for name in names:
        folder = place / name if everybody else place
        result: dict[str, Any] = {"company": name, "folder": str(folder), "error": None}
        try:
            moved = work(name, folder)
            result |= {"files": moved.files, "left": len(moved.left), "backup": moved.backup}
        except BaileykeepError as error:
            if not everybody:
                raise
            result["error"] = str(error)
        yield result


def _told(result: dict[str, Any], verb: str) -> str:
    if result["error"] is not None:
        return f"{plain(result['company'])}: {plain(result['error'])}"
    left = f", {result['left']} left behind" if result["left"] else ""
    copy = f", backup {result['backup']}" if result["backup"] else ""
    return f"{plain(result['company'])}: {result['files']} files {verb}, {plain(result['folder'])}{left}{copy}"


def _live(config: Path | None) -> Work:
    from baileykeep.backups.transfer import export as carry
    from baileykeep.cli.local import find
    from baileykeep.cli.offline import open_store

    def work(company: str, to: Path) -> Transfer:
        local = find(config, company)
        return carry(_vault(local.backups), open_store(local.folder, local.known), to, SystemClock().now())

    return work


def _from_backup(config: Path | None, name: str | None) -> Work:
    from baileykeep.backups.transfer import export_backup

    vault = _vault(_backups_dir(config))

    def work(company: str, to: Path) -> Transfer:
        return export_backup(vault, company, name, to, SystemClock().now())

    return work


def _into(config: Path | None, *, stopped: bool, replace: bool) -> Work:
    from baileykeep.backups.transfer import bring_in
    from baileykeep.cli.local import changing
    from baileykeep.cli.offline import open_store, open_vault, prove_quiet
    from baileykeep.stores.files import FileStore

    def work(company: str, source: Path) -> Transfer:
        local = _with_rows(config, company)
        with changing(local, stopped=stopped):
            store, clock = open_store(None, local.known), SystemClock()
            vault = open_vault(local.backups, store, local.known)
            with vault.acting(store):
                prove_quiet(store, clock)
                return bring_in(vault, store, FileStore(company, source), clock.now(), replace=replace)

    return work


def _with_rows(config: Path | None, company: str) -> LocalCompany:
    from baileykeep.cli.local import find

    local = find(config, company)
    if local.known.rows is None:
        raise UsageError(
            f"company {company} keeps its login in a folder", next_step="`baileykeep backup restore` works on folders"
        )
    return local


def _in_rows(config: Path | None) -> list[str]:
    from baileykeep.cli.local import everybody

    return [local.id for local in everybody(config).values() if local.known.rows is not None]


def _in_vault(config: Path | None) -> list[str]:
    """Whoever has a backup, but for those whose login lies in a folder: a lost database lists nobody."""
    from baileykeep.cli.local import everybody

    in_folders = {local.id for local in everybody(config).values() if local.known.rows is None}
    return sorted(set(_vault(_backups_dir(config)).shelf.companies()) - in_folders)


def _backups_dir(config: Path | None) -> Path:
    from baileykeep.config import load_partial

    return load_partial(config_dir(config))[0].installation.backups_dir


def _vault(root: Path) -> Vault:
    from baileykeep.backups.vault import Vault

    return Vault(root)
