"""What the webhooks of one gateway said, in memory only: for gateways that cannot be asked.

A webhook is a word, not a look: it never proves that a session is stopped, and what was said long ago is not known any
more. Contents are never kept, but for the QR that is out.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from baileykeep.clock import Clock
from baileykeep.gateways.answers import LONGEST_SECRET, Reader, company_of, number, parse, search, truth
from baileykeep.gateways.base import SessionStatus
from baileykeep.gateways.dialect import Dialect, Webhook
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState

WHERE = "webhook"
LARGEST = 64 * 1024
"""Bytes; news of a connection is far smaller, also with a picture of a QR."""

FRESH_S = 600.0
"""Webhooks that carry their time are void when that is further away than this: somebody sends old ones again."""

QR_LASTS_S = 60.0


class Taken(StrEnum):
    """What became of a webhook."""

    TAKEN = "taken"
    NO_NEWS = "it says nothing about a connection"
    FORGED = "it does not carry the token"
    TORN = "it is no JSON"
    UNKNOWN_COMPANY = "it names no company of this gateway"
    OLD = "it is an old one"


@dataclass(frozen=True, slots=True)
class Word:
    """The last word about one session; times are `monotonic` seconds. `heard_s` moves with every sign of life."""

    status: SessionStatus
    heard_s: float
    order: float | None = None
    qr: str | None = field(default=None, repr=False)
    qr_s: float = 0.0


class Ear:
    """One per gateway. `template` makes the gateway's id of a company; nothing is believed without `token`."""

    def __init__(self, dialect: Dialect, template: str, token: str | None, quiet_s: float, clock: Clock):
        assert dialect.webhook is not None  # noqa: S101  # made only for dialects that have one
        self._hook: Webhook = dialect.webhook
        self._reader = Reader(dialect)
        self._template = template
        self._token = token
        self._quiet_s = quiet_s
        self._clock = clock
        self._words: dict[str, Word] = {}

    def take(self, raw: bytes, company: str | None, known: Callable[[str], bool]) -> tuple[Taken, str | None]:
        """Hear one webhook; `company` is whom its address names. With TAKEN comes the company."""
        try:
            data = parse(raw, WHERE)
            if not self._genuine(data):
                return Taken.FORGED, None
            return self._read(data, company, known)
        except GatewayError:
            return Taken.TORN, None

    def _genuine(self, data: Any) -> bool:
        offered = search(self._hook.token, data, WHERE)
        given = offered.encode("utf-8", "replace") if isinstance(offered, str) else b""
        return hmac.compare_digest(given, (self._token or "").encode()) and bool(self._token)

    def _read(self, data: Any, company: str | None, known: Callable[[str], bool]) -> tuple[Taken, str | None]:
        told = company_of(search(self._hook.company, data, WHERE), self._template)
        ident = company or told
        if ident is None or not known(ident) or (told is not None and told != ident):
            return Taken.UNKNOWN_COMPANY, None
        if self._is_old(ident, data):
            return Taken.OLD, None
        if self._news(ident, data) or self._life(ident, data):
            return Taken.TAKEN, ident
        return Taken.NO_NEWS, None

    def _is_old(self, ident: str, data: Any) -> bool:
        at = moment(search(self._hook.at, data, WHERE))
        if at is not None and abs(self._clock.now() - at) > FRESH_S:
            return True
        before, order = self._fresh(ident), _order(search(self._hook.order, data, WHERE))
        return before is not None and before.order is not None and order is not None and order < before.order

    def _news(self, ident: str, data: Any) -> bool:
        word = search(self._hook.state, data, WHERE)
        if word in (None, False, ""):
            return False
        state = self._reader.state_of(word)
        if state is ConnState.UNKNOWN:
            return False
        qr, now_s = _qr(search(self._hook.qr, data, WHERE)), self._clock.monotonic()
        paired, code = truth(search(self._hook.paired, data, WHERE)), number(search(self._hook.code, data, WHERE))
        status = SessionStatus(state, paired, code, state is ConnState.WAITING_QR)
        self._words[ident] = Word(status, now_s, _order(search(self._hook.order, data, WHERE)), qr, now_s)
        return True

    def _life(self, ident: str, data: Any) -> bool:
        """A message that came shows that the session is open; it never contradicts what was said of it."""
        if not truth(search(self._hook.life, data, WHERE)):
            return False
        before, now_s = self._fresh(ident), self._clock.monotonic()
        if before is None:
            self._words[ident] = Word(SessionStatus(ConnState.CONNECTED), now_s)
        elif before.status.state is ConnState.CONNECTED:
            self._words[ident] = replace(before, heard_s=now_s)
        else:
            return False
        return True

    def _fresh(self, ident: str) -> Word | None:
        word = self._words.get(ident)
        return word if word is not None and self._clock.monotonic() - word.heard_s < self._quiet_s else None

    def status(self, company: str) -> SessionStatus:
        """What it said last; UNKNOWN when nothing was heard, or not for long."""
        word = self._fresh(company)
        return word.status if word is not None else SessionStatus(ConnState.UNKNOWN)

    def last(self, company: str) -> tuple[ConnState, float] | None:
        """The last word however old, and how many seconds ago it was heard."""
        word = self._words.get(company)
        return (word.status.state, self._clock.monotonic() - word.heard_s) if word is not None else None

    def qr(self, company: str) -> str | None:
        """The QR that is out, as far as is known. Secret."""
        word = self._words.get(company)
        lasts = word is not None and self._clock.monotonic() - word.qr_s < QR_LASTS_S
        return word.qr if word is not None and lasts else None

    def forget(self, company: str | None = None) -> None:
        """Whatever was said of one session, or of all, is over: it is opened anew, or the process is down."""
        if company is None:
            self._words.clear()
        else:
            self._words.pop(company, None)


def _order(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _qr(value: Any) -> str | None:
    short = isinstance(value, str) and 0 < len(value) <= LONGEST_SECRET and value.isprintable()
    return value if short and not value.startswith("data:") else None


def moment(value: Any) -> float | None:
    """Epoch seconds of a time in ISO form, or in seconds or milliseconds; None for anything else."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    seconds = _order(value)
    return seconds / 1000 if seconds is not None and seconds > 1e11 else seconds
