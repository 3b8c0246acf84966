"""Bytes at our own doors: HTTP and the control socket, too many, too few, or not what they should be."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baileykeep.api.base import COMMANDS
from baileykeep.api.embed import serve
from baileykeep.api.guard import MAX_BODY_BYTES
from baileykeep.api.http import make_app
from baileykeep.api.patience import ImpatientProtocol
from baileykeep.app.control import ControlService
from baileykeep.app.socket_server import MAX_REQUEST_BYTES, parse_request
from baileykeep.model.errors import BaileykeepError, UsageError
from tests.e2e.world import world
from tests.fakes.control import FakeControl, serving
from tests.unit.app.test_socket import ask_raw

pytestmark = pytest.mark.timeout(30)
TOKEN = "a-made-up-token"
AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()


@asynccontextmanager
async def http(control: FakeControl | None = None) -> AsyncIterator[tuple[str, int]]:
    app = make_app(control or FakeControl(), token=TOKEN, metrics=lambda: b"", ready=lambda: (True, {}))
    async with serve(app) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


async def answer(address: tuple[str, int], data: bytes) -> bytes:
    """Everything that comes back until the other side is done; it must be done soon."""
    got = b""
    with anyio.fail_after(5):
        async with await anyio.connect_tcp(*address) as stream:
            try:
                await stream.send(data)
                while b"\r\n\r\n" not in got:
                    got += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
    return got


def status(got: bytes) -> int:
    return int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0


HEAD = b"POST /api/companies/1/pause HTTP/1.1\r\nHost: 127.0.0.1\r\n" + AUTH
REFUSED = {
    "a body too long": HEAD + f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode() + b"x" * 100,
    "a length beyond numbers": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a length that is no number": HEAD + b"Content-Length: \xb2\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a body in pieces": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a body in Pieces": HEAD + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "an encoding nobody knows": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a header without end": HEAD + b"X: " + b"a" * 200_000,
    "headers without number": HEAD + b"X: 1\r\n" * 20_000,
    "a path without end": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a body nested too deep": HEAD + b"Content-Length: 60000\r\n\r\n" + b"[" * 60_000,
    "a body that is no text": HEAD + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n\xff\xfe",
    "no time": HEAD + b'Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{"seconds":NaN}',
    "all time": HEAD + b'Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{"seconds":1e999}',
    "another token": HEAD.replace(TOKEN.encode(), b"x" * 50_000) + b"\r\n",
    "a token that is no text": HEAD.replace(TOKEN.encode(), b"\xff\xfe") + b"\r\n",
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_that_is_too_much_or_none_is_refused_and_the_next_one_served(name: str) -> None:
    control = FakeControl({"incidents": {"incidents": []}, "pause": {}})
    async with http(control) as address:
        got = await answer(address, REFUSED[name])
        assert status(got) == 0 or 400 <= status(got) < 500, got[:200]
        assert b"Traceback" not in got
        good = b"GET /api/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\n" + AUTH + b"\r\n"
        assert status(await answer(address, good)) == 200
    assert [command for command, _, _ in control.calls] == ["incidents"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    ["..%2f..%2fetc", "%2e%2e", "a%00b", "%1b%5b2J", "%ff%fe", "a%0d%0aSet-Cookie:x", "x" * 4000, "%F0%9F%98%80"],
)
async def test_a_company_in_a_path_is_only_a_name(path: str) -> None:
    control = FakeControl({"company": UsageError("no company is known", code="unknown_company")})
    async with http(control) as address:
        head = f"GET /api/companies/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        got = await answer(address, head + AUTH + b"\r\n")
    assert status(got) == 404
    assert b"Set-Cookie" not in got


async def hung_up(stream: SocketStream) -> None:
    """Return once the other side closed the connection, soon."""
    with anyio.fail_after(4):
        try:
            while True:
                await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "half", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", HEAD + b"Content-Length: 100\r\n\r\n{", b"\r\n"]
)
async def test_half_a_request_does_not_hold_a_connection_for_ever(half: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "request_s", 0.2)
    async with http() as address, await anyio.connect_tcp(*address) as stream:
        if half:
            await stream.send(half)
        await hung_up(stream)


@pytest.mark.asyncio
async def test_half_of_a_second_request_does_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "request_s", 0.2)
    async with http() as address, await anyio.connect_tcp(*address) as stream:
        await stream.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while b"alive" not in got:
            got += await stream.receive()
        await stream.send(b"GET /heal")
        await hung_up(stream)


@pytest.mark.asyncio
async def test_a_crowd_is_turned_away_and_the_door_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "max_connections", 5)
    monkeypatch.setattr(ImpatientProtocol, "request_s", 0.3)
    healthz = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with http() as address:
        crowd = [socket.create_connection(address) for _ in range(20)]
        await anyio.sleep(0.1)
        turned = [one for one in crowd if _closed(one)]
        assert 15 <= len(turned) <= 16
        with anyio.fail_after(3):
            while status(await answer(address, healthz)) != 200:
                await anyio.sleep(0.05)
        for one in crowd:
            one.close()


def _closed(one: socket.socket) -> bool:
    one.settimeout(0)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


# --- the control socket ----------------------------------------------------------------------------------------------


GARBAGE = [
    b"\n", b"\x00\n", b"\xff\xfe\n", b"{\n", b"[]\n", b"null\n", b'"x"\n', b"[" * 60_000 + b"\n", b"9" * 6000 + b"\n",
    b'{"command":5}\n', b'{"command":"overview","args":[1]}\n', b'{"command":"overview","args":{"x":1}}\n',
    b'{"command":"\\u001b[2J"}\n', b'{"command":"overview","args":"x"}\n', b"GET / HTTP/1.1\n",
    b'{"command":"' + b"x" * (MAX_REQUEST_BYTES + 10) + b'"}\n',
]  # fmt: skip


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_on_the_socket_is_a_usage_error_and_the_next_command_works(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"overview": {"version": "x"}}), path):
        reply = ask_raw(path, data)
        assert (reply["ok"], reply["code"]) == (False, "usage")
        assert ask_raw(path, b'{"command":"overview"}\n')["ok"]


def test_half_commands_and_hang_ups_leave_the_socket_working(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(FakeControl({"overview": {"version": "x" * 200_000}}), path):
        held = []
        for data in (b"", b'{"command"', b'{"command":"overview"}\n' * 50):
            one = socket.socket(socket.AF_UNIX)
            one.connect(str(path))
            one.sendall(data)
            held.append(one)
        begun = time.monotonic()
        assert ask_raw(path, b'{"command":"overview"}\n')["ok"]
        for one in held:
            one.close()
        assert ask_raw(path, b'{"command":"overview"}\n')["ok"]
        assert time.monotonic() - begun < 5


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,0123456789commandargsoveriw\\', max_size=80).map(str.encode))
def test_any_line_is_a_request_or_a_usage_error(data: bytes) -> None:
    try:
        command, args, operator = parse_request(data)
    except UsageError:
        return
    assert isinstance(command, str)
    assert isinstance(args, dict)
    assert isinstance(operator, str)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_any_arguments_of_any_command_are_an_answer_or_a_clear_error(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme")
        w.configure()
        daemon = await w.start()
        control = daemon.control
        assert isinstance(control, ControlService)
        names = sorted({name for known in COMMANDS.values() for name in known})
        odd: list[Any] = [
            None,
            True,
            -1,
            1.5,
            float("nan"),
            float("inf"),
            "",
            "x",
            "../..",
            "9" * 5000,
            10**400,
            [],
            {},
            "\udcff",
        ]
        for command in sorted(COMMANDS):
            for name in names:
                for value in odd:
                    error = None
                    try:
                        found = await control.call(command, {"company": "acme", name: value}, "test")
                        json.dumps(found)
                    except BaileykeepError as caught:
                        error = caught
                    assert error is None or error.cause
