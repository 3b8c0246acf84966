"""The ways to reach people that are configured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from baileykeep.channels import mailbox
from baileykeep.channels.base import Channel, Command, Listener
from baileykeep.channels.console import ConsoleChannel
from baileykeep.channels.mailbox import AppriseChannel
from baileykeep.channels.webhook import Hook, WebhookChannel
from baileykeep.clock import Clock
from baileykeep.config.settings import Settings
from baileykeep.config.tenant import tenant_of
from baileykeep.engine.memory import JournalMemory
from baileykeep.journal.base import Journal
from baileykeep.rules.notify import Contact
from baileykeep.rules.tenants import Tenant

if TYPE_CHECKING:
    from baileykeep.channels.telegram import TelegramConfig


def make_channels(settings: Settings, journal: Journal, clock: Clock, command: Command) -> dict[str, Channel]:
    """Telegram where it has a token; the console always, for whoever has no other route; and companies' own ways."""
    zone = ZoneInfo(settings.installation.timezone)
    channels: dict[str, Channel] = {"console": ConsoleChannel(_to_stdout, zone), **tenant_channels(settings, clock)}
    telegram = make_telegram(settings, journal, clock, command)
    if telegram is not None:
        channels[telegram.name] = telegram
    return channels


def tenant_channels(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """The ways to companies' own people. They open nothing before the first message."""
    return {"webhook": WebhookChannel(_hooks(settings), clock), "apprise": AppriseChannel(_services(settings))}


def _hooks(settings: Settings) -> Callable[[str], Hook | None]:
    def hook(ident: str) -> Hook | None:
        found = tenant_of(settings, ident)
        return Hook(found.webhook, found.webhook_secret) if found.webhook else None

    return hook


def _services(settings: Settings) -> Callable[[str], Sequence[str]]:
    return lambda ident: tenant_of(settings, ident).channels


def tenant(settings: Settings, ident: str) -> Tenant | None:
    """How a company's own people are told; None where nobody is."""
    found = tenant_of(settings, ident)
    contacts = [Contact("webhook", ident)] if found.webhook else []
    contacts += [Contact("apprise", mailbox.address(ident, n + 1)) for n in range(len(found.channels))]
    name = settings.company(ident).label
    return Tenant(tuple(contacts), name, found.language, found.zone, found.scan_url) if contacts else None


def make_telegram(settings: Settings, journal: Journal, clock: Clock, command: Command) -> Channel | None:
    """The bot, None without a token. Its library takes seconds to import: only who has a bot waits for it."""
    if settings.installation.telegram.token is None:
        return None
    from baileykeep.channels.telegram import TelegramChannel

    memory = JournalMemory(journal, "telegram")
    return TelegramChannel(_bot(settings), memory, command, clock, settings.limits.notify)


def _bot(settings: Settings) -> TelegramConfig:
    from baileykeep.channels.telegram import TelegramConfig

    table = settings.installation.telegram
    return TelegramConfig(
        table.token.get_secret_value() if table.token is not None else "",
        _all_chats(settings),
        table.users,
        base_url=table.api_url,
        zone=ZoneInfo(settings.installation.timezone),
    )


def renew(channels: Mapping[str, Channel], settings: Settings) -> None:
    """Let what runs take other addresses, people and limits; another bot's token waits for a restart."""
    hooks, services = channels.get("webhook"), channels.get("apprise")
    if isinstance(hooks, WebhookChannel) and isinstance(services, AppriseChannel):
        hooks.hooks, services.urls = _hooks(settings), _services(settings)
    channel = channels.get("telegram")
    if channel is None or settings.installation.telegram.token is None:
        return
    from baileykeep.channels.telegram import TelegramChannel

    if isinstance(channel, TelegramChannel):
        channel.apply(_bot(settings), settings.limits.notify)


def _all_chats(settings: Settings) -> tuple[int, ...]:
    """Every chat that is told or obeyed, the installation's first contact first."""
    table = settings.installation.telegram
    of_companies = [c for known in settings.companies.values() for c in (*known.facts.contacts, *known.facts.second)]
    return tuple(dict.fromkeys((*table.chats, *table.second, *of_companies)))


def _to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def listeners(channels: Mapping[str, Channel]) -> list[Callable[[], Coroutine[None, None, None]]]:
    """What must run so that people's buttons and commands are heard."""
    return [channel.listen for channel in channels.values() if isinstance(channel, Listener)]
