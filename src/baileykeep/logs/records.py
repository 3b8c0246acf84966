"""Lines that a logger wrote as JSON: Baileys' own pino messages, and connection updates that a gateway prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from baileykeep.logs.closes import kind_of_disconnect, kind_of_error, kind_of_node, number
from baileykeep.logs.reading import Json, Line
from baileykeep.logs.signs import Seen, Sign
from baileykeep.model.facts import DecryptKind

REASONS: Mapping[str, DecryptKind] = {
    "No matching sessions found": DecryptKind.NO_MATCHING_SESSION,
    "Bad MAC": DecryptKind.BAD_MAC,
    "Invalid PreKey ID": DecryptKind.INVALID_PRE_KEY,
    "No session": DecryptKind.NO_SESSION,
    "No SenderKeyRecord": DecryptKind.NO_SENDER_KEY,
    "Key used already": DecryptKind.DUPLICATE,
}
"""How the errors begin that `failed to decrypt message` carries."""

_STACK_ADDRESS = re.compile(r"at (?:async )?([0-9]{1,32}(?:_[0-9]{1,3})?\.[0-9]{1,5}) \[as awaitable\]")
_JID = re.compile(r"^([0-9]{1,32})(?:_[0-9]{1,3})?(?::([0-9]{1,5}))?@(s\.whatsapp\.net|c\.us|lid|hosted|hosted\.lid)$")
_FOUND = re.compile(r"^([0-9]{1,7}) pre-keys found on server")
_NESTED = ("update", "data", "event", "payload", "connectionUpdate")


def says(text: str, sign: Sign) -> Callable[[Line], tuple[Seen, ...]]:
    """A reader of records whose message begins with `text`."""

    def read(line: Line) -> tuple[Seen, ...]:
        return (Seen(sign, source="record"),) if line.message.startswith(text) else ()

    return read


def decrypt_failure(line: Line) -> tuple[Seen, ...]:
    """`failed to decrypt message`, with the contact by every name the record gives it."""
    if line.record is None or line.message != "failed to decrypt message":
        return ()
    error = _mapping(line.record.get("err") or line.record.get("error"))
    why = next((k for text, k in REASONS.items() if str(error.get("message", "")).startswith(text)), DecryptKind.OTHER)
    found = _STACK_ADDRESS.search(str(error.get("stack", "")))
    jids = [parsed for jid in _jids(line.record) if (parsed := _JID.match(jid))]
    address = found[1] if found else next((_address(jid) for jid in jids), None)
    users = (user_of(address),) if address else ()
    users = tuple(dict.fromkeys((*users, *(user_of(_address(jid)) for jid in jids))))
    return (Seen(Sign.DECRYPT_RECORD, why=why, address=address, users=users),)


def user_of(address: str) -> str:
    """The user of a session address, without its device; `_1` stays, it marks a LID."""
    return address.split(".", 1)[0]


def stream_error(line: Line) -> tuple[Seen, ...]:
    """`stream errored out`: the server's own reason."""
    if line.record is None or line.message != "stream errored out":
        return ()
    nodes = (line.record.get(name) for name in ("fullErrorNode", "node", "reasonNode"))
    kind, code = kind_of_node(*nodes)
    return (Seen(Sign.CLOSED, source="stream", kind=kind, code=code),)


def connection_errored(line: Line) -> tuple[Seen, ...]:
    """`connection errored`: the error's text, which alone tells the three kinds of 408 apart."""
    if line.record is None or line.message != "connection errored":
        return ()
    error = _mapping(line.record.get("error") or line.record.get("err"))
    kind, code = kind_of_error(_first_line(line.record.get("trace")) or str(error.get("message", "")))
    if kind is None:
        kind, code = kind_of_disconnect(error)
    return (Seen(Sign.CLOSED, source="trace", kind=kind, code=code),)


def connection_update(line: Line) -> tuple[Seen, ...]:
    """A `connection.update`, printed as JSON in any wording."""
    return tuple(seen for update in _updates(line.data or line.record) for seen in _update(update))


def pre_keys_found(line: Line) -> tuple[Seen, ...]:
    """How many one-time keys the server holds."""
    found = _FOUND.match(line.message)
    count = int(found[1]) if found else None
    if line.record is not None and line.message == "recv pre-key count":
        count = number(line.record.get("count"))
    return (Seen(Sign.PRE_KEYS_FOUND, code=count),) if count is not None else ()


def pre_keys_upload(line: Line) -> tuple[Seen, ...]:
    """An upload that begins or has ended; both lines tell of one upload."""
    begun, ended = (line.message.startswith(text) for text in ("uploading pre-keys", "uploaded pre-keys"))
    if line.record is None or not (begun or ended):
        return ()
    source = "begin" if begun else "end"
    return (Seen(Sign.PRE_KEYS_UPLOAD, source=source, code=number(line.record.get("count"))),)


def _updates(value: Json | None) -> Iterator[Json]:
    if value is None:
        return
    yield value
    for name in _NESTED:
        nested = value.get(name)
        if isinstance(nested, Mapping):
            yield nested


def _update(update: Json) -> Iterator[Seen]:
    state = update.get("connection")
    if state == "close":
        kind, code = kind_of_disconnect(update.get("lastDisconnect"))
        yield Seen(Sign.CLOSED, source="update", kind=kind, code=code)
    elif state == "open":
        yield Seen(Sign.OPENED, source="update")
    if isinstance(update.get("qr"), str) and update["qr"]:
        yield Seen(Sign.QR, source="update")
    if update.get("isNewLogin") is True:
        yield Seen(Sign.PAIRED, source="update")


def _jids(record: Json) -> Iterator[str]:
    key = _mapping(record.get("key"))
    participant = key.get("participant") or key.get("participantAlt")
    names = ("participant", "participantAlt") if participant else ("remoteJid", "remoteJidAlt")
    yield from (str(key[name]) for name in names if key.get(name))


def _address(jid: re.Match[str]) -> str:
    lid = "_1" if jid[3].endswith("lid") else ""
    return f"{jid[1]}{lid}.{jid[2] or 0}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first_line(value: object) -> str:
    return value.split("\n", 1)[0] if isinstance(value, str) else ""
