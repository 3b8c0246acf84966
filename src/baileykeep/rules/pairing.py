"""What a phone is offered for pairing: a QR for as long as it lives, or a code. Its text is a secret."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field, replace

FIRST_QR_S, NEXT_QR_S = 60.0, 20.0
"""How long the first QR of a row lives, and each later one."""

CODE_LIVES_S = 180.0
"""A pairing code that nobody typed for so long is over."""


PICTURE, PNG = "data:image/png;base64,", b"\x89PNG\r\n\x1a\n"
LARGEST_PICTURE = 300_000
"""Characters; pictures of a QR have some ten thousand."""

LARGEST_SIDE = 4096
"""Pixels."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One QR or pairing code. `text` is a QR's text, or its picture as a data address where a gateway has only that.

    `seen_at` and `expires_at` are on the clock that never jumps, in seconds.
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


def picture_of(text: str) -> bytes | None:
    """The PNG that a gateway sends in place of a QR's text; None for anything else."""
    if not text.startswith(PICTURE) or len(text) > LARGEST_PICTURE:
        return None
    try:
        raw = b64decode(text.removeprefix(PICTURE), validate=True)
    except ValueError:
        return None
    sides = (int.from_bytes(raw[16:20]), int.from_bytes(raw[20:24]))
    whole = raw.startswith(PNG) and raw[12:16] == b"IHDR" and all(0 < side <= LARGEST_SIDE for side in sides)
    return raw if whole else None
