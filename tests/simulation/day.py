"""One simulated day from one seed, and what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from tests.simulation.faults import LAST_FAULT_S, Fault, plan
from tests.simulation.happen import schedule
from tests.simulation.lives import without_threads
from tests.simulation.oracles import Breach
from tests.simulation.world import MODELS, World, drop_root, make_root

DAY_S = 86_400.0
REST_S = 45 * 60.0 + 60.0
"""So long after the last fault everybody is healthy or in human hands."""

DISARMED_S = 30.0
"""A death that waits for the n-th crossing of a door is a fault too, and none comes so long after the last."""

COMPANIES = [f"c{n}" for n in range(1, 1 + sum(model.companies for model in MODELS))]
GATEWAYS = [model.name for model in MODELS]


@dataclass(frozen=True, slots=True)
class Day:
    """The outcome. `digest` is equal for equal traces; `lines` is the trace."""

    seed: int
    faults: tuple[Fault, ...]
    breaches: tuple[Breach, ...]
    digest: str
    hours: float
    wall_s: float
    restarts: int
    actions: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    lines: tuple[tuple[float, str, str], ...] = ()


@contextmanager
def _quiet() -> Iterator[None]:
    """The product's own log is of no use here."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def live(seed: int, faults: Sequence[Fault] | None = None, *, end_s: float = DAY_S) -> Day:
    """Run one day; with `faults` only these happen."""
    chosen = plan(seed, COMPANIES, GATEWAYS) if faults is None else list(faults)
    root, begun = make_root(), time.process_time()
    try:
        with without_threads(), _quiet():
            world = asyncio.run(_live(seed, root, chosen, end_s))
    finally:
        drop_root(root)
    oracles = world.oracles
    return Day(
        seed, tuple(chosen), tuple(oracles.breaches), world.digest, world.now / 3600.0, time.process_time() - begun,
        world.service.lives - 1, oracles.actions, oracles.outcomes, oracles.notices.messages, tuple(world.lines),
    )  # fmt: skip


async def _live(seed: int, root: object, faults: Sequence[Fault], end_s: float) -> World:
    from pathlib import Path

    assert isinstance(root, Path)
    world = World(seed, root)
    schedule(world, list(faults))
    world.at(LAST_FAULT_S + DISARMED_S, world.service.disarm)
    world.at(LAST_FAULT_S + REST_S, world.oracles.at_rest)
    await world.run(end_s)
    return world
