"""Asks the process manager of one gateway from time to time."""

from __future__ import annotations

import random
from collections.abc import Callable

import structlog

from baileykeep.clock import Clock, jittered
from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessSeen, ProcessState
from baileykeep.model.limits import PollLimits
from baileykeep.processes.base import ProcessManager, ProcessStatus
from baileykeep.watchers.base import Emit
from baileykeep.watchers.waiting import Waker

log = structlog.get_logger(__name__)


class ProcessWatcher:
    """Emits one `ProcessSeen` a look; without an answer the state is UNKNOWN and the detail says why."""

    def __init__(
        self,
        gateway: str,
        manager: ProcessManager,
        emit: Emit,
        *,
        clock: Clock,
        rng: random.Random,
        limits: Callable[[], PollLimits] = PollLimits,
    ):
        self._gateway = gateway
        self._manager = manager
        self._emit = emit
        self._clock = clock
        self._rng = rng
        self._limits = limits
        self._waker = Waker(clock)
        self._trouble = ""

    def poke(self) -> None:
        """Look at once."""
        self._waker.wake()

    async def run(self) -> None:
        """See `Watcher.run`."""
        while True:
            status = await self._look()
            self._emit(seen(self._gateway, status, self._clock.now()))
            limits = self._limits()
            await self._waker.pause(jittered(limits.process_s, limits.jitter, self._rng))

    async def _look(self) -> ProcessStatus:
        try:
            status = await self._manager.status()
        except ProcessError as error:
            self._note(str(error))
            return ProcessStatus(ProcessState.UNKNOWN, detail=error.cause)
        self._note("")
        return status

    def _note(self, trouble: str) -> None:
        """Log on transition, not at every look."""
        if trouble and trouble != self._trouble:
            log.warning("process_manager_fails", gateway=self._gateway, error=trouble)
        elif self._trouble and not trouble:
            log.info("process_manager_answers", gateway=self._gateway)
        self._trouble = trouble


def seen(gateway: str, status: ProcessStatus, at: float) -> ProcessSeen:
    """A manager's word about a gateway's process as a fact."""
    return ProcessSeen(at=at, gateway=gateway, state=status.state, restarts=status.restarts, detail=status.detail)
