"""A repair is verified by looks that lie no further apart than what they are to see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from baileykeep.actions.base import Site
from baileykeep.actions.session import SHORTEST_LOOK_S, verify
from baileykeep.actions.stillness import LOOK_EVERY_S
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.fsys import Fsys
from baileykeep.model.evidence import Sight
from baileykeep.model.limits import LadderLimits, Limits
from tests.fakes.gateway import DOWN, UP, FakeGateway
from tests.fakes.virtual_time import advance, running

pytestmark = pytest.mark.asyncio


class Unnoted:
    """Steps that nobody keeps."""

    @asynccontextmanager
    async def step(self, name: str, *, whatever_happens: bool = False, **detail: Any) -> AsyncIterator[dict[str, Any]]:
        yield {}

    def witness(self, sight: Sight) -> None:
        """Nobody looks."""


async def _wanted() -> bool:
    return True


def site(root: Path, gateway: FakeGateway, clock: VirtualClock, steady_s: float) -> Site:
    """A company whose repair is to be verified."""
    limits = Limits(ladder=LadderLimits(verify_within_s=60.0, steady_s=steady_s))
    vault = Vault(root, Fsys(), limits.backups)
    return Site("1", gateway, None, True, None, vault, clock, limits, Unnoted(), _wanted)


@pytest.mark.parametrize(
    ("steady_s", "apart_s"), [(30.0, LOOK_EVERY_S), (1.0, 1.0), (0.0, SHORTEST_LOOK_S), (5.0, LOOK_EVERY_S)]
)
async def test_looks_are_as_far_apart_as_it_must_hold_but_never_further_than_usual(
    tmp_path: Path, steady_s: float, apart_s: float
) -> None:
    gateway, clock = FakeGateway({"1": DOWN}), VirtualClock()
    seen: list[bool] = []

    async def work() -> None:
        seen.append(await verify(site(tmp_path, gateway, clock, steady_s)))

    async with running(work):
        await advance(clock, 10 * apart_s + 0.1)
        assert len(gateway.asked) == 11
        gateway.sessions["1"] = UP
        await advance(clock, steady_s + apart_s)
    assert seen == [True]


async def test_a_session_that_drops_again_must_hold_anew(tmp_path: Path) -> None:
    gateway, clock = FakeGateway({"1": UP}), VirtualClock()
    seen: list[bool] = []
    states: Sequence[Any] = (UP, DOWN, UP)

    async def work() -> None:
        seen.append(await verify(site(tmp_path, gateway, clock, 2.0)))

    async with running(work):
        for state in states:
            gateway.sessions["1"] = state
            await advance(clock, 1.9)
            assert seen == []
        await advance(clock, 4.0)
    assert seen == [True]
