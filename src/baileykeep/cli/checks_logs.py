"""What `doctor` says of log files: whether they can be read, and whether their lines say whose they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baileykeep.cli.checks import FAIL, OK, WARN, Check
from baileykeep.cli.words import count

if TYPE_CHECKING:
    from baileykeep.config import Settings
    from baileykeep.config.discover import Survey
    from baileykeep.config.schema import LogTable
    from baileykeep.watchers.log_tail import LogFile

SLOT = "{company}"
LATEST_BYTES = 1 << 20
"""So much of a log's end is read to see whether its lines name a company."""

ENOUGH = 5
"""Events that name nobody, with none that does, before the attribution is called wrong."""

NOBODY = "what it tells is told of the gateway alone, and repairs no company"


@dataclass(frozen=True, slots=True)
class _Told:
    """How many events at the end of a log name one of the companies, a stranger, or nobody."""

    named: int = 0
    strange: int = 0
    nobody: int = 0


def logs(settings: Settings, found: Survey) -> Iterator[Check]:
    """Every configured log file, and whether a gateway's logs tell its companies apart."""
    for name, table in settings.gateways.items():
        if not table.logs:
            yield Check(f"log of {name}", WARN, "none is configured: Bad MACs and dead logins go unseen", "add logs")
        for log in table.logs:
            yield _readable(name, str(log.path))
        companies = [ident for ident, place in found.placed.items() if place.gateway == name]
        yield from _whose(name, table.logs, companies)


def _readable(gateway: str, pattern: str) -> Check:
    """One that does not exist yet is waited for."""
    name = f"log of {gateway}"
    path = Path(pattern.partition(SLOT)[0]).parent if SLOT in pattern else Path(pattern)
    if not path.exists():
        return Check(name, WARN, f"{pattern} is not there yet; it is waited for", "is the path right?")
    if not os.access(path, os.R_OK):
        return Check(name, FAIL, f"{pattern} cannot be read", "add the daemon's user to the log's group")
    return Check(name, OK, f"{pattern} can be read")


def _whose(gateway: str, tables: Sequence[LogTable], companies: Sequence[str]) -> Iterator[Check]:
    """One company needs no attribution: every line is its own."""
    if len(companies) < 2 or not tables:
        return
    name, telling = f"log of {gateway}", [table for table in tables if _names(table)]
    if not telling:
        carried = count(len(companies), "company", "companies")
        yield Check(name, WARN, f"no line says which of {carried} it is about: {NOBODY}", "set company_field")
    for table in telling:
        if SLOT not in table.path:
            yield from _misnamed(name, table, companies)


def _names(table: LogTable) -> bool:
    return bool(table.company_field or table.company_regex or SLOT in table.path)


def _misnamed(name: str, table: LogTable, companies: Sequence[str]) -> Iterator[Check]:
    """A field that no line has, or ids of another shape: found out before the first Bad MAC is lost."""
    from baileykeep.app.log_files import followed

    (file,) = followed("", table, companies)
    told, how = _told(file, companies), table.company_field or table.company_regex
    if told.named or told.strange + told.nobody < ENOUGH:
        return
    seen = count(told.strange + told.nobody, "event")
    what = "names a company that is known here" if told.strange else f"names a company by {how}"
    next_step = "set company_template to how the log writes an id" if told.strange else "correct company_field"
    yield Check(name, WARN, f"{table.path}: none of the last {seen} {what}: {NOBODY}", next_step)


def _told(file: LogFile, companies: Iterable[str]) -> _Told:
    from baileykeep.logs.parser import LogParser

    parser, known = LogParser(file.attribution), frozenset(companies)
    try:
        with open(file.path, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - LATEST_BYTES))
            sightings = [*parser.feed(log.read(LATEST_BYTES)), *parser.finish()]
    except OSError:
        return _Told()
    named = sum(sighting.company in known for sighting in sightings)
    nobody = sum(sighting.company is None for sighting in sightings)
    return _Told(named, len(sightings) - named - nobody, nobody)
