"""A gateway that only tells counts as connected until its process is proved stopped, whatever it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baileykeep.actions import session
from baileykeep.actions.base import Order, Site
from baileykeep.actions.reconnect import restart_process
from baileykeep.actions.stillness import is_stopped
from baileykeep.clock import VirtualClock
from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.hearing import Ear
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import Refused
from baileykeep.model.facts import ProcessState
from baileykeep.model.incident import Outcome
from tests.fakes.gateway import FakeGateway
from tests.unit.actions.sites import site

pytestmark = pytest.mark.asyncio

DIALECT = load_dialect("fazer-ai")


class Process:
    """A process manager that does as it is told, and notes it."""

    can_act, kind = True, "pm2"

    def __init__(self, state: ProcessState) -> None:
        self.state, self.restarted = state, 0

    async def status(self) -> Any:
        return SimpleNamespace(state=self.state)

    async def restart(self) -> None:
        self.restarted += 1


def told_only(root: Path, process: Process | None) -> tuple[Site, Ear]:
    clock = VirtualClock()
    ear = Ear(DIALECT, "{company}", "token", 3600.0, clock)
    gateway = HttpGateway(GatewaySpec("main", "http://127.0.0.1:1", "key"), DIALECT, clock, ear)
    made = site(root, FakeGateway({}), clock)
    return replace(made, gateway=gateway, process=cast(Any, process), ear=ear), ear


def say(ear: Ear, connection: str) -> None:
    body = {"event": "connection.update", "data": {"connection": connection}, "webhookVerifyToken": "token"}
    ear.take(json.dumps(body).encode(), "1", {"1"}.__contains__)


@pytest.mark.parametrize("word", ["close", "open", "reconnecting"])
async def test_no_word_proves_a_stop_and_none_denies_that_of_the_manager(tmp_path: Path, word: str) -> None:
    process = Process(ProcessState.RUNNING)
    made, ear = told_only(tmp_path, process)
    say(ear, word)
    assert not await is_stopped(made)
    process.state = ProcessState.STOPPED
    assert await is_stopped(made)
    alone, ear = told_only(tmp_path, None)
    say(ear, word)
    assert not await is_stopped(alone)
    with pytest.raises(Refused):
        session.check_can_stop(alone)


async def test_what_was_said_before_a_restart_does_not_count_after_it(tmp_path: Path) -> None:
    process, lives = Process(ProcessState.RUNNING), []

    async def alive() -> None:
        lives.append(ear.status("1").state.value)

    made, ear = told_only(tmp_path, process)
    made = replace(made, alive=alive)
    say(ear, "open")
    assert await session.connected_and_paired(replace(made, store=None))
    result = await restart_process(made, Order())
    assert (result.outcome, process.restarted, lives) == (Outcome.HEALED, 1, ["unknown"])
    assert not await session.connected_and_paired(made)
