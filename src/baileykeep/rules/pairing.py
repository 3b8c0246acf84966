"""What a phone is offered for pairing: a QR for as long as it lives, or a code. Its text is a secret."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

FIRST_QR_S, NEXT_QR_S = 60.0, 20.0
"""How long the first QR of a row lives, and each later one."""

CODE_LIVES_S = 180.0
"""A pairing code that nobody typed for so long is over."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One QR or pairing code. `seen_at` and `expires_at` are on the clock that never jumps, in seconds.

    `number` counts the QRs of a row. The text is never logged, journaled or shown but to people who may pair.
    """

    text: str = field(repr=False)
    seen_at: float
    expires_at: float
    number: int = 1
    code: bool = False


def renewed(before: Offer | None, text: str | None, now: float) -> Offer | None:
    """The offer after the gateway was asked: the same one while the text is the same, None once none is out."""
    if text is None:
        return None
    if before is None or before.code:
        return Offer(text, now, now + FIRST_QR_S)
    if before.text == text:
        return before
    return replace(before, text=text, seen_at=now, expires_at=now + NEXT_QR_S, number=before.number + 1)


def held(offer: Offer | None, now: float, lock_s: float) -> Offer | None:
    """What everybody who asks is given: one and the same offer until it is replaced, released, or too old.

    A text that a gateway still names after `lock_s` is one that it forgot to take back.
    """
    if offer is None:
        return None
    over = now >= offer.expires_at if offer.code else now - offer.seen_at >= lock_s
    return None if over else offer


def code_offer(code: str, now: float) -> Offer:
    """A pairing code that just came."""
    return Offer(code, now, now + CODE_LIVES_S, code=True)
