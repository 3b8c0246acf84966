"""Which log files are followed, and whose lines they hold; reading positions survive a restart."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import structlog

from baileykeep.app.sites import Sites
from baileykeep.clock import Clock
from baileykeep.config.schema import LogTable
from baileykeep.journal.base import Journal
from baileykeep.logs.attribution import PLACE, Attribution
from baileykeep.model.errors import JournalError
from baileykeep.model.symptoms import HOST
from baileykeep.rules.naming import session_file
from baileykeep.watchers.base import Emit
from baileykeep.watchers.log_tail import LogFile, LogTailer

log = structlog.get_logger(__name__)

FIRST_SAVE_S = 1.5
SAVE_EVERY_S = 10.0
POSITIONS = "log_positions"


class LogFiles:
    """One tailer for all files of all gateways.

    `keep` stores what was concluded from the lines so far, and says whether it could. A position never runs ahead of
    that: a daemon killed in between would never see the line again that proved a login dead.
    """

    def __init__(self, sites: Sites, emit: Emit, clock: Clock, journal: Journal, keep: Callable[[], Awaitable[bool]]):
        self._sites = sites
        self._emit = emit
        self._clock = clock
        self._journal = journal
        self._keep = keep
        self._tailer: LogTailer | None = None
        self._saved: Mapping[str, Any] = {}

    async def run(self) -> None:
        """Follow until cancelled."""
        self._saved = (await self._journal.recall(POSITIONS)).get(str(HOST), {})
        self._tailer = LogTailer(self._clock, self._emit, owners=self.owners, positions=self._saved)
        self.sync()
        async with anyio.create_task_group() as group:
            group.start_soon(self._tailer.run)
            group.start_soon(self._save_often)

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
                yield from self._of_table(name, entry)

    def _of_table(self, name: str, table: LogTable) -> Iterator[LogFile]:
        if PLACE in table.path:
            for ident in self._sites.companies(name):
                yield LogFile(Path(table.path.replace(PLACE, ident)), name, Attribution(company=ident))
            return
        mine = self._sites.companies(name)
        attribution = Attribution(
            field=table.company_field,
            pattern=table.company_regex,
            company=mine[0] if len(mine) == 1 else None,
            id_template=table.company_template,
        )
        yield LogFile(Path(table.path), name, attribution)

    def owners(self, name: str, address: str) -> tuple[str, ...]:
        """The companies of a gateway whose folder holds a session with this contact device."""
        file = session_file(address)
        if file is None:
            return ()
        folders = self._sites.folders()
        mine = (ident for ident in self._sites.companies(name) if ident in folders)
        return tuple(ident for ident in mine if os.path.exists(f"{folders[ident]}/{file}"))

    async def _save_often(self) -> None:
        await self._clock.sleep(FIRST_SAVE_S)
        while True:
            await self.save()
            await self._clock.sleep(SAVE_EVERY_S)

    async def save(self) -> None:
        """Remember where every file was left."""
        if self._tailer is None or self._tailer.positions() == self._saved:
            return
        positions = self._tailer.positions()
        if not await self._keep():
            return
        try:
            await self._journal.remember({(str(HOST), POSITIONS): positions})
        except JournalError as error:
            log.warning("log_positions_not_saved", error=error.cause)
        else:
            self._saved = positions
