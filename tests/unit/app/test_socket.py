"""The control socket: real sockets in a temporary folder, both sides ours."""

from __future__ import annotations

import getpass
import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from baileykeep.app.socket_client import DaemonClient, NoDaemon
from baileykeep.app.socket_server import MAX_REQUEST_BYTES, SocketServer, clear_stale, operator_name
from baileykeep.model.errors import BaileykeepError, ConfigError, GatewayError, Refused, UsageError
from tests.fakes.control import FakeControl, serving


def ask_raw(path: Path, data: bytes) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(5)
        raw.connect(str(path))
        raw.sendall(data)
        with raw.makefile("rb") as lines:
            answer: dict[str, Any] = json.loads(lines.readline())
            return answer


def test_passes_a_command_on_and_brings_the_answer_back(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"events": {"events": [{"text": "é"}]}}), path) as control:
        answer = DaemonClient(path, operator="").call("events", {"company": "7", "limit": 3})
    assert answer == {"events": [{"text": "é"}]}
    assert control.calls == [("events", {"company": "7", "limit": 3}, getpass.getuser())]


def test_the_operator_is_the_proved_user_and_a_claim_only_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"reload": {}}), path) as control:
        DaemonClient(path, operator="anna").call("reload")
    assert control.calls[0][2] == f"anna (as {getpass.getuser()})"


def test_a_claimed_name_is_cut_and_cleaned() -> None:
    assert operator_name("root", "a\nb\x1b[0m" + "x" * 200) == f"{('ab[0m' + 'x' * 200)[:64]} (as root)"
    assert operator_name("root", "root") == "root"


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (Refused("still connected", next_step="stop it", code="session_running"), Refused),
        (UsageError("no company '9'", code="unknown_company"), UsageError),
        (GatewayError("timed out", code="timeout"), BaileykeepError),
    ],
)
def test_errors_arrive_as_what_they_were(tmp_path: Path, raised: BaileykeepError, kind: type[BaileykeepError]) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"reset": raised}), path), pytest.raises(kind) as caught:
        DaemonClient(path).call("reset", {"company": "9"})
    assert (caught.value.code, caught.value.cause, caught.value.next_step, caught.value.exit_code) == (
        raised.code,
        raised.cause,
        raised.next_step,
        raised.exit_code,
    )


def test_an_unexpected_failure_is_told_without_its_text_and_the_server_lives_on(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"reset": ZeroDivisionError("secret"), "reload": {}}), path):
        with pytest.raises(BaileykeepError) as caught:
            DaemonClient(path).call("reset", {"company": "9"})
        assert (caught.value.code, "secret" in str(caught.value)) == ("internal", False)
        assert DaemonClient(path).call("reload") == {}


def test_an_answer_that_is_no_json_is_our_failure_and_the_server_lives_on(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"overview": {"bad": {1, 2}}, "reload": {}}), path):
        with pytest.raises(BaileykeepError) as caught:
            DaemonClient(path).call("overview")
        assert caught.value.code == "internal"
        assert DaemonClient(path).call("reload") == {}


def test_the_socket_is_ours_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl(), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert DaemonClient(path).alive()
    assert not path.exists()
    assert not DaemonClient(path).alive()


def test_without_a_daemon_the_client_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoDaemon, match="no daemon is running") as caught:
        DaemonClient(tmp_path / "control.sock").call("overview")
    assert caught.value.exit_code == 1


def test_a_dead_daemons_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with pytest.raises(NoDaemon):
        DaemonClient(path).call("overview")
    with serving(FakeControl({"reload": {}}), path):
        assert DaemonClient(path).call("reload") == {}


def test_a_living_daemons_socket_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"reload": {}}), path):
        with pytest.raises(Refused) as caught:
            clear_stale(path)
        assert caught.value.code == "already_running"
        assert DaemonClient(path).call("reload") == {}


def test_something_else_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket"):
        clear_stale(path)
    assert path.read_text() == "precious"


def test_a_path_that_no_socket_can_have_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shorter state_dir"):
        clear_stale(tmp_path / ("x" * 120) / "control.sock")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"not json\n", "not JSON"),
        (b"[]\n", "command"),
        (b'{"command": "overview", "args": [1]}\n', "args"),
        (b'{"command": "rm"}\n', "unknown command"),
        (b'{"command": "overview", "args": {"colour": 1}}\n', "no argument 'colour'"),
        (b"x" * (MAX_REQUEST_BYTES + 10), "at most"),
    ],
)
def test_nonsense_is_answered_with_a_usage_error(tmp_path: Path, line: bytes, cause: str) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl(), path) as control:
        answer = ask_raw(path, line)
    assert (answer["ok"], answer["exit_code"]) == (False, 2)
    assert cause in answer["cause"]
    assert control.calls == []


def test_many_requests_on_one_connection(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"reload": [{"n": 1}, {"n": 2}]}), path), socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(path))
        raw.sendall(b'{"command":"reload"}\n{"command":"reload"}\n')
        with raw.makefile("rb") as lines:
            assert [json.loads(lines.readline())["answer"]["n"] for _ in range(2)] == [1, 2]


@pytest.mark.asyncio
async def test_a_silent_peer_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with anyio.create_task_group() as tasks:
        await tasks.start(SocketServer(FakeControl(), path, idle_timeout_s=0.05).run)
        async with await anyio.connect_unix(path) as stream:
            with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
                await stream.receive()
        tasks.cancel_scope.cancel()


@pytest.mark.asyncio
async def test_a_begun_command_is_finished_although_the_asker_hung_up(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    begun, go_on, done = anyio.Event(), anyio.Event(), anyio.Event()

    class Slow:
        async def call(self, command: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
            begun.set()
            await go_on.wait()
            done.set()
            return {}

    async with anyio.create_task_group() as tasks:
        await tasks.start(SocketServer(Slow(), path).run)
        async with await anyio.connect_unix(path) as stream:
            await stream.send(b'{"command":"reload"}\n')
            await begun.wait()
        go_on.set()
        with anyio.fail_after(5):
            await done.wait()
        tasks.cancel_scope.cancel()
    assert done.is_set()


@contextmanager
def deaf(path: Path) -> Iterator[None]:
    """Somebody who takes connections and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        yield


def test_who_only_looks_does_not_wait_long_for_a_daemon_that_is_silent(tmp_path: Path) -> None:
    with deaf(tmp_path / "s"), pytest.raises(BaileykeepError, match=rf"pid {os.getpid()}\) did not answer") as caught:
        DaemonClient(tmp_path / "s", timeout_s=30, quick_s=0.05).call("overview")
    assert caught.value.code == "no_answer"
    assert f"kill {os.getpid()}" in caught.value.next_step


def test_who_changes_something_waits_longer_and_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with deaf(tmp_path / "s"), pytest.raises(BaileykeepError, match="did not answer within"):
        DaemonClient(tmp_path / "s", timeout_s=0.2, quick_s=0.05).call("reload")
    assert capsys.readouterr().err.count("is still at it; waiting up to") == 1
