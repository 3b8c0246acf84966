"""What becomes of an action that a killed daemon had begun."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from baileykeep.actions.base import Order, Site, Steps
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.engine.executor import Executor
from baileykeep.engine.ledger import Running
from baileykeep.engine.monitor import Monitor
from baileykeep.engine.roster import Roster
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model import codec
from baileykeep.model.backup import BackupKind
from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import Limits
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Subject, company
from baileykeep.stores.files import FileStore
from tests.fakes.gateway import DOWN, UP, FakeGateway
from tests.unit.auth_folders import few_of

pytestmark = pytest.mark.asyncio
WHO = company("1")


class Sessions(FakeGateway):
    """Notes what it is asked to change; what is started opens only where `opens` says so, and then `saves` a login."""

    opens = False
    saves: tuple[Path, bytes] | None = None

    def __init__(self, status: SessionStatus):
        super().__init__({"1": status})
        self.capabilities = Capabilities(reconnect=True, stop=True, start=True)
        self.changed: list[str] = []

    async def reconnect(self, company: str) -> None:
        self.changed.append("reconnect")

    async def stop(self, company: str) -> None:
        self.changed.append("stop")

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        self.changed.append("start")
        if self.opens:
            self.sessions[company] = UP
            if self.saves is not None:
                self.saves[0].write_bytes(self.saves[1])


class HurriedClock(VirtualClock):
    """Whoever waits has waited."""

    async def sleep(self, seconds: float) -> None:
        self.step_to(self.monotonic() + seconds)


class Blind:
    """A monitor that sees nothing."""

    def witness(self, *_: Any) -> None: ...

    def resumed(self, *_: Any) -> None: ...

    def uses(self, *_: Any) -> None: ...


class World:
    """One company whose action a dead daemon had begun."""

    def __init__(self, folder: Path, status: SessionStatus, *, still_wrong: bool = True):
        self.clock, self.journal, self.gateway = HurriedClock(), MemoryJournal(), Sessions(status)
        self.vault = Vault(folder / "backups")
        self.store = FileStore("1", few_of(folder / "auth"))
        self.still_wrong = still_wrong

    def site(self, _who: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool) -> Site:
        return Site(
            "1", self.gateway, None, True, self.store, self.vault, self.clock, Limits(), steps, still_wrong,
            may_stop_others=by_human,
        )  # fmt: skip

    async def resumed(self, rung: Rung, *steps: str) -> Any:
        attempt = Attempt(rung, Cause.LOGGED_OUT, self.clock.now(), "a1")
        for step in steps:
            await self.journal.write(
                [Entry(self.clock.now(), EntryKind.STEP_BEGUN, WHO, action="a1", data={"step": step})]
            )
        executor = Executor(self.journal, self.clock, cast(Roster, self), cast(Monitor, Blind()))

        async def wrong() -> bool:
            return self.still_wrong

        return await executor.resume(Running(WHO, attempt, codec.encode(Order())), wrong)


async def test_a_folder_that_somebody_else_works_on_uses_no_rung_up(tmp_path: Path) -> None:
    world = World(tmp_path, UP)
    executor = Executor(world.journal, world.clock, cast(Roster, world), cast(Monitor, Blind()))
    attempt = Attempt(Rung.RELINK, Cause.LOGGED_OUT, world.clock.now(), "a1")

    async def wrong() -> bool:
        return True

    other = os.open(tmp_path / "auth", os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(other, fcntl.LOCK_EX)
    result = await executor.run(Running(WHO, attempt, codec.encode(Order())), wrong)
    os.close(other)
    assert (result.outcome, result.untouched) == (Outcome.REFUSED, True)
    assert "Another process" in result.note
    assert world.gateway.changed == []


@pytest.mark.parametrize("rung", [Rung.SNAPSHOT, Rung.BACKUP])
@pytest.mark.parametrize("status", [UP, DOWN], ids=["up", "down"])
async def test_a_copy_is_made_anew_and_nothing_is_opened_for_it(
    tmp_path: Path, rung: Rung, status: SessionStatus
) -> None:
    world = World(tmp_path, status)
    result = await world.resumed(rung, rung.value)
    assert result.outcome is Outcome.DONE
    assert [backup.kind for backup in world.vault.list("1")] == [BackupKind.HOT]
    assert world.gateway.changed == []


@pytest.mark.parametrize("rung", [Rung.CLEANUP, Rung.REPAIR_SESSIONS, Rung.RELINK, Rung.RESTORE])
async def test_what_was_only_made_ready_for_is_not_called_done_by_itself(tmp_path: Path, rung: Rung) -> None:
    world = World(tmp_path, UP)
    result = await world.resumed(rung, "stop", "prove_stopped")
    assert result.outcome is Outcome.SUPERSEDED
    assert world.gateway.changed == []


async def test_what_was_done_and_runs_is_verified(tmp_path: Path) -> None:
    world = World(tmp_path, UP)
    result = await world.resumed(Rung.CLEANUP, "stop", "prove_stopped", "backup", "remove", "start")
    assert result.outcome is Outcome.HEALED
    assert world.gateway.changed == []


async def test_a_session_that_was_not_stopped_by_us_is_not_opened_when_its_trouble_became_another(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, DOWN, still_wrong=False)
    result = await world.resumed(Rung.RECONNECT, "reconnect")
    assert result.outcome is Outcome.SUPERSEDED
    assert world.gateway.changed == []


async def test_a_session_that_was_stopped_by_us_is_started_in_any_case(tmp_path: Path) -> None:
    world = World(tmp_path, DOWN, still_wrong=False)
    result = await world.resumed(Rung.CLEANUP, "stop", "prove_stopped")
    assert world.gateway.changed == ["start"]
    assert result.outcome is Outcome.FAILED


async def test_a_start_alone_is_not_called_the_repair_that_was_meant(tmp_path: Path) -> None:
    world = World(tmp_path, DOWN, still_wrong=False)
    world.gateway.opens = True
    result = await world.resumed(Rung.CLEANUP, "stop", "prove_stopped", "backup")
    assert world.gateway.changed == ["start"]
    assert result.outcome is Outcome.SUPERSEDED
