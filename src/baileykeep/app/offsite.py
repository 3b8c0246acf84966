"""Sends copies off this host beside the daemon's work, and knows what is still missing there. It decides nothing else.

The look at what is missing needs the vault alone, so it goes on, and somebody is told, while the place hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread
import structlog

from baileykeep.app.sites import Sites
from baileykeep.backups.offsite.base import Place, Target
from baileykeep.backups.offsite.disks import on_one_disk
from baileykeep.backups.offsite.find import target
from baileykeep.backups.offsite.ledger import key_of
from baileykeep.backups.offsite.sending import Sender, Terms
from baileykeep.backups.offsite.survey import Survey
from baileykeep.backups.vault import Vault
from baileykeep.bus import Bus
from baileykeep.clock import Clock
from baileykeep.config.offsite_tables import OffsiteTable
from baileykeep.engine.engine import Engine
from baileykeep.model.errors import BackupError, BaileykeepError, OffsiteError, Refused
from baileykeep.model.limits import HOUR
from baileykeep.model.offsite import Away
from baileykeep.model.overview import CopiesView
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind
from baileykeep.rules import offsite as rules
from baileykeep.rules.words import duration

log = structlog.get_logger(__name__)

LOOK_S = 60.0
COMPARE_S = 6 * HOUR
"""So often what lies on the far side is held against the ledger, also when nothing is to be sent."""

LONGEST_PAUSE_S = HOUR
ONE_DISK = "No copy leaves this disk: the backups lie on the same one as the logins (docs/offsite.md)."
SHOWN = 3
HANGS_S = HOUR
"""A first round may have very many copies to send; a place that hangs takes longer."""

MakeTarget = Callable[[Place, Path], Target]


def place_of(table: OffsiteTable) -> Place:
    """The configured place; `to` must be given."""
    return Place(
        to=table.to or "",
        endpoint=table.endpoint,
        region=table.region,
        key_id=table.access_key_id,
        secret=table.secret.get_secret_value() if table.secret is not None else None,
        allow_http=table.allow_http or (table.endpoint or "").startswith("http:"),
        same_disk=table.same_disk,
        timeout_s=table.timeout,
    )


def terms_of(table: OffsiteTable, now: Callable[[], float]) -> Terms:
    """How to send by this table."""
    keep = None if table.retention == "keep" else table.retention
    return Terms(key_of(place_of(table)), table.recipients, keep, now)


@dataclass(slots=True)
class _Round:
    """One attempt at everything that is missing. `failed` says why it ended early; `troubles` are by company."""

    begun_at: float
    table: OffsiteTable
    troubles: dict[str, str] = field(default_factory=dict)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class _Alert:
    """What a human should hear, and of which kind it is: of the same kind it is told once."""

    kind: str = ""
    text: str = ""
    severity: Severity = Severity.WARNING


class Offsite:
    """Runs beside the engine."""

    def __init__(
        self, sites: Sites, engine: Engine, vault: Vault, bus: Bus, clock: Clock, make_target: MakeTarget = target
    ):
        self._sites = sites
        self._engine = engine
        self._vault = vault
        self._bus = bus
        self._clock = clock
        self._make_target = make_target
        self._survey = Survey(vault)
        self._looking = anyio.Lock()
        self._away: dict[str, Away] = {}
        self._running: _Round | None = None
        self._last: _Round | None = None
        self._failures = 0
        self._next_at = 0.0
        self._compared_at: float | None = None
        self._one_disk = False
        self._ending = False
        self._told = ""

    @property
    def table(self) -> OffsiteTable:
        """What is configured now."""
        return self._sites.settings.installation.offsite

    def away(self, company: str) -> Away:
        """What was last known of a company."""
        return self._away.get(company, Away())

    def view(self) -> CopiesView:
        """How it stands, for `health` and the metrics."""
        waiting = [away for away in self._away.values() if away.waiting]
        return {
            "to": self.table.to,
            "waiting": len(waiting),
            "waiting_since": min((a.waiting_since for a in waiting if a.waiting_since is not None), default=None),
            "problem": self._reason() if self.table.to else ONE_DISK if self._one_disk else None,
        }

    # --- looking ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with anyio.create_task_group() as group:
                while True:
                    await self.look()
                    if self._due():
                        group.start_soon(self.send)
                    await self._clock.sleep(min(LOOK_S, self.table.every))
        finally:
            self._ending = True

    async def look(self) -> None:
        """See what is missing, and raise or end the alert."""
        table, now = self.table, self._clock.now()
        if self._last is not None and self._last.table != table:
            self._last, self._failures, self._next_at, self._compared_at = None, 0, 0.0, None
        async with self._looking:
            self._away, self._one_disk = await anyio.to_thread.run_sync(self._seen, table, now)
        self._judge(now)

    def _seen(self, table: OffsiteTable, now: float) -> tuple[dict[str, Away], bool]:
        if table.to is None:
            installation, folders = self._sites.settings.installation, self._sites.folders().values()
            return {}, on_one_disk(installation.backups_dir, folders)
        terms = terms_of(table, self._clock.now)
        found = {}
        for company in self._companies():
            try:
                found[company] = self._survey.of(company, terms.place_key, terms.keep, now)
            except BaileykeepError as error:
                log.warning("offsite_not_surveyed", company=company, error=error.cause)
        return found, False

    def _companies(self) -> list[str]:
        """Those that are watched and any other whose copies lie here: they are logins, too."""
        return sorted({*self._sites.companies(), *self._vault.shelf.companies()})

    def _due(self) -> bool:
        if self.table.to is None or self._running is not None:
            return False
        now = self._clock.monotonic()
        troubled = self._last is not None and bool(self._last.troubles)
        waiting = troubled or any(away.waiting for away in self._away.values())
        compare = self._compared_at is None or now - self._compared_at >= COMPARE_S
        return now >= self._next_at and (waiting or compare)

    # --- sending ----------------------------------------------------------------------------------------------

    async def send(self) -> None:
        """One round, in a thread of its own: whatever hangs there holds up nothing here."""
        table = self.table
        self._running = this = _Round(self._clock.now(), table)
        await anyio.to_thread.run_sync(self._send_all, this, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
        self._running, self._last = None, this
        self._failures = self._failures + 1 if this.failed else 0
        pause_s = min(table.every * 2 ** min(self._failures, 20), max(LONGEST_PAUSE_S, table.every))
        self._next_at = self._clock.monotonic() + pause_s
        if not this.failed:
            self._compared_at = self._clock.monotonic()
        await self.look()

    def _send_all(self, this: _Round) -> None:
        terms = replace(terms_of(this.table, self._clock.now), ending=lambda: self._ending, told=_log)
        try:
            backups_dir = self._sites.settings.installation.backups_dir
            sender = Sender(self._vault, self._make_target(place_of(this.table), backups_dir), terms)
            for company in self._in_order():
                if self._ending:
                    return
                for text in self._troubles_of(sender, company):
                    this.troubles[company] = text
        except BaileykeepError as error:
            this.failed = error.cause
            log.warning("offsite_round_failed", error=error.cause, next_step=error.next_step)

    def _troubles_of(self, sender: Sender, company: str) -> list[str]:
        """Send what is missing. A place of no use ends the round; what is wrong here with one company does not."""
        try:
            return sender.send(company).troubles
        except Refused:
            return []
        except OffsiteError:
            raise
        except BackupError as error:
            return [error.cause]

    def _in_order(self) -> list[str]:
        """Whoever waits longest comes first: a round that ends early begins with them the next time."""
        since = {company: self.away(company).waiting_since or float("inf") for company in self._companies()}
        return sorted(since, key=lambda company: (since[company], company))

    # --- telling ----------------------------------------------------------------------------------------------

    def _judge(self, now: float) -> None:
        """One alert, told again only when it is about something else. Before the first round nothing is known."""
        alert, unit = self._alert(now), self._engine.unit(HOST)
        unsure = not alert.kind and self.table.to is not None and self._last is None
        if unit is None or unsure or (bool(alert.kind), alert.kind) == (self._is_told(), self._told):
            return
        if alert.kind or self._is_told():
            detail = {"what": alert.text or None}
            symptom = Symptom(HOST, SymptomKind.COPIES_STAY, now, bool(alert.kind), alert.severity, detail)
            unit.note(symptom)
            self._bus.publish(symptom)
        self._told = alert.kind

    def _is_told(self) -> bool:
        unit = self._engine.unit(HOST)
        return unit is not None and SymptomKind.COPIES_STAY in unit.symptoms

    def _alert(self, now: float) -> _Alert:
        if self.table.to is None:
            return _Alert()
        if self._last is not None and self._last.troubles:
            return _Alert("trouble", _told(self._last.troubles), Severity.CRITICAL)
        since = {c: away.waiting_since for c, away in self._away.items() if away.waiting_since is not None}
        late = rules.late(since, now, self.table.alert_after)
        if late is None:
            return _Alert()
        companies = "1 company" if late.companies == 1 else f"{late.companies} companies"
        return _Alert("late", f"those of {companies} for {duration(late.for_s)}: {self._reason() or 'not yet sent'}")

    def _reason(self) -> str | None:
        """Why the last round did not do everything, or the present one does not end."""
        running, last = self._running, self._last
        lasts_s = self._clock.now() - running.begun_at if running is not None else 0.0
        if lasts_s > max(HANGS_S, self.table.timeout):
            return f"the attempt that began {duration(lasts_s)} ago has not ended"
        if last is None:
            return None
        return last.failed or _told(last.troubles) or None


def _log(company: str, text: str) -> None:
    log.info("offsite", company=company, text=text)


def _told(troubles: Mapping[str, str]) -> str:
    """The first few, with their company."""
    told = [f"{company}: {text}" for company, text in sorted(troubles.items())]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return "; ".join(told[:SHOWN]) + more
