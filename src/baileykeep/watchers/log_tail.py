"""The live end of gateway logs: one follower per file, whatever the number of companies in it.

The files are looked at in turn, a few times a second, in one worker thread. That is slower by a fraction of a second
than being woken by the kernel, but it costs one stat a file, needs no watch, descriptor or thread per company, and
has no case in which a wake-up gets lost: not-yet-existing folders, rotation and network file systems are all alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import structlog

from baileykeep.clock import Clock
from baileykeep.logs.attribution import Attribution, Owners, nobody, owner_of
from baileykeep.logs.failures import ConsoleBlocks
from baileykeep.logs.follow import Follower, Mark, Position
from baileykeep.logs.gateway_log import GatewayLog
from baileykeep.logs.parser import LogParser
from baileykeep.model.facts import DecryptFailed, LogActive, LogFact, LogGap
from baileykeep.watchers.base import Emit

ACTIVE_EVERY_S = 3.0
"""A moving log is told at most this often."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file of a gateway; standard output and standard error of one gateway are two of them."""

    path: Path
    gateway: str
    attribution: Attribution = field(default_factory=Attribution)


@dataclass(frozen=True, slots=True)
class Place:
    """How far all files were read, and what was read there but is not told yet because more lines may belong to it."""

    positions: Mapping[str, Any]
    held: tuple[LogFact, ...]


class LogTailer:
    """Follows all log files of all gateways and tells what they say.

    A line is told within a poll and `failures.HOLD_S`. `owners` says which companies talk to a contact device; it is
    asked in the event loop. `positions` is what `positions()` gave before the last stop: reading goes on there.
    """

    def __init__(
        self,
        clock: Clock,
        emit: Emit,
        *,
        owners: Owners = nobody,
        named: Callable[[str], str] = str,
        poll_s: float = 0.25,
        positions: Mapping[str, Any] | None = None,
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._owners = owners
        self._named = named
        self._poll_s = poll_s
        self._positions: dict[str, Any] = dict(positions or {})
        self._wanted: Mapping[Path, LogFile] | None = None
        self._tails: dict[Path, _Tail] = {}
        self._gateways: dict[str, _Gateway] = {}
        self._polling = anyio.Lock()

    def set_files(self, files: Iterable[LogFile]) -> None:
        """Follow exactly these files from the next poll on; those that were followed before go on where they are."""
        self._wanted = {file.path: file for file in files}

    def positions(self) -> dict[str, Any]:
        """Where each file was left after the last poll, as plain JSON, to be given back after a restart."""
        return dict(self._positions)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[Place]:
        """Nothing is read or told while the context is open: all that was concluded so far belongs to this place."""
        async with self._polling:
            held = [self._attributed(fact) for gateway in self._gateways.values() for fact in gateway.log.held()]
            yield Place(self.positions(), tuple(held))

    def problems(self) -> dict[str, str]:
        """Files that exist but cannot be read, with the reason."""
        return {str(path): tail.problem for path, tail in self._tails.items() if tail.problem is not None}

    async def run(self) -> None:
        """Sense until cancelled; every file is closed when this returns."""
        try:
            while True:
                more = await self.poll()
                await self._clock.sleep(0.0 if more else self._pause_s())
        finally:
            self.close()

    def close(self) -> None:
        """Close every file; a later poll opens them again."""
        for tail in self._tails.values():
            tail.follower.close()

    async def poll(self) -> bool:
        """Look at every file once and tell what is due; True when a file has more to read at once."""
        async with self._polling:
            return await self._poll()

    async def _poll(self) -> bool:
        self._apply()
        now, wall = self._clock.monotonic(), self._clock.now()
        tails = list(self._tails.values())
        facts = await anyio.to_thread.run_sync(_sweep, tails, now, wall)
        for tail in tails:
            self._after(tail, wall)
        for gateway in self._gateways.values():
            facts.extend(gateway.log.due(now))
        for fact in facts:
            self._emit(self._attributed(fact))
        return any(tail.follower.more for tail in tails)

    def _apply(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            return
        for path in set(self._tails) - set(wanted):
            self._tails.pop(path).follower.close()
            self._positions.pop(str(path), None)
        names = {file.gateway for file in wanted.values()}
        self._gateways = {name: self._gateways.get(name) or _Gateway(GatewayLog(name)) for name in names}
        for path, file in wanted.items():
            self._tails[path] = self._tail_of(file)

    def _tail_of(self, file: LogFile) -> _Tail:
        gateway, known = self._gateways[file.gateway], self._tails.get(file.path)
        if known is not None:
            known.take_over(file, gateway)
            return known
        return _Tail(file, gateway, Position.from_json(self._positions.get(str(file.path))))

    def _after(self, tail: _Tail, wall: float) -> None:
        place = tail.follower.position(tail.parser.pending, wall)
        if place is not None:
            self._positions[str(tail.file.path)] = place.to_json()
        if tail.problem != tail.follower.problem:
            tail.problem = tail.follower.problem
            tell: Callable[..., Any] = log.info if tail.problem is None else log.warning
            tell(
                "log_readable" if tail.problem is None else "log_unreadable", path=str(tail.file.path), why=tail.problem
            )

    def _attributed(self, fact: LogFact) -> LogFact:
        if not isinstance(fact, DecryptFailed) or fact.address is None:
            return fact
        company = fact.company or owner_of(self._owners, fact.gateway, fact.address)
        return replace(fact, company=company, address=self._named(fact.address))

    def _pause_s(self) -> float:
        due = [found for gateway in self._gateways.values() if (found := gateway.log.next_due()) is not None]
        wait_s = min(due) - self._clock.monotonic() if due else self._poll_s
        return min(self._poll_s, max(0.01, wait_s))


@dataclass(slots=True)
class _Gateway:
    log: GatewayLog
    active_at: float = float("-inf")


class _Tail:
    """One file with everything that its lines need. Used by the worker thread during a sweep, by the loop between."""

    def __init__(self, file: LogFile, gateway: _Gateway, position: Position | None) -> None:
        self.file = file
        self.gateway = gateway
        self.follower = Follower(file.path, position)
        self.parser = LogParser(file.attribution)
        self.problem: str | None = None
        self._blocks = ConsoleBlocks()
        self._behind_since = position.at if position is not None else None

    def take_over(self, file: LogFile, gateway: _Gateway) -> None:
        """The same file under a changed description."""
        self.file, self.gateway, self.parser.attribution = file, gateway, file.attribution

    def read(self, now: float, wall: float) -> list[LogFact]:
        """Read what is new. Lines from before a restart get the time that they claim, else that of the last look."""
        facts: list[LogFact] = []
        moved = False
        for piece in self.follower.read(now):
            moved = moved or isinstance(piece, bytes)
            if piece is Mark.GAP:
                facts.append(LogGap(at=wall, gateway=self.file.gateway, company=self.file.attribution.company))
            else:
                self._feed(piece, now, wall)
        if moved and self._behind_since is None and now - self.gateway.active_at >= ACTIVE_EVERY_S:
            self.gateway.active_at = now
            facts.append(LogActive(at=wall, gateway=self.file.gateway))
        if not self.follower.more:
            self._behind_since = None
        return facts

    def _feed(self, piece: bytes | Mark, now: float, wall: float) -> None:
        sightings = self.parser.feed(piece) if isinstance(piece, bytes) else self.parser.finish()
        for sighting in sightings:
            at = wall
            if self._behind_since is not None:
                claimed = sighting.time_s if sighting.time_s is not None else self._behind_since
                at = self._behind_since = min(max(claimed, self._behind_since), wall)
            self.gateway.log.see(sighting, self._blocks, now, at)


def _sweep(tails: list[_Tail], now: float, wall: float) -> list[LogFact]:
    return [fact for tail in tails for fact in tail.read(now, wall)]
