"""A gateway that only tells by webhooks: what it said last is said again at the pace of a poll, as long as it counts.

Nothing is asked about sessions. Where the dialect knows a harmless call, it tells whether the gateway answers at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from baileykeep.clock import Clock, jittered
from baileykeep.gateways.hearing import Ear
from baileykeep.gateways.http import HttpGateway
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, GatewaySeen, Problem
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.base import Emit
from baileykeep.watchers.connection import seen
from baileykeep.watchers.gateway_health import TRIES


class HearingWatcher:
    """Emits `ConnectionSeen` for each company, UNKNOWN for one of which nothing was heard, and `GatewaySeen`."""

    def __init__(
        self, gateway: HttpGateway, ear: Ear, companies: Callable[[], Sequence[str]], emit: Emit, *,
        clock: Clock, rng: random.Random, limits: Callable[[], PollLimits] = PollLimits,
    ):  # fmt: skip
        self._gateway = gateway
        self._ear = ear
        self._companies = companies
        self._emit = emit
        self._clock = clock
        self._rng = rng
        self._limits = limits
        self._lost = 0

    async def run(self) -> None:
        """See `Watcher.run`."""
        while True:
            self._say_again()
            await self._look_whether_alive()
            limits = self._limits()
            await self._clock.sleep(jittered(limits.connection_down_s, limits.jitter, self._rng))

    def _say_again(self) -> None:
        for company in self._companies():
            status = self._ear.status(company)
            silent = Problem.NOT_SUPPORTED if status.state is ConnState.UNKNOWN else None
            self._emit(seen(company, status, self._clock.now(), silent))

    async def _look_whether_alive(self) -> None:
        if not self._gateway.can_tell_life:
            return
        try:
            await self._gateway.alive()
        except GatewayError as error:
            self._lost += 1
            problem = Problem(error.code) if error.code in set(Problem) else Problem.BAD_ANSWER
            if self._lost >= TRIES:
                self._emit(GatewaySeen(at=self._clock.now(), gateway=self._gateway.name, problem=problem))
            return
        self._lost = 0
        self._emit(GatewaySeen(at=self._clock.now(), gateway=self._gateway.name))
