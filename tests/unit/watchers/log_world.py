"""A gateway's log files, a tailer on them, and what it told."""

from __future__ import annotations

import json
from pathlib import Path

from baileykeep.clock import VirtualClock
from baileykeep.logs.attribution import Attribution
from baileykeep.logs.failures import HOLD_S
from baileykeep.model.facts import (
    Fact,
    LogActive,
    LogFact,
)
from baileykeep.watchers.log_tail import LogFile, LogTailer

HEADER = "Failed to decrypt message with any known session...\n"
BAD_MAC = "Session error:Error: Bad MAC Error: Bad MAC\n    at async {address} [as awaitable] (x.js:1:1)\n"
COUNTER = "Session error:MessageCounterError: Key used already\n    at {address} [as awaitable] (x.js:1:1)\n"
ANNA = "4915122222222.0"
RECORD = (
    '{"companyId":"17","key":{"remoteJid":"4915122222222@s.whatsapp.net"},'
    '"err":{"message":"No matching sessions found for message"},"msg":"failed to decrypt message"}\n'
)
UPDATE = 'APP connection.update {"connection":"close","lastDisconnect":{"statusCode":%s}}\n'


class Gateway:
    """A gateway's two streams, a tailer on them and everything that it told."""

    def __init__(self, folder: Path, attribution: Attribution | None = None) -> None:
        self.out, self.err = folder / "out.log", folder / "err.log"
        self.attribution = attribution or Attribution(field="companyId")
        self.clock = VirtualClock()
        self.facts: list[Fact] = []
        self.owners: dict[str, tuple[str, ...]] = {}
        self.tailer = self.start(None)

    def start(self, positions: dict[str, object] | None) -> LogTailer:
        tailer = LogTailer(
            self.clock,
            self.facts.append,
            owners=lambda gateway, address: self.owners.get(address, ()) if gateway == "gw" else (),
            positions=positions,
        )
        tailer.set_files([LogFile(path, "gw", self.attribution) for path in (self.out, self.err)])
        return tailer

    async def restart(self, after_s: float) -> None:
        positions = json.loads(json.dumps(self.tailer.positions()))
        self.clock.step_to(self.clock.monotonic() + after_s)
        self.tailer = self.start(positions)

    async def poll(self, after_s: float = 0.25) -> list[LogFact]:
        """One look after so long; what it told, without the signs of life."""
        self.facts.clear()
        self.clock.step_to(self.clock.monotonic() + after_s)
        await self.tailer.poll()
        return [fact for fact in self.facts if isinstance(fact, LogFact) and not isinstance(fact, LogActive)]

    async def settle(self) -> list[LogFact]:
        """Read, wait until nothing is held back any more, and tell everything."""
        return [*await self.poll(), *await self.poll(HOLD_S + 0.01)]


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as stream:
        stream.write(text.encode() if isinstance(text, str) else text)
