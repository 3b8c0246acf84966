"""A pairing QR on the terminal: compact half blocks, refreshed while we wait. Its text is never kept or logged."""

from __future__ import annotations

import io
from typing import Any

import segno

from baileykeep.app.socket_client import DaemonClient, NoDaemon
from baileykeep.cli.output import interactive, line, raw
from baileykeep.cli.words import plain, short
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.overview import ActionView
from baileykeep.rules.pairing import picture_of

LOOK_EVERY_S = 1.0
WAITING = "wait_for_scan"
BY_CODE = "WhatsApp on the phone: Settings > Linked devices > Link a device > Link with phone number instead"
ONLY_A_PICTURE = (
    "a QR is out, but this gateway sends it as a picture, which a terminal cannot show: scan it in the company's chat, "
    "on the gateway's own page, or ask our HTTP side for it as image/png"
)
WHITE_ON_BLACK = "\x1b[38;5;231;48;5;16m"  # the blocks are the light modules
PLAIN = "\x1b[0m"


def blocks(text: str, *, coloured: bool) -> str:
    """A QR as half-block characters; coloured it is black on white whatever the terminal's own colours are."""
    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    lines = out.getvalue().rstrip("\n").split("\n")
    return "\n".join(f"{WHITE_ON_BLACK}{line}{PLAIN}" if coloured else line for line in lines)


class QrPanel:
    """Prints each new QR or pairing code of a company once, with how long it is good for.

    Without `pictures` no QR is drawn, as where the output is no terminal.
    """

    def __init__(self, client: DaemonClient, company: str, *, pictures: bool = True):
        self._client = client
        self._company = company
        self._pictures = pictures
        self._shown: str | None = None
        self._problem = ""
        self._looked_at = float("-inf")
        self._clock = SystemClock()

    def refresh(self, action: ActionView) -> None:
        """Look for a newer one, at most once a second, and not before the action waits for somebody to scan it.

        Some gateways open the session to answer; asked too early, that would undo the stop just being proved.
        """
        if not has_waited(action) or self._clock.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = self._clock.monotonic()
        answer = self._ask()
        text = answer.get("code") or (answer.get("qr") if self._pictures else None)
        if not text or text == self._shown:
            return
        self._shown = text
        if answer.get("code"):
            line(f"pairing code: {plain(text)}{self._left(answer)}")
            line(BY_CODE)
        else:
            self._draw(text, answer)

    def _ask(self) -> dict[str, Any]:
        """A gateway that cannot answer just now ends nothing: the relink goes on, and so does the waiting."""
        try:
            return self._client.call("qr", {"company": self._company})
        except NoDaemon:
            raise
        except BaileykeepError as error:
            if self._problem != error.cause:
                line(f"the QR cannot be had just now: {plain(error.cause)}")
            self._problem = error.cause
            return {}

    def _draw(self, text: str, answer: dict[str, Any]) -> None:
        if picture_of(text) is not None:
            line(f"{ONLY_A_PICTURE}{self._left(answer)}")
            return
        try:
            raw(blocks(text, coloured=interactive()))
        except ValueError:
            line("the gateway sent something that no QR can hold; scan it on the gateway's own page")
            return
        line(f"scan it in WhatsApp: Settings > Linked devices > Link a device{self._left(answer)}")

    def _left(self, answer: dict[str, Any]) -> str:
        expires_at = answer.get("expires_at")
        return f" (good for {short(expires_at - self._clock.now())})" if expires_at else ""


def has_waited(action: ActionView) -> bool:
    """Whether the action came to wait for a phone; opening the session anew for it is a step of its own."""
    return any(step["name"] == WAITING for step in action["steps"])
