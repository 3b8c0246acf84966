"""Whoever pairs a company anew: in its chat, over HTTP, with its phone in the hand. And what nobody else may see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from baileykeep.model.backup import Backup, BackupKind
from tests.e2e.lab.people import Company
from tests.e2e.lab.processes import Json, until
from tests.e2e.lab.world import ANN, HTTP_TOKEN, Lab
from tests.fakes.camera import read_qr
from tests.fakes.telegram import Answer, Shown

SHOWN_WITHIN_S = 90.0
TYPE_THIS = "type this code"


@dataclass(slots=True)
class Desk:
    """One company's: `chat` is where it is told of, and nowhere else. `seen` are all texts that a phone was shown."""

    place: Lab
    company: Company
    chat: int
    name: str
    seen: set[str] = field(default_factory=set)

    @property
    def ident(self) -> str:
        """The company's id."""
        return self.company.ident

    def write_file(self, more: str = "") -> None:
        """The company's own file, with its name, its phone and its chat."""
        facts = f'name = "{self.name}"\nphone = "{self.company.phone}"\ncontacts = [{self.chat}]\n'
        self.place.company_file(self.ident, f"{facts}{more}")

    # --- in the chat --------------------------------------------------------------------------------------------

    def messages(self) -> list[Shown]:
        """What stands there now."""
        return self.place.telegram.messages(self.chat)

    def stories(self) -> list[Shown]:
        """The messages that tell of incidents."""
        return [m for m in self.messages() if not m.photo and m.reply_to is None and TYPE_THIS not in m.plain]

    @property
    def story(self) -> str:
        """The only story, as it reads now."""
        (message,) = self.stories()
        return message.plain

    def tells(self, text: str) -> bool:
        """Whether some story says so now."""
        return any(text in message.plain for message in self.stories())

    def pair_stories(self) -> int:
        """How many incidents were told of here."""
        return sum("It was: " in message.plain or "What to do: " in message.plain for message in self.messages())

    def pictures(self) -> list[Shown]:
        """The pictures that stand there now."""
        return [message for message in self.messages() if message.photo]

    async def picture(self) -> Shown:
        """Wait for the one picture that shows a QR."""
        found: Shown = await self.until(
            lambda: next((m for m in self.pictures() if self.scanned(m)), None), "a picture"
        )
        assert len(self.pictures()) == 1
        return found

    def scanned(self, picture: Shown) -> str | None:
        """What a phone reads from a picture; None while it is empty."""
        text = read_qr(picture.picture)
        self.seen |= {text} if text else set()
        return text

    async def code(self) -> str:
        """Wait for the pairing code in a message of its own."""
        message = await self.until(self._code_message, "a pairing code")
        text = message.plain.splitlines()[1]
        self.seen.add(text)
        return str(text)

    def _code_message(self) -> Shown | None:
        return next((m for m in self.messages() if TYPE_THIS in m.plain), None)

    def nothing_to_scan(self) -> bool:
        """Whether neither a picture nor a code stands there."""
        return not self.pictures() and self._code_message() is None

    async def asks(self, wanted: str) -> Shown:
        """Wait for the message with this button."""
        found: Shown = await self.until(lambda: self._with_button(wanted), f"a button {wanted}")
        return found

    def _with_button(self, wanted: str) -> Shown | None:
        for message in self.messages():
            if any(wanted in (label, data.split("|")[0]) for row in message.buttons for label, data in row):
                return message
        return None

    def asks_about(self, text: str) -> bool:
        """Whether a question that can be answered says so."""
        return any(text in message.plain and message.buttons for message in self.messages())

    async def press(self, wanted: str) -> Answer:
        """Wait for a button and press it."""
        return await self.place.telegram.press(await self.asks(wanted), wanted, user=ANN)

    async def say(self, text: str) -> None:
        """Write into the chat."""
        await self.place.telegram.say(self.chat, ANN, text)

    async def until(self, wanted: Any, what: str, within_s: float = SHOWN_WITHIN_S) -> Any:
        """Wait for something here; when it is late all that this chat shows is shown."""
        return await until(wanted, within_s, f"{self.ident}: {what}", self)

    def __str__(self) -> str:
        ever = self.place.telegram.ever(self.chat)
        shown = [f"[{'gone' if m.deleted else 'picture' if m.photo else 'text'}] {m.plain}" for m in ever]
        return "\n".join((*shown, *self.place.steps(self.ident), self.place.daemon.tail()))

    # --- over HTTP ----------------------------------------------------------------------------------------------

    async def get(self, path: str, accept: str = "application/json") -> httpx.Response:
        """Ask the daemon."""
        async with self._http() as client:
            return await client.get(path, headers={"Accept": accept})

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """Tell the daemon."""
        async with self._http() as client:
            return await client.post(path, json=body)

    @asynccontextmanager
    async def _http(self) -> AsyncIterator[httpx.AsyncClient]:
        url, bearer = await self.place.http_url(), {"Authorization": f"Bearer {HTTP_TOKEN}"}
        async with httpx.AsyncClient(base_url=url, headers=bearer, trust_env=False, timeout=10) as client:
            yield client

    async def out_now(self) -> Json:
        """What is out for pairing, over HTTP."""
        found: Json = (await self.get(f"/api/companies/{self.ident}/pairing")).json()
        return found

    # --- files --------------------------------------------------------------------------------------------------

    def copies(self, kind: BackupKind) -> list[Backup]:
        """The copies of one kind, each read again and checked, oldest first."""
        return self.place.copies(self.ident, kind)

    # --- what nobody may see ------------------------------------------------------------------------------------

    def leaks(self) -> list[str]:
        """Where a text that a phone was shown, or the whole phone number, can be read: in chats, log or state."""
        secrets = {part for text in self.seen for part in (text, text.partition("2@")[2][:40]) if len(part) >= 8}
        places = {f"message {m.id}": m.html.encode() for m in self.place.telegram.ever() if TYPE_THIS not in m.plain}
        places["daemon.log"] = self.place.daemon.output.read_bytes()
        state = self.place.root / "state"
        places.update({path.name: path.read_bytes() for path in state.rglob("*") if path.is_file()})
        wanted = [secret.encode() for secret in (*secrets, self.company.phone)]
        return sorted(where for where, held in places.items() if any(secret in held for secret in wanted))


async def after(moment: float, seconds: float) -> None:
    """Wait until so long after a moment of `time.monotonic`: people need time to read and to fetch a phone."""
    await asyncio.sleep(max(0.0, moment + seconds - time.monotonic()))
