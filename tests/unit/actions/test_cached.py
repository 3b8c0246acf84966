"""Gateways that keep credentials in memory: a closed session proves nothing unless they can be told to forget them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from baileykeep.actions.base import Site
from baileykeep.actions.session import check_can_stop, start_safely, stop, while_stopped
from baileykeep.actions.stillness import At, is_stopped
from baileykeep.clock import SystemClock
from baileykeep.gateways.base import Capabilities
from baileykeep.model.errors import GatewayError, Refused
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import ProcessStatus
from baileykeep.stores.files import FileStore
from tests.fakes.gateway import DOWN, UP, FakeGateway
from tests.unit.actions.sites import site
from tests.unit.auth_folders import copy_of

pytestmark = pytest.mark.asyncio

CALLS = Capabilities(stop=True, start=True, reconnect=True)
FORGETS = replace(CALLS, clear_cache=True)


class Caching(FakeGateway):
    """Notes what it is told to do."""

    def __init__(self, does: Capabilities):
        super().__init__({"1": UP})
        self.capabilities = does
        self.told: list[str] = []
        self.refuses = 0

    async def stop(self, company: str) -> None:
        self.told.append("stop")
        self.sessions[company] = DOWN

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        self.told.append("start")
        self.sessions[company] = UP

    async def clear_cache(self, company: str) -> None:
        self.told.append("clear_cache")
        self.refuses -= 1
        if self.refuses >= 0:
            raise GatewayError("not now")


@dataclass
class Process:
    """A process that a manager may stop."""

    told: list[str]
    can_act: bool = True
    kind: str = "fake"
    down: bool = False

    async def status(self) -> ProcessStatus:
        return ProcessStatus(ProcessState.STOPPED if self.down else ProcessState.RUNNING)

    async def stop(self) -> None:
        self.told.append("process stopped")
        self.down = True

    async def start(self) -> None:
        self.told.append("process started")
        self.down = False


class Hasty(SystemClock):
    """Waits for nothing."""

    async def sleep(self, seconds: float) -> None:
        return


def cached(root: Path, gateway: FakeGateway, process: Any = None) -> Site:
    store = FileStore("1", copy_of("auth-6", root / "auth"))
    return replace(site(root, gateway, Hasty(), store=store), cached=True, process=process)


async def test_without_a_call_and_without_a_process_nothing_is_stopped(tmp_path: Path) -> None:
    gateway = Caching(CALLS)
    made = cached(tmp_path, gateway)
    with pytest.raises(Refused, match="keeps credentials in memory") as caught:
        check_can_stop(made)
    assert caught.value.code == "cannot_stop"

    async def change(_token: str) -> str:
        raise AssertionError("nothing may be changed")

    with pytest.raises(Refused):
        await while_stopped(made, change)
    assert gateway.told == []


async def test_a_gateway_that_forgets_is_told_so_after_the_stop_and_before_the_start(tmp_path: Path) -> None:
    gateway = Caching(FORGETS)
    made = cached(tmp_path, gateway)
    check_can_stop(made)
    await stop(made)
    assert gateway.told == ["stop", "clear_cache"]
    assert await is_stopped(made)
    gateway.refuses = 1

    async def start() -> None:
        await gateway.start("1")

    await start_safely(made, start)
    assert gateway.told == ["stop", "clear_cache", "clear_cache", "clear_cache", "start"]


async def test_without_a_call_to_forget_its_process_is_stopped_and_nothing_else_proves_it(tmp_path: Path) -> None:
    gateway = Caching(CALLS)
    gateway.sessions["1"] = DOWN
    process = Process(gateway.told)
    made = cached(tmp_path, gateway, process)
    check_can_stop(made)
    assert not await is_stopped(made)
    await stop(made)
    assert gateway.told == ["process stopped"]
    assert await is_stopped(made)


async def test_a_process_that_carries_others_is_not_stopped_for_one(tmp_path: Path) -> None:
    gateway = Caching(CALLS)
    made = replace(cached(tmp_path, gateway, Process(gateway.told)), alone=False)
    with pytest.raises(Refused, match="only its stopped process is safe"):
        check_can_stop(made)
    check_can_stop(replace(made, may_stop_others=True))


async def test_looks_from_before_an_action_know_it_too(tmp_path: Path) -> None:
    gateway = Caching(CALLS)
    gateway.sessions["1"] = DOWN
    process: Any = Process(gateway.told)
    assert await is_stopped(At("1", gateway, process))
    assert not await is_stopped(At("1", gateway, process, process_only=True))
    process.down = True
    assert await is_stopped(At("1", gateway, process, process_only=True))
