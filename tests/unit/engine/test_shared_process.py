"""Two gateways on one process: it is restarted once, and only when nobody on it works or a human says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from baileykeep.actions.base import Site, Steps
from baileykeep.engine.roster import Member
from baileykeep.model.facts import GatewaySeen, Problem, ProcessSeen, ProcessState
from baileykeep.model.incident import ApprovalState
from baileykeep.model.symptoms import Subject, company, gateway
from baileykeep.processes.base import Identity, ProcessStatus
from baileykeep.rules.ladder import Can
from tests.unit.engine.installation import Daemon, Installation, daemon

pytestmark = pytest.mark.asyncio

MAIN, SECOND = gateway("main"), gateway("second")
SHARED = frozenset({"main", "second"})


class Process:
    """Counts its restarts; each brings both gateways' HTTP sides back where `heals` says so."""

    kind, can_act = "pm2", True
    identity = Identity("pm2", "/h", "gw")

    def __init__(self) -> None:
        self.restarts = 0

    async def status(self) -> ProcessStatus:
        return ProcessStatus(ProcessState.RUNNING)

    async def start(self) -> None:
        raise AssertionError("nobody is to start it")

    async def stop(self) -> None:
        raise AssertionError("nobody is to stop it")

    async def restart(self) -> None:
        self.restarts += 1


class TwoGateways(Installation):
    """Company acme at `main`, other at `second`, both on one process."""

    def __init__(self, root: Path):
        super().__init__(root)
        self.process = Process()

    def members(self) -> Mapping[Subject, Member]:
        found = dict(super().members())
        can = Can(restart_process=True, others="Bella")
        found[MAIN] = replace(found[MAIN], can=can, shares=SHARED)
        found[SECOND] = replace(found[MAIN], subject=SECOND, name="second", gateway="second")
        found[company("other")] = replace(found[company("other")], gateway="second", shares=SHARED)
        found[company("acme")] = replace(found[company("acme")], shares=SHARED)
        return found

    def site(
        self, subject: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool
    ) -> Site:
        ident = {"main": "acme", "second": "other"}.get(subject.id, subject.id)
        site = super().site(company(ident), steps, still_wrong, by_human=by_human)
        return replace(site, process=self.process)


async def see(d: Daemon, *silent: str, process: ProcessState = ProcessState.RUNNING, seconds: float = 400) -> None:
    """Let both gateways be asked for so long; those named give no answer."""
    for _ in range(int(seconds / 5)):
        now = d.clock.now()
        for name in ("main", "second"):
            d.engine.observe(ProcessSeen(at=now, gateway=name, state=process))
            problem = Problem.REFUSED if name in silent else None
            d.engine.observe(GatewaySeen(at=now, gateway=name, problem=problem))
        await d.engine.tick()
        for subject in (MAIN, SECOND):
            await d.orchestrator.review(subject)
        await d.on.pass_time(5)


async def test_while_the_other_gateway_works_a_human_is_asked(tmp_path: Path) -> None:
    on = TwoGateways(tmp_path)
    async with daemon(on) as d:
        await see(d, "main")
        (incident,) = (i for i in d.ledger.all_open() if i.subject == MAIN)
        assert incident.approval is not None
        assert (incident.approval.rung, incident.approval.others) == ("restart_process", "Bella")
        assert on.process.restarts == 0
        await d.desk.answer(incident.id, ApprovalState.APPROVED, "ann", incident.approval.revision)
        await see(d, "main", seconds=30)
        assert on.process.restarts == 1


async def test_once_both_are_down_it_is_restarted_once_for_both(tmp_path: Path) -> None:
    on = TwoGateways(tmp_path)
    async with daemon(on) as d:
        await see(d, "main", "second", seconds=500)
        assert {i.subject for i in d.ledger.all_open()} == {MAIN, SECOND}
        assert on.process.restarts == 1
        await see(d, "main", "second", seconds=500)
    assert on.process.restarts == 2, "each of the two has its own try, ten minutes apart"


async def test_a_process_that_its_manager_calls_down_carries_nobody_who_works(tmp_path: Path) -> None:
    on = TwoGateways(tmp_path)
    async with daemon(on) as d:
        await see(d, "main", process=ProcessState.ERRORED, seconds=30)
    assert on.process.restarts == 1
