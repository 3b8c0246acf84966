"""What every fault has to work with, and where faults are found by name."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.faults import Fault
from tests.simulation.gateways import GatewayTruth
from tests.simulation.sessions import Session
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Now:
    """One fault at its moment."""

    world: World
    fault: Fault

    @property
    def session(self) -> Session:
        """The company that it hits."""
        return self.world.sessions[self.fault.target]

    @property
    def gateway(self) -> GatewayTruth:
        """The gateway that it hits."""
        return self.world.gateways[self.fault.target]

    @property
    def until(self) -> float:
        """When it is over."""
        return self.world.now + self.fault.length_s

    @property
    def rng(self) -> random.Random:
        """Dice of its own."""
        return random.Random(f"{self.world.seed} {self.fault}")

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do it when the fault is over."""
        self.world.at(self.until, act)


Happen = Callable[[Now], None]
HAPPEN: dict[str, Happen] = {}


def fault(act: Happen) -> Happen:
    """Found by its name."""
    HAPPEN[act.__name__] = act
    return act


def schedule(world: World, faults: list[Fault]) -> None:
    """Let all of them happen in their time."""
    for each in faults:
        world.at(each.at, lambda each=each: _happen(world, each))  # type: ignore[misc]


def _happen(world: World, one: Fault) -> None:
    world.trace(one.target, f"@ {one.kind}{f' for {one.length_s / 60:.1f} min' if one.length_s else ''}")
    HAPPEN[one.kind](Now(world, one))
