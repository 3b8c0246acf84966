"""Every line worth reading: a literal that finds it fast, a function that understands it, and samples of both kinds.

A pattern is judged where the writer put it: a logger's message, the start of a console line, a named JSON field. What
customers wrote may stand anywhere behind that and must never count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick

from baileykeep.logs import plain_words, records
from baileykeep.logs.reading import Line
from baileykeep.logs.signs import Seen, Sign
from baileykeep.model.facts import DecryptKind

Read = Callable[[Line], tuple[Seen, ...]]

HEADER = "Failed to decrypt message with any known session"
_FRAME = re.compile(r"^\s*at (?:async )?([0-9]{1,32}(?:_[0-9]{1,3})?\.[0-9]{1,5}) \[as awaitable\]")
_SESSION_ERROR = re.compile(r"^Session error:\s*(\w+): ?(.{0,80})")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`literals`: one of them stands in every line that matters. `hits` and `misses` are lines for the tests."""

    name: str
    literals: tuple[bytes, ...]
    read: Read
    hits: tuple[str, ...]
    misses: tuple[str, ...]


def _console(phrase: str, sign: Sign) -> Read:
    def read(line: Line) -> tuple[Seen, ...]:
        return (Seen(sign),) if line.record is None and line.words.startswith(phrase) else ()

    return read


def _header(line: Line) -> tuple[Seen, ...]:
    rest = line.words.removeprefix(HEADER)
    told = line.record is None and line.words != rest and not rest.strip(".… ")
    return (Seen(Sign.DECRYPT_HEADER),) if told else ()


def _session_error(line: Line) -> tuple[Seen, ...]:
    found = _SESSION_ERROR.match(line.words) if line.record is None else None
    if found is None:
        return ()
    why = DecryptKind.OTHER
    if found[1] == "MessageCounterError":
        why = DecryptKind.DUPLICATE
    elif found[2].startswith("Bad MAC"):
        why = DecryptKind.BAD_MAC
    return (Seen(Sign.SESSION_ERROR, why=why),)


def _frame(line: Line) -> tuple[Seen, ...]:
    found = _FRAME.match(line.words) if line.record is None else None
    return (Seen(Sign.CONTACT_FRAME, address=found[1]),) if found else ()


_PINO = '{"level":30,"time":1795164402921,"pid":7,"hostname":"vm",'
_UPSERT = 'APP messages.upsert {"key":{"remoteJid":"4915122222222@s.whatsapp.net"},"text":"%s"}'

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "decrypt header",
        (HEADER.encode(),),
        _header,
        (
            HEADER + "...",
            "2026-11-20T08:46:42: " + HEADER + "...",
            "0|ai-admin-api  | 2026-11-20 08:46 +00:00: " + HEADER + "...",
            "Nov 20 08:46:42 host node[7]: " + HEADER + "...",
            "\x1b[31m" + HEADER + "...\x1b[0m",
            '{"message":"' + HEADER + '...\\n","timestamp":"2026-11-20T08:46:42","app_name":"gw","process_id":0}',
        ),
        (
            _UPSERT % (HEADER + "..."),
            "customer says: " + HEADER + "...",
            _PINO + '"msg":"' + HEADER + '..."}',
            HEADER + " of yesterday",
        ),
    ),
    Pattern(
        "session error",
        (b"Session error:",),
        _session_error,
        (
            "Session error:Error: Bad MAC Error: Bad MAC",
            "Session error:MessageCounterError: Key used already or never filled",
            "2026-11-20T08:46:42: Session error:SessionError: Over 2000 messages into the future!",
        ),
        ("our Session error: Error: Bad MAC", _UPSERT % "Session error:Error: Bad MAC"),
    ),
    Pattern(
        "contact frame",
        (b"[as awaitable]",),
        _frame,
        (
            "    at async 4915122222222.0 [as awaitable] (/srv/gateway/session_cipher.js:171:28)",
            "2026-11-20T08:46:42:     at 100000000000555_1.12 [as awaitable] (/srv/session_cipher.js:171:28)",
        ),
        (
            "    at async SessionCipher.decrypt [as awaitable] (/srv/session_cipher.js:171:28)",
            _UPSERT % "at async 4915122222222.0 [as awaitable]",
        ),
    ),
    Pattern(
        "failed to decrypt message",
        (b"failed to decrypt message",),
        records.decrypt_failure,
        (
            _PINO + '"key":{"remoteJid":"4915122222222@s.whatsapp.net"},"err":{"message":"Bad MAC"},'
            '"msg":"failed to decrypt message"}',
        ),
        (
            _PINO + '"msg":"customer wrote: failed to decrypt message"}',
            _UPSERT % "failed to decrypt message",
        ),
    ),
    Pattern(
        "stream errored out",
        (b"stream errored out",),
        records.stream_error,
        (
            _PINO + '"node":{"tag":"stream:error","attrs":{"code":"515"}},"msg":"stream errored out"}',
            _PINO + '"fullErrorNode":{"tag":"stream:error","attrs":{"code":"503"}},"msg":"stream errored out"}',
        ),
        (_UPSERT % "stream errored out", "2026-11-20T08:47:07.165Z stream:error replaced"),
    ),
    Pattern(
        "connection errored",
        (b"connection errored",),
        records.connection_errored,
        (_PINO + '"trace":"Error: Connection was lost\\n    at x","msg":"connection errored"}',),
        (_UPSERT % "connection errored", _PINO + '"msg":"connection errored?"}'),
    ),
    Pattern(
        "connection update",
        (b'"connection', b"lastDisconnect", b'"qr', b'"isNewLogin'),
        records.connection_update,
        (
            'APP connection.update {"connection":"open"}',
            'APP connection.update {"connection":"close","lastDisconnect":{"statusCode":428}}',
            'APP connection.update {"qr":"2@x,y,z"}',
            'APP connection.update {"isNewLogin":true}',
            _PINO
            + '"update":{"connection":"close","lastDisconnect":{"error":{"output":{"statusCode":440}}}},"msg":"up"}',
        ),
        (
            'APP connection.update {"receivedPendingNotifications":true}',
            'APP messages.upsert {"message":{"connection":"close"}}',
            'APP connection.update {"qr":null,"connection":"almost"}',
        ),
    ),
    Pattern(
        "opened connection",
        (b"opened connection to WA",),
        records.says("opened connection to WA", Sign.OPENED),
        (_PINO + '"msg":"opened connection to WA"}',),
        (_UPSERT % "opened connection to WA",),
    ),
    Pattern(
        "connected to WA",
        (b"connected to WA",),
        records.says("connected to WA", Sign.CONNECTING),
        (_PINO + '"msg":"connected to WA"}',),
        (_UPSERT % "connected to WA", _PINO + '"msg":"not connected to WA"}'),
    ),
    Pattern(
        "pairing configured",
        (b"pairing configured successfully",),
        records.says("pairing configured successfully", Sign.PAIRED),
        (_PINO + '"msg":"pairing configured successfully, expect to restart the connection..."}',),
        (_UPSERT % "pairing configured successfully",),
    ),
    Pattern(
        "pre-keys on the server",
        (b"pre-keys found on server", b"recv pre-key count"),
        records.pre_keys_found,
        (
            _PINO + '"msg":"810 pre-keys found on server"}',
            '{"level":20,"count":3,"shouldUploadMorePreKeys":true,"msg":"recv pre-key count"}',
        ),
        (_UPSERT % "810 pre-keys found on server", _PINO + '"msg":"many pre-keys found on server"}'),
    ),
    Pattern(
        "pre-key upload",
        (b"uploading pre-keys", b"uploaded pre-keys"),
        records.pre_keys_upload,
        (
            _PINO + '"count":812,"retryCount":0,"msg":"uploading pre-keys"}',
            _PINO + '"count":5,"msg":"uploaded pre-keys successfully"}',
        ),
        (_UPSERT % "uploading pre-keys", "2026-11-20T08:50:35.386Z PREKEY UPLOAD 30 ids 1 .. 30"),
    ),
    Pattern(
        "stale session",
        (b"Closing stale open session",),
        _console("Closing stale open session for new outgoing prekey bundle", Sign.STALE),
        ("Closing stale open session for new outgoing prekey bundle",),
        (_UPSERT % "Closing stale open session for new outgoing prekey bundle",),
    ),
    Pattern(
        "renegotiation",
        (b"Closing open session in favor",),
        _console("Closing open session in favor of incoming prekey bundle", Sign.RENEGOTIATION),
        ("2026-11-20 08:46:42: Closing open session in favor of incoming prekey bundle",),
        (_UPSERT % "Closing open session in favor of incoming prekey bundle",),
    ),
    Pattern(
        "session dump",
        (b"Closing session: SessionEntry {",),
        _console("Closing session: SessionEntry", Sign.SESSION_DUMP),
        ("Closing session: SessionEntry {",),
        ("Closing session: 17 {", _UPSERT % "Closing session: SessionEntry {"),
    ),
    Pattern(
        "waiting for message",
        (b"aiting for message", b"aiting for this message"),
        plain_words.waiting,
        (
            "[c17] contact is waiting for message",
            "Waiting for this message. This may take a while.",
            _PINO + '"companyId":"17","msg":"waiting for message from us"}',
        ),
        (
            "Error: timed out waiting for message",
            _PINO + '"msg":"timed out waiting for message"}',
            "Waiting for messages sync",
            _UPSERT % "waiting for message",
            "text: waiting for message",
        ),
    ),
    Pattern(
        "closed, in a gateway's own words",
        plain_words.CLOSE_LITERALS,
        plain_words.closed,
        (
            "Connection replaced",
            "❌ [company_962302] Connection Closed, code: 428",
            "Connection closed for company 962302, reason: loggedOut",
            "Session of company 17 was logged out",
            "Disconnected from WhatsApp: device_removed",
            "WhatsApp connection: restart required",
            _PINO + '"companyId":"17","statusCode":440,"msg":"connectionReplaced, giving up the connection"}',
        ),
        (
            "Admin user logged out",
            "2026-11-20T08:47:36.838Z stream:error device_removed",
            "2026-11-20T08:47:32.288Z second login: conflict/replaced to the old one",
            "connection closed by peer",
            "incoming text: Connection replaced",
            'he said "Connection replaced"',
            _UPSERT % "Connection replaced",
            "Connection not logged out",
        ),
    ),
    Pattern(
        "open, in a gateway's own words",
        plain_words.OPEN_LITERALS,
        plain_words.opened,
        (
            "✅ WhatsApp connected for company 962302",
            "Connection opened",
            "[17] connected to WhatsApp",
        ),
        ("not connected to WhatsApp", "message: Connection opened", "Connection openness test"),
    ),
    Pattern(
        "QR, in a gateway's own words",
        plain_words.QR_LITERALS,
        plain_words.qr,
        ("QR code generated for company 962302", "📱 New QR code received", "Scan this QR code with WhatsApp:"),
        ("QR code expired", "text: QR code generated", "QR code"),
    ),
)

LITERALS: tuple[bytes, ...] = tuple(dict.fromkeys(literal for pattern in PATTERNS for literal in pattern.literals))

_ALL = BytesAhoCorasick(list(LITERALS))
_OWNERS = tuple(frozenset(n for n, each in enumerate(PATTERNS) if literal in each.literals) for literal in LITERALS)


def understand(raw: bytes, line: Line) -> tuple[Seen, ...]:
    """Everything that one line tells; `raw` is the line as it stands in the file."""
    hits = {n for index, _, _ in _ALL.find_matches_as_indexes(raw, overlapping=True) for n in _OWNERS[index]}
    return tuple(seen for n in sorted(hits) for seen in PATTERNS[n].read(line))
