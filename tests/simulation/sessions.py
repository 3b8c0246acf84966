"""The truth about one company: the session that its gateway really holds, the login that WhatsApp really accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from baileykeep.demo import shapes
from baileykeep.demo.logs import Close
from tests.simulation.folders import Folder, identity

if TYPE_CHECKING:
    from tests.simulation.gateways import GatewayTruth
    from tests.simulation.world import World

CONNECT_S = 2.0
RETRY_S, RETRY_MOST_S = 20.0, 900.0
QR_ROW_S = 160.0
LINGERS_S = 6.0


class Link(StrEnum):
    """What the socket really does."""

    OPEN = "open"
    CONNECTING = "connecting"
    CLOSED = "closed"
    QR = "qr"


@dataclass(slots=True)
class Troubles:
    """What is wrong with a company beyond its socket; times are virtual seconds until which it lasts."""

    unreachable_until: float = 0.0
    hangs_until: float = 0.0
    taken_until: float = 0.0
    refused_code: int | None = None
    refused_until: float = 0.0
    phantom_until: float = 0.0
    no_stop_until: float = 0.0
    says_connected_until: float = 0.0
    does_nothing_until: float = 0.0
    corrupt: str | None = None
    corrupt_stays_until: float = 0.0


@dataclass(slots=True)
class Session:
    """One company. `valid` is the identity that WhatsApp accepts; `retired` are those that were ended for good."""

    world: World
    gateway: GatewayTruth
    id: str
    folder: Folder
    link: Link = Link.CLOSED
    code: int | None = None
    loaded: Mapping[str, Any] | None = None
    valid: str | None = None
    retired: set[str] = field(default_factory=set)
    wants_up: bool = True
    stopped_by_us: bool = False
    troubles: Troubles = field(default_factory=Troubles)
    lingers_until: float = -1.0
    epoch: int = 0
    retries: int = 0
    up_since: float | None = None
    down_since: float | None = 0.0

    # --- looking ------------------------------------------------------------------------------------------------

    @property
    def healthy(self) -> bool:
        """Really open, with the login that WhatsApp accepts."""
        return self.link is Link.OPEN and self.paired and self.world.now >= self.troubles.phantom_until

    @property
    def paired(self) -> bool:
        """Whether the creds in the gateway's memory are a login that counts."""
        return identity(self.loaded) == self.valid and self.valid is not None

    # --- moving -------------------------------------------------------------------------------------------------

    def _become(self, link: Link, code: int | None = None) -> None:
        now = self.world.now
        if (link is Link.OPEN) != (self.link is Link.OPEN):
            self.up_since, self.down_since = (now, None) if link is Link.OPEN else (None, now)
        if link is not self.link or code != self.code:
            self.world.trace(self.id, f"~ {link}{f' {code}' if code else ''}")
        news = (link is Link.OPEN) != (self.link is Link.OPEN) or code not in (None, self.code)
        self.link, self.code = link, code
        self.epoch += 1
        self.world.changed(self, news=news)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do it unless the socket did anything else before."""
        epoch = self.epoch
        self.world.at(self.world.now + seconds, lambda: act() if self.epoch == epoch else None)

    def open(self, *, force: bool = False) -> None:
        """What a gateway does when it is to open this session, with whatever lies in the folder."""
        if not self.gateway.up:
            return
        self.wants_up = True
        creds = self.folder.read_creds()
        usable = creds is not None and "signedIdentityKey" in creds
        if force or not usable:
            self._offer_qr()
            return
        assert creds is not None
        if "account" not in creds and "me" not in creds:
            self._offer_qr(creds)
            return
        self.loaded = creds
        self._become(Link.CONNECTING)
        self.gateway.log.connecting(self.id)
        self.later(CONNECT_S, self._settle)

    def _offer_qr(self, creds: Mapping[str, Any] | None = None) -> None:
        """No login: a new identity is minted over whatever creds lay there, and a QR is shown."""
        self.loaded = creds or self.folder.fresh_login(self.world.wall)
        self.world.wrote(self)
        self._become(Link.QR)
        self.gateway.log.registering(self.id)
        self.gateway.log.qr(self.id, "2@" + "x" * 40)
        self.world.qr_shown(self)
        self.later(QR_ROW_S, self._qr_ended)

    def _qr_ended(self) -> None:
        self.close(408, text="QR refs attempts ended")
        if self.wants_up:
            self.later(300.0, self.open)

    def _settle(self) -> None:
        now, troubles = self.world.now, self.troubles
        if now < troubles.hangs_until:
            return
        if not self.world.reaches_whatsapp or now < troubles.unreachable_until:
            self.close(408, text="Connection was lost")
            self.retries += 1
            self.later(min(RETRY_S * 2**self.retries, RETRY_MOST_S), self.open)
        elif not shapes.is_paired(self.loaded) or not self.paired:
            self.wants_up = False
            self.close(401, conflict="device_removed" if shapes.is_paired(self.loaded) else None)
        elif now < troubles.taken_until:
            self.wants_up = False
            self.world.oracles.came_back_while_taken(self)
            self.close(440, conflict="replaced")
        elif troubles.refused_code is not None and now < troubles.refused_until:
            self.wants_up = False
            self.close(troubles.refused_code)
        else:
            self._opened()

    def _opened(self) -> None:
        assert self.loaded is not None
        self.retries = 0
        self._become(Link.OPEN)
        self.stopped_by_us = False
        self.gateway.log.opened(self.id, 30, 0)
        self.folder.write_creds(self.loaded, self.world.wall)
        self.world.wrote(self)
        corrupt = self.troubles.corrupt
        if corrupt is not None and (self.world.now < self.troubles.corrupt_stays_until or self._still_corrupt(corrupt)):
            self.bad_macs(corrupt, 30.0)

    def _still_corrupt(self, address: str) -> bool:
        return self.folder.has_session(address)

    def close(self, code: int, *, conflict: str | None = None, text: str | None = None) -> None:
        """The socket ends with a status code."""
        self._become(Link.CLOSED, code)
        self.gateway.log.closed(self.id, Close(code, conflict, text))

    def drop(self, code: int, back_s: float | None) -> None:
        """The connection is lost; the gateway comes back by itself after a while, or with None not at all."""
        if self.link is not Link.OPEN:
            return
        self.close(code)
        if back_s is not None:
            self.later(back_s, self.open)

    def stop(self) -> None:
        """Somebody asked to close the socket and keep the login. It says so at once, and writes for a while yet."""
        self.wants_up = False
        if self.link is Link.OPEN:
            self.lingers_until = self.world.now + LINGERS_S
            self.world.at(self.world.now + LINGERS_S / 2, self._last_writes)
        self._become(Link.CLOSED)
        if self.world.now < self.troubles.no_stop_until:
            self.later(7.0, self.open)

    def _last_writes(self) -> None:
        if self.world.now < self.lingers_until and self.loaded is not None and self.folder.there:
            self.folder.touch_sessions(2, self.world.wall)
            self.world.wrote(self)

    def vanish(self) -> None:
        """The process died: no line, no code, nothing in memory."""
        self.loaded, self.lingers_until = None, -1.0
        self._become(Link.CLOSED)

    # --- people and contacts -----------------------------------------------------------------------------------

    def scan(self) -> None:
        """Somebody scans the QR that is out: a new login, and the server ends the old one."""
        if self.link is not Link.QR or self.loaded is None or not self.world.reaches_whatsapp:
            return
        self.end_login("a human paired anew")
        self.loaded = self.folder.pair(self.loaded, self.world.wall)
        self.valid = identity(self.loaded)
        self.troubles = Troubles()
        self.gateway.log.paired(self.id, dict(self.loaded["me"]))
        self.world.wrote(self)
        self.world.trace(self.id, "~ scanned")
        self.close(515)
        self.later(1.0, self.open)

    def end_login(self, _why: str) -> None:
        """The identity that was valid is worth nothing any more."""
        if self.valid is not None:
            self.retired.add(self.valid)
        self.valid = None

    def bad_macs(self, address: str, every_s: float, left: int = 12) -> None:
        """The contact goes on sending what this ratchet cannot read."""
        if self.link is not Link.OPEN or not left:
            return
        lasting = self.world.now < self.troubles.corrupt_stays_until
        if self.troubles.corrupt != address or not (lasting or self._still_corrupt(address)):
            if self.troubles.corrupt == address and not lasting:
                self.troubles.corrupt = None
            return
        self.gateway.log.bad_mac(self.id, address, self.folder.shape.generation)
        self.world.logged(self.gateway)
        wait_s = every_s if left % 6 else every_s * 10
        self.later(wait_s, lambda: self.bad_macs(address, every_s, left - 1))

    def on_disk(self) -> str | None:
        """The login that lies in the folder."""
        return identity(self.folder.read_creds())
