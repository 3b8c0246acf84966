"""The two logs of a gateway process: Baileys' pino JSON on stdout, libsignal's nameless text on stderr."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.demo.shapes import compact, key

INFO, WARN, ERROR = 30, 40, 50
MODULES = "/srv/gateway/node_modules"
SOCKET = f"file://{MODULES}/baileys/lib/Socket/socket.js"
CIPHER = f"{MODULES}/libsignal/src/session_cipher.js"
QUEUE = f"    at async _asyncQueueExecutor ({MODULES}/libsignal/src/queue_job.js:20:29)"
TRACE = f"""
    at WebSocketClient.<anonymous> ({SOCKET}:795:18)
    at WebSocketClient.emit (node:events:524:28)
    at {SOCKET}:465:35
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
HEADER = "Failed to decrypt message with any known session..."
LOGIN_FAILURES = frozenset({402, 403, 405, 406, 411})
"""Codes with which the server refuses a login; the others end an open stream."""

CLOSE_TEXTS = {
    408: "Connection was lost",
    428: "Connection Terminated",
    440: "Stream Errored (conflict)",
    515: "Stream Errored (restart required)",
}


@dataclass(frozen=True, slots=True)
class Close:
    """Why a connection ended. `conflict` is `device_removed` or `replaced` where the server named one."""

    code: int
    conflict: str | None = None
    text: str | None = None

    @property
    def message(self) -> str:
        """Baileys' words for it."""
        if self.text:
            return self.text
        if self.conflict:
            return "Stream Errored (conflict)"
        if self.code in LOGIN_FAILURES or self.code == 401:
            return "Connection Failure"
        return CLOSE_TEXTS.get(self.code, "Stream Errored (unknown)")

    @property
    def stream_error(self) -> dict[str, Any] | None:
        """The error node the server sent before it closed; None where it just went away."""
        if not self.message.startswith("Stream Errored"):
            return None
        attrs = {} if self.conflict == "replaced" else {"code": str(self.code)}
        node: dict[str, Any] = {"tag": "stream:error", "attrs": attrs}
        if self.conflict:
            node["content"] = [{"tag": "conflict", "attrs": {"type": self.conflict}}]
        return node


class GatewayLog:
    """Appends whole lines to the two files, which exist from the start; times come from `clock`.

    `field` is the name under which pino lines carry the company; with None no line can be attributed.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], rng: random.Random, field: str | None = "companyId"):
        folder.mkdir(parents=True, exist_ok=True)
        self.stdout, self.stderr = folder / "gateway-out.log", folder / "gateway-error.log"
        self._clock, self._rng, self._field = clock, rng, field
        self._out, self._err = (path.open("ab", buffering=0) for path in (self.stdout, self.stderr))

    def close(self) -> None:
        """Close both files; nothing is written afterwards."""
        self._out.close()
        self._err.close()

    def pino(self, company: str, msg: str, level: int = INFO, **fields: Any) -> None:
        """One JSON line on stdout."""
        line: dict[str, Any] = {"level": level, "time": int(self._clock() * 1000), "pid": 4711, "hostname": "gateway"}
        if self._field is not None:
            line[self._field] = company
        self._out.write(f"{compact({**line, **fields, 'msg': msg})}\n".encode())

    def console(self, text: str) -> None:
        """Plain text on stderr, as `console.error` prints it."""
        self._err.write(f"{text}\n".encode())

    def update(self, company: str, **fields: Any) -> None:
        """The gateway's own line for Baileys' `connection.update` event."""
        self.pino(company, "connection.update", update=fields)

    def connecting(self, company: str) -> None:
        """The socket is being opened."""
        self.update(company, connection="connecting", receivedPendingNotifications=False)
        self.pino(company, "connected to WA", helloMsg={"clientHello": {"ephemeral": key(self._rng)}})

    def logging_in(self, company: str, phone: str) -> None:
        """The stored login is being presented."""
        self.pino(company, "logging in...", node={"username": phone, "passive": True, "device": 1, "pull": True})

    def registering(self, company: str) -> None:
        """There is no login to present."""
        self.pino(company, "not logged in, attempting registration...", node={"passive": False, "pull": False})

    def opened(self, company: str, on_server: int, uploads: int) -> None:
        """The login was accepted; `uploads` pre-keys went up because the server had too few."""
        self.pino(company, f"{on_server} pre-keys found on server")
        if uploads:
            self.pino(company, "uploading pre-keys", count=uploads, retryCount=0)
            self.pino(company, "uploaded pre-keys successfully", count=uploads)
        self.pino(company, "opened connection to WA")
        self.update(company, connection="open")

    def paired(self, company: str, me: dict[str, str]) -> None:
        """A phone accepted this device."""
        text = "pairing configured successfully, expect to restart the connection..."
        self.pino(company, text, me=me, platform="android")
        self.update(company, isNewLogin=True)

    def qr(self, company: str, text: str) -> None:
        """A QR is out. Gateways do print it."""
        self.update(company, qr=text)

    def closed(self, company: str, close: Close) -> None:
        """The connection ended."""
        node = close.stream_error
        if node is not None:
            reason = {"reasonNode": node["content"][0]} if close.conflict else {}
            self.pino(company, "stream errored out", ERROR, **reason, fullErrorNode=node)
        self.pino(company, "connection errored", trace=f"Error: {close.message}{TRACE}")
        data = {"reason": str(close.code)} if node is None and close.message == "Connection Failure" else node
        last = {"message": close.message, "statusCode": close.code, "data": data}
        self.update(company, connection="close", lastDisconnect=last)

    def bad_mac(self, company: str, address: str, generation: int, blocks: int = 1) -> None:
        """One message that none of the `blocks` stored sessions with this device could decrypt."""
        self.console("\n".join([HEADER, *[_bad_mac_block(address)] * blocks]))
        self._undecryptable(company, address, generation)

    def duplicate(self, company: str, address: str, generation: int) -> None:
        """A message that came twice: looks like a failure, means nothing."""
        self.console(f"{HEADER}\n{_counter_block(address)}")
        self._undecryptable(company, address, generation)

    def renegotiated(self) -> None:
        """A contact started a new session over an open one; libsignal dumps the old one, keys and all."""
        self.console("Closing open session in favor of incoming prekey bundle")
        self._dump_session()

    def stale(self) -> None:
        """libsignal replaced an open session for a message of ours (builds before November 2025)."""
        self.console("Closing stale open session for new outgoing prekey bundle")
        self._dump_session()

    def _dump_session(self) -> None:
        private, root = (self._rng.randbytes(32).hex(" ") for _ in range(2))
        ratchet = f"    ephemeralKeyPair: {{ privKey: <Buffer {private}> }},\n    rootKey: <Buffer {root}>"
        self.console(f"Closing session: SessionEntry {{\n  currentRatchet: {{\n{ratchet}\n  }}\n}}")

    def _undecryptable(self, company: str, address: str, generation: int) -> None:
        jid = _jid(address)
        message_id = f"3EB0{self._rng.getrandbits(64):016X}"
        error = {
            "type": "SessionError",
            "message": "No matching sessions found for message",
            "stack": f"SessionError: No matching sessions found for message\n{_frames(address)}",
            "name": "SessionError",
        }
        message_key = {"remoteJid": jid, "fromMe": False, "id": message_id}
        extra: dict[str, Any] = {}
        if generation >= 7:
            self.pino(company, "transaction failed, rolling back", ERROR, error={"name": "SessionError"})
            message_key["addressingMode"] = "lid" if jid.endswith("@lid") else "pn"
            extra = {"messageType": "msg", "sender": jid, "author": jid, "isSessionRecordError": False}
        self.pino(company, "failed to decrypt message", ERROR, key=message_key, err=error, **extra)
        attrs = {"from": jid, "type": "text", "id": message_id, "t": str(int(self._clock()))}
        self.pino(company, "sent retry receipt", msgAttrs=attrs, retryCount=1)


def _jid(address: str) -> str:
    user, _, device = address.partition(".")
    name, is_lid, _ = user.partition("_1")
    at = "lid" if is_lid else "s.whatsapp.net"
    return f"{name}@{at}" if device == "0" else f"{name}:{device}@{at}"


def _bad_mac_block(address: str) -> str:
    return "\n".join(
        [
            "Session error:Error: Bad MAC Error: Bad MAC",
            f"    at Object.verifyMAC ({MODULES}/libsignal/src/crypto.js:87:15)",
            f"    at SessionCipher.doDecryptWhisperMessage ({CIPHER}:250:16)",
            f"    at async SessionCipher.decryptWithSessions ({CIPHER}:147:29)",
            f"    at async {address} [as awaitable] ({CIPHER}:171:28)",
            QUEUE,
        ]
    )


def _counter_block(address: str) -> str:
    text = "MessageCounterError: Key used already or never filled"
    return "\n".join(
        [
            f"Session error:{text} {text}",
            f"    at SessionCipher.doDecryptWhisperMessage ({CIPHER}:236:19)",
            f"    at SessionCipher.decryptWithSessions ({CIPHER}:147:40)",
            f"    at {address} [as awaitable] ({CIPHER}:171:39)",
            QUEUE,
        ]
    )


def _frames(address: str) -> str:
    return f"    at async {address} [as awaitable] ({CIPHER}:171:28)\n{QUEUE}"
