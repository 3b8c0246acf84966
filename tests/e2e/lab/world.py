"""The lab as a whole, for one test: WhatsApp, gateway, and around them a Telegram, a network and the real daemon."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.app.socket_client import DaemonClient
from baileykeep.backups.vault import Vault
from baileykeep.demo.probes import ProbeTarget
from baileykeep.model.backup import Backup, BackupKind
from tests.crash.journal import Journal
from tests.crash.processes import REPO, DaemonProcess, environment
from tests.e2e.lab.node import put_dialect
from tests.e2e.lab.people import Company, companies
from tests.e2e.lab.processes import GatewayProcess, Json, WhatsAppProcess, until
from tests.fakes.telegram import FakeTelegram, Shown

CHAT, ANN = 1001, 7
HTTP_TOKEN = "lab-http-token"
HTTP_URL = re.compile(r"http://127\.0\.0\.1:[0-9]+")

CONFIG = """\
mode = "act"
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.main]
dialect = "lab"
url = "{gateway.url}"
secret = "{gateway.secret}"
sessions = "{gateway.root}/storage/whatsapp/business_{{company}}/auth"
timeout = "5s"
[[gateways.main.logs]]
path = "{gateway.out}"
company_field = "companyId"
[[gateways.main.logs]]
path = "{gateway.err}"

[digest]
enabled = false

[http]
listen = "127.0.0.1:0"
token = "{token}"

[telegram]
token = "{telegram.token}"
api_url = "{telegram.url}"
chats = [{chat}]
users = [{ann}]

[network]
online = ["{probe.address}"]
whatsapp = ["{probe.address}"]

# Minutes become seconds. What protects a login is not shortened: 5 s between two looks, 10 s of a quiet folder.
[limits.disconnect]
warn_after = "4s"
act_after = "6s"
startup_grace = "1s"
gateway_dead_after = "5s"
phantom_after = "5s"
no_qr_after = "20s"
[limits.ladder]
verify_within = "10s"
steady = "1s"
settle = "10s"
reconnect_cooldown = "1s"
replaced_cooldown = "3s"
restart_backoff = "1s"
[limits.bad_mac]
limit = 5
window = "8s"
[limits.relink]
scan_within = "30s"
[limits.poll]
connection = "500ms"
connection_down = "300ms"
rescan = "2s"
torn_reread = "100ms"
network = "2s"
disk = "10s"
[limits.notify]
settle = "200ms"
{more}
"""


@asynccontextmanager
async def baileys(
    root: Path, idents: Sequence[str] = ("1",), *, generation: str = "7", **options: Any
) -> AsyncIterator[dict[str, Company]]:
    """A WhatsApp and a gateway with these companies, none of which is paired yet."""
    whatsapp = WhatsAppProcess(root / "whatsapp.log")
    gateway: GatewayProcess | None = None
    try:
        await whatsapp.start()
        gateway = GatewayProcess(
            root / "gateway", tuple(idents), whatsapp.socket, generation=generation, options=options
        )
        await gateway.start()
        yield companies(idents, gateway, whatsapp)
    finally:
        if gateway is not None:
            await gateway.aclose()
        await whatsapp.stop()


@dataclass(slots=True)
class Lab:
    """Everything at hand; the daemon runs once `keep` returned."""

    root: Path
    companies: dict[str, Company]
    gateway: GatewayProcess
    whatsapp: WhatsAppProcess
    telegram: FakeTelegram
    probe: ProbeTarget
    daemon: DaemonProcess
    more: str = ""

    # --- the daemon ---------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Write the files that the daemon reads."""
        config = self.root / "config"
        (config / "companies").mkdir(parents=True, exist_ok=True)
        put_dialect(config)
        text = CONFIG.format(
            root=self.root, gateway=self.gateway, telegram=self.telegram, probe=self.probe, chat=CHAT, ann=ANN,
            token=HTTP_TOKEN, more=self.more,
        )  # fmt: skip
        path = config / "baileykeep.toml"
        path.touch(mode=0o600)
        path.write_text(text)

    def company_file(self, ident: str, text: str) -> None:
        """What is known of one company, as TOML."""
        folder = self.root / "config" / "companies"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{ident}.toml"
        path.touch(mode=0o600)
        path.write_text(text)

    async def keep(self) -> None:
        """Start the daemon; returns when it has seen every company."""
        self.configure()
        await self.daemon.start()
        await self.daemon.ready()
        await until(self._all_seen, 30, "the daemon knows every company's state")

    async def _all_seen(self) -> bool:
        rows = (await self.ask("overview"))["companies"]
        seen = {row["id"] for row in rows if row["connection"]["state"] != "unknown"}
        return seen >= {ident for ident, company in self.companies.items() if company.folder.is_dir()}

    async def http_url(self) -> str:
        """Where the daemon listens for HTTP, from its log."""
        found = await until(lambda: HTTP_URL.findall(self.daemon.output.read_text()), 30, "the daemon listens", self)
        return str(found[-1])

    async def ask(self, command: str, **args: Any) -> Json:
        """A command, over the daemon's socket."""
        client = DaemonClient(self.root / "state" / "control.sock")
        return await asyncio.to_thread(client.call, command, args)

    async def causes(self, ident: str) -> list[str]:
        """The causes of a company's open incidents."""
        incidents = (await self.ask("incidents"))["incidents"]
        return [incident["cause"] for incident in incidents if incident["subject"] == f"company:{ident}"]

    async def incident(self, company: Company, cause: str, within_s: float = 60) -> None:
        """Wait for an open incident of this cause."""
        await until(lambda: self._has(company, cause), within_s, f"an incident {cause}", self)

    async def _has(self, company: Company, cause: str) -> bool:
        return cause in await self.causes(company.ident)

    async def healed(self, company: Company, within_s: float = 90) -> None:
        """Wait until every incident is over and the session is open and paired."""
        await until(lambda: self._well(company), within_s, f"{company.ident} is well again", self)

    async def _well(self, company: Company) -> bool:
        return await company.connected() and not await self.causes(company.ident)

    async def row(self, ident: str) -> Json:
        """A company's line in the overview; empty while the daemon does not know it."""
        rows = (await self.ask("overview"))["companies"]
        return next((dict(row) for row in rows if row["id"] == ident), {})

    async def command(self, *words: str) -> str:
        """Run `baileykeep` with these words; returns what it printed. AssertionError unless it ended well."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "baileykeep", *words, "--config", str(self.root / "config"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment(), cwd=REPO,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0, f"{words}: {output.decode()}"
        return output.decode()

    @property
    def journal(self) -> Journal:
        """The daemon's journal."""
        return Journal(self.root / "state" / "journal.db")

    def symptoms(self, ident: str) -> list[tuple[str, bool]]:
        """What the daemon noticed about a company, in order: kind, and whether it began or ended."""
        found = self.journal.entries(0, "symptom")
        return [(e["data"]["kind"], e["data"]["active"]) for e in found if e["subject"] == f"company:{ident}"]

    def steps(self, ident: str | None = None) -> list[str]:
        """The steps of every action so far, in order."""
        found = self.journal.entries(0, "step_begun")
        return [one["data"]["step"] for one in found if ident is None or one["subject"] == f"company:{ident}"]

    def backups(self, ident: str) -> list[str]:
        """The names of a company's copies, oldest first."""
        folder = self.root / "backups" / ident
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def copies(self, ident: str, kind: BackupKind) -> list[Backup]:
        """A company's copies of one kind, each read again and checked, oldest first."""
        vault = Vault(self.root / "backups")
        found = [vault.verify(ident, copy.name) for copy in vault.list(ident) if copy.kind is kind]
        return sorted(found, key=lambda copy: copy.created_at)

    def was_open_until_step(self, ident: str, step: str) -> bool:
        """Whether the daemon saw no drop before an action of its own came to this step for the first time."""
        first = next(e["id"] for e in self.journal.entries(0, "step_begun") if e["data"]["step"] == step)
        downs = [e for e in self.journal.entries(0, "symptom") if e["data"]["kind"] == "down" and e["data"]["active"]]
        return not any(e["id"] < first for e in downs if e["subject"] == f"company:{ident}")

    # --- people -------------------------------------------------------------------------------------------------

    def stories(self) -> list[Shown]:
        """The messages in the chat that are no replies, oldest first."""
        return [message for message in self.telegram.messages(CHAT) if message.reply_to is None]

    def texts(self) -> list[str]:
        """The stories as they read now."""
        return [message.plain for message in self.stories()]

    async def approve(self, within_s: float = 30) -> None:
        """Wait for a question and say yes to it."""
        asked = await until(self._asked, within_s, "somebody is asked in Telegram", self)
        await self.telegram.press(asked, "approve", user=ANN)

    def _asked(self) -> Shown | None:
        for message in self.stories():
            if any(data.startswith("approve") for row in message.buttons for _, data in row):
                return message
        return None

    def __str__(self) -> str:
        seen = [str(self.symptoms(ident)) for ident in self.companies]
        return "\n".join((*self.texts(), *seen, *self.steps(), self.daemon.tail()))


@asynccontextmanager
async def lab(
    root: Path,
    idents: Sequence[str] = ("1",),
    *,
    unpaired: Sequence[str] = (),
    generation: str = "7",
    more: str = "",
    **options: Any,
) -> AsyncIterator[Lab]:
    """The whole lab, every company paired but those named; `more` is added to the daemon's configuration."""
    async with (
        baileys(root, idents, generation=generation, **options) as found,
        FakeTelegram(now=time.time) as telegram,
        ProbeTarget() as probe,
    ):
        first = found[idents[0]]
        daemon = DaemonProcess(root / "config", root / "state", root / "daemon.log")
        made = Lab(root, found, first.gateway, first.whatsapp, telegram, probe, daemon, more)
        try:
            pairing = (company.pair() for ident, company in found.items() if ident not in unpaired)
            await asyncio.gather(daemon.zygote.warm(), *pairing)
            yield made
        finally:
            await daemon.aclose()
