from __future__ import annotations

import random
from collections.abc import Callable

import anyio
import pytest
from structlog.testing import capture_logs

from baileykeep.clock import FastClock
from baileykeep.watchers.heartbeat import HeartbeatWatcher
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http
from tests.fakes.virtual_time import running

BEAT = "GET /ping/very-secret"


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        while not true():
            await anyio.sleep(0.005)


def watcher(fake: FakeHttp, alive: Callable[[], bool] = lambda: True) -> HeartbeatWatcher:
    clock = FastClock(6000)
    return HeartbeatWatcher(f"{fake.url}/ping/very-secret", clock=clock, rng=random.Random(1), alive=alive)


@pytest.mark.asyncio
async def test_it_calls_again_and_again_and_logs_only_changes() -> None:
    with capture_logs() as logs:
        async with fake_http({BEAT: Answer(200, b"OK")}) as fake, running(watcher(fake).run):
            await until(lambda: fake.seen(BEAT) >= 3)
            assert logs == []
            fake.routes[BEAT] = Answer(500)
            before = fake.seen(BEAT)
            await until(lambda: fake.seen(BEAT) >= before + 3)
            fake.routes[BEAT] = Answer(200)
            before = fake.seen(BEAT)
            await until(lambda: fake.seen(BEAT) >= before + 2)
    assert [entry["event"] for entry in logs] == ["heartbeat_fails", "heartbeat_works"]
    assert "very-secret" not in repr(logs)


@pytest.mark.asyncio
async def test_nobody_there_is_a_failure_and_no_crash() -> None:
    async with fake_http() as fake:
        pass
    with capture_logs() as logs:
        async with running(watcher(fake).run):
            await until(lambda: bool(logs))
    assert "very-secret" not in repr(logs)


@pytest.mark.asyncio
async def test_a_daemon_that_is_not_well_does_not_call() -> None:
    well = True
    async with fake_http({BEAT: Answer(200)}) as fake, running(watcher(fake, lambda: well).run):
        await until(lambda: fake.seen(BEAT) >= 1)
        well = False
        await anyio.sleep(0.05)
        before = fake.seen(BEAT)
        await anyio.sleep(0.1)
        assert fake.seen(BEAT) == before
