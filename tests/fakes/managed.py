"""Every process manager on a stand-in of what it manages, behind one set of handles: for the suite they all share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import ProcessManager
from baileykeep.processes.docker import Docker
from baileykeep.processes.pm2 import Pm2
from baileykeep.processes.supervisord import Supervisord
from baileykeep.processes.systemd import Systemd
from tests.fakes.docker_engine import DockerEngine, container
from tests.fakes.process_managers import fake_pm2, fake_systemctl, pm2_process, unit
from tests.fakes.supervisor import FakeSupervisor, program

RUNNING, STOPPED, ERRORED, UNKNOWN = (
    ProcessState.RUNNING, ProcessState.STOPPED, ProcessState.ERRORED, ProcessState.UNKNOWN,
)  # fmt: skip
CANARY = "secret-of-the-gateway"
"""Every stand-in has it in the environment of its processes."""

NOBODY = 65534


@dataclass
class Setting:
    """A manager of `gw` beside a process `other`.

    `trouble` makes the stand-in hang, flood, fail or answer garbage; `asked` are the words of every call, those that
    change nothing match `looks`; `say` makes it tell a state in its own words, all of which are in `words`.
    """

    manager: ProcessManager
    stranger: ProcessManager
    trouble: Callable[..., None]
    asked: Callable[[], list[str]]
    looks: tuple[str, ...]
    other: Callable[[], Any]
    stick: Callable[[], None]
    vanish: Callable[[], None]
    forbid: Callable[[], None]
    say: Callable[[str], None]
    words: Mapping[str, ProcessState]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, where the tests have them."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


PM2_WORDS = {
    "online": RUNNING, "launching": RUNNING, "stopping": RUNNING, "stopped": STOPPED, "errored": ERRORED,
    "waiting restart": UNKNOWN, "one-launch-status": UNKNOWN, "never heard of": UNKNOWN,
}  # fmt: skip


@asynccontextmanager
async def with_pm2(folder: Path) -> AsyncIterator[Setting]:
    async with fake_pm2(folder, [pm2_process("gw", 0), pm2_process("other", 1)]) as (standin, home):

        def pm2(name: str) -> Pm2:
            return Pm2(name, home=home, program=str(standin.path), act_timeout_s=5)

        yield Setting(
            pm2("gw"), pm2("strange"), standin.update, lambda: standin.verbs, ("jlist",),
            other=lambda: standin.state["list"][1],
            stick=lambda: standin.update(stops_as="stopping"),
            vanish=standin.path.unlink,
            forbid=lambda: folder.chmod(0o700),
            say=lambda word: standin.update(list=[pm2_process("gw", 0, word), pm2_process("other", 1)]),
            words=PM2_WORDS,
        )  # fmt: skip


SYSTEMD_WORDS = {
    "active/running": RUNNING, "reloading/reload": RUNNING, "activating/start": RUNNING, "refreshing/x": RUNNING,
    "deactivating/stop-sigterm": RUNNING, "inactive/dead": STOPPED, "failed/failed": ERRORED,
    "active/exited": UNKNOWN, "activating/auto-restart": UNKNOWN, "maintenance/x": UNKNOWN,
}  # fmt: skip


@asynccontextmanager
async def with_systemd(folder: Path) -> AsyncIterator[Setting]:
    standin = fake_systemctl(folder, {"gw.service": unit(), "other.service": unit()})

    def systemd(name: str) -> Systemd:
        return Systemd(f"{name}.service", program=str(standin.path), act_timeout_s=5)

    def say(word: str) -> None:
        standin.update(units={"gw.service": unit(*word.split("/")), "other.service": unit()})

    yield Setting(
        systemd("gw"), systemd("strange"), standin.update, lambda: standin.verbs, ("show",),
        other=lambda: standin.state["units"]["other.service"],
        stick=lambda: standin.update(stops_as="deactivating"),
        vanish=standin.path.unlink,
        forbid=lambda: standin.path.chmod(0o644),
        say=say,
        words=SYSTEMD_WORDS,
    )  # fmt: skip


DOCKER_WORDS = {
    "running": RUNNING, "created": STOPPED, "exited": STOPPED, "dead": ERRORED, "restarting": UNKNOWN,
    "paused": UNKNOWN, "removing": UNKNOWN, "never heard of": UNKNOWN,
}  # fmt: skip


@asynccontextmanager
async def with_docker(folder: Path) -> AsyncIterator[Setting]:
    async with DockerEngine(folder, [container("gw", 1), container("other", 2)]).serving() as engine:

        def docker(name: str) -> Docker:
            return Docker(name, socket=engine.socket, act_timeout_s=5)

        def say(word: str) -> None:
            engine.containers[0] = container("gw", 1, word)

        yield Setting(
            docker("gw"), docker("strange"), lambda **t: engine.http.trouble.update(t), lambda: engine.http.calls,
            looks=("GET /version", "GET /v1.47/containers/gw/json"),
            other=lambda: engine.named("other"),
            stick=lambda: setattr(engine, "stops_as", "running"),
            vanish=engine.socket.unlink,
            forbid=lambda: engine.socket.chmod(0o600),
            say=say,
            words=DOCKER_WORDS,
        )  # fmt: skip


SUPERVISORD_WORDS = {
    "RUNNING": RUNNING, "STARTING": RUNNING, "STOPPING": RUNNING, "STOPPED": STOPPED, "EXITED": STOPPED,
    "FATAL": ERRORED, "BACKOFF": UNKNOWN, "UNKNOWN": UNKNOWN, "never heard of": UNKNOWN,
}  # fmt: skip


@asynccontextmanager
async def with_supervisord(folder: Path) -> AsyncIterator[Setting]:
    async with FakeSupervisor(folder, [program("gw"), program("other")]).serving() as standin:

        def supervisord(name: str) -> Supervisord:
            return Supervisord(name, socket=standin.http.path, act_timeout_s=0.6)

        def say(word: str) -> None:
            standin.programs[0] = program("gw", word)

        yield Setting(
            supervisord("gw"), supervisord("strange"), lambda **t: standin.http.trouble.update(t),
            lambda: standin.methods,
            looks=("getProcessInfo",),
            other=lambda: standin.named("other"),
            stick=lambda: setattr(standin, "stops_as", "STOPPING"),
            vanish=standin.http.path.unlink,
            forbid=lambda: standin.http.path.chmod(0o600),
            say=say,
            words=SUPERVISORD_WORDS,
        )  # fmt: skip


ACTING: dict[str, Callable[[Path], AbstractAsyncContextManager[Setting]]] = {
    "docker": with_docker, "pm2": with_pm2, "supervisord": with_supervisord, "systemd": with_systemd,
}  # fmt: skip
"""A new manager is one line here."""
