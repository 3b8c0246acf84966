"""One company of the lab with its phone, and the contacts who write with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.lab.processes import GatewayProcess, Json, WhatsAppProcess, until

PAIRED_WITHIN_S = 30.0
HEARD_WITHIN_S = 15.0
SAVED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant of the gateway, and its phone. Waiting calls raise AssertionError when they are late."""

    ident: str
    phone: str
    gateway: GatewayProcess
    whatsapp: WhatsAppProcess

    @property
    def folder(self) -> Path:
        """Its auth folder."""
        return self.gateway.folder(self.ident)

    @property
    def tenant(self) -> str:
        """Its path in the gateway's API."""
        return f"/whatsapp/business_{self.ident}"

    @property
    def lid(self) -> str:
        """Its LID's user."""
        return lid_of(self.phone)

    # --- the gateway's view -------------------------------------------------------------------------------------

    async def status(self) -> Json:
        """What the gateway tells about it."""
        return await self.gateway.client.get(f"{self.tenant}/status")

    async def connected(self) -> bool:
        """Open and paired, by the gateway's word."""
        return bool((await self.status())["connected"])

    async def start(self, *, force_relink: bool = False) -> None:
        """Ask the gateway to open it."""
        await self.gateway.client.post(f"{self.tenant}/start", forceRelink=force_relink)

    async def stop(self) -> None:
        """Ask the gateway to close it."""
        await self.gateway.client.post(f"{self.tenant}/stop")

    async def qr(self) -> str | None:
        """The QR that is out now."""
        text: str | None = (await self.gateway.client.get(f"{self.tenant}/qr"))["qr"]
        return text

    async def closed_by(self, code: int) -> bool:
        """Whether its last connection was closed with this code."""
        return bool((await self.status())["lastCode"] == code)

    async def policy(self, **wanted: bool) -> None:
        """What the gateway does by itself: `reconnects`, `wipesDead`, `fightsBack`."""
        await self.gateway.client.post(f"/lab/{self.ident}/policy", **wanted)

    async def send(self, to: str, text: str) -> str:
        """The company writes to a contact's number or to a group; returns the message's id."""
        jid = to if "@" in to else f"{to}@s.whatsapp.net"
        return str((await self.gateway.client.post(f"/lab/{self.ident}/send", to=jid, text=text))["id"])

    async def received(self) -> list[Json]:
        """Every message that reached the company's application since the gateway started."""
        found: list[Json] = (await self.gateway.client.get(f"/lab/{self.ident}/received"))["messages"]
        return found

    async def read(self, text: str) -> bool:
        """Whether a message with this text could be read."""
        return any(message["text"] == text for message in await self.received())

    # --- WhatsApp's view ----------------------------------------------------------------------------------------

    async def account(self) -> Json:
        """What WhatsApp knows about this phone."""
        return await self.whatsapp.client.get(f"/account/{self.phone}")

    async def device(self) -> Json:
        """The newest linked device."""
        devices: list[Json] = (await self.account())["devices"]
        return devices[-1]

    async def logged_in(self, times: int) -> bool:
        """Whether it is open, and logged in so often at least."""
        return bool((await self.device())["logins"] >= times and await self.connected())

    async def tell(self, what: str, **more: Any) -> Json:
        """Tell WhatsApp to do something to this phone: stream-error, drop, silence, refuse, send, …"""
        return await self.whatsapp.client.post(f"/{what}", phone=self.phone, **more)

    async def scan(self, qr: str | None = None, *, phone: str = "") -> None:
        """The company's phone (or another one) scans a QR that it was shown, or else the one that is out."""
        await self.whatsapp.client.post("/scan", qr=qr or await self.qr(), phone=phone or self.phone)

    async def hears(self, contact: str, text: str) -> None:
        """A contact writes, and the company can read it."""
        await self.tell("send", **{"from": contact}, text=text)
        await self.has_read(text)

    async def has_read(self, text: str) -> None:
        """Wait for a message of this text."""
        await until(lambda: self.read(text), HEARD_WITHIN_S, f"{self.ident} reads {text!r}")

    async def reaches(self, contact: str, text: str, *, to: str | None = None) -> None:
        """The company writes to a contact (or to a group, `to`), and the contact can read it."""
        await self.send(to or contact, text)
        await until(lambda: self._told(contact, text), HEARD_WITHIN_S, f"{contact} reads {text!r}")

    async def _told(self, contact: str, text: str) -> bool:
        state = await self.whatsapp.client.get(f"/contact/{contact}")
        return any(message["text"] == text for message in state["inbox"])

    # --- whole steps --------------------------------------------------------------------------------------------

    async def pair(self) -> None:
        """Start it, scan its QR, and wait until it is open and has told WhatsApp its keys."""
        await self.start()
        await until(self.qr, PAIRED_WITHIN_S, f"{self.ident} shows a QR")
        await self.scan()
        await self.settled()

    async def settled(self) -> None:
        """Open and paired, with its keys on the server and everything delivered."""
        await until(self.connected, PAIRED_WITHIN_S, f"{self.ident} is open")
        await until(self._served, PAIRED_WITHIN_S, f"{self.ident} has got everything that was sent")

    async def _served(self) -> bool:
        device = await self.device()
        return bool(device["uploads"]) and device["waiting"] == 0

    # --- files --------------------------------------------------------------------------------------------------

    def files(self, prefix: str = "") -> set[str]:
        """The names in its auth folder that begin so."""
        return {path.name for path in self.folder.iterdir() if path.name.startswith(prefix)}

    async def copy_login(self, to: Path) -> None:
        """Copy its folder at a moment in which no file of it is half written."""
        await until(lambda: _copied_whole(self.folder, to), SAVED_WITHIN_S, f"the folder of {self.ident} lies still")

    def creds(self) -> Json:
        """Its stored login."""
        found: Json = json.loads((self.folder / "creds.json").read_text())
        return found

    def identity(self) -> str:
        """What tells one login from another, for comparing only."""
        return str(self.creds()["signedIdentityKey"]["public"])


async def second_gateway(company: Company, root: Path, **policy: bool) -> GatewayProcess:
    """Another gateway with a copy of its login, not started yet."""
    other = GatewayProcess(root, (company.ident,), company.whatsapp.socket, options={"policy": policy})
    await company.copy_login(other.folder(company.ident))
    return other


def _copied_whole(folder: Path, to: Path) -> bool:
    shutil.rmtree(to, ignore_errors=True)
    try:
        shutil.copytree(folder, to)
        return all(json.loads(path.read_bytes()) is not None for path in to.iterdir())
    except (shutil.Error, ValueError):
        return False


def lid_of(number: str) -> str:
    """The LID by which the stand-in WhatsApp knows a number."""
    return f"7{number.rjust(13, '0')}"


def session_name(number: str, *, lid: bool = True) -> str:
    """The file of the session with a contact's phone, as 7.x names it."""
    return f"session-{lid_of(number)}_1.0.json" if lid else f"session-{number}.0.json"


def companies(idents: Iterable[str], gateway: GatewayProcess, whatsapp: WhatsAppProcess) -> dict[str, Company]:
    """A company with a phone of its own for each name."""
    return {
        ident: Company(ident, f"49151{number:08d}", gateway, whatsapp) for number, ident in enumerate(idents, start=1)
    }
