"""The real supervisord: every state of a program, every fault, and its own ways to say no."""

from __future__ import annotations

import os
import socket
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.supervisord import Supervisord
from tests.fakes.managed import as_nobody
from tests.fakes.supervisor import CANARY, real_supervisord

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(120)]

FOR_EVER = f"{sys.executable} -c 'import time; time.sleep(600)'"
STUBBORN = f"{sys.executable} -c 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)'"
PROGRAMS = textwrap.dedent(f"""\
    [program:gw]
    command = {FOR_EVER}
    startsecs = 1
    environment = GATEWAY_SECRET="{CANARY}"

    [program:other]
    command = {FOR_EVER}
    startsecs = 0

    [program:idle]
    command = {FOR_EVER}
    autostart = false
    startsecs = 0

    [program:done]
    command = {sys.executable} -c 'pass'
    startsecs = 0
    autorestart = false

    [program:broken]
    command = {sys.executable} -c 'raise SystemExit(3)'
    startsecs = 0
    autorestart = false

    [program:storm]
    command = {sys.executable} -c 'raise SystemExit(3)'
    startsecs = 5
    startretries = 1000

    [program:fatal]
    command = {sys.executable} -c 'raise SystemExit(3)'
    startsecs = 5
    startretries = 0

    [program:missing]
    command = /nowhere/gateway
    autostart = false

    [program:stubborn]
    command = {STUBBORN}
    startsecs = 1
    stopwaitsecs = 2

    [program:worker]
    command = {FOR_EVER}
    process_name = %(program_name)s_%(process_num)02d
    numprocs = 2
    startsecs = 0
    """)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Path]:
    with real_supervisord(tmp_path_factory.mktemp("s"), PROGRAMS, port) as path:
        yield path


async def becomes(what: Callable[[], Awaitable[str]], wanted: str, within_s: float = 15) -> None:
    """Wait until it tells the word."""
    with anyio.fail_after(within_s):
        while await what() != wanted:
            await anyio.sleep(0.05)


def detail(manager: Supervisord) -> Callable[[], Awaitable[str]]:
    async def tell() -> str:
        return (await manager.status()).detail

    return tell


@pytest.mark.parametrize(
    ("name", "word", "state"),
    [
        ("gw", "RUNNING", ProcessState.RUNNING),
        ("idle", "STOPPED", ProcessState.STOPPED),
        ("done", "EXITED", ProcessState.STOPPED),
        ("broken", "EXITED (3)", ProcessState.ERRORED),
        ("storm", "BACKOFF", ProcessState.UNKNOWN),
        ("fatal", "FATAL", ProcessState.ERRORED),
        ("worker:worker_01", "RUNNING", ProcessState.RUNNING),
    ],
)
async def test_each_state_is_told(daemon: Path, name: str, word: str, state: ProcessState) -> None:
    manager = Supervisord(name, socket=daemon)
    await becomes(detail(manager), word)
    if word != "BACKOFF":
        assert (await manager.status()).state is state


async def test_a_program_that_is_starting_runs(daemon: Path) -> None:
    manager = Supervisord("gw", socket=daemon)
    await manager.stop()
    async with anyio.create_task_group() as group:
        group.start_soon(manager.start)
        await becomes(detail(manager), "STARTING")
        assert (await manager.status()).state is ProcessState.RUNNING
    assert await detail(manager)() == "RUNNING"


async def pid_of(name: str, daemon: Path) -> int:
    found = await Supervisord(name, socket=daemon)._call("getProcessInfo", name, timeout_s=5)
    return int(found["pid"])


async def test_stop_start_and_restart_are_really_done(daemon: Path) -> None:
    manager, others = Supervisord("gw", socket=daemon), await pid_of("other", daemon)
    await manager.start()
    first = await pid_of("gw", daemon)
    await manager.stop()
    await manager.stop()
    assert not Path(f"/proc/{first}").exists()
    await manager.start()
    await manager.start()
    second = await pid_of("gw", daemon)
    await manager.restart()
    third = await pid_of("gw", daemon)
    assert len({first, second, third}) == 3
    os.kill(third, 0)
    assert await pid_of("other", daemon) == others


async def test_one_of_several_is_restarted_alone(daemon: Path) -> None:
    beside = await pid_of("worker:worker_00", daemon)
    one = await pid_of("worker:worker_01", daemon)
    await Supervisord("worker:worker_01", socket=daemon).restart()
    assert await pid_of("worker:worker_00", daemon) == beside
    assert await pid_of("worker:worker_01", daemon) != one


async def test_one_that_ignores_the_signal_is_killed_in_its_own_time(daemon: Path) -> None:
    manager = Supervisord("stubborn", socket=daemon)
    await becomes(detail(manager), "RUNNING")
    before = await pid_of("stubborn", daemon)
    async with anyio.create_task_group() as group:
        group.start_soon(manager.stop)
        await becomes(detail(manager), "STOPPING")
        await Supervisord("stubborn", socket=daemon).stop()
    assert not Path(f"/proc/{before}").exists()


async def test_two_who_restart_at_once_leave_it_running(daemon: Path) -> None:
    async def restart() -> None:
        try:
            await Supervisord("gw", socket=daemon).restart()
        except ProcessError:
            return

    async with anyio.create_task_group() as group:
        group.start_soon(restart)
        group.start_soon(restart)
    await becomes(detail(Supervisord("gw", socket=daemon)), "RUNNING")


@pytest.mark.parametrize("name", ["nobody", "worker", "gw:other", "nobody:gw"])
async def test_an_unknown_name_is_told_with_those_there_are(daemon: Path, name: str) -> None:
    manager = Supervisord(name, socket=daemon)
    for act in (manager.status, manager.start, manager.stop, manager.restart):
        with pytest.raises(ProcessError, match=rf"no program '{name}'; it knows broken, done, "):
            await act()


async def test_a_program_that_cannot_start_is_an_error(daemon: Path) -> None:
    with pytest.raises(ProcessError, match="NO_FILE"):
        await Supervisord("missing", socket=daemon).start()
    with pytest.raises(ProcessError, match=r"did not start again.*NO_FILE"):
        await Supervisord("missing", socket=daemon).restart()


async def test_the_port_asks_for_a_login(daemon: Path, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    good = Supervisord("other", url=url, username="anna", password=CANARY)
    assert (await good.status()).state is ProcessState.RUNNING
    for wrong in (Supervisord("other", url=url), Supervisord("other", url=url, username="anna", password="x")):
        with pytest.raises(ProcessError, match="refused the login"):
            await wrong.status()


async def test_who_may_not_use_the_socket_is_told_what_to_change(daemon: Path) -> None:
    with as_nobody(), pytest.raises(ProcessError, match="may not use") as caught:
        await Supervisord("gw", socket=daemon).status()
    assert "chmod" in caught.value.next_step


async def test_no_environment_shows(daemon: Path) -> None:
    manager = Supervisord("gw", socket=daemon)
    shown = [repr(await manager.status()), repr(vars(manager))]
    with pytest.raises(ProcessError) as caught:
        await Supervisord("nobody", socket=daemon).status()
    assert CANARY not in " ".join([*shown, str(caught.value), repr(caught.value.__dict__)])
