"""What Baileykeep needs from a gateway; every implementation runs the conformance suite of its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from baileykeep.model.facts import ConnState
from baileykeep.model.webhook import WebhookSetting


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session as the gateway tells it, translated. `paired` is None where it does not tell."""

    state: ConnState
    paired: bool | None = None
    code: int | None = None
    has_qr: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can do; the ladder leaves out rungs that it cannot. Without `status` it only tells by webhooks."""

    status: bool = True
    bulk_status: bool = False
    reconnect: bool = False
    stop: bool = False
    start: bool = False
    reset: bool = False
    force_relink: bool = False
    qr: bool = False
    pairing_code: bool = False
    clear_cache: bool = False

    @property
    def stops_one(self) -> bool:
        """Whether one session can be stopped by a call, be seen stopped, and be opened again by one."""
        return self.status and self.stop and (self.start or self.reconnect)


class Gateway(Protocol):
    """One gateway installation. Methods raise `model.errors.GatewayError`; its `code` is a `Problem` value.

    `status` never changes anything. Calls that change something are repeated only where that is harmless.
    """

    name: str
    capabilities: Capabilities

    async def status(self, company: str) -> SessionStatus:
        """One session's state. A session the gateway does not know is DISCONNECTED, not an error.

        An address that leads nowhere is one: it says nothing about any session.
        """

    async def status_all(self) -> Mapping[str, SessionStatus]:
        """All sessions in one call; only with `capabilities.bulk_status`."""

    async def reconnect(self, company: str) -> None:
        """Ask for a new connection with the stored login."""

    async def stop(self, company: str) -> None:
        """Close the session's socket and keep its login. One that the gateway proves not to know is closed."""

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        """Open the session; with `force_relink` it must ask for a new QR."""

    async def reset(self, company: str) -> None:
        """The gateway's own escape hatch: forget the login and start over."""

    async def qr(self, company: str) -> str | None:
        """The QR that is out now: its text, or a picture of it as a `data:image/png` address. None while there is
        none. Secret."""

    async def pairing_code(self, company: str, phone: str) -> str:
        """Ask for a pairing code for exactly this phone (digits). Secret."""

    async def clear_cache(self, company: str) -> None:
        """Make the gateway forget cached credentials."""

    async def aclose(self) -> None:
        """Close connections; the object is not used afterwards."""


@runtime_checkable
class TellsWebhook(Protocol):
    """A gateway that may tell where a session's events go."""

    async def webhook_settings(self, company: str) -> tuple[WebhookSetting, ...] | None:
        """What is set, as far as that may be told; None where there is no call for it. Changes nothing."""
