"""A whole installation for one demo: a stand-in gateway, a network, configuration files and the real daemon."""

from __future__ import annotations

import json
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread

from baileykeep.app.daemon import Daemon, Given
from baileykeep.app.lifecycle import JOURNAL
from baileykeep.app.private import make_private
from baileykeep.app.snapshot import company_view
from baileykeep.clock import Clock
from baileykeep.config.load import load_partial
from baileykeep.demo import shapes
from baileykeep.demo.feed import Feed, Verb
from baileykeep.demo.probes import ProbeTarget
from baileykeep.demo.scenario import Trouble
from baileykeep.demo.session import Session, State
from baileykeep.demo.standin import LAYOUT, StandIn
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import BackupError
from baileykeep.model.incident import Incident, Outcome, Topic
from baileykeep.model.overview import CompanyView, unhealthy
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import company
from baileykeep.rules.disconnect import Phase

COMPANY = """\
name = "{name}"

[window]
from = "{opens}"
to = "{closes}"
tz = "UTC"
"""
"""The maintenance window is half a day away, so that nothing here waits for it in vain or runs into it."""

OVERLAP_S = 300.0
"""Entries are written a little later than they are dated: so far back the journal is read again."""

CONFIG = """\
mode = "act"
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.main]
dialect = "ai-admin"
url = "{url}"
sessions = "{root}/gateway/{layout}"
[[gateways.main.logs]]
path = "{root}/gateway/logs/gateway-out.log"
company_field = "companyId"
[[gateways.main.logs]]
path = "{root}/gateway/logs/gateway-error.log"

[digest]
enabled = false

[http]
listen = "127.0.0.1:0"

[network]
online = ["{online}"]
whatsapp = ["{whatsapp}"]
"""


class Messages:
    """Where notices go instead of a messenger: only counted, for the feed tells the same story."""

    name = "console"

    def __init__(self) -> None:
        self.stories: set[str] = set()
        self.sounded = 0

    async def deliver(self, notices: Sequence[Notice]) -> None:
        self.stories |= {notice.key for notice in notices}
        self.sounded += any(notice.sound for notice in notices)

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What an auth folder holds: names, and the identity that WhatsApp knows it by."""

    names: frozenset[str]
    identity: str

    @classmethod
    def look(cls, path: Path) -> Folder:
        """Read it. Raises OSError or ValueError where there is no readable login."""
        return cls(frozenset(os.listdir(path)), shapes.identity_of(json.loads((path / "creds.json").read_bytes())))


@dataclass(slots=True)
class Stage:
    """Implements `scenario.Scene`. `healed_at` is when each company's story was found closed, in decision time."""

    clock: Clock
    gateway: StandIn
    daemon: Daemon
    journal: SqlJournal
    feed: Feed
    troubles: Sequence[Trouble]
    messages: Messages
    began_at: float
    folders: dict[str, Folder]
    healed_at: dict[str, float] = field(default_factory=dict)
    healed_folders: dict[str, Folder] = field(default_factory=dict)
    _healed: dict[str, anyio.Event] = field(default_factory=dict)

    def session(self, company: str) -> Session:
        """The stand-in session that is broken and healed."""
        return self.gateway[company]

    async def until_healed(self, company: str) -> None:
        """Wait until this company's trouble is over for good."""
        await self._healed.setdefault(company, anyio.Event()).wait()

    @property
    def all_healed(self) -> bool:
        """Whether every trouble is over for good."""
        return all(t.company in self.healed_at for t in self.troubles)

    def view(self, ident: str) -> CompanyView:
        """What the daemon says of a company."""
        return company_view(self.daemon.sources, ident)

    def incident(self, ident: str) -> Incident | None:
        """The story that the ladder acts on."""
        return self.daemon.ledger.get(company(ident), Topic.HEALTH)

    def waits(self, ident: str) -> bool:
        """Whether the session is down and its gateway still has time to bring it back."""
        unit = self.daemon.engine.unit(company(ident))
        return unit is not None and unit.state("disconnect").phase is Phase.WAITING

    def struck_at(self, trouble: Trouble) -> float:
        """When the demo began to harm this company; now when it has not."""
        harmed = (line.at for line in self.feed.lines if line.who == trouble.name and line.verb is Verb.BREAKS)
        return next(harmed, self.clock.now())

    def folder_after(self, ident: str) -> Folder:
        """The folder as it was found when the company was healed; as it is now when it was not."""
        return self.healed_folders.get(ident) or Folder.look(self.session(ident).folder)

    async def look(self, behind_s: float = 0.0) -> None:
        """Take up what the journal says, tell what is `behind_s` seconds old, and notice who is healed."""
        now = self.clock.now()
        self.feed.fold(await self.journal.entries(since=now - OVERLAP_S), now - behind_s)
        for trouble in self.troubles:
            if trouble.company not in self.healed_at and self._is_healed(trouble):
                self.healed_folders[trouble.company] = Folder.look(self.session(trouble.company).folder)
                self.healed_at[trouble.company] = self.clock.now()
                self._healed.setdefault(trouble.company, anyio.Event()).set()

    def _is_healed(self, trouble: Trouble) -> bool:
        """The rung that must heal did, nothing is open, and both the daemon and the gateway see it connected."""
        done = [a for a in self.daemon.ledger.history(company(trouble.company)) if a.rung is trouble.rung]
        verified = any(a.outcome is Outcome.HEALED for a in done)
        connected = self.session(trouble.company).state is State.CONNECTED
        closed = self.incident(trouble.company) is None
        return verified and connected and closed and not unhealthy(self.view(trouble.company)["health"])

    async def good_backups(self) -> tuple[int, int]:
        """How many backups there are, and how many of them are whole when they are read again."""
        return await anyio.to_thread.run_sync(self._good_backups)

    def _good_backups(self) -> tuple[int, int]:
        kept = [(t.company, backup.name) for t in self.troubles for backup in self.daemon.vault.list(t.company)]
        return len(kept), sum(self._is_good(ident, name) for ident, name in kept)

    def _is_good(self, ident: str, name: str) -> bool:
        try:
            self.daemon.vault.verify(ident, name)
        except BackupError:
            return False
        return True


@asynccontextmanager
async def open_stage(root: Path, clock: Clock, troubles: Sequence[Trouble]) -> AsyncIterator[Stage]:
    """Everything running, under `root`; on leaving it all ends in good order. Nothing is removed from `root`."""
    (root / "gateway").mkdir()
    async with (
        StandIn(root / "gateway", clock=clock.now) as gateway,
        ProbeTarget() as internet,
        ProbeTarget() as whatsapp,
    ):
        for trouble in troubles:
            gateway.add(trouble.company, trouble.shape)
        _configure(root, gateway, internet, whatsapp, troubles)
        async with _daemon(root, clock) as (daemon, journal):
            messages = Messages()
            daemon.channels[messages.name] = messages
            names = {trouble.company: trouble.name for trouble in troubles}
            feed = Feed(lambda ident: names.get(ident, ident), daemon.settings.limits)
            folders = {t.company: Folder.look(gateway[t.company].folder) for t in troubles}
            yield Stage(clock, gateway, daemon, journal, feed, troubles, messages, clock.now(), folders)


def _configure(
    root: Path, gateway: StandIn, internet: ProbeTarget, whatsapp: ProbeTarget, troubles: Sequence[Trouble]
) -> None:
    """Write the files that `baileykeep run` would read."""
    companies = root / "config" / "companies"
    companies.mkdir(parents=True)
    text = CONFIG.format(root=root, url=gateway.url, layout=LAYOUT, online=internet.address, whatsapp=whatsapp.address)
    (root / "config" / "baileykeep.toml").write_text(text)
    opens = datetime.now(UTC) + timedelta(hours=12)
    for trouble in troubles:
        closes = opens + timedelta(hours=2)
        text = COMPANY.format(name=trouble.name, opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}")
        (companies / f"{trouble.company}.toml").write_text(text)


@asynccontextmanager
async def _daemon(root: Path, clock: Clock) -> AsyncIterator[tuple[Daemon, SqlJournal]]:
    settings, problems = load_partial(root / "config", environ={})
    make_private(settings)
    journal = await SqlJournal.open(settings.installation.state_dir / JOURNAL)
    try:
        daemon = Daemon(Given(settings, problems, clock, journal, random.Random()))  # noqa: S311 - jitter only
        async with anyio.create_task_group() as group:
            await group.start(daemon.run)
            yield daemon, journal
            if not daemon.acting():
                await daemon.shut_down()
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await journal.aclose()
