"""The status poller of one gateway, for all its companies.

1. One bulk call where the gateway has one; what it leaves out is asked one by one.
2. Else few workers, each company at its own time: healthy ones seldom, others often, spread over the interval.
3. When the gateway cannot be reached, a single probe that backs off; every company is told as UNKNOWN meanwhile.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence

import anyio
import structlog
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from baileykeep.clock import Clock, jittered
from baileykeep.gateways.base import Gateway, SessionStatus
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnectionSeen, ConnState, GatewaySeen, Problem
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.base import Emit
from baileykeep.watchers.gateway_health import GatewayHealth
from baileykeep.watchers.poll_plan import PollPlan
from baileykeep.watchers.waiting import Waker

log = structlog.get_logger(__name__)

WORKERS = 8
SYNC_S = 1.0
BULK_AGAIN_S = 600.0
"""A bulk call that does not work is tried again after so long; the companies are asked one by one meanwhile."""

BACKOFF_MOST = 2
"""The probe of a gateway that cannot be reached backs off to so many healthy intervals."""


Listed = Callable[[Collection[str]], None]
"""Told whom a bulk answer names, companies or not."""


class ConnectionWatcher:
    """Emits `ConnectionSeen` for each company and `GatewaySeen` once a round (a healthy interval) and on change.

    `companies` is asked every second, so they may come and go. Without an answer the state is UNKNOWN and `problem`
    says why. `poke` polls one company at once. With `listed` the bulk call is made even while there is no company yet.
    """

    def __init__(
        self,
        gateway: Gateway,
        companies: Callable[[], Sequence[str]],
        emit: Emit,
        *,
        clock: Clock,
        rng: random.Random,
        limits: Callable[[], PollLimits] = PollLimits,
        listed: Listed | None = None,
    ):
        self._gateway = gateway
        self._companies = companies
        self._emit = emit
        self._clock = clock
        self._rng = rng
        self._limits = limits
        self._listed = listed
        self._plan = PollPlan()
        self._health = GatewayHealth()
        self._waker = Waker(clock)
        self._synced_at = -math.inf
        self._healthy: set[str] = set()
        self._polled: set[str] = set()
        self._bulk_due = 0.0 if gateway.capabilities.bulk_status else math.inf
        self._bulk_works = gateway.capabilities.bulk_status
        self._lost_probes = 0
        self._trouble = ""

    def poke(self, company: str) -> None:
        """Poll this company at once."""
        if company in self._plan:
            self._plan.put(company, self._clock.monotonic())
        self._waker.wake()

    async def run(self) -> None:
        """See `Watcher.run`."""
        send, receive = anyio.create_memory_object_stream[str](0)
        async with send, receive, anyio.create_task_group() as group:
            for _ in range(WORKERS):
                group.start_soon(self._work, receive)
            while True:
                self._sync()
                await self._waker.pause(await self._turn(send))

    async def _turn(self, send: ObjectSendStream[str]) -> float:
        """Do what is due now; returns how long there is nothing to do."""
        now = self._clock.monotonic()
        if not len(self._plan) and (self._listed is None or self._bulk_due > now):
            return SYNC_S
        if self._lost_probes:
            return await self._probe()
        if self._bulk_due <= now:
            await self._bulk()
        elif (company := self._plan.take(now)) is not None:
            await send.send(company)
        else:
            return min(SYNC_S, min(self._plan.next_due(), self._bulk_due) - now)
        return 0.0

    def _sync(self) -> None:
        """Take companies in and out; new ones of a gateway that tells all at once wait for that."""
        now = self._clock.monotonic()
        if now < self._synced_at + SYNC_S:
            return
        self._synced_at = now
        known = set(self._plan.companies)
        for company in self._plan.keep_only(self._companies(), now):
            self._healthy.discard(company)
            self._polled.discard(company)
        if self._bulk_works and set(self._plan.companies) - known:
            self._bulk_due = now
            for company in set(self._plan.companies) - known:
                self._plan.put(company, math.inf)

    async def _work(self, receive: ObjectReceiveStream[str]) -> None:
        async for company in receive:
            problem = await self._poll(company)
            self._again(company)
            self._fold(problem)

    async def _poll(self, company: str) -> Problem | None:
        try:
            status = await self._gateway.status(company)
        except GatewayError as error:
            self._note(error)
            problem = _problem(error)
            self._tell(company, SessionStatus(ConnState.UNKNOWN), problem)
            return problem
        self._tell(company, status)
        return None

    def _again(self, company: str) -> None:
        """When this company is due again. The second poll comes early, so that they spread over the interval."""
        now, limits = self._clock.monotonic(), self._limits()
        if self._bulk_works and company in self._polled:
            self._plan.put_back(company, math.inf)
            return
        interval_s = limits.connection_s if company in self._healthy else limits.connection_down_s
        wait_s = jittered(interval_s, limits.jitter, self._rng)
        if company not in self._polled:
            wait_s *= self._rng.random()
            self._polled.add(company)
        self._plan.put_back(company, now + wait_s)

    async def _bulk(self) -> None:
        now, limits = self._clock.monotonic(), self._limits()
        try:
            found = await self._gateway.status_all()
        except GatewayError as error:
            self._note(error)
            self._bulk_lost(now)
            return
        if self._listed is not None:
            self._listed(found.keys())
        missing = self._tell_all(found)
        for company in missing:
            self._plan.put(company, now)
        steady = not missing and self._healthy.issuperset(self._plan.companies)
        interval_s = limits.connection_s if steady else limits.connection_down_s
        self._bulk_due = self._clock.monotonic() + jittered(interval_s, limits.jitter, self._rng)
        self._fold(None, close=True)

    def _tell_all(self, found: Mapping[str, SessionStatus]) -> list[str]:
        """Tell what a bulk answer holds; returns the companies it leaves out."""
        self._bulk_works = True
        missing = []
        for company in self._plan.companies:
            if (status := found.get(company)) is None:
                missing.append(company)
            else:
                self._polled.add(company)
                self._tell(company, status, Problem.BAD_ANSWER if status.state is ConnState.UNKNOWN else None)
        return missing

    def _bulk_lost(self, now: float) -> None:
        """Ask one by one: that tells whether only the bulk call is missing, or the whole gateway is gone."""
        self._bulk_due = now + (BULK_AGAIN_S if len(self._plan) else self._limits().connection_s)
        if self._bulk_works:
            self._bulk_works = False
            self._polled.clear()
            self._plan.spread(now, 0.0)

    async def _probe(self) -> float:
        """One poll for the whole gateway while it cannot be reached; returns the pause before the next."""
        limits = self._limits()
        company = self._rng.choice(self._plan.companies)
        try:
            status = await self._gateway.status(company)
        except GatewayError as error:
            self._note(error)
            return self._probe_lost(_problem(error), limits)
        self._tell(company, status)
        self._fold(None)
        return 0.0

    def _probe_lost(self, problem: Problem, limits: PollLimits) -> float:
        for company in self._plan.companies:
            self._tell(company, SessionStatus(ConnState.UNKNOWN), problem)
        self._health.add(problem, self._clock.monotonic(), len(self._plan), 0.0)
        self._tell_gateway(close=True)
        wait_s = min(limits.connection_down_s * 2 ** (self._lost_probes - 1), limits.connection_s * BACKOFF_MOST)
        self._lost_probes = min(self._lost_probes + 1, 16)
        return jittered(wait_s, limits.jitter, self._rng)

    def _recovered(self) -> None:
        """It answers again: everybody is polled soon, but not in one burst."""
        now, limits = self._clock.monotonic(), self._limits()
        self._lost_probes = 0
        if self._gateway.capabilities.bulk_status:
            self._bulk_due, self._bulk_works = now, True
        else:
            self._plan.spread(now, limits.connection_down_s)

    def _fold(self, problem: Problem | None, *, close: bool = False) -> None:
        """What this poll says about the gateway. While probing, only answers count: the probe tells of failures."""
        if self._lost_probes and problem is not None:
            return
        if self._lost_probes:
            self._recovered()
        quiet_s = 2 * self._limits().connection_s
        if self._health.add(problem, self._clock.monotonic(), len(self._plan), quiet_s):
            self._lost_probes = 1
            self._waker.wake()
            close = True
        if problem is None and self._trouble:
            log.info("gateway_answers", gateway=self._gateway.name)
            self._trouble = ""
        self._tell_gateway(close=close)

    def _tell_gateway(self, *, close: bool) -> None:
        told, problem = self._health.verdict(self._clock.monotonic(), self._limits().connection_s, close=close)
        if told:
            self._emit(GatewaySeen(at=self._clock.now(), gateway=self._gateway.name, problem=problem))

    def _tell(self, company: str, status: SessionStatus, problem: Problem | None = None) -> None:
        if company not in self._plan:
            return
        good = status.state is ConnState.CONNECTED and status.paired is not False
        (self._healthy.add if good else self._healthy.discard)(company)
        self._emit(seen(company, status, self._clock.now(), problem))

    def _note(self, error: GatewayError) -> None:
        """Log on transition, not at every poll."""
        if self._trouble != error.code:
            log.warning("gateway_fails", gateway=self._gateway.name, error=str(error))
        self._trouble = error.code


def seen(company: str, status: SessionStatus, at: float, problem: Problem | None = None) -> ConnectionSeen:
    """A gateway's answer about one company as a fact."""
    return ConnectionSeen(
        at=at,
        company=company,
        state=status.state,
        paired=status.paired,
        code=status.code,
        has_qr=status.has_qr,
        problem=problem,
    )


def _problem(error: GatewayError) -> Problem:
    return Problem(error.code) if error.code in set(Problem) else Problem.BAD_ANSWER
