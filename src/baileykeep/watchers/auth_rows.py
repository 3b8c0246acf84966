"""The logins that gateways keep in databases, as the same facts that folders give.

A database tells nobody when it was written, so each gateway's tables are asked at an even pace, with one query for all
companies; a company is looked at in full only where that differs from what was seen last. A database that cannot be
asked tells nothing about any login: that is one fact of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import anyio
import anyio.to_thread
import structlog

from baileykeep.clock import Clock
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import CredsSeen, FilesSeen, FolderSeen, StoreSeen
from baileykeep.model.inventory import Inventory
from baileykeep.model.limits import DatabaseLimits
from baileykeep.watchers.base import Emit

log = structlog.get_logger(__name__)

AWAY = frozenset({"unreachable", "timed_out"})
"""Codes of a database that cannot be asked, in `stores.postgres.database`."""

TRUTH_LOOKS = 60
"""Every company is looked at in full once in so many looks, whatever the short one says."""

Glances = Mapping[str, object]
"""What each company's rows look like from afar: equal means that nothing was written. Absent: it has no row."""


class AuthRows:
    """Emits `FilesSeen` and `CredsSeen` of companies, and `StoreSeen` of their gateways.

    A company without rows is like one with an empty folder: tables are always there, so at first sight its place is
    told as present, and never as missing.

    `wanted` gives each gateway's companies with their ids in its tables; `glance` asks one gateway for all of them and
    `look` for one company in full: both block, are called in worker threads and may raise `BaileykeepError`.
    """

    def __init__(
        self,
        wanted: Callable[[], Mapping[str, Mapping[str, str]]],
        glance: Callable[[str], Glances],
        look: Callable[[str], Inventory],
        *,
        clock: Clock,
        limits: Callable[[], DatabaseLimits],
        emit: Emit,
    ):
        self._wanted = wanted
        self._glance = glance
        self._full = look
        self._clock = clock
        self._limits = limits
        self._emit = emit
        self._seen: dict[str, object] = {}
        self._creds: dict[str, object] = {}
        self._marked: set[str] = set()
        self._failing: set[str] = set()
        self._looks = 0

    async def run(self) -> None:
        """Sense until cancelled."""
        while True:
            await self.look_around()
            await self._clock.sleep(self._limits().poll_s)

    def mark(self, company: str) -> None:
        """Look at this company in full next time, whatever the short look says."""
        self._marked.add(company)

    async def look_now(self, company: str) -> None:
        """Look at this company at once; nothing where its login is no row."""
        for gateway, rows in self._wanted().items():
            if company in rows:
                self.mark(company)
                await self._ask(gateway, {company: rows[company]})

    async def look_around(self) -> None:
        """Ask every database; one that hangs keeps nobody else waiting but the next look."""
        wanted = self._wanted()
        self._looks += 1
        there = {company for rows in wanted.values() for company in rows}
        for gone in self._seen.keys() - there:
            del self._seen[gone]
        self._marked &= there
        async with anyio.create_task_group() as group:
            for gateway, rows in wanted.items():
                group.start_soon(self._ask, gateway, rows)

    async def _ask(self, gateway: str, rows: Mapping[str, str]) -> None:
        begun = self._clock.monotonic()
        try:
            glances = await anyio.to_thread.run_sync(self._glance, gateway)
            took_s = self._clock.monotonic() - begun
            for turn, (company, row) in enumerate(rows.items()):
                if self._worth_a_look(company, glances.get(row), turn):
                    await self._look_unless_sick(company, glances.get(row))
        except BaileykeepError as error:
            self._silent(gateway, error)
        else:
            self._answered(gateway, took_s)

    def _worth_a_look(self, company: str, glance: object, turn: int) -> bool:
        known = company in self._seen and self._seen[company] == glance and company not in self._marked
        return not known or (self._looks + turn) % TRUTH_LOOKS == 0

    async def _look_unless_sick(self, company: str, glance: object) -> None:
        """Rows that make no sense are that company's own trouble; a database that went away is everybody's."""
        try:
            await self._look(company, glance)
        except BaileykeepError as error:
            if error.code in AWAY:
                raise
            log.warning("auth_rows_odd", company=company, cause=error.cause)

    async def _look(self, company: str, glance: object) -> None:
        """One company in full; it is taken as seen only when that was possible."""
        at = self._clock.now()
        inventory = await anyio.to_thread.run_sync(partial(self._full, company))
        if company not in self._seen:
            self._emit(FolderSeen(at=at, company=company, present=True))
        self._emit(FilesSeen(at=at, company=company, inventory=inventory))
        if self._creds.get(company) != inventory.creds:
            self._emit(CredsSeen(at=at, company=company, creds=inventory.creds))
        self._seen[company], self._creds[company] = glance, inventory.creds
        self._marked.discard(company)

    def _answered(self, gateway: str, took_s: float) -> None:
        if gateway in self._failing:
            self._failing.discard(gateway)
            log.info("auth_rows_readable", gateway=gateway)
        self._emit(StoreSeen(at=self._clock.now(), gateway=gateway, took_s=took_s))

    def _silent(self, gateway: str, error: BaileykeepError) -> None:
        if gateway not in self._failing:
            self._failing.add(gateway)
            log.warning("auth_rows_unreadable", gateway=gateway, cause=error.cause)
        self._emit(StoreSeen(at=self._clock.now(), gateway=gateway, took_s=None))
