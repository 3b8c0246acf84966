"""What people read of a story in Telegram from its first word to its last: true, short, about the right company."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.lab.processes import until
from tests.e2e.lab.world import CHAT, Lab, lab

NAMES = {"1": "Salon Rosa", "2": "Salon Blau"}
TOLD_WITHIN_S = 20.0
NUMBER = re.compile(r"[0-9]{9,}")
LONGEST_LINE = 140


@asynccontextmanager
async def salons(root: Path, idents: Sequence[str] = ("1",), **how: Any) -> AsyncIterator[Lab]:
    """A lab whose companies have names."""
    async with lab(root, idents, **how) as place:
        folder = root / "config" / "companies"
        folder.mkdir(parents=True)
        for ident in idents:
            (folder / f"{ident}.toml").write_text(f'name = "{NAMES[ident]}"\n')
        yield place


def silent(place: Lab) -> None:
    """Nobody was told anything, nor is about to be."""
    assert [message.plain for message in place.telegram.ever(CHAT)] == []
    assert place.journal.notices() == []


async def told(place: Lab, *parts: str, ident: str = "1", over: bool = True, within_s: float = TOLD_WITHIN_S) -> str:
    """Wait until the one story in the chat reads so, and (`over`) is at its end; returns it as it reads then.

    Whatever it read before named the company and, until it was over, said what to do.
    """
    await until(lambda: _reads(place, parts, over), within_s, f"the story says {parts}", place)
    assert len(place.stories()) == 1, place.texts()
    for text in texts(place):
        _check(text, f"{NAMES[ident]} ({ident}): ")
    return place.texts()[0]


def texts(place: Lab) -> list[str]:
    """Everything that the one story ever read, oldest first."""
    return [edit.plain for message in place.stories() for edit in message.history]


def asked_anything(place: Lab) -> bool:
    """Whether anybody ever was asked for a yes."""
    return any("may Baileykeep" in edit.plain for message in place.telegram.ever(CHAT) for edit in message.history)


def _reads(place: Lab, parts: Sequence[str], over: bool) -> bool:
    found = place.texts()
    return bool(found) and all(part in found[0] for part in parts) and found[0].startswith("✅") is over


def _check(text: str, who: str) -> None:
    head = text.splitlines()[0]
    assert who in head, head
    assert head.startswith("✅") or "What to do: " in text, text
    assert not NUMBER.search(text), text
    assert max(map(len, text.splitlines())) <= LONGEST_LINE, text
