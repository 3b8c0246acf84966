"""How one company is told of its WhatsApp: its own table, and for what that leaves open the installation's."""

from __future__ import annotations

from dataclasses import dataclass, field

from baileykeep.config.fields import SLOT
from baileykeep.config.settings import Settings
from baileykeep.config.tenant_tables import TenantTable


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """Addresses and keys never show. Without webhook and channels nobody is told."""

    language: str
    zone: str
    scan_url: str = ""
    webhook: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    channels: tuple[str, ...] = field(default=(), repr=False)


def tenant_of(settings: Settings, ident: str) -> TenantSettings:
    """All that is configured for a company. A webhook goes with the key that stands beside it."""
    own, all_have = settings.company(ident).facts.tenant, settings.installation.tenant
    hook = own if own.webhook is not None else all_have
    services = own.channels or all_have.channels
    scan_url, zone = own.scan_url or all_have.scan_url or "", own.timezone or all_have.timezone
    return TenantSettings(
        language=settings.company(ident).facts.language or settings.installation.language,
        zone=zone or settings.installation.timezone,
        scan_url=scan_url.replace(SLOT, ident),
        webhook=_plain(hook, "webhook").replace(SLOT, ident),
        webhook_secret=_plain(hook, "webhook_secret"),
        channels=tuple(services.get_secret_value().replace(SLOT, ident).split()) if services is not None else (),
    )


def _plain(table: TenantTable, key: str) -> str:
    secret = getattr(table, key)
    return secret.get_secret_value() if secret is not None else ""
