from __future__ import annotations

import time
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
import pytest

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.docker import Docker
from baileykeep.processes.docker_mounts import Fate, layout_of
from tests.fakes.docker_engine import LAYER, DockerEngine, container, container_id

pytestmark = pytest.mark.asyncio


def docker(engine: DockerEngine, name: str = "gw") -> Docker:
    return Docker(name, socket=engine.socket, act_timeout_s=5)


@pytest.mark.parametrize(
    ("state", "told", "detail"),
    [
        ({"status": "exited", "ExitCode": 1}, ProcessState.ERRORED, "exited (1)"),
        ({"status": "exited", "ExitCode": 137}, ProcessState.STOPPED, "exited (137)"),
        ({"status": "exited", "ExitCode": 137, "OOMKilled": True}, ProcessState.ERRORED, "exited (137), out of memory"),
        ({"Health": {"Status": "unhealthy", "Log": []}}, ProcessState.RUNNING, "running, unhealthy"),
        ({"Health": {"Status": "none"}}, ProcessState.RUNNING, "running"),
        ({"Pid": 0}, ProcessState.UNKNOWN, "running"),
        ({"status": "paused"}, ProcessState.UNKNOWN, "paused"),
    ],
)
async def test_what_inspect_tells_becomes_one_state(
    tmp_path: Path, state: dict[str, Any], told: ProcessState, detail: str
) -> None:
    async with DockerEngine(tmp_path, [container("gw", **state) | {"RestartCount": 7}]).serving() as engine:
        found = await docker(engine).status()
    assert (found.state, found.detail, found.restarts) == (told, detail, 7)


async def test_what_already_is_as_wanted_is_no_error(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        await docker(engine).start()
        assert engine.http.calls[-1].endswith("/start")
        await docker(engine).stop()
        await docker(engine).stop()
        assert (await docker(engine).status()).state is ProcessState.STOPPED


@pytest.mark.parametrize(
    ("newest", "oldest", "asked"),
    [((1, 50), (1, 24), "/v1.47"), ((1, 41), (1, 12), "/v1.41"), ((1, 60), (1, 52), "/v1.52")],
)
async def test_a_version_that_the_engine_speaks_is_asked_for(
    tmp_path: Path, newest: tuple[int, int], oldest: tuple[int, int], asked: str
) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        engine.newest, engine.oldest = newest, oldest
        await docker(engine).status()
        assert engine.http.calls == ["GET /version", f"GET {asked}/containers/gw/json"]


async def test_after_an_upgrade_of_the_engine_another_version_is_found(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        asker = docker(engine)
        await asker.status()
        engine.newest, engine.oldest = (1, 60), (1, 52)
        assert (await asker.status()).state is ProcessState.RUNNING


async def test_the_beginning_of_an_id_is_not_taken_for_a_name(tmp_path: Path) -> None:
    """Docker finds a container by the first letters of its id, too: then another one would be stopped."""
    async with DockerEngine(tmp_path, [container("other", 1)]).serving() as engine:
        beginning = container_id(1)[:4]
        for act in (docker(engine, beginning).stop, docker(engine, beginning).status):
            with pytest.raises(ProcessError, match="knows no container"):
                await act()
        assert engine.named("other")["State"]["Status"] == "running"


@pytest.mark.parametrize("length", [12, 64])
async def test_a_container_can_be_given_by_its_id(tmp_path: Path, length: int) -> None:
    async with DockerEngine(tmp_path, [container("gw", 1), container("other", 2)]).serving() as engine:
        await docker(engine, container_id(1)[:length]).stop()
        assert engine.named("gw")["State"]["Status"] == "exited"
        assert engine.named("other")["State"]["Status"] == "running"


async def test_a_name_that_passed_on_between_look_and_act_stops_nobody_else(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw", 1)]).serving() as engine:
        asker = docker(engine)
        found = await asker._container_now()
        engine.containers = [container("gw", 2)]
        answer = await asker._ask("POST", f"/containers/{found.ident}/stop", 5)
    assert (answer.code, engine.named("gw")["State"]["Status"]) == (404, "running")


@pytest.mark.parametrize("name", ["", "-H", "gw;reboot", "a b", "gw/../other", "gw?x", "$(x)", "gw\n", "é", "g" * 300])
async def test_what_is_no_container_s_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no container"):
        Docker(name)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((409, "cannot restart a paused container, unpause it first"), "unpause it first"),
        ((500, "driver failed programming external connectivity: port is already allocated"), "already allocated"),
        ((403, "authorization denied by plugin"), "authorization denied"),
    ],
)
async def test_a_refusal_is_told_in_docker_s_own_words(tmp_path: Path, refusal: tuple[int, str], words: str) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        engine.refuses["restart"] = refusal
        with pytest.raises(ProcessError, match=words) as caught:
            await docker(engine).restart()
        assert caught.value.next_step


async def test_an_answer_that_comes_byte_by_byte_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baileykeep.processes.docker.STATUS_TIMEOUT_S", 0.3)
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        engine.http.trouble["drip"] = True
        began = time.monotonic()
        with pytest.raises(ProcessError, match=r"within 0\.3 s"):
            await docker(engine).status()
        assert time.monotonic() - began < 2


async def test_an_answer_that_is_torn_is_an_error(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        engine.http.trouble["torn"] = True
        with pytest.raises(ProcessError, match="broke off"):
            await docker(engine).status()


async def test_an_engine_that_died_and_left_its_socket_is_named(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        pass
    with pytest.raises(ProcessError, match="nobody listens"):
        await docker(engine).status()


async def test_two_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        async with anyio.create_task_group() as group:
            group.start_soon(docker(engine).restart)
            group.start_soon(docker(engine).restart)
        assert (await docker(engine).status()).state is ProcessState.RUNNING


async def test_a_container_gets_its_own_time_to_stop(tmp_path: Path) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        assert (await docker(engine)._container_now()).stop_s == 10
        engine.named("gw")["Config"]["StopTimeout"] = 90
        assert (await docker(engine)._container_now()).stop_s == 90


@pytest.mark.parametrize(
    ("folder", "fate"),
    [
        ("/srv/gateway/sessions/company_1", Fate.KEPT),
        ("/var/lib/docker/volumes/gateway_auth/_data/1", Fate.KEPT),
        (f"{LAYER}/merged/app/baileys_sessions/company_1", Fate.LOST),
        (f"{LAYER}/diff/app/baileys_sessions/company_1", Fate.LOST),
        (f"/var/lib/docker/rootfs/overlayfs/{container_id(1)}/app/sessions/1", Fate.LOST),
        ("/proc/4242/root/app/baileys_sessions/company_1", Fate.LOST),
        ("/proc/4242/root/app/sessions/company_1", Fate.KEPT),
        ("/proc/4242/root/run/scratch/company_1", Fate.LOST),
        ("/proc/77/root/app/baileys_sessions/company_1", Fate.UNKNOWN),
        ("/srv/gateway/sessions-old/company_1", Fate.UNKNOWN),
        ("/home/somebody/auth/1", Fate.UNKNOWN),
    ],
)
async def test_what_outlives_the_container_is_told_from_its_mounts(tmp_path: Path, folder: str, fate: Fate) -> None:
    async with DockerEngine(tmp_path, [container("gw")]).serving() as engine:
        layout = await docker(engine).layout()
    assert layout.fate(PurePosixPath(folder)) is fate


async def test_the_innermost_mount_counts() -> None:
    mounts = [
        {"Type": "bind", "Source": "/srv/app", "Destination": "/app"},
        {"Type": "tmpfs", "Source": "", "Destination": "/app/sessions"},
    ]
    layout = layout_of({"Mounts": mounts, "State": {"Pid": 5}})
    assert layout.fate(PurePosixPath("/proc/5/root/app/other")) is Fate.KEPT
    assert layout.fate(PurePosixPath("/proc/5/root/app/sessions/1")) is Fate.LOST


@pytest.mark.parametrize(
    "inspected",
    [
        {},
        {"Mounts": None, "GraphDriver": None, "State": None},
        {"Mounts": [5, {"Type": "bind"}], "GraphDriver": {"Name": "overlayfs", "Data": None}, "State": {"Pid": "x"}},
        {"Mounts": {}, "GraphDriver": {"Data": {"MergedDir": 5, "UpperDir": "/"}}, "Id": 5},
    ],
)
async def test_where_docker_tells_nothing_nothing_is_said(inspected: dict[str, Any]) -> None:
    assert layout_of(inspected).fate(PurePosixPath("/srv/auth/1")) is Fate.UNKNOWN


async def test_behind_an_id_may_be_any_name() -> None:
    by_id = Docker(container_id(1)[:12])
    assert by_id.identity.may_be(Docker("gw").identity)
    assert not Docker("gw").identity.may_be(Docker("gw", socket="/run/user/1000/docker.sock").identity)


async def test_two_paths_to_one_socket_are_one(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "run")
    one, other = Docker("gw", socket=tmp_path / "run" / "s"), Docker("gw", socket=tmp_path / "var" / "s")
    assert one.identity == other.identity
