"""What must be done now and then, whatever happens: periodic backups, last-good creds, retention, discovery."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.to_thread
import structlog

from baileykeep.app.sites import Sites
from baileykeep.backups.good_creds import good_creds, keep_good_creds, retire_good_creds
from baileykeep.backups.vault import Vault
from baileykeep.clock import Clock
from baileykeep.engine.engine import Engine
from baileykeep.engine.executor import RELINKING
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.engine.units import CompanyUnit
from baileykeep.journal.base import Journal
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import CloseKind, CredsSeen, Fact, LogFact, PairingDone, StreamClosed
from baileykeep.model.inventory import CredsState
from baileykeep.model.overview import BackupsView
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST, company
from baileykeep.rules import creds_guard
from baileykeep.stores.base import AuthStore

log = structlog.get_logger(__name__)

LOOK_AROUND_S = 3.0
"""A new folder is a new company within seconds."""

CHORES_S = 60.0
PRUNE_S = 3600.0
NO_COPIES: BackupsView = {"count": 0, "newest_at": None, "newest_kind": None}


class Housekeeping:
    """Runs beside the engine and never decides anything."""

    def __init__(
        self,
        *,
        sites: Sites,
        engine: Engine,
        orchestrator: Orchestrator,
        journal: Journal,
        vault: Vault,
        clock: Clock,
        moved: Callable[[], None],
    ):
        self._sites = sites
        self._engine = engine
        self._orchestrator = orchestrator
        self._journal = journal
        self._vault = vault
        self._clock = clock
        self._moved = moved
        self._creds: dict[str, bool] = {}
        self._recount: set[str] = set()
        self._waiting = anyio.Event()
        self._backed_up_at: dict[str, float] = {}
        self._copies: dict[str, BackupsView] = {}
        self._pruned_at = clock.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._discover)
            group.start_soon(self._chores)
            group.start_soon(self.keep_copies)

    # --- discovery ------------------------------------------------------------------------------------------

    async def _discover(self) -> None:
        while True:
            await self.discover()
            await self._clock.sleep(LOOK_AROUND_S)

    async def discover(self) -> None:
        """Look for companies that came or went, and let everybody know."""
        try:
            if await self._sites.look_around():
                self._engine.sync()
                self._moved()
                await self._journal.remember({(str(HOST), "companies"): self._sites.known()})
        except BaileykeepError as error:
            log.warning("discovery_failed", error=error.cause)

    # --- last-good creds, and the count of copies --------------------------------------------------------

    def notice(self, fact: Fact) -> None:
        """Facts after which the last-good copy of creds is renewed or retired. Never blocks."""
        if isinstance(fact, CredsSeen) and fact.creds.state is CredsState.WHOLE and fact.creds.paired:
            self._want(fact.company, keep=True)
        elif isinstance(fact, LogFact) and fact.company is not None and _ends_login(fact):
            self._want(fact.company, keep=False)

    def recount(self, ident: str) -> None:
        """Somebody else made or removed copies of a company. Never blocks."""
        self._recount.add(ident)
        self._waiting.set()

    def _want(self, ident: str, *, keep: bool) -> None:
        self._creds[ident] = keep
        self._waiting.set()

    async def keep_copies(self) -> None:
        """Do what `notice` and `recount` asked for, until cancelled."""
        while True:
            await self._waiting.wait()
            self._waiting = anyio.Event()
            wanted, self._creds = self._creds, {}
            for ident, keep in wanted.items():
                await anyio.to_thread.run_sync(self._copy, ident, keep)
            while self._recount:
                await self.count_copies(self._recount.pop())

    def _copy(self, ident: str, keep: bool) -> None:
        try:
            store = self._sites.store(ident)
            if store is None:
                return
            if not keep:
                retire_good_creds(self._vault, ident)
            elif self._worth_a_copy(ident, store):
                keep_good_creds(self._vault, store, self._clock.now())
        except BaileykeepError as error:
            log.warning("creds_not_copied", company=ident, error=error.cause)

    def _worth_a_copy(self, ident: str, store: AuthStore) -> bool:
        """Whether the guard's rules would follow the creds that lie there now."""
        unit = self._engine.unit(company(ident))
        if unit is None:
            return False
        running = self._orchestrator.running.get(company(ident))
        relink = running is not None and running.attempt.rung in RELINKING
        history = creds_guard.history_of(unit.state("creds"), relink=relink, stopped=False)
        return creds_guard.judge(good_creds(self._vault, ident), store.creds(), history).take_copy

    # --- backups and retention ------------------------------------------------------------------------------

    async def _chores(self) -> None:
        while True:
            await self._clock.sleep(CHORES_S)
            await self.back_up_due()
            await self.prune_due()

    async def back_up_due(self) -> None:
        """A hot backup of every company whose last one is old enough, whose folder is paired and changed since."""
        for ident in self._sites.companies():
            every_s = self._sites.settings.limits_for(ident).backups.every_s
            last = self._backed_up_at.get(ident)
            if last is not None and self._clock.monotonic() - last < every_s:
                continue
            self._backed_up_at[ident] = self._clock.monotonic()
            if company(ident) not in self._orchestrator.running and self._is_paired(ident):
                await self._back_up(ident, every_s, first=last is None)
            self.recount(ident)

    def _is_paired(self, ident: str) -> bool:
        unit = self._engine.unit(company(ident))
        inventory = unit.inventory if isinstance(unit, CompanyUnit) else None
        return inventory is not None and inventory.creds.paired

    async def _back_up(self, ident: str, every_s: float, *, first: bool) -> None:
        try:
            name = await anyio.to_thread.run_sync(self._hot, ident, every_s if first else 0.0)
        except BaileykeepError as error:
            log.warning("periodic_backup_failed", company=ident, error=error.cause)
            return
        if name is not None:
            entry = Entry(self._clock.now(), EntryKind.BACKUP, company(ident), data={"backup": name, "text": name})
            await self._write(entry)

    def _hot(self, ident: str, not_younger_s: float) -> str | None:
        """One hot backup; None when the newest is young enough or nothing changed since."""
        store, now = self._sites.store(ident), self._clock.now()
        if store is None or not store.exists():
            return None
        newest = self._vault.newest(ident, now=now)
        if newest is not None and now - newest.created_at < not_younger_s:
            return None
        if self._vault.unchanged_since_last(store, now):
            return None
        return self._vault.create(store, BackupKind.HOT, now).name

    def copies(self, ident: str) -> BackupsView:
        """What was last known of a company's backups; counted again at every change and chore."""
        return self._copies.get(ident, NO_COPIES)

    async def count_copies(self, ident: str) -> None:
        """Look at the backups of a company again."""
        self._copies[ident] = await anyio.to_thread.run_sync(self._count_copies, ident)

    def _count_copies(self, ident: str) -> BackupsView:
        backups = [b for b in self._vault.list(ident) if b.kind is not BackupKind.ASIDE]
        newest = backups[-1] if backups else None
        return {
            "count": len(backups),
            "newest_at": newest.created_at if newest else None,
            "newest_kind": newest.kind.value if newest else None,
        }

    async def prune_due(self) -> None:
        """Forget old history once an hour."""
        if self._clock.monotonic() - self._pruned_at < PRUNE_S:
            return
        self._pruned_at = self._clock.monotonic()
        table = self._sites.settings.installation.journal
        try:
            await self._journal.prune(before=self._clock.now() - table.keep, max_bytes=table.max_mb << 20)
        except BaileykeepError as error:
            log.warning("journal_not_pruned", error=error.cause)

    async def _write(self, entry: Entry) -> None:
        try:
            await self._journal.write((entry,))
        except BaileykeepError as error:
            log.warning("backup_not_journaled", error=error.cause)


def _ends_login(fact: LogFact) -> bool:
    removed = isinstance(fact, StreamClosed) and fact.kind in (CloseKind.DEVICE_REMOVED, CloseKind.LOGGED_OUT)
    return removed or isinstance(fact, PairingDone)
