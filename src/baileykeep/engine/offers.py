"""What the phones of companies are offered for pairing: the gateway is asked here, and all who ask get the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import structlog

from baileykeep.channels.qr_image import blank, png
from baileykeep.clock import Clock
from baileykeep.gateways.base import Gateway
from baileykeep.model.errors import BaileykeepError, GatewayError
from baileykeep.rules import pairing
from baileykeep.rules.pairing import Offer

log = structlog.get_logger(__name__)

ASK_EVERY_S = 2.0
"""No gateway is asked more often for one QR, however many want to see it."""


@dataclass(slots=True)
class Stand:
    """One company. `row` is the QR that was out last, also when it is over; `waiting` counts who waits for a scan,
    `waited` tells that somebody did. While the session is `closed` by us nobody is asked: some gateways would open it.

    `wish` is the phone for which somebody wants a code. All of it lives in memory only.
    """

    row: Offer | None = None
    code: Offer | None = None
    asked_at: float = float("-inf")
    waiting: int = 0
    waited: bool = False
    closed: bool = False
    trouble: str = ""
    wish: str | None = field(default=None, repr=False)
    problem: str | None = None
    drawn: tuple[str, bytes] = field(default=("", b""), repr=False)
    asking: anyio.Lock = field(default_factory=anyio.Lock)


class Offers:
    """One per daemon. `changed` is called whenever people may have to be shown something else."""

    def __init__(
        self, gateway: Callable[[str], Gateway | None], lock_s: Callable[[str], float], clock: Clock,
        changed: Callable[[], None],
    ):  # fmt: skip
        self._gateway = gateway
        self._lock_s = lock_s
        self._clock = clock
        self._changed = changed
        self.stands: dict[str, Stand] = {}

    def stand(self, ident: str) -> Stand:
        """What is known of one company, from now on."""
        return self.stands.setdefault(ident, Stand())

    async def qr(self, ident: str) -> Offer | None:
        """The QR that is out now, the same for all who ask. Raises `GatewayError` where it cannot be had at all."""
        stand = self.stand(ident)
        async with stand.asking:
            if not stand.closed and self._clock.monotonic() - stand.asked_at >= ASK_EVERY_S:
                stand.asked_at = self._clock.monotonic()
                await self._ask(ident, stand)
        return self.offered(ident)

    async def _ask(self, ident: str, stand: Stand) -> None:
        gateway = self._gateway(ident)
        try:
            text = await gateway.qr(ident) if gateway is not None else None
        except GatewayError as error:
            if error.permanent or self.offered(ident) is None:
                raise
            self._note_problem(ident, error)
            return
        stand.problem = None
        stand.row = pairing.renewed(stand.row, text, self._clock.monotonic())

    def _note_problem(self, ident: str, error: BaileykeepError) -> None:
        stand = self.stand(ident)
        if stand.problem is None:
            log.warning("qr_not_to_be_had", company=ident, error=error.cause)
        stand.problem = error.cause

    def offered(self, ident: str) -> Offer | None:
        """What is offered at this moment, without asking anybody."""
        stand, now = self.stands.get(ident), self._clock.monotonic()
        if stand is None:
            return None
        return pairing.held(stand.code or stand.row, now, self._lock_s(ident))

    async def look(self, ident: str) -> bool:
        """Ask for the QR, so that it is shown; whether something is out. Nothing is asked while a code stands."""
        gateway, stand = self._gateway(ident), self.stands.get(ident)
        if stand is not None and stand.code is not None:
            return True
        if gateway is None or not gateway.capabilities.qr:
            return False
        try:
            await self.qr(ident)
        except GatewayError as error:
            self._note_problem(ident, error)
        self._changed()
        return self.offered(ident) is not None

    def offer_code(self, ident: str, code: str | None) -> None:
        """A pairing code came, or (None) is over."""
        stand = self.stand(ident)
        stand.code = pairing.code_offer(code, self._clock.monotonic()) if code is not None else None
        stand.row = None
        self._changed()

    def code_over(self, ident: str) -> bool:
        """Whether there is a code that nobody typed for too long."""
        return self.stand(ident).code is not None and self.offered(ident) is None

    def release(self, ident: str) -> None:
        """Whatever was offered is over: paired, closed, or begun anew."""
        stand = self.stand(ident)
        stand.row = stand.code = None
        stand.closed = False
        stand.asked_at, stand.drawn = float("-inf"), ("", b"")
        self._changed()

    def forget(self, ident: str) -> None:
        """Nobody waits any more."""
        self.stands.pop(ident, None)
        self._changed()

    def picture(self, ident: str, offer: Offer | None) -> bytes:
        """The QR, drawn once; nothing for a code; an empty picture while there is neither."""
        if offer is None:
            return blank()
        stand = self.stand(ident)
        if stand.drawn[0] != offer.text and not offer.code:
            try:
                stand.drawn = (offer.text, png(offer.text))
            except GatewayError as error:
                log.warning("qr_not_drawn", error=error.cause)
                stand.drawn = (offer.text, blank())
        return b"" if offer.code else stand.drawn[1]
