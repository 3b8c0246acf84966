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


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process of this world a manager manages, as far as its configuration tells.

    `where` is the manager's own place (a home, a socket), `name` the process there. None means that only the manager
    itself could tell, such as behind a number or an id.
    """

    kind: str
    where: str | None
    name: str | None

    def may_be(self, other: Identity) -> bool:
        """Whether both may be one process: whoever stops one must reckon with having stopped the other, too."""
        same_place = None in (self.where, other.where) or self.where == other.where
        same_name = None in (self.name, other.name) or self.name == other.name
        return self.kind == other.kind and same_place and same_name


class ProcessManager(Protocol):
    """The manager of exactly one process. Methods raise `model.errors.ProcessError`.

    Stopping a process stops every company on it; who calls, has checked that.
    """

    kind: str
    can_act: bool

    @property
    def identity(self) -> Identity:
        """Which process it is: two gateways may name the same one."""

    async def status(self) -> ProcessStatus:
        """Never starts, stops or spawns anything."""

    async def start(self) -> None:
        """Start the process if it is down."""

    async def stop(self) -> None:
        """Stop the process and return when the manager says so."""

    async def restart(self) -> None:
        """Stop and start."""
