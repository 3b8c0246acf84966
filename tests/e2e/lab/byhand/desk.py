"""How a second terminal talks to the running lab: a line with words goes in, lines of text come back.

Only the standard library at the top: the command in the second terminal is to answer at once.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from tests.e2e.lab.byhand.breaks import Break
    from tests.e2e.lab.byhand.place import Place, Told

SOCKET = "lab.sock"
FINE, FAILED, USAGE = 0, 1, 2
EVERYBODY = "all"


# --- the command ------------------------------------------------------------------------------------------------------


def ask(root: Path, words: list[str]) -> int:
    """Have the running lab do what the words say, and print its answer; returns the exit code."""
    try:
        answer = exchange(root, words)
    except (FileNotFoundError, ConnectionRefusedError):
        print(f"No lab runs in {root}. Start one with `make lab`, and leave it running in its own terminal.")
        return FAILED
    print(answer["text"])
    return int(answer["exit"])


def exchange(root: Path, words: list[str]) -> dict[str, str | int]:
    """One question and its answer. Raises FileNotFoundError or ConnectionRefusedError when no lab is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(root / SOCKET))
        connection.sendall(json.dumps(words).encode() + b"\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    if not answer:
        return {"text": "The lab ended meanwhile.", "exit": FAILED}
    found: dict[str, str | int] = json.loads(answer)
    return found


# --- the lab's side ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(place: Place, told: Told) -> AsyncIterator[None]:
    """Answer meanwhile; `told` hears of what somebody wants."""
    import asyncio

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = json.loads(await reader.readline() or b"[]")
        code, text = await answer(place, words, told)
        writer.write(json.dumps({"text": text, "exit": code}).encode())
        writer.close()
        await writer.wait_closed()

    path = place.root / SOCKET
    try:
        async with await asyncio.start_unix_server(talk, path):
            yield
    finally:
        path.unlink(missing_ok=True)


async def answer(place: Place, words: list[str], told: Told) -> tuple[int, str]:
    """Do what the words say; returns the exit code and what to print."""
    from tests.e2e.lab.byhand.breaks import BREAKS, OTHERS

    if not words:
        return FINE, usage(place)
    what, company, how = (*words, "", "", "")[:3]
    act = BREAKS.get(how) if what == "break" else OTHERS.get(what) if not how else None
    idents = list(place.companies) if company == EVERYBODY else [company] if company in place.companies else []
    if act is None or not idents or len(words) > 3:
        return USAGE, usage(place)
    told(f"lab {' '.join(words)}")
    return await _done(place, idents, act)


async def _done(place: Place, idents: list[str], act: Break) -> tuple[int, str]:
    import asyncio

    import httpx

    try:
        found = await asyncio.gather(*(act(place, place.companies[ident]) for ident in idents))
    except httpx.HTTPError:
        return FAILED, "The gateway does not answer. `lab mend 1` starts it again."
    except (AssertionError, OSError) as error:
        return FAILED, f"That did not work: {str(error).strip() or type(error).__name__}"
    return FINE, "\n".join(dict.fromkeys(found))


def usage(place: Place) -> str:
    """All that can be said here."""
    from tests.e2e.lab.byhand.breaks import BREAKS, OTHERS
    from tests.e2e.lab.byhand.settings import NAMES

    who = ", ".join(f"{ident} {NAMES[ident]}" for ident in place.companies)
    breaks = [f"  lab break COMPANY {name:<15} {one.__doc__}" for name, one in BREAKS.items()]
    others = [f"  lab {name:<6}COMPANY {'':<21}{one.__doc__}" for name, one in OTHERS.items()]
    return "\n".join((f"COMPANY is {who}; or {EVERYBODY}.", "", *breaks, "", *others))
