"""A repair is verified by looks that lie no further apart than what they are to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baileykeep.actions.base import Site
from baileykeep.actions.session import SHORTEST_LOOK_S, verify
from baileykeep.actions.stillness import LOOK_EVERY_S
from baileykeep.clock import VirtualClock
from baileykeep.model.limits import LadderLimits, Limits
from tests.fakes.gateway import DOWN, UP, FakeGateway
from tests.fakes.virtual_time import advance, running
from tests.unit.actions.sites import site

pytestmark = pytest.mark.asyncio


def steady(made: Site, steady_s: float) -> Site:
    """The same where a repair must hold for so long."""
    return replace(made, limits=Limits(ladder=LadderLimits(verify_within_s=60.0, steady_s=steady_s)))


@pytest.mark.parametrize(
    ("steady_s", "apart_s"), [(30.0, LOOK_EVERY_S), (1.0, 1.0), (0.0, SHORTEST_LOOK_S), (5.0, LOOK_EVERY_S)]
)
async def test_looks_are_as_far_apart_as_it_must_hold_but_never_further_than_usual(
    tmp_path: Path, steady_s: float, apart_s: float
) -> None:
    gateway, clock = FakeGateway({"1": DOWN}), VirtualClock()
    seen: list[bool] = []

    async def work() -> None:
        seen.append(await verify(steady(site(tmp_path, gateway, clock), steady_s)))

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
        seen.append(await verify(steady(site(tmp_path, gateway, clock), 2.0)))

    async with running(work):
        for state in states:
            gateway.sessions["1"] = state
            await advance(clock, 1.9)
            assert seen == []
        await advance(clock, 4.0)
    assert seen == [True]
