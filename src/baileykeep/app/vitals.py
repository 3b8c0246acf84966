"""Looks at what this process uses, once a minute, and tells when something grows beyond its bound."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

import anyio
import structlog

from baileykeep.bus import Bus
from baileykeep.clock import Clock
from baileykeep.engine.engine import Engine
from baileykeep.journal.base import Journal
from baileykeep.model.errors import JournalError
from baileykeep.model.records import NoticeState
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind
from baileykeep.rules.bounds import Reading, beyond

log = structlog.get_logger(__name__)

LOOK_S = 60.0


def memory_mb() -> float | None:
    """What this process holds in memory now."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Vitals:
    """Told is what was beyond its bound at two looks in a row: a burst is no growth."""

    def __init__(
        self, engine: Engine, bus: Bus, journal: Journal, clock: Clock, memory: Callable[[], float | None] = memory_mb
    ):
        self._engine = engine
        self._bus = bus
        self._journal = journal
        self._clock = clock
        self._memory_mb = memory
        self._before: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            self.judge(await self.read())

    async def read(self) -> Reading:
        """One look."""
        return Reading(
            subjects=len(list(self._engine.units())),
            bus_slots=len(self._bus),
            notices_pending=await self._pending(),
            tasks=len(anyio.get_running_tasks()),
            descriptors=_descriptors(),
            descriptors_most=_descriptors_most(),
            memory_mb=self._memory_mb(),
        )

    async def _pending(self) -> int | None:
        try:
            return (await self._journal.notice_counts()).get(NoticeState.PENDING, 0)
        except JournalError as error:
            log.warning("outbox_not_counted", error=error.cause)
            return None

    def judge(self, seen: Reading) -> None:
        """Raise or end the host's symptom."""
        found, unit = beyond(seen), self._engine.unit(HOST)
        lasting = {name: text for name, text in found.items() if name in self._before}
        self._before = frozenset(found)
        if unit is None or bool(lasting) == (SymptomKind.OVER_BOUNDS in unit.symptoms):
            return
        detail = {"what": "; ".join(lasting.values()) or None}
        symptom = Symptom(HOST, SymptomKind.OVER_BOUNDS, self._clock.now(), bool(lasting), Severity.WARNING, detail)
        log.warning("bounds", beyond=lasting)
        unit.note(symptom)
        self._bus.publish(symptom)


def _descriptors() -> int | None:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return None


def _descriptors_most() -> int | None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if most == resource.RLIM_INFINITY else most
