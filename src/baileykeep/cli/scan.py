"""`baileykeep scan`: one pass over log files, without a daemon and without changing anything."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baileykeep.cli.options import LOOK, Json
from baileykeep.cli.output import emit
from baileykeep.cli.words import plain
from baileykeep.model.errors import BaileykeepError, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from baileykeep.logs.attribution import Attribution
    from baileykeep.logs.scan import Counts, Report

STDIN = "-"
PROGRESS_FROM_BYTES = 64 * 1024 * 1024
SHOWN_CONTACTS = 10

LABELS = {
    "decrypt_failures": "messages that could not be decrypted",
    "bad_mac": "of these, Bad MAC",
    "duplicates": "duplicates (harmless)",
    "device_removed": "device removed: login dead, needs a QR",
    "logged_out": "logged out (401)",
    "replaced": "replaced by another process (440)",
    "restart_required": "restart required (515, normal after pairing)",
    "qr_ended": "QR codes that nobody scanned",
    "connect_errors": "WhatsApp could not be reached",
    "drops": "other drops of the connection",
    "stale_session": "stale sessions closed",
    "waiting_for_message": "contacts waiting for a message",
    "renegotiations": "sessions renegotiated (normal)",
    "opened": "connections opened",
    "qr_shown": "QR codes shown",
    "paired": "pairings",
    "pre_key_uploads": "uploads of pre-keys",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=LOOK)(scan)


def scan(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Log files, .gz too; - is standard input.")],
    json: Json = False,
    show_contacts: Annotated[bool, typer.Option("--show-contacts", help="Show session addresses in full.")] = False,
    company_field: Annotated[
        str | None, typer.Option(metavar="PATH", help="JSON field that names the company, such as tenant.id.")
    ] = None,
    company_regex: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Expression with a group (?P<company>...).")
    ] = None,
    id_template: Annotated[
        str, typer.Option(metavar="TEMPLATE", help="How ids stand in the log, such as company_{company}.")
    ] = "{company}",
) -> None:
    """Count what gateway logs tell, each event once. The FILEs are the streams of one gateway."""
    from baileykeep.logs.attribution import Attribution

    report = _scan(files, Attribution(company_field, company_regex, id_template=id_template))
    emit(answer_of(report, show_contacts=show_contacts), json, _draw)


def answer_of(report: Report, *, show_contacts: bool) -> dict[str, Any]:
    """The report as plain JSON values; contacts are masked unless asked for."""
    return {
        "lines": report.lines,
        **_counts(report.total, show_contacts),
        "companies": {company: _counts(counts, show_contacts) for company, counts in report.companies.items()},
    }


def _counts(counts: Counts, show_contacts: bool) -> dict[str, Any]:
    from baileykeep.logs.scan import COUNTS
    from baileykeep.rules.masking import mask_address

    contacts = sorted(counts.contacts.items(), key=lambda item: (-item[1], item[0]))
    return {
        **{name: counts.numbers[name] for name in COUNTS},
        "codes": {str(code): count for code, count in sorted(counts.codes.items())},
        "pre_keys_on_server": counts.pre_keys_on_server,
        "contacts": [
            {"address": address if show_contacts else mask_address(address), "failures": failures}
            for address, failures in contacts
        ],
    }


def _scan(files: Sequence[str], attribution: Attribution) -> Report:
    from baileykeep.logs.scan import Scanner, chunks_of, opened

    for name in files:
        _check(name)
    scanner = Scanner(attribution)
    with _progress(files) as told:
        for name in files:
            try:
                if name == STDIN:
                    scanner.read(chunks_of(sys.stdin.buffer, told))
                else:
                    with opened(Path(name)) as stream:
                        scanner.read(chunks_of(stream, told))
            except (OSError, EOFError, zlib.error) as error:
                why = getattr(error, "strerror", None) or error
                raise BaileykeepError(f"cannot read {name}: {why}", code="unreadable") from error
    return scanner.report()


def _check(name: str) -> None:
    path = Path(name)
    if name == STDIN:
        return
    if not path.exists():
        raise UsageError(f"there is no file {name}", next_step="name log files, or - for standard input")
    if path.is_dir():
        raise UsageError(f"{name} is a folder", next_step=f"name the log files in it, such as {name.rstrip('/')}/*.log")


@contextmanager
def _progress(files: Sequence[str]) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error, for people who wait for big files."""
    packed = any(name == STDIN or name.endswith(".gz") for name in files)
    total = 0 if packed else sum(Path(name).stat().st_size for name in files)
    if total < PROGRESS_FROM_BYTES or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda size: progress.advance(task, size)


def _draw(answer: dict[str, Any]) -> RenderableType:
    from rich.console import Group

    parts: list[RenderableType] = [f"{answer['lines']:,} lines", "", _table(answer)]
    if answer["contacts"]:
        parts += ["", _contacts(answer["contacts"])]
    if answer["companies"]:
        parts += ["", _companies(answer["companies"])]
    return Group(*parts)


def _table(answer: dict[str, Any]) -> RenderableType:
    from rich.table import Table

    found = [(label, answer[name]) for name, label in LABELS.items() if answer[name]]
    if not found:
        return "Nothing in these logs tells of trouble, or of a connection."
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column("count", justify="right", style="bold")
    table.add_column("what")
    for label, count in found:
        table.add_row(f"{count:,}", label)
    if answer["codes"]:
        closes = ", ".join(f"{code} × {count:,}" for code, count in answer["codes"].items())
        table.add_row("", f"closes by code: {closes}", style="dim")
    return table


def _contacts(contacts: Sequence[dict[str, Any]]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left", title="Contacts with failures")
    table.add_column("session address")
    table.add_column("failures", justify="right")
    for contact in contacts[:SHOWN_CONTACTS]:
        table.add_row(contact["address"], f"{contact['failures']:,}")
    if len(contacts) > SHOWN_CONTACTS:
        table.add_row(f"and {len(contacts) - SHOWN_CONTACTS:,} more", "", style="dim")
    return table


def _companies(companies: dict[str, dict[str, Any]]) -> RenderableType:
    from rich.table import Table

    columns = {"failures": "decrypt_failures", "Bad MAC": "bad_mac", "drops": "drops", "replaced": "replaced"}
    table = Table(box=None, pad_edge=False, title_justify="left", title="By company")
    table.add_column("company", overflow="ellipsis", no_wrap=True)
    for name in (*columns, "dead"):
        table.add_column(name, justify="right")
    for company, counts in companies.items():
        dead = counts["device_removed"] + counts["logged_out"]
        cells = [counts[name] for name in columns.values()]
        table.add_row(plain(company), *(f"{count:,}" if count else "·" for count in (*cells, dead)))
    return table
