"""The real pm2 7: its words, its traps, and that Baileykeep never starts a daemon of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import structlog

from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.pm2 import Pm2
from tests.integration.real_pm2 import CANARY, RealPm2, ended, install, real_pm2

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]

FOR_EVER = "setInterval(() => {}, 1000)"
BROKEN = "process.exit(3)"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("pm2"))


@pytest.fixture(scope="module")
def pm2(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPm2]:
    with real_pm2(program, tmp_path_factory.mktemp("d") / "home") as made:
        made.start("gw", FOR_EVER)
        made.start("other", FOR_EVER)
        made.start("idle", FOR_EVER)
        made.run("stop", "idle")
        made.start("errored", BROKEN, "--max-restarts", "1")
        made.start("storm", BROKEN, "--max-restarts", "1000", "--restart-delay", "3000")
        made.start("many", FOR_EVER, "-i", "2")
        yield made


def asker(pm2: RealPm2, name: str) -> Pm2:
    return Pm2(name, home=pm2.home, program=str(pm2.program))


@pytest.mark.parametrize(
    ("name", "word", "state"),
    [
        ("gw", "online", ProcessState.RUNNING),
        ("idle", "stopped", ProcessState.STOPPED),
        ("errored", "errored", ProcessState.ERRORED),
        ("storm", "waiting restart", ProcessState.UNKNOWN),
        ("many", "2 online", ProcessState.RUNNING),
    ],
)
async def test_each_state_is_told(pm2: RealPm2, name: str, word: str, state: ProcessState) -> None:
    with anyio.fail_after(30):
        while (found := await asker(pm2, name).status()).detail != word:
            await anyio.sleep(0.1)
    assert found.state is state


async def test_restart_stop_and_start_are_really_done(pm2: RealPm2) -> None:
    manager, beside = asker(pm2, "gw"), pm2.pids("other")
    (first,) = pm2.pids("gw")
    before = (await manager.status()).restarts or 0
    await manager.restart()
    (second,) = pm2.pids("gw")
    assert first != second
    os.kill(second, 0)
    assert ((await manager.status()).restarts or 0) == before + 1
    await manager.stop()
    await manager.stop()
    assert not Path(f"/proc/{second}").exists()
    await manager.start()
    (third,) = pm2.pids("gw")
    await manager.start()
    assert pm2.pids("gw") == [third]
    assert pm2.pids("other") == beside


async def test_all_instances_of_a_name_are_stopped_and_started(pm2: RealPm2) -> None:
    manager = asker(pm2, "many")
    await manager.stop()
    assert (await manager.status()).detail == "2 stopped"
    await manager.start()
    assert (await manager.status()).detail == "2 online"


async def test_a_name_that_is_a_pattern_means_nobody(pm2: RealPm2) -> None:
    before = {item["name"]: item["pid"] for item in pm2.listed() if item["name"] in ("gw", "other")}
    for name in ("all", "/.*/", "gw;reboot", "default", "nobody"):
        with pytest.raises(ProcessError, match="knows no process"):
            await asker(pm2, name).stop()
    assert before == {item["name"]: item["pid"] for item in pm2.listed() if item["name"] in before}


async def test_two_who_restart_at_once_leave_it_running(pm2: RealPm2) -> None:
    async def restart() -> None:
        try:
            await asker(pm2, "gw").restart()
        except ProcessError:
            return

    async with anyio.create_task_group() as group:
        group.start_soon(restart)
        group.start_soon(restart)
    assert (await asker(pm2, "gw").status()).state is ProcessState.RUNNING


async def test_no_environment_shows(pm2: RealPm2) -> None:
    assert CANARY in pm2.run("jlist"), "pm2 itself tells it"
    with structlog.testing.capture_logs() as logs:
        shown = [repr(await asker(pm2, "gw").status()), repr(await asker(pm2, "gw")._entries())]
        with pytest.raises(ProcessError) as caught:
            await asker(pm2, "nobody").status()
    assert CANARY not in " ".join([*shown, str(caught.value), repr(caught.value.__dict__), repr(logs)])


async def test_in_a_wrong_home_no_daemon_is_started(program: Path, tmp_path: Path) -> None:
    for home in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ProcessError, match=r"no pm2 daemon in PM2_HOME"):
            await Pm2("gw", home=home, program=str(program)).restart()
    assert not list(tmp_path.glob("**/pm2.pid"))


async def test_after_a_daemon_died_its_sockets_start_no_other(program: Path, tmp_path: Path) -> None:
    with real_pm2(program, tmp_path / "home") as pm2:
        os.kill(pm2.daemon, signal.SIGKILL)
        ended(pm2.daemon)
        stale = pm2.daemon
        assert (pm2.home / "rpc.sock").exists()
        for act in (asker(pm2, "gw").status, asker(pm2, "gw").restart):
            with pytest.raises(ProcessError, match="nobody listens"):
                await act()
        assert pm2.daemon == stale, "no new daemon wrote its pid"


async def test_pm2_that_is_not_on_the_path_is_named(pm2: RealPm2) -> None:
    with pytest.raises(ProcessError, match="cannot be run") as caught:
        await Pm2("gw", home=pm2.home, program="pm2-that-is-not-there").status()
    assert "PATH" in caught.value.next_step


async def test_a_daemon_that_hangs_is_left_in_time(pm2: RealPm2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baileykeep.processes.pm2.STATUS_TIMEOUT_S", 3.0)
    os.kill(pm2.daemon, signal.SIGSTOP)
    try:
        with pytest.raises(ProcessError, match="longer than 3 s"):
            await asker(pm2, "gw").status()
    finally:
        os.kill(pm2.daemon, signal.SIGCONT)
