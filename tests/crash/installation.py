"""One whole installation under one folder: a gateway process, a Telegram, a network, a configuration, a daemon."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from baileykeep.demo.probes import ProbeTarget
from tests.crash.journal import Journal
from tests.crash.processes import DaemonProcess, GatewayProcess
from tests.fakes.telegram import FakeTelegram, Shown

CHAT, ANN = 1001, 7

CONFIG = """\
mode = "act"
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.main]
dialect = "{dialect}"
url = "{url}"
{secret}sessions = "{root}/gateway/baileys_sessions/company_{{company}}"
timeout = "2s"
[[gateways.main.logs]]
path = "{root}/gateway/logs/gateway-out.log"
company_field = "companyId"
[[gateways.main.logs]]
path = "{root}/gateway/logs/gateway-error.log"

[http]
listen = "127.0.0.1:0"

[telegram]
token = "{token}"
api_url = "{telegram}"
chats = [{chat}]
users = [{ann}]

[network]
online = ["{probe}"]
whatsapp = ["{probe}"]

# Everything that may be short is short; the hard floors (5 s between two looks, 10 s of a quiet folder) stay.
[limits.disconnect]
warn_after = "1s"
act_after = "2s"
startup_grace = "1s"
gateway_dead_after = "3s"
phantom_after = "1s"
no_qr_after = "10s"
flap_drops = 1000
[limits.ladder]
verify_within = "8s"
steady = 0
settle = "17s"
reconnect_cooldown = "1s"
replaced_cooldown = "1s"
restart_backoff = "1s"
daily_budget = 100000
[limits.cleanup]
cooldown = 0
window_cooldown = 0
[limits.bad_mac]
hourly_alert = 1000
daily_target = 1000
after_repair_alert = 1000
limit = 5
window = "15s"
[limits.relink]
scan_within = "5s"
[limits.brake]
min_companies = 1000
[limits.poll]
connection = "300ms"
connection_down = "200ms"
rescan = "1s"
torn_reread = "100ms"
network = "2s"
disk = "10s"
[limits.notify]
flood_companies = 1000
settle = "100ms"
"""

DIALECTS = (("ai-admin", ""), ("x-internal-secret", "secret"))


@dataclass(slots=True)
class Installation:
    """Everything of one installation at hand."""

    root: Path
    gateway: GatewayProcess
    telegram: FakeTelegram
    probe: ProbeTarget
    daemon: DaemonProcess
    dialect: str

    @property
    def companies(self) -> list[str]:
        """The ids of all companies."""
        return list(self.gateway.addresses["folders"])

    @property
    def journal(self) -> Journal:
        """The daemon's journal."""
        return Journal(self.root / "state" / "journal.db")

    @property
    def backups(self) -> Path:
        """Where copies lie."""
        return self.root / "backups"

    def stories(self) -> list[Shown]:
        """The messages that are no replies, oldest first."""
        return [message for message in self.telegram.messages(CHAT) if message.reply_to is None]

    def replies(self) -> list[Shown]:
        """The messages that only sound below a story."""
        return [message for message in self.telegram.messages(CHAT) if message.reply_to is not None]

    def configure(self) -> None:
        """Write the files that the daemon reads."""
        (self.root / "config" / "companies").mkdir(parents=True, exist_ok=True)
        secret = dict(DIALECTS)[self.dialect]
        key = self.gateway.addresses["internal_secret"] if secret else ""
        text = CONFIG.format(
            root=self.root, dialect=self.dialect, url=self.gateway.addresses["url"], token=self.telegram.token,
            telegram=self.telegram.url, chat=CHAT, ann=ANN, probe=self.probe.address,
            secret=f'secret = "{key}"\n' if secret else "",
        )  # fmt: skip
        path = self.root / "config" / "baileykeep.toml"
        path.write_text(text)
        path.chmod(0o600)


@contextlib.asynccontextmanager
async def installation(root: Path, *, number: int = 0, companies: int = 4) -> AsyncIterator[Installation]:
    """Gateway, Telegram and configuration; the daemon is not started. What still runs at the end is killed."""
    root.mkdir(parents=True, exist_ok=True)
    gateway = GatewayProcess(root / "gateway", companies, generation=7 if number % 3 else 6)
    daemon = DaemonProcess(root / "config", root / "state", root / "daemon.log")
    async with FakeTelegram(now=time.time) as telegram, ProbeTarget() as probe:
        try:
            await gateway.start()
            dialect = DIALECTS[number % len(DIALECTS)][0]
            made = Installation(root, gateway, telegram, probe, daemon, dialect)
            made.configure()
            yield made
        finally:
            await daemon.aclose()
            await gateway.stop()


async def until(wanted: object, within_s: float, *, every_s: float = 0.05) -> bool:
    """Ask an (async) question again and again; False when it did not become true in time."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        found = wanted() if callable(wanted) else wanted
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return True
        await asyncio.sleep(every_s)
    return False
