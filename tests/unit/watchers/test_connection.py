from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.gateways.base import SessionStatus
from baileykeep.model.facts import ConnectionSeen, ConnState, Fact, GatewaySeen, Problem
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.connection import ConnectionWatcher
from tests.fakes.gateway import DOWN, UP, FakeGateway
from tests.fakes.virtual_time import advance, running

MANY = [f"c{n:03}" for n in range(100)]


class Setting:
    """A watcher on a virtual clock, and what it emitted."""

    def __init__(self, gateway: FakeGateway, companies: Sequence[str] | None = None):
        self.clock = VirtualClock()
        self.gateway = gateway
        self.companies = list(gateway.sessions if companies is None else companies)
        self.facts: list[Fact] = []
        self.watcher = ConnectionWatcher(
            gateway, lambda: self.companies, self.facts.append, clock=self.clock, rng=random.Random(1)
        )

    async def after(self, seconds: float) -> list[Fact]:
        """The facts of the next so many seconds."""
        before = len(self.facts)
        await advance(self.clock, seconds)
        return self.facts[before:]


def seen(facts: Sequence[Fact], company: str | None = None) -> list[ConnectionSeen]:
    return [f for f in facts if isinstance(f, ConnectionSeen) and company in (None, f.company)]


def verdicts(facts: Sequence[Fact]) -> list[Problem | None]:
    return [f.problem for f in facts if isinstance(f, GatewaySeen)]


@pytest.mark.asyncio
async def test_everybody_is_known_at_once_and_then_polled_by_health() -> None:
    s = Setting(FakeGateway({"good": UP, "bad": DOWN}))
    async with running(s.watcher.run):
        first = await s.after(0)
        assert {f.company: f.state for f in seen(first)} == {"good": ConnState.CONNECTED, "bad": ConnState.DISCONNECTED}
        assert verdicts(first) == [None]
        s.gateway.asked.clear()
        await s.after(600)
    polls = Counter(s.gateway.asked)
    assert 36 <= polls["good"] <= 46
    assert 108 <= polls["bad"] <= 134


@pytest.mark.asyncio
async def test_a_session_that_is_open_but_not_paired_is_polled_often() -> None:
    s = Setting(FakeGateway({"a": SessionStatus(ConnState.CONNECTED, paired=False)}))
    async with running(s.watcher.run):
        await s.after(600)
    assert len(s.gateway.asked) > 100


@pytest.mark.asyncio
async def test_polls_are_spread_over_the_interval_and_few_at_a_time() -> None:
    s = Setting(FakeGateway(dict.fromkeys(MANY, UP)))
    async with running(s.watcher.run):
        await s.after(60)
        busiest = max(Counter(round(f.at) for f in seen(await s.after(60))).values())
    assert s.gateway.most_in_flight <= 8
    assert busiest <= 25, "a hundred companies in fifteen seconds are seven a second, not a hundred at once"


@pytest.mark.asyncio
async def test_a_session_that_hangs_does_not_keep_the_others_waiting() -> None:
    s = Setting(FakeGateway({"stuck": UP, "a": UP, "b": DOWN}))
    s.gateway.hanging.add("stuck")
    async with running(s.watcher.run):
        facts = await s.after(60)
    assert {f.company for f in seen(facts)} == {"a", "b"}
    assert len(seen(facts, "b")) >= 10


@pytest.mark.asyncio
async def test_a_poke_polls_at_once() -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP}))
    async with running(s.watcher.run):
        await s.after(16)
        s.gateway.asked.clear()
        s.watcher.poke("b")
        s.watcher.poke("stranger")
        await s.after(0)
    assert s.gateway.asked == ["b"]


@pytest.mark.asyncio
async def test_companies_come_and_go_while_it_runs() -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP}), ["a"])
    async with running(s.watcher.run):
        await s.after(3)
        s.companies.append("b")
        assert seen(await s.after(2), "b")
        s.companies.remove("a")
        await s.after(2)
        assert {f.company for f in seen(await s.after(60))} == {"b"}
        s.companies.clear()
        await s.after(2)
        assert await s.after(60) == []


@pytest.mark.asyncio
async def test_an_answer_that_comes_after_the_company_has_gone_is_not_told() -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP}))
    s.gateway.hanging.add("a")
    async with running(s.watcher.run):
        await s.after(1)
        s.companies.remove("a")
        await s.after(2)
        s.gateway.released.set()
        assert seen(await s.after(30), "a") == []


@pytest.mark.asyncio
async def test_one_bulk_call_serves_all_and_what_it_leaves_out_is_asked_alone() -> None:
    s = Setting(FakeGateway(dict.fromkeys(MANY, UP), bulk=True), [*MANY, "extra"])
    async with running(s.watcher.run):
        first = await s.after(0)
        assert {f.company for f in seen(first)} == {*MANY, "extra"}
        assert s.gateway.asked == ["extra"]
        s.companies.remove("extra")
        await s.after(5)
        bulk, single = s.gateway.bulk_asked, len(s.gateway.asked)
        facts = await s.after(150)
    assert len(s.gateway.asked) == single
    assert 8 <= s.gateway.bulk_asked - bulk <= 12
    assert verdicts(facts) == [None] * (s.gateway.bulk_asked - bulk)


@pytest.mark.asyncio
async def test_in_bulk_one_sick_session_is_enough_to_look_often() -> None:
    s = Setting(FakeGateway({"a": UP, "b": DOWN}, bulk=True))
    async with running(s.watcher.run):
        await s.after(100)
        assert s.gateway.bulk_asked >= 17
        s.gateway.asked.clear()
        s.watcher.poke("b")
        await s.after(0)
    assert s.gateway.asked == ["b"]


@pytest.mark.asyncio
async def test_a_word_nobody_knows_in_a_bulk_answer_is_unknown_with_a_reason() -> None:
    s = Setting(FakeGateway({"a": SessionStatus(ConnState.UNKNOWN)}, bulk=True))
    async with running(s.watcher.run):
        (fact,) = seen(await s.after(0))
    assert (fact.state, fact.problem) == (ConnState.UNKNOWN, Problem.BAD_ANSWER)


@pytest.mark.asyncio
async def test_without_a_bulk_call_that_works_companies_are_asked_one_by_one() -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP}, bulk=True))
    s.gateway.bulk_problem = Problem.NOT_FOUND
    async with running(s.watcher.run):
        facts = await s.after(590)
        assert s.gateway.bulk_asked == 1
        assert len(seen(facts, "a")) > 30
        assert set(verdicts(facts)) == {None}
        s.gateway.bulk_problem = None
        await s.after(20)
        s.gateway.asked.clear()
        await s.after(60)
    assert s.gateway.asked == []


@pytest.mark.asyncio
@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("problem", [Problem.REFUSED, Problem.TIMEOUT, Problem.UNAUTHORIZED, Problem.TLS])
async def test_a_gateway_that_cannot_be_reached_is_probed_once_for_all(bulk: bool, problem: Problem) -> None:
    s = Setting(FakeGateway(dict.fromkeys(MANY, UP), bulk=bulk))
    async with running(s.watcher.run):
        await s.after(60)
        s.gateway.problem = problem
        await s.after(120)
        s.gateway.asked.clear()
        lost = await s.after(300)
        assert 8 <= len(s.gateway.asked) <= 14, "backed off to a probe every thirty seconds"
        assert set(verdicts(lost)) == {problem}
        for company in MANY:
            told = seen(lost, company)
            assert {(f.state, f.problem) for f in told} == {(ConnState.UNKNOWN, problem)}
            assert len(told) == len(s.gateway.asked)
        s.gateway.problem = None
        back = await s.after(45)
        assert verdicts(back)[-1] is None
        assert {f.company for f in seen(back) if f.state is ConnState.CONNECTED} == set(MANY)
        assert s.gateway.most_in_flight <= 8


@pytest.mark.asyncio
async def test_when_it_is_back_everybody_is_asked_soon_but_not_in_one_burst() -> None:
    s = Setting(FakeGateway(dict.fromkeys(MANY, UP)))
    s.gateway.problem = Problem.REFUSED
    async with running(s.watcher.run):
        await s.after(120)
        s.gateway.problem = None
        s.watcher.poke("c000")
        first = seen(await s.after(0.5))
        assert 0 < len(first) < 30
        assert {f.company for f in (*first, *seen(await s.after(5)))} == set(MANY)


@pytest.mark.asyncio
async def test_trying_the_bulk_call_again_disturbs_nobody() -> None:
    s = Setting(FakeGateway(dict.fromkeys(MANY, UP), bulk=True))
    s.gateway.bulk_problem = Problem.NOT_FOUND
    async with running(s.watcher.run):
        await s.after(590)
        facts = await s.after(20)
    assert s.gateway.bulk_asked == 2
    assert max(Counter(round(f.at) for f in seen(facts)).values()) <= 25


@pytest.mark.asyncio
async def test_a_gateway_that_is_dead_from_the_start_is_told_and_then_found() -> None:
    s = Setting(FakeGateway({"a": UP}))
    s.gateway.problem = Problem.REFUSED
    async with running(s.watcher.run):
        assert verdicts(await s.after(30))[0] is Problem.REFUSED
        s.gateway.problem = None
        assert verdicts(await s.after(35))[0] is None


@pytest.mark.asyncio
async def test_a_poke_looks_whether_the_gateway_is_back() -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP}))
    s.gateway.problem = Problem.REFUSED
    async with running(s.watcher.run):
        await s.after(300)
        s.gateway.problem = None
        s.watcher.poke("a")
        assert None in verdicts(await s.after(0))


@pytest.mark.asyncio
@pytest.mark.parametrize("problem", [Problem.SERVER_ERROR, Problem.TIMEOUT, Problem.UNAUTHORIZED])
async def test_trouble_of_single_sessions_is_not_the_gateway_s(problem: Problem) -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP, "c": UP, "d": UP}))
    s.gateway.problems = dict.fromkeys("bcd", problem)
    async with running(s.watcher.run):
        await s.after(20)
        facts = await s.after(300)
    assert set(verdicts(facts)) == {None}
    assert {f.state for f in seen(facts, "a")} == {ConnState.CONNECTED}
    assert {f.problem for f in seen(facts, "b")} == {problem}
    assert len(seen(facts, "b")) > 40


@pytest.mark.asyncio
async def test_a_gateway_whose_every_answer_is_wrong_is_told_so_once_a_round() -> None:
    s = Setting(FakeGateway({"a": UP, "b": UP}))
    s.gateway.problem = Problem.SERVER_ERROR
    async with running(s.watcher.run):
        found = verdicts(await s.after(150))
    assert set(found) == {Problem.SERVER_ERROR}
    assert 6 <= len(found) <= 11


@pytest.mark.asyncio
async def test_limits_may_change_while_it_runs() -> None:
    gateway = FakeGateway({"a": UP})
    clock, limits = VirtualClock(), [PollLimits()]
    watcher = ConnectionWatcher(
        gateway, lambda: ["a"], lambda _: None, clock=clock, rng=random.Random(1), limits=lambda: limits[0]
    )
    async with running(watcher.run):
        await advance(clock, 60)
        gateway.asked.clear()
        limits[0] = PollLimits(connection_s=1)
        await advance(clock, 60)
    assert len(gateway.asked) > 40


@pytest.mark.asyncio
async def test_whom_a_gateway_lists_is_told_also_while_nobody_is_known_yet() -> None:
    s, listed = Setting(FakeGateway({"1": UP, "2": DOWN}, bulk=True), []), list[set[str]]()
    s.watcher = ConnectionWatcher(
        s.gateway, lambda: s.companies, s.facts.append, clock=s.clock, rng=random.Random(1),
        listed=lambda found: listed.append(set(found)),
    )  # fmt: skip
    async with running(s.watcher.run):
        await s.after(0)
        assert listed == [{"1", "2"}]
        s.companies = ["1", "2"]
        facts = await s.after(5)
    assert {f.company for f in seen(facts)} == {"1", "2"}
    assert s.gateway.asked == []
