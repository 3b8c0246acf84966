"""What Baileykeep needs from the manager of a gateway's process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from baileykeep.model.facts import ProcessState


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What the manager says. `restarts` counts since the manager started the process, where it tells."""

    state: ProcessState
    restarts: int | None = None
    detail: str = ""


class ProcessManager(Protocol):
    """The manager of exactly one process. Methods raise `model.errors.ProcessError`.

    Stopping a process stops every company on it; who calls, has checked that.
    """

    kind: str
    can_act: bool

    async def status(self) -> ProcessStatus:
        """Never starts, stops or spawns anything."""

    async def start(self) -> None:
        """Start the process if it is down."""

    async def stop(self) -> None:
        """Stop the process and return when the manager says so."""

    async def restart(self) -> None:
        """Stop and start."""
