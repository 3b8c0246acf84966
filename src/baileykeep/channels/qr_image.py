"""A QR as a picture, in memory only: its text is a login, and no file may hold it."""

from __future__ import annotations

import io
import struct
import zlib

import segno

from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import Problem
from baileykeep.rules.pairing import picture_of

SCALE, QUIET_MODULES = 8, 4
BLANK_PIXELS = 480


def png(text: str) -> bytes:
    """The picture of a QR, black on white with its quiet zone; one that the gateway drew is taken as it is.

    Raises `GatewayError` for a text that no QR can hold.
    """
    drawn = picture_of(text)
    if drawn is not None:
        return drawn
    out = io.BytesIO()
    try:
        segno.make(text, error="l", micro=False).save(out, kind="png", scale=SCALE, border=QUIET_MODULES)
    except ValueError:
        raise GatewayError(
            "the gateway sent something that no QR can hold",
            next_step="scan it on the gateway's own page",
            code=Problem.BAD_ANSWER.value,
        ) from None
    return out.getvalue()


def blank() -> bytes:
    """An empty white picture, which takes the place of a QR that is over."""
    row = b"\0" + b"\xff" * (BLANK_PIXELS // 8)
    head = struct.pack(">IIBBBBB", BLANK_PIXELS, BLANK_PIXELS, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row * BLANK_PIXELS)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
