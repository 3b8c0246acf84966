"""No process manager: nothing is known of the gateway's process, and nothing can be done with it."""

from __future__ import annotations

from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import Identity, ProcessStatus


class NoManager:
    """Implements `processes.base.ProcessManager`."""

    kind = "none"
    can_act = False

    @property
    def identity(self) -> Identity:
        """None that could be told from another."""
        return Identity(self.kind, None, None)

    async def status(self) -> ProcessStatus:
        """Always UNKNOWN."""
        return ProcessStatus(ProcessState.UNKNOWN, detail="no process manager is configured")

    async def start(self) -> None:
        """Refused: nobody said who runs the process."""
        raise _refusal()

    async def stop(self) -> None:
        """Refused: nobody said who runs the process."""
        raise _refusal()

    async def restart(self) -> None:
        """Refused: nobody said who runs the process."""
        raise _refusal()


def _refusal() -> ProcessError:
    return ProcessError(
        "no process manager is configured for this gateway",
        next_step="set process.manager to what runs it, or do it by hand",
        permanent=True,
    )


def create() -> NoManager:
    """For `find.manager`."""
    return NoManager()
