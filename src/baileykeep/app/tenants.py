"""How companies themselves are told: from the configuration and what is known now to `rules.tenants`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from baileykeep.channels.webhook import WebhookChannel, WebhookConfig
from baileykeep.clock import Clock
from baileykeep.config.settings import Settings
from baileykeep.engine.memory import JournalMemory
from baileykeep.engine.units import CompanyUnit
from baileykeep.journal.base import Journal
from baileykeep.model.incident import Incident
from baileykeep.model.records import Notice
from baileykeep.rules import disconnect, tenants
from baileykeep.rules.tenants import Pace, Tenant


def told(before: Incident | None, after: Incident, settings: Settings, unit: object, now: float) -> tuple[Notice, ...]:
    """What a company's people are to hear of this change; nothing where there is no webhook."""
    ident = after.subject.id
    if settings.installation.tenants.url is None or not settings.company(ident).facts.tenant.tell:
        return ()
    return tenants.notices(before, after, _tenant(ident, settings, unit, now), now)


def _tenant(ident: str, settings: Settings, unit: object, now: float) -> Tenant:
    known, table, home = settings.company(ident), settings.installation.tenants, settings.installation
    timer = unit.state("disconnect") if isinstance(unit, CompanyUnit) else disconnect.State()
    return Tenant(
        name=known.label,
        language=known.facts.language or home.language,
        local=local_time(ZoneInfo(known.facts.tenant.timezone or home.timezone), now),
        scan_url=known.facts.tenant.scan_url or table.scan_url or "",
        pace=pace(settings),
        acts=home.mode == "act",
        connected=timer.seen_at is not None and not timer.down,
        down_since=timer.since if timer.down else None,
    )


def pace(settings: Settings) -> Pace:
    """When companies are told."""
    table = settings.installation.tenants
    return Pace(table.after, table.settle, table.daily)


def local_time(zone: ZoneInfo, now: float) -> Callable[[float], str]:
    """Writes a moment as people there read it: the time of day, with the date where that is another one."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()

    def written(at: float) -> str:
        then = datetime.fromtimestamp(at, UTC).astimezone(zone)
        return f"{then:%H:%M}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"

    return written


def make_webhook(settings: Settings, journal: Journal, clock: Clock) -> WebhookChannel:
    """The channel, also without an address: one may be given while the daemon runs."""
    return WebhookChannel(webhook_config(settings), JournalMemory(journal, tenants.CHANNEL), clock)


def webhook_config(settings: Settings) -> WebhookConfig:
    """What the channel needs; an installation with an address has a secret."""
    table = settings.installation.tenants
    url, secret = (value.get_secret_value() if value else "" for value in (table.url, table.secret))
    return WebhookConfig(url, secret, pace(settings))
