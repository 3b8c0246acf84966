"""What one line can tell, before lines that tell of the same event are brought together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from baileykeep.model.facts import CloseKind, DecryptKind


class Sign(StrEnum):
    """The kinds of telling lines."""

    DECRYPT_HEADER = "decrypt_header"
    SESSION_ERROR = "session_error"
    CONTACT_FRAME = "contact_frame"
    DECRYPT_RECORD = "decrypt_record"
    CLOSED = "closed"
    CONNECTING = "connecting"
    OPENED = "opened"
    QR = "qr"
    PAIRED = "paired"
    PRE_KEYS_FOUND = "pre_keys_found"
    PRE_KEYS_UPLOAD = "pre_keys_upload"
    STALE = "stale"
    RENEGOTIATION = "renegotiation"
    SESSION_DUMP = "session_dump"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Seen:
    """One telling line. `source` names the writer's habit: the same event is printed at most once by each source.

    `code` is a status code or a count. `users` are all the names of one contact, without devices (`4915…`, `1000…_1`).
    """

    sign: Sign
    source: str = ""
    kind: CloseKind | None = None
    why: DecryptKind | None = None
    code: int | None = None
    address: str | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A telling line with its company (None: not attributed) and the time it claims for itself."""

    seen: Seen
    company: str | None = None
    time_s: float | None = None
