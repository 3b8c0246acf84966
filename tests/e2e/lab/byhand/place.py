"""Everything that runs in the lab for people: WhatsApp, gateway, three paired companies, and the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from baileykeep.demo.probes import ProbeTarget
from tests.crash.processes import REPO, answers, environment
from tests.e2e.lab.byhand import settings
from tests.e2e.lab.people import Company, companies
from tests.e2e.lab.processes import GatewayProcess, WhatsAppProcess, ended, until

MARK = ".baileykeep-lab"
STOP_WITHIN_S = 20.0

Told = Callable[[str], None]


class PlaceError(RuntimeError):
    """The lab cannot be opened; the text says why and what to do."""


@dataclass(slots=True)
class Place:
    """The running lab. `second` holds other gateways that a break started, by company."""

    root: Path
    whatsapp: WhatsAppProcess
    gateway: GatewayProcess
    companies: dict[str, Company]
    http: settings.Http
    daemon: asyncio.subprocess.Process | None = None
    second: dict[str, GatewayProcess] = field(default_factory=dict)
    contacts: int = 0

    @property
    def config(self) -> Path:
        """What the daemon reads."""
        return self.root / "config"

    @property
    def journal(self) -> Path:
        """The daemon's journal."""
        return self.root / "state" / "journal.db"

    def contact(self) -> str:
        """The number of somebody who never wrote before."""
        self.contacts += 1
        return f"4915200{self.contacts:06d}"

    async def keep(self) -> None:
        """Start the daemon; what it prints for people comes out of `daemon.stdout`."""
        with (self.root / "daemon.log").open("ab") as log:
            self.daemon = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.e2e.lab.byhand.daemon", str(self.config), stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=log, env=environment(), cwd=REPO, process_group=0,
            )  # fmt: skip
        await until(self._kept, 60, "the daemon answers", self.root / "daemon.log")

    async def _kept(self) -> bool:
        assert self.daemon is not None
        if self.daemon.returncode is not None:
            text = (self.root / "daemon.log").read_text(errors="replace")
            raise PlaceError(f"the daemon ended at once:\n{text[-2000:]}")
        return await asyncio.to_thread(answers, self.root / "state" / "control.sock")

    async def aclose(self) -> None:
        """End all processes, the daemon first and in good order."""
        if self.daemon is not None and self.daemon.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.daemon.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.daemon.wait(), STOP_WITHIN_S)
        await ended(self.daemon)
        for other in self.second.values():
            await other.aclose()
        await self.gateway.aclose()
        await self.whatsapp.stop()


@asynccontextmanager
async def opened(root: Path, told: Told, *, http_port: int = 0, gateway_port: int = 0) -> AsyncIterator[Place]:
    """The lab in a folder, made anew; `told` hears what is being done. PlaceError says what stands in the way."""
    telegram = dict(os.environ)
    http = settings.Http(free_port(http_port, "HTTP_PORT"), secrets.token_urlsafe(12))
    whatsapp = WhatsAppProcess(root / "whatsapp.log")
    gateway = GatewayProcess(
        root / "gateway", tuple(settings.NAMES), whatsapp.socket, port=free_port(gateway_port, "GATEWAY_PORT"),
        secret=secrets.token_urlsafe(12),
    )  # fmt: skip
    place = Place(root, whatsapp, gateway, companies(settings.NAMES, gateway, whatsapp), http)
    async with ProbeTarget() as probe:
        try:
            told("Starting a WhatsApp that runs here, and a gateway on real Baileys …")
            await whatsapp.start()
            gateway.whatsapp = whatsapp.socket
            await gateway.start()
            settings.write(root, gateway, list(place.companies.values()), probe.address, http, telegram)
            for company in place.companies.values():
                told(f"Pairing {settings.NAMES[company.ident]}: its phone scans the QR …")
                await company.pair()
            told("Starting Baileykeep …")
            await place.keep()
            yield place
        finally:
            await place.aclose()


def emptied(root: Path) -> Path:
    """The lab's folder, without what an earlier lab left in it. Nothing that is not a lab's is removed."""
    if root.exists() and not (root / MARK).is_file() and any(root.iterdir()):
        raise PlaceError(f"{root} is no lab's folder, and not empty: name another with LAB=FOLDER")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(mode=0o700, parents=True)
    (root / MARK).touch()
    return root


def free_port(wanted: int, name: str) -> int:
    """The port that is wanted, or any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise PlaceError(
                f"port {wanted} of 127.0.0.1 is in use: take another, such as {name}={wanted + 1}, or leave {name} out"
            ) from error
        return int(probe.getsockname()[1])
