"""What must be done now and then, whatever happens: periodic backups, last-good creds, retention, discovery."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import anyio
import anyio.to_thread
import structlog

from baileykeep.app.sites import Sites
from baileykeep.backups.good_creds import doubt_good_creds, good_creds, keep_good_creds, retire_good_creds
from baileykeep.backups.vault import Vault
from baileykeep.clock import Clock
from baileykeep.engine.engine import Engine
from baileykeep.engine.executor import RELINKING
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.engine.units import CompanyUnit
from baileykeep.journal.base import Journal
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    CredsSeen,
    Fact,
    PairingDone,
    QrShown,
    StreamClosed,
)
from baileykeep.model.inventory import Creds, CredsState
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


class Wish(StrEnum):
    """What is to become of the last-good copy. REPLACE: a pairing was finished, an older one goes."""

    KEEP = "keep"
    DOUBT = "doubt"
    REPLACE = "replace"
    RETIRE = "retire"


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
        self._creds: dict[tuple[str, Wish], None] = {}
        self._doubted: set[str] = set()
        self._recount: set[str] = set()
        self._waiting = anyio.Event()
        self._backed_up: dict[str, tuple[float, str | None]] = {}
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
        """Facts after which the last-good copy of creds is renewed, doubted or retired. Never blocks."""
        wish = _wish_of(fact)
        ident = getattr(fact, "company", None)
        if wish is None or ident is None or (wish is Wish.DOUBT and ident in self._doubted):
            return
        self._doubted.discard(ident)
        if wish is Wish.DOUBT:
            self._doubted.add(ident)
        self._creds.pop((ident, wish), None)
        self._creds[ident, wish] = None
        self._waiting.set()

    def recount(self, ident: str) -> None:
        """Somebody else made or removed copies of a company. Never blocks."""
        self._recount.add(ident)
        self._waiting.set()

    async def keep_copies(self) -> None:
        """Do what `notice` and `recount` asked for, until cancelled."""
        while True:
            await self._waiting.wait()
            self._waiting = anyio.Event()
            wanted, self._creds = self._creds, {}
            for ident, wish in wanted:
                await anyio.to_thread.run_sync(self._copy, ident, wish)
            while self._recount:
                await self.count_copies(self._recount.pop())

    def _copy(self, ident: str, wish: Wish) -> None:
        try:
            store = self._sites.store(ident)
            if store is None:
                return
            if wish is Wish.RETIRE or (wish is Wish.REPLACE and not self._is_copied(ident, store)):
                retire_good_creds(self._vault, ident)
            elif wish is Wish.DOUBT:
                doubt_good_creds(self._vault, ident, qr=True)
            elif wish is Wish.KEEP and (judged := self._worth_a_copy(ident, store)) is not None:
                keep_good_creds(self._vault, store, self._clock.now(), judged=judged)
        except BaileykeepError as error:
            log.warning("creds_not_copied", company=ident, error=error.cause)

    def _is_copied(self, ident: str, store: AuthStore) -> bool:
        """Whether the copy is of the login that lies there: of a pairing it was taken before the log told of it."""
        copy = good_creds(self._vault, ident)
        return copy is not None and copy.identity == store.creds().identity

    def _worth_a_copy(self, ident: str, store: AuthStore) -> str | None:
        """The identity of the creds that lie there now, if the guard's rules would follow them."""
        unit = self._engine.unit(company(ident))
        if unit is None:
            return None
        running = self._orchestrator.running.get(company(ident))
        relink = running is not None and running.attempt.rung in RELINKING
        history = creds_guard.history_of(unit.state("creds"), relink=relink, stopped=False)
        creds = store.creds()
        return creds.identity if creds_guard.judge(good_creds(self._vault, ident), creds, history).take_copy else None

    # --- backups and retention ------------------------------------------------------------------------------

    async def _chores(self) -> None:
        while True:
            await self._clock.sleep(chores_pause_s(self._every_s(ident) for ident in self._sites.companies()))
            await self.back_up_due()
            await self.prune_due()

    def _every_s(self, ident: str) -> float:
        return self._sites.settings.limits_for(ident).backups.every_s

    async def back_up_due(self) -> None:
        """A hot backup of every company whose last one is old enough, or of another login than the one that lies there.

        Left out are folders that are not paired, or did not change since.
        """
        for ident in self._sites.companies():
            every_s = self._every_s(ident)
            now, creds = self._clock.monotonic(), self._creds_of(ident)
            at, identity = self._backed_up.get(ident, (None, None))
            anew = creds is not None and creds.identity != identity
            if at is not None and now - at < every_s and not anew:
                continue
            if company(ident) not in self._orchestrator.running and creds is not None and creds.paired:
                self._backed_up[ident] = (now, creds.identity)
                await self._back_up(ident, every_s, first=at is None)
            self.recount(ident)

    def _creds_of(self, ident: str) -> Creds | None:
        unit = self._engine.unit(company(ident))
        inventory = unit.inventory if isinstance(unit, CompanyUnit) else None
        return inventory.creds if inventory is not None else None

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
        same = newest is not None and newest.identity == store.creds().identity
        if newest is not None and same and now - newest.created_at < not_younger_s:
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


def chores_pause_s(every_s: Iterable[float]) -> float:
    """Between two rounds: a minute, or less where copies are wanted more often than that."""
    return min((CHORES_S, *every_s))


def _wish_of(fact: Fact) -> Wish | None:
    match fact:
        case CredsSeen(creds=creds):
            return Wish.KEEP if creds.state is CredsState.WHOLE and creds.paired else None
        case StreamClosed(kind=CloseKind.DEVICE_REMOVED | CloseKind.LOGGED_OUT):
            return Wish.RETIRE
        case PairingDone():
            return Wish.REPLACE
        case QrShown() | ConnectionSeen(has_qr=True) | ConnectionSeen(state=ConnState.WAITING_QR):
            return Wish.DOUBT
    return None
