"""A mail server on 127.0.0.1 that takes letters, or refuses them, over the real protocol."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

SAYS = {"EHLO": "250 here", "HELO": "250 here", "RCPT": "250 ok", "RSET": "250 ok", "NOOP": "250 ok"}


@dataclass
class FakeSmtp:
    """`letters` are those it took; with `refuses` set it takes none."""

    letters: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False
    port: int = 0

    @property
    def text(self) -> str:
        """Subject and words of every letter."""
        return "\n".join(f"{one['Subject']}\n{_body(one)}" for one in self.letters)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        writer.write(b"220 here\r\n")
        with suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(f"{await self._answer(line, reader, writer)}\r\n".encode())
                await writer.drain()
                if line.upper().startswith(b"QUIT"):
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        word = line[:4].decode().upper()
        if word == "MAIL":
            return "550 not from you" if self.refuses else "250 ok"
        if word == "DATA":
            writer.write(b"354 go on\r\n")
            await writer.drain()
            raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5].replace(b"\r\n..", b"\r\n.")
            self.letters.append(email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default))
            return "250 taken"
        return "221 bye" if word == "QUIT" else SAYS.get(word, "502 what?")


def _body(letter: EmailMessage) -> str:
    part = letter.get_body(("plain", "html"))
    return part.get_content() if part is not None else ""


@asynccontextmanager
async def fake_smtp() -> AsyncIterator[FakeSmtp]:
    """Runs one."""
    fake = FakeSmtp()
    server = await asyncio.start_server(fake.talk, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        await server.wait_closed()
