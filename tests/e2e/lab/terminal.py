"""Somebody at a terminal: `baileykeep` on a pty of its own, what it shows there, and what is typed into it."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.crash.processes import REPO, environment
from tests.e2e.lab.processes import ended
from tests.fakes.camera import read_blocks

ENDS_WITHIN_S = 60.0
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DRAWN = re.compile(r"[ ▀▄█]{20,}")


@dataclass(slots=True)
class Terminal:
    """What was shown so far. Reads by itself while the program runs."""

    master: int
    process: asyncio.subprocess.Process
    _shown: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """Everything, without its colours."""
        return COLOURS.sub("", self._shown.decode(errors="replace")).replace("\r\n", "\n")

    def qrs(self) -> list[str]:
        """The text of every QR that was drawn whole, oldest first."""
        drawings: list[list[str]] = [[]]
        for line in self.text.split("\n")[:-1]:
            if DRAWN.fullmatch(line):
                drawings[-1].append(line)
            elif drawings[-1]:
                drawings.append([])
        return [read_blocks(drawing) for drawing in drawings[:-1]]

    def type(self, text: str) -> None:
        """Somebody types."""
        os.write(self.master, text.encode())

    async def exit_code(self) -> int:
        """Wait for its end."""
        return await asyncio.wait_for(self.process.wait(), ENDS_WITHIN_S)

    def read(self) -> None:
        """Take what came; the other side hangs up when the program ends."""
        try:
            self._shown += os.read(self.master, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.master)


@asynccontextmanager
async def terminal(*words: str) -> AsyncIterator[Terminal]:
    """Run `baileykeep` with these words at a terminal; what still runs at the end is ended."""
    master, slave = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "baileykeep", *words, stdin=slave, stdout=slave, stderr=slave,
            env=environment(), cwd=REPO, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(slave)
    made = Terminal(master, process)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, made.read)
    try:
        yield made
    finally:
        loop.remove_reader(master)
        await ended(process)
        os.close(master)
