"""A gateway that only tells: said again at the pace of a poll while it counts, unknown when not, and never asked."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.hearing import Ear
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.facts import ConnectionSeen, ConnState, Fact, GatewaySeen, Problem
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.hearing import HearingWatcher
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http

pytestmark = pytest.mark.asyncio

DIALECT = load_dialect("fazer-ai")


class Watched:
    """One watcher that looks when it is told to."""

    def __init__(self, url: str):
        self.clock, self.facts = VirtualClock(), list[Fact]()
        self.ear = Ear(DIALECT, "{company}", "token", 600.0, self.clock)
        spec = GatewaySpec("main", url, "key", read_timeout_s=2)
        self.gateway = HttpGateway(spec, DIALECT, self.clock, self.ear)
        self.watcher = HearingWatcher(
            self.gateway, self.ear, lambda: ["1", "2"], self.facts.append, clock=self.clock, rng=random.Random(1),
            limits=PollLimits,
        )  # fmt: skip

    async def look(self) -> list[Fact]:
        self.facts.clear()
        self.watcher._say_again()
        await self.watcher._look_whether_alive()
        return list(self.facts)

    def say(self, connection: str) -> None:
        body = {"event": "connection.update", "data": {"connection": connection}, "webhookVerifyToken": "token"}
        self.ear.take(json.dumps(body).encode(), "1", {"1", "2"}.__contains__)


@asynccontextmanager
async def watched(answer: Answer) -> AsyncIterator[tuple[Watched, FakeHttp]]:
    async with fake_http(default=answer) as fake:
        w = Watched(fake.url)
        yield w, fake
        await w.gateway.aclose()


async def test_the_last_word_is_repeated_and_silence_is_unknown() -> None:
    async with watched(Answer(body=b"OK", content_type="text/plain")) as (w, fake):
        w.say("close")
        facts = await w.look()
        assert [(f.company, f.state) for f in facts if isinstance(f, ConnectionSeen)] == [
            ("1", ConnState.DISCONNECTED),
            ("2", ConnState.UNKNOWN),
        ]
        assert [f.problem for f in facts if isinstance(f, GatewaySeen)] == [None]
    assert {f"{r.method} {r.target}" for r in fake.requests} == {"GET /status/auth"}


async def test_a_gateway_that_does_not_answer_is_told_after_three_looks() -> None:
    async with watched(Answer.of({"error": "Unauthorized"}, 401)) as (w, _):
        problems = [[f.problem for f in await w.look() if isinstance(f, GatewaySeen)] for _ in range(3)]
    assert problems == [[], [], [Problem.UNAUTHORIZED]]
