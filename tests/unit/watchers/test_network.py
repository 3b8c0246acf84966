from __future__ import annotations

import asyncio
import random
import socket
from contextlib import ExitStack

import anyio
import pytest

from baileykeep.clock import VirtualClock
from baileykeep.model.errors import ConfigError
from baileykeep.model.facts import Fact, NetworkSeen
from baileykeep.watchers.network import NetworkWatcher, TcpProbe, any_works, probes
from tests.fakes.virtual_time import advance, running


class Line:
    """A probe whose outcome a test sets; None never answers."""

    def __init__(self, works: bool | None = True):
        self.works = works

    async def __call__(self) -> bool:
        if self.works is None:
            await anyio.sleep_forever()
        return bool(self.works)


class Setting:
    def __init__(self, online: int = 2) -> None:
        self.clock = VirtualClock()
        self.facts: list[Fact] = []
        self.online, self.whatsapp = [Line() for _ in range(online)], [Line()]
        self.watcher = NetworkWatcher(
            self.facts.append, clock=self.clock, rng=random.Random(1), online=self.online, whatsapp=self.whatsapp
        )

    def cut(self, *lines: Line) -> None:
        for line in lines:
            line.works = False

    async def after(self, seconds: float) -> list[tuple[bool, bool]]:
        before = len(self.facts)
        await advance(self.clock, seconds)
        return [(f.online, f.whatsapp) for f in self.facts[before:] if isinstance(f, NetworkSeen)]


@pytest.mark.asyncio
async def test_every_round_tells() -> None:
    s = Setting()
    async with running(s.watcher.run):
        rounds = await s.after(150)
    assert set(rounds) == {(True, True)}
    assert 9 <= len(rounds) <= 12


@pytest.mark.asyncio
async def test_offline_needs_two_lost_rounds_and_the_second_comes_soon() -> None:
    s = Setting()
    async with running(s.watcher.run):
        await s.after(1)
        s.cut(*s.online, *s.whatsapp)
        rounds = await s.after(24)
        assert rounds[0] == (True, True)
        assert rounds[1] == (False, False)
        s.online[0].works = s.whatsapp[0].works = True
        assert (await s.after(6))[0] == (True, True)


@pytest.mark.asyncio
async def test_one_lost_round_is_no_news() -> None:
    s = Setting()
    async with running(s.watcher.run):
        await s.after(1)
        for _ in range(5):
            s.cut(*s.online, *s.whatsapp)
            s.watcher.poke()
            assert await s.after(0) == [(True, True)]
            s.online[0].works = s.whatsapp[0].works = True
            s.watcher.poke()
            assert await s.after(0) == [(True, True)]


@pytest.mark.asyncio
async def test_one_probe_that_works_is_enough() -> None:
    s = Setting(online=3)
    s.cut(*s.online[:2])
    async with running(s.watcher.run):
        assert set(await s.after(60)) == {(True, True)}


@pytest.mark.asyncio
async def test_whatsapp_alone_may_be_gone() -> None:
    s = Setting()
    s.cut(*s.whatsapp)
    async with running(s.watcher.run):
        assert (await s.after(60))[-1] == (True, False)


@pytest.mark.asyncio
async def test_who_is_offline_does_not_reach_whatsapp_even_if_nobody_looks() -> None:
    s = Setting()
    watcher = NetworkWatcher(s.facts.append, clock=s.clock, rng=random.Random(1), online=s.online, whatsapp=[])
    s.cut(*s.online)
    async with running(watcher.run):
        assert (await s.after(60))[-1] == (False, False)


@pytest.mark.asyncio
async def test_who_reaches_whatsapp_is_online() -> None:
    s = Setting()
    s.cut(*s.online)
    async with running(s.watcher.run):
        assert set(await s.after(60)) == {(True, True)}


@pytest.mark.asyncio
async def test_a_probe_that_hangs_does_not_hold_up_one_that_works() -> None:
    assert await any_works([Line(None), Line(True)])
    assert await any_works([])
    assert not await any_works([Line(False)])


@pytest.mark.asyncio
async def test_a_tcp_probe_connects_or_says_no() -> None:
    server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await TcpProbe("127.0.0.1", port)()
    server.close()
    await server.wait_closed()
    assert not await TcpProbe("127.0.0.1", port)()


@pytest.mark.asyncio
async def test_a_tcp_probe_gives_up_in_time() -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        host, port = silent.getsockname()
        for _ in range(10):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((host, port))
        assert not await TcpProbe(host, port, timeout_s=0.1)()


@pytest.mark.parametrize("text", ["", "1.1.1.1", "1.1.1.1:", ":53", "1.1.1.1:dns", "1.1.1.1:0", "1.1.1.1:65536"])
def test_what_is_no_probe_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no probe"):
        TcpProbe.parse(text)


def test_probes_are_written_host_colon_port() -> None:
    assert probes(["1.1.1.1:443", "[2606:4700::1111]:53"]) == (
        TcpProbe("1.1.1.1", 443),
        TcpProbe("2606:4700::1111", 53),
    )
