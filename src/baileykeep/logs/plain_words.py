"""What hand-written gateways print in their own words, read with care: customers' words may stand on the same line."""

from __future__ import annotations

import re

from baileykeep.logs.closes import number
from baileykeep.logs.reading import Line
from baileykeep.logs.signs import Seen, Sign
from baileykeep.model.facts import CloseKind

CLOSE_LITERALS = (
    b"onnection replaced",
    b"onnection Replaced",
    b"onnectionReplaced",
    b"onnection closed",
    b"onnection Closed",
    b"ogged out",
    b"oggedOut",
    b"ogged_out",
    b"estart required",
    b"device_removed",
)
OPEN_LITERALS = (b"onnection open", b"onnected to WhatsApp", b"hatsApp connected")
QR_LITERALS = (b"QR code", b"QR Code", b"qr code")

_QUOTES_OTHERS = re.compile(
    r"""["'`«“]|\b(?:message|msg|text|body|content|caption|says?|said|wrote|incoming|received from)\b[^:]{0,60}:""",
    re.IGNORECASE,
)
_CLOSES: tuple[tuple[re.Pattern[str], CloseKind | None, int | None], ...] = (
    (re.compile(r"(?<!stream:error )\bdevice_removed\b"), CloseKind.DEVICE_REMOVED, 401),
    (re.compile(r"\bconnection ?replaced\b", re.I), CloseKind.REPLACED, 440),
    (re.compile(r"(?<!not )\blogged[ _]?out\b", re.I), CloseKind.LOGGED_OUT, 401),
    (re.compile(r"\brestart required\b", re.I), CloseKind.RESTART_REQUIRED, 515),
    (re.compile(r"\bconnection closed\b(?! by\b)", re.I), None, None),
)
_ABOUT_A_SESSION = re.compile(r"connection|session|device|whatsapp|baileys|disconnect|instance|\b401\b", re.IGNORECASE)
_CODE = re.compile(r"\b(?:code|status|statusCode|reason)\W{0,3}([45][0-9]{2})\b|\(([45][0-9]{2})\)", re.IGNORECASE)
_OPENED = re.compile(
    r"\bconnection open(?:ed)?\b|(?<!not )(?<!dis)\bconnected to WhatsApp\b|\bWhatsApp connected\b", re.IGNORECASE
)
_QR = re.compile(r"\bQR code\b.*\b(?:generated|received|ready|updated|available)\b|\bscan\b.{0,20}\bQR code\b", re.I)
_WAITING = re.compile(r"(?<!timed out )\bwaiting for (?:this )?message\b", re.IGNORECASE)


def closed(line: Line) -> tuple[Seen, ...]:
    """A closed connection. The same words again, with no connecting in between, tell of the same event."""
    words = _own_words(line)
    if not words or not _ABOUT_A_SESSION.search(words):
        return ()
    told = _CODE.search(words)
    code = number(told[1] or told[2]) if told else _code_of(line)
    for pattern, kind, usual in _CLOSES:
        if pattern.search(words):
            return (Seen(Sign.CLOSED, source=f"words:{kind or 'closed'}", kind=kind, code=code or usual),)
    return ()


def opened(line: Line) -> tuple[Seen, ...]:
    """A hand-written line saying that the session is open, for gateways whose log is not pino."""
    return (Seen(Sign.OPENED, source="words"),) if _OPENED.search(_own_words(line)) else ()


def qr(line: Line) -> tuple[Seen, ...]:
    """A QR that is out; its contents are not read."""
    return (Seen(Sign.QR, source="words"),) if _QR.search(_own_words(line)) else ()


def waiting(line: Line) -> tuple[Seen, ...]:
    """A contact that waits for a message; a query that timed out waiting for one is something else."""
    return (Seen(Sign.WAITING),) if _WAITING.search(_own_words(line)) else ()


def _own_words(line: Line) -> str:
    words = line.words[:300]
    return "" if _QUOTES_OTHERS.search(words) else words


def _code_of(line: Line) -> int | None:
    fields = line.record or line.data or {}
    for name in ("statusCode", "code", "reason"):
        found = number(fields.get(name))
        if found is not None and 400 <= found < 600:
            return found
    return None
