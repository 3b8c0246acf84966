"""Which log files are followed, and whose lines they hold; how far they were read survives a restart."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio.abc import TaskStatus

from baileykeep.app.sites import Sites
from baileykeep.clock import Clock
from baileykeep.config.schema import LogTable
from baileykeep.journal.base import Journal
from baileykeep.logs import failures, moments
from baileykeep.logs.attribution import PLACE, Attribution
from baileykeep.model import codec
from baileykeep.model.facts import LogFact
from baileykeep.model.symptoms import HOST
from baileykeep.rules.naming import session_file
from baileykeep.watchers.base import Emit
from baileykeep.watchers.log_tail import LogFile, LogTailer

log = structlog.get_logger(__name__)

LOOK_FOR_NEW_S = 0.5
CATCH_UP_S = 10.0
HELD_S = max(failures.HOLD_S, moments.HOLD_S)
"""A line that waits for others, which may tell whom or what it is about, is told after this time."""

POSITIONS, HELD = "log_positions", "log_held"
KINDS: Mapping[str, type[LogFact]] = {kind.__name__: kind for kind in LogFact.__subclasses__()}

Keep = Callable[[], Awaitable[bool]]


class LogFiles:
    """One tailer for all files of all gateways.

    `keep` stores what was concluded from the lines so far together with what `still` yields, in one transaction, and
    says whether it could. So a position never runs ahead of the conclusions (a daemon killed in between would never
    see the line again that proved a login dead), nor behind them (it would count the same failure twice). `named`
    gives a contact's address the name under which it may be remembered.
    """

    def __init__(
        self, sites: Sites, emit: Emit, clock: Clock, journal: Journal, keep: Keep, named: Callable[[str], str] = str
    ):
        self._sites = sites
        self._emit = emit
        self._clock = clock
        self._journal = journal
        self._keep = keep
        self._named = named
        self._tailer: LogTailer | None = None

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Follow until cancelled. Reports started once no line that comes from now on can be lost."""
        tailer = await self.begin()
        known = await self._kept(tailer, frozenset())
        task_status.started()
        async with anyio.create_task_group() as group:
            group.start_soon(tailer.run)
            while True:
                await self._clock.sleep(LOOK_FOR_NEW_S)
                known = await self._kept(tailer, known)

    async def begin(self) -> LogTailer:
        """Go on where reading was left. Whoever does not `run` polls the tailer as it sees fit."""
        positions = (await self._journal.recall(POSITIONS)).get(str(HOST), {})
        for fact in _facts((await self._journal.recall(HELD)).get(str(HOST), [])):
            self._emit(fact)
        self._tailer = LogTailer(self._clock, self._emit, owners=self.owners, named=self._named, positions=positions)
        self.sync()
        await self._tailer.poll()
        return self._tailer

    async def catch_up(self) -> None:
        """Tell all that the logs said until now, but give up on a log that is longer than can be read in a while."""
        if self._tailer is None:
            return
        until = self._clock.monotonic() + CATCH_UP_S
        while await self._tailer.poll() and self._clock.monotonic() < until:
            continue
        await self._clock.sleep(HELD_S)
        await self._tailer.poll()

    async def _kept(self, tailer: LogTailer, known: frozenset[str]) -> frozenset[str]:
        """Store at once where a file begins that was not followed before; returns the files that are stored."""
        found = frozenset(tailer.positions())
        return found if found == known or await self._keep() else known

    @asynccontextmanager
    async def still(self) -> AsyncIterator[Mapping[tuple[str, str], Any]]:
        """How far everything was read, to be stored with what was concluded; nothing is read meanwhile."""
        if self._tailer is None:
            yield {}
            return
        async with self._tailer.still() as place:
            held = [{"is": type(fact).__name__, **codec.encode(fact)} for fact in place.held]
            yield {(str(HOST), POSITIONS): place.positions, (str(HOST), HELD): held or None}

    def sync(self) -> None:
        """Follow what the configuration and the present companies ask for."""
        if self._tailer is not None:
            self._tailer.set_files(self._files())

    def problems(self) -> dict[str, str]:
        """Files that are there but cannot be read."""
        return self._tailer.problems() if self._tailer is not None else {}

    def _files(self) -> Iterator[LogFile]:
        for name, table in self._sites.settings.gateways.items():
            for entry in table.logs:
                yield from followed(name, entry, self._sites.companies(name))

    def owners(self, name: str, address: str) -> tuple[str, ...]:
        """The companies of a gateway whose folder holds a session with this contact device."""
        file = session_file(address)
        if file is None:
            return ()
        folders = self._sites.folders()
        mine = (ident for ident in self._sites.companies(name) if ident in folders)
        return tuple(ident for ident in mine if os.path.exists(f"{folders[ident]}/{file}"))


def followed(gateway: str, table: LogTable, companies: Sequence[str]) -> Iterator[LogFile]:
    """The files that one entry stands for, and how their lines name one of the gateway's companies."""
    if PLACE in table.path:
        for ident in companies:
            yield LogFile(Path(table.path.replace(PLACE, ident)), gateway, Attribution(company=ident))
        return
    attribution = Attribution(
        field=table.company_field,
        pattern=table.company_regex,
        company=companies[0] if len(companies) == 1 else None,
        id_template=table.company_template,
    )
    yield LogFile(Path(table.path), gateway, attribution)


def _facts(stored: list[Mapping[str, Any]]) -> Iterator[LogFact]:
    """What an earlier daemon had read and not told yet; what this version cannot read is left out."""
    for value in stored:
        kind = KINDS.get(str(value.get("is")))
        try:
            if kind is not None:
                yield codec.decode(kind, value)
        except (TypeError, ValueError, KeyError) as error:
            log.warning("held_fact_not_readable", error=repr(error))
