"""`make lab`: open everything, show it, and end it all at Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from tests.crash.journal import Journal
from tests.e2e.lab.byhand import desk, settings, shell
from tests.e2e.lab.byhand.place import Place, PlaceError, emptied, opened
from tests.e2e.lab.byhand.terminal import Asides, Terminal, where
from tests.e2e.lab.node import LabError, installed, pinned

LOOK_EVERY_S = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(root: Path, http_port: int, gateway_port: int) -> int:
    """Run the lab in this terminal; the exit code."""
    console = Console(highlight=False, emoji=False, markup=False, soft_wrap=True)
    terminal = Terminal(console)
    try:
        bot = bool(settings.telegram(os.environ))
        _install(console)
        with _alone(root):
            asyncio.run(_until_ended(root, terminal, http_port, gateway_port, bot=bot))
    except (LabError, PlaceError, ValueError, AssertionError) as error:
        print(f"The lab cannot run: {error}", file=sys.stderr)
        return 1
    terminal.say(f"Everything has ended. {root} stays until the next `make lab` or `make clean`.")
    return 0


def _install(console: Console) -> None:
    """Node packages, once."""
    if not installed():
        console.print("Fetching Baileys and what it needs with npm, once; half a minute or so …")
        with console.status("npm ci"):
            for generation in ("7", "6"):
                pinned(generation)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep a second lab out of the same folder while this one runs."""
    parent = root.parent
    parent.mkdir(parents=True, exist_ok=True)
    path = parent / f"{root.name}.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PlaceError(
                f"a lab runs in {root} already: end it with Ctrl-C in its terminal, or take another folder: LAB=FOLDER"
            ) from error
        try:
            emptied(root)
            yield
        finally:
            path.unlink()


async def _until_ended(root: Path, terminal: Terminal, http_port: int, gateway_port: int, *, bot: bool) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with opened(root, terminal.say, http_port=http_port, gateway_port=gateway_port) as place:
            shell.write(place)
            async with desk.opened(place, terminal.typed):
                for line in ("", *where(place, bot=bot), ""):
                    terminal.say(line)
                await asyncio.gather(_notices(place, terminal), _asides(place, terminal))


async def _notices(place: Place, terminal: Terminal) -> None:
    """Relay what the daemon tells people. One that ends is started again, as a service manager would."""
    while place.daemon is not None and place.daemon.stdout is not None:
        while line := await place.daemon.stdout.readline():
            terminal.notice(line.decode(errors="replace").rstrip("\n"))
        code = await place.daemon.wait()
        terminal.say(f"Baileykeep ended ({code}); it is started again, as systemd would.", "bold")
        await place.keep()


async def _asides(place: Place, terminal: Terminal) -> None:
    asides = Asides(Journal(place.journal))
    while True:
        for at, who, text in await asyncio.to_thread(lambda: list(asides.news())):
            terminal.aside(at, who, text)
        await asyncio.sleep(LOOK_EVERY_S)
