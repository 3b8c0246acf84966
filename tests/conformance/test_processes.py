"""What every process manager must hold to. A kind that is not listed here fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import ProcessManager
from baileykeep.processes.find import kinds
from baileykeep.processes.none import NoManager
from baileykeep.processes.pm2 import Pm2
from baileykeep.processes.systemd import Systemd
from tests.fakes.process_managers import Program, fake_pm2, fake_systemctl, pm2_process, unit

Setting = tuple[ProcessManager, Program]


@asynccontextmanager
async def with_pm2(folder: Path) -> AsyncIterator[Setting]:
    async with fake_pm2(folder, [pm2_process("gw", 0), pm2_process("other", 1)]) as (program, home):
        yield Pm2("gw", home=home, program=str(program.path), act_timeout_s=5), program


@asynccontextmanager
async def with_systemd(folder: Path) -> AsyncIterator[Setting]:
    program = fake_systemctl(folder, {"gw.service": unit(), "other.service": unit()})
    yield Systemd("gw.service", program=str(program.path), act_timeout_s=5), program


ACTING: dict[str, Callable[[Path], AbstractAsyncContextManager[Setting]]] = {"pm2": with_pm2, "systemd": with_systemd}
each = pytest.mark.parametrize("kind", sorted(ACTING))


def test_every_kind_is_held_to_this() -> None:
    assert set(kinds()) == {*ACTING, "none"}


@pytest.mark.asyncio
@each
async def test_it_runs_stops_starts_and_restarts(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, _):
        assert (manager.kind, manager.can_act) == (kind, True)
        assert (await manager.status()).state is ProcessState.RUNNING
        await manager.stop()
        assert (await manager.status()).state is ProcessState.STOPPED
        await manager.start()
        assert (await manager.status()).state is ProcessState.RUNNING
        await manager.restart()
        assert (await manager.status()).state is ProcessState.RUNNING


@pytest.mark.asyncio
@each
async def test_a_second_stop_or_start_changes_nothing(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, _):
        await manager.start()
        await manager.stop()
        await manager.stop()
        assert (await manager.status()).state is ProcessState.STOPPED


@pytest.mark.asyncio
@each
async def test_only_the_own_process_is_touched(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, program):
        before = program.state
        await manager.stop()
        after = program.state
    if kind == "pm2":
        assert after["list"][1] == before["list"][1]
    else:
        assert after["units"]["other.service"] == before["units"]["other.service"]


@pytest.mark.asyncio
@each
async def test_a_look_changes_nothing(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, program):
        await manager.status()
        assert len(program.verbs) == 1
        assert program.verbs[0].split()[0] in ("jlist", "show")


@pytest.mark.asyncio
@each
async def test_a_process_that_does_not_stop_is_an_error(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, program):
        program.update(stops_as={"pm2": "stopping", "systemd": "deactivating"}[kind])
        with pytest.raises(ProcessError, match="after it was stopped"):
            await manager.stop()


@pytest.mark.asyncio
@each
async def test_a_program_that_fails_is_an_error(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, program):
        program.update(fail="it does not work")
        for act in (manager.status, manager.start, manager.stop, manager.restart):
            with pytest.raises(ProcessError, match=r"gw|jlist"):
                await act()


@pytest.mark.asyncio
@each
async def test_a_program_that_hangs_is_ended(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"baileykeep.processes.{kind}.STATUS_TIMEOUT_S", 0.2)
    async with ACTING[kind](tmp_path) as (manager, program):
        program.update(hang=True)
        with pytest.raises(ProcessError, match=r"longer than 0\.2 s"):
            await manager.status()


@pytest.mark.asyncio
@each
async def test_a_program_that_floods_is_an_error(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, program):
        program.update(flood=300)
        with pytest.raises(ProcessError, match="more than 16 MiB"):
            await manager.status()


@pytest.mark.asyncio
@each
async def test_a_program_that_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, program):
        program.path.unlink()
        with pytest.raises(ProcessError, match=r"cannot be run"):
            await manager.status()


@pytest.mark.asyncio
@each
async def test_what_it_says_of_a_process_holds_no_secret(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as (manager, _):
        assert "secret" not in repr(await manager.status())


@pytest.mark.asyncio
async def test_no_manager_knows_nothing_and_says_how_to_get_one() -> None:
    manager = NoManager()
    assert not manager.can_act
    assert (await manager.status()).state is ProcessState.UNKNOWN
    for act in (manager.start, manager.stop, manager.restart):
        with pytest.raises(ProcessError, match=r"process\.kind"):
            await act()
