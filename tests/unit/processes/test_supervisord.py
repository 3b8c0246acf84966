from __future__ import annotations

import xmlrpc.client
from pathlib import Path
from typing import Any

import anyio
import pytest

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.supervisord import Supervisord, read
from tests.fakes.supervisor import FakeSupervisor, program

pytestmark = pytest.mark.asyncio


def asker(standin: FakeSupervisor, name: str = "gw", **options: Any) -> Supervisord:
    return Supervisord(name, socket=standin.http.path, act_timeout_s=5, **options)


async def test_an_exit_that_was_none_is_told_apart(tmp_path: Path) -> None:
    async with FakeSupervisor(tmp_path, [program("gw", "EXITED")]).serving() as standin:
        assert (await asker(standin).status()).state is ProcessState.STOPPED
        standin.programs[0]["exitstatus"] = 3
        found = await asker(standin).status()
    assert (found.state, found.detail) == (ProcessState.ERRORED, "EXITED (3)")


async def test_one_that_is_said_to_run_without_a_pid_is_not_believed(tmp_path: Path) -> None:
    async with FakeSupervisor(tmp_path, [program("gw", "RUNNING", pid=0)]).serving() as standin:
        assert (await asker(standin).status()).state is ProcessState.UNKNOWN


async def test_one_of_a_group_is_written_with_its_group(tmp_path: Path) -> None:
    both = [program("gw", group="shop"), program("gw", group="salon")]
    async with FakeSupervisor(tmp_path, both).serving() as standin:
        await asker(standin, "shop:gw").stop()
        assert [p["statename"] for p in standin.programs] == ["STOPPED", "RUNNING"]
        with pytest.raises(ProcessError, match=r"salon:gw, shop:gw") as caught:
            await asker(standin, "gw").status()
        assert "group:name" in caught.value.next_step


async def test_of_many_names_only_some_are_told(tmp_path: Path) -> None:
    many = [program(f"gw_{n:02}", group="gw") for n in range(20)]
    async with FakeSupervisor(tmp_path, many).serving() as standin:
        with pytest.raises(ProcessError, match=r"gw:gw_07 and 12 more"):
            await asker(standin, "gw").stop()


@pytest.mark.parametrize("name", ["", "*", "gw:*", "gw:", ":gw", "a b", "a:b:c", "gw\n", "[x]"])
async def test_what_is_not_one_program_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not one program"):
        Supervisord(name)


async def test_a_name_with_shell_characters_is_only_a_name(tmp_path: Path) -> None:
    name = "gw;$(reboot)&<x>"
    async with FakeSupervisor(tmp_path, [program(name)]).serving() as standin:
        await asker(standin, name).restart()
        assert (await asker(standin, name).status()).state is ProcessState.RUNNING


@pytest.mark.parametrize("word", ["SPAWN_ERROR", "SHUTDOWN_STATE"])
async def test_a_restart_that_only_stopped_is_told_as_such(tmp_path: Path, word: str) -> None:
    async with FakeSupervisor(tmp_path, [program("gw")]).serving() as standin:
        standin.faults["startProcess"] = word
        with pytest.raises(ProcessError, match=rf"stopped and did not start again: .*{word}") as caught:
            await asker(standin).restart()
        assert "supervisorctl start gw" in caught.value.next_step


async def test_a_restart_that_is_given_up_half_way_still_starts(tmp_path: Path) -> None:
    async with FakeSupervisor(tmp_path, [program("gw")]).serving() as standin:
        async with anyio.create_task_group() as group:
            group.start_soon(asker(standin).restart)
            while "stopProcess" not in standin.methods:
                await anyio.sleep(0.001)
            group.cancel_scope.cancel()
        assert standin.named("gw")["statename"] == "RUNNING"
        assert standin.methods[-1] == "startProcess"


async def test_a_stop_that_somebody_else_began_is_waited_for(tmp_path: Path) -> None:
    async with FakeSupervisor(tmp_path, [program("gw", "STOPPING")]).serving() as standin:
        async with anyio.create_task_group() as group:
            group.start_soon(asker(standin).stop)
            while standin.methods.count("getProcessInfo") < 2:
                await anyio.sleep(0.01)
            standin.named("gw")["statename"] = "STOPPED"
        assert (await asker(standin).status()).state is ProcessState.STOPPED


async def test_a_wrong_login_is_named_without_its_password(tmp_path: Path) -> None:
    async with FakeSupervisor(tmp_path, [program("gw")]).serving() as standin:
        standin.login = ("anna", "geheim")
        assert (await asker(standin, username="anna", password="geheim").status()).state is ProcessState.RUNNING
        wrong = asker(standin, username="anna", password="topsecret")
        with pytest.raises(ProcessError, match="refused the login") as caught:
            await wrong.status()
    assert "topsecret" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {wrong!r} {vars(wrong)!r}"
    assert "process.password_file" in caught.value.next_step


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(b + 1)} "{f"&{chr(b)};" * 10}">' for b in range(97, 106))
    + "]><methodResponse><params><param><value><string>&j;</string></value></param></params></methodResponse>"
)


@pytest.mark.parametrize("raw", [BOMB.encode(), BOMB.encode("utf-16"), BOMB.encode("utf-7"), BOMB.encode("utf-32")])
async def test_a_bomb_is_not_read(raw: bytes) -> None:
    with pytest.raises(ProcessError, match="can be read"):
        read(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"<", b"<a/>", b"\xff\xfe\x00", b"<methodResponse/>", b"<methodResponse><fault/></methodResponse>",
        b"<methodResponse><params><param><value><int>x</int></value></param></params></methodResponse>",
        b"<methodResponse><params><param><value><int>5</int></value></param></params>",
        b"<methodResponse><fault><value><string>no</string></value></fault></methodResponse>",
        b"<value>" * 10_000,
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_an_error(raw: bytes) -> None:
    with pytest.raises(ProcessError):
        read(raw)


async def test_a_torn_answer_is_an_error() -> None:
    whole = xmlrpc.client.dumps((program("gw"),), methodresponse=True).encode()
    assert read(whole)["statename"] == "RUNNING"
    for length in range(0, len(whole) - 2, 7):
        with pytest.raises(ProcessError):
            read(whole[:length])


async def test_socket_and_url_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="socket and url"):
        Supervisord("gw", socket="/x", url="http://127.0.0.1:9001")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"program": "gw"}, {"program": "gw:gw"}, True),
        ({"program": "gw"}, {"program": "shop:gw"}, False),
        ({"program": "gw"}, {"program": "gw", "url": "http://127.0.0.1:9001"}, True),
        ({"program": "gw"}, {"program": "gw", "url": "http://localhost:9001"}, True),
        ({"program": "gw"}, {"program": "gw", "url": "http://10.0.0.5:9001"}, False),
        ({"program": "gw"}, {"program": "gw", "socket": "/tmp/s.sock"}, False),
    ],
)
async def test_which_programs_may_be_one(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert Supervisord(**one).identity.may_be(Supervisord(**other).identity) is same
