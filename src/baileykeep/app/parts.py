"""The only place that names concretes: from settings to gateways, processes, channels, watchers and log files."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from baileykeep.app.sites import Door, Sites
from baileykeep.clock import Clock
from baileykeep.config.process_tables import ProcessTable
from baileykeep.config.schema import GatewayTable
from baileykeep.config.settings import Settings
from baileykeep.gateways.dialect import Dialect
from baileykeep.gateways.hearing import Ear
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import StoreError
from baileykeep.model.inventory import Creds, Inventory
from baileykeep.processes.base import ProcessManager
from baileykeep.processes.find import manager
from baileykeep.rules import cleanup, levels
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from baileykeep.watchers.auth_rows import Glances
from baileykeep.watchers.base import Emit, Watcher
from baileykeep.watchers.connection import ConnectionWatcher
from baileykeep.watchers.hearing import HearingWatcher
from baileykeep.watchers.heartbeat import HeartbeatWatcher
from baileykeep.watchers.network import NetworkWatcher, probes
from baileykeep.watchers.process import ProcessWatcher


def make_door(clock: Clock) -> Callable[[str, Settings], Door]:
    """How a gateway's table becomes a connection to it. Raises ConfigError or UsageError for what cannot work."""

    def make(name: str, settings: Settings) -> Door:
        table = settings.gateways[name]
        dialect = settings.dialects[name]
        ear = _ear(table, dialect, clock) if dialect.webhook is not None else None
        gateway = HttpGateway(_spec(name, table, settings.keys()), dialect, clock, ear)
        alive = gateway.alive if gateway.can_tell_life else None
        return Door(gateway, make_process(table.process), table.dialect, table.url, ear, alive)

    return make


def _ear(table: GatewayTable, dialect: Dialect, clock: Clock) -> Ear:
    token = table.webhook.token.get_secret_value() if table.webhook.token is not None else None
    return Ear(dialect, table.id_template or dialect.id, token, table.webhook.quiet, clock)


def _spec(name: str, table: GatewayTable, keys: Mapping[str, str]) -> GatewaySpec:
    key = table.secret.get_secret_value() if table.secret is not None else None
    ca_file = str(table.ca_file) if table.ca_file is not None else None
    return GatewaySpec(name, table.url, key, keys, ca_file, table.id_template, read_timeout_s=table.timeout)


def make_process(table: ProcessTable) -> ProcessManager | None:
    """The manager of a gateway's process; None where there is none."""
    return None if table.manager == "none" else manager(table.manager, **table.options())


class Eyes:
    """How the file watcher looks at a folder: with what the daemon knows of the company. Blocking; for a thread."""

    def __init__(self, sites: Sites, clock: Clock):
        self._sites = sites
        self._clock = clock

    def inventory(self, ident: str, folder: Path) -> Inventory:
        """A full count of one folder."""
        return self._count(ident, FileStore(ident, folder))

    def rows(self, ident: str) -> Inventory:
        """A full count of one company's rows."""
        store = self._sites.store(ident)
        if store is None:
            raise StoreError(f"the login of {ident} is out of reach")
        return self._count(ident, store)

    def glance(self, name: str) -> Glances:
        """What all companies of one gateway's tables look like from afar."""
        from baileykeep.stores.postgres.survey import survey

        table = self._sites.settings.gateways[name].postgres
        return survey(table.spec()) if table is not None else {}

    def _count(self, ident: str, store: AuthStore) -> Inventory:
        known, limits = self._sites.know(ident), self._sites.settings.limits_for(ident)
        listing, creds = store.listing(), store.creds()
        return levels.inventory(
            listing,
            creds,
            known.pool,
            limits,
            self._clock.now(),
            reference=cleanup.reference_of(listing, known.last_up_at),
            baileys=self._sites.baileys(ident),
            previous=known.level,
        )

    def creds(self, ident: str) -> Creds:
        """What `creds.json` says now."""
        folder = self._sites.folders()[ident]
        return FileStore(ident, folder).creds()


def gateway_watchers(name: str, sites: Sites, emit: Emit, clock: Clock, rng: random.Random) -> Iterable[Watcher]:
    """What watches one gateway: its sessions' connections, and its process where a manager tells."""
    door = sites.doors[name]

    def poll() -> Any:
        return sites.settings.limits.poll

    if door.ear is not None and isinstance(door.gateway, HttpGateway):
        yield HearingWatcher(
            door.gateway, door.ear, lambda: sites.companies(name), emit, clock=clock, rng=rng, limits=poll
        )
    else:
        yield _poller(name, sites, emit, clock, rng)
    if door.process is not None:
        yield ProcessWatcher(name, door.process, emit, clock=clock, rng=rng, limits=poll)


def _poller(name: str, sites: Sites, emit: Emit, clock: Clock, rng: random.Random) -> ConnectionWatcher:
    door = sites.doors[name]
    by_list = door.gateway.capabilities.bulk_status and sites.settings.gateways[name].by_list
    return ConnectionWatcher(
        door.gateway, lambda: sites.companies(name), emit, clock=clock, rng=rng,
        limits=lambda: sites.settings.limits.poll,
        listed=partial(sites.note_list, name) if by_list else None,
    )  # fmt: skip


def host_watchers(settings: Settings, emit: Emit, clock: Clock, rng: random.Random) -> Iterable[Watcher]:
    """What watches this host, and what tells others that this daemon lives."""
    network, heartbeat = settings.installation.network, settings.installation.heartbeat
    yield NetworkWatcher(
        emit,
        clock=clock,
        rng=rng,
        limits=lambda: settings.limits.poll,
        online=probes(network.online),
        whatsapp=probes(network.whatsapp),
    )
    if heartbeat.url is not None:
        yield HeartbeatWatcher(heartbeat.url.get_secret_value(), clock=clock, rng=rng, every_s=heartbeat.every)
