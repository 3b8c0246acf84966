"""The page of promises: every test that it names exists, and every sum in it is what the code really takes."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from baileykeep.actions import session
from baileykeep.actions.base import Site
from baileykeep.engine.executor import JournaledSteps
from baileykeep.engine.ledger import Running
from baileykeep.model.errors import Refused
from baileykeep.model.facts import ConnectionSeen, ConnState, GatewaySeen, Problem, Tick
from baileykeep.model.incident import Attempt, Cause, Rung
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import company, gateway
from baileykeep.rules import disconnect, reach
from baileykeep.rules.invariants import INVARIANTS
from tests.docs import promises_page as page
from tests.docs.generate import DOCS
from tests.unit.engine.installation import ACME, Daemon, Installation, daemon

ROOT = Path(__file__).parents[2]
TEXT = (DOCS / "promises.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)))
NOW = 1_800_000_000.0


def names_in(path: Path) -> set[str]:
    """The names of all test functions of a file."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and "test_" in n.name}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    assert (ROOT / file).is_file()
    assert name, f"name the test in {file} that proves it"
    assert name in names_in(ROOT / file)


def test_every_promise_has_an_assumption_and_a_proof() -> None:
    rows = [line.split(" | ") for line in TEXT.splitlines() if re.match(r"\| [MS]\d+ ", line)]
    numbers = [row[0].strip("| ") for row in rows]
    assert numbers == [f"M{n}" for n in range(1, numbers.index("S1") + 1)] + [
        f"S{n}" for n in range(1, len(numbers) - numbers.index("S1") + 1)
    ]
    for row in rows:
        assert len(row) == 4, row[0]
        assert len(row[2]) > 10, row[0]
        assert "`tests/" in row[3], row[0]


def test_every_check_is_listed() -> None:
    assert all(f"| `{name}` |" in TEXT for name in INVARIANTS)


# --- the sums -----------------------------------------------------------------------------------------------------


def down_until(phase: disconnect.Phase, phase_s: float) -> float:
    """Seconds from a drop to a phase of the timer, polled as late as may be; the drop comes so long before a poll."""
    limits, state, subject = Limits(), disconnect.State(), company("acme")
    up = ConnectionSeen(at=NOW, company="acme", state=ConnState.CONNECTED)
    state, _ = disconnect.step(state, subject, up, NOW, limits)
    now = NOW + phase_s
    while state.phase is not phase:
        state, _ = disconnect.step(state, subject, replace(up, at=now, state=ConnState.DISCONNECTED), now, limits)
        now += page.POLL_DOWN[1]
    return now - page.POLL_DOWN[1] - NOW


@pytest.mark.parametrize(("phase", "sum_s"), [
    (disconnect.Phase.WARNED, page.WARNED.seconds - page.TELL[1]),
    (disconnect.Phase.OVERDUE, page.RECONNECTED.seconds),
])  # fmt: skip
def test_from_a_drop_to_the_warning_and_to_the_reconnect(phase: disconnect.Phase, sum_s: float) -> None:
    latest = max(down_until(phase, share / 10 * page.POLL[1]) for share in range(11))
    assert sum_s - page.POLL_DOWN[1] <= latest <= sum_s


def test_from_silence_to_a_gateway_that_is_down() -> None:
    limits, subject = Limits(), gateway("main")
    lost = GatewaySeen(at=NOW, gateway="main", problem=Problem.TIMEOUT)
    state, told = reach.step_gateway(reach.GatewayState(), subject, lost, NOW, limits)
    now = NOW
    while not told:
        now += page.TICK[1]
        state, told = reach.step_gateway(state, subject, Tick(at=now), now, limits)
    assert now - NOW <= page.GATEWAY.seconds


async def took(on: Installation, work: Callable[[Site], Awaitable[object]], *, at: dict[float, ConnState]) -> float:
    """Virtual seconds that a piece of an action takes while the session changes its state at these times."""
    begun, done = on.clock.monotonic(), anyio.Event()

    async def run(d: Daemon) -> None:
        attempt = Attempt(Rung.BACKUP, Cause.DISCONNECTED, on.clock.now(), "a1", operator="ann")
        running = Running(ACME, attempt, {}, manual=True)
        member = on.member(ACME)
        assert member is not None
        d.monitor.begun(running, member, None, ())
        site = on.site(ACME, JournaledSteps(on.journal, on.clock, running, d.monitor), _yes, by_human=True)
        with contextlib.suppress(Refused):
            await work(site)
        done.set()

    async with daemon(on) as d, anyio.create_task_group() as group:
        group.start_soon(run, d)
        changes = sorted(at.items())
        while not done.is_set():
            while changes and changes[0][0] <= on.clock.monotonic() - begun:
                on.sessions.states["acme"] = changes.pop(0)[1]
            await on.pass_time(0.5)
    return on.clock.monotonic() - begun


async def _yes() -> bool:
    return True


@pytest.mark.asyncio
@pytest.mark.parametrize("at", [
    {0.0: ConnState.DISCONNECTED},
    {0.0: ConnState.DISCONNECTED, 299.0: ConnState.CONNECTED, 328.0: ConnState.DISCONNECTED},
    {0.0: ConnState.DISCONNECTED, 299.0: ConnState.CONNECTED},
    {0.0: ConnState.CONNECTED, 20.0: ConnState.DISCONNECTED, 290.0: ConnState.CONNECTED, 310.0: ConnState.CONNECTING},
])  # fmt: skip
async def test_a_verification_ends_in_time(tmp_path: Path, at: dict[float, ConnState]) -> None:
    assert await took(Installation(tmp_path), session.verify, at=at) <= page.VERIFIED.seconds + 0.5


@pytest.mark.asyncio
@pytest.mark.parametrize("at", [
    {0.0: ConnState.CONNECTED},
    {0.0: ConnState.UNKNOWN},
    {0.0: ConnState.CONNECTED, 82.0: ConnState.DISCONNECTED},
])  # fmt: skip
async def test_a_stop_is_given_up_in_time(tmp_path: Path, at: dict[float, ConnState]) -> None:
    assert await took(Installation(tmp_path), session.prove_stopped, at=at) <= page.PROOF[1] + 0.5
