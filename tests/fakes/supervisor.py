"""A stand-in for supervisord's XML-RPC side on a real unix socket, and the real one for slow tests."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.fakes.unix_http import Reply, UnixHttp

CANARY = "secret-of-the-gateway"
UP = ("RUNNING", "STARTING", "BACKOFF")
FAULTS = {"BAD_NAME": 10, "ALREADY_STARTED": 60, "NOT_RUNNING": 70, "SPAWN_ERROR": 50, "SHUTDOWN_STATE": 6}


def program(name: str, state: str = "RUNNING", group: str = "", pid: int | None = None) -> dict[str, Any]:
    """One answer to getProcessInfo."""
    runs = state in ("RUNNING", "STARTING", "STOPPING")
    return {
        "name": name, "group": group or name, "start": 1700000000, "stop": 0, "now": 1700000100, "state": 20,
        "statename": state, "spawnerr": "", "exitstatus": 0, "logfile": "/var/log/gw.log",
        "stdout_logfile": "/var/log/gw.log", "stderr_logfile": "", "pid": (4242 if runs else 0) if pid is None else pid,
        "description": "pid 4242, uptime 0:01:40",
    }  # fmt: skip


class FakeSupervisor:
    """What it believes in is `programs`; `faults` are answered to a method instead; `login` is asked for where set."""

    def __init__(self, folder: Path, programs: list[dict[str, Any]]):
        folder.mkdir(parents=True, exist_ok=True)
        self.programs = programs
        self.stops_as = "STOPPED"
        self.faults: dict[str, str] = {}
        self.login: tuple[str, str] | None = None
        self.methods: list[str] = []
        self.http = UnixHttp(folder / "supervisor.sock", self._respond)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeSupervisor]:
        """While it listens."""
        async with self.http.serving():
            yield self

    def named(self, name: str) -> dict[str, Any]:
        """The program of that name."""
        return next(p for p in self.programs if p["name"] == name)

    async def _respond(self, _method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if self.login and headers.get("authorization") != f"Basic {_coded(*self.login)}":
            return 401, b"<html>Unauthorized</html>", "text/html"
        if path != "/RPC2":
            return 404, b"<html>Not found</html>", "text/html"
        args, method = xmlrpc.client.loads(body)
        name = str(method).removeprefix("supervisor.")
        self.methods.append(name)
        try:
            value = self._call(name, args)
        except xmlrpc.client.Fault as fault:
            return 200, xmlrpc.client.dumps(fault).encode(), "text/xml"
        return 200, xmlrpc.client.dumps((value,), methodresponse=True).encode(), "text/xml"

    def _call(self, method: str, args: tuple[Any, ...]) -> Any:
        if method in self.faults:
            raise _fault(self.faults[method], args[0])
        if method == "getAllProcessInfo":
            return self.programs
        group, _, name = args[0].partition(":")
        found = next((p for p in self.programs if (p["group"], p["name"]) == (group, name or group)), None)
        if found is None:
            raise _fault("BAD_NAME", args[0])
        return found if method == "getProcessInfo" else self._act(method, found)

    def _act(self, method: str, found: dict[str, Any]) -> bool:
        up = found["statename"] in UP
        if up is (method == "startProcess"):
            raise _fault("ALREADY_STARTED" if up else "NOT_RUNNING", found["name"])
        starts = method == "startProcess"
        found.update(statename="RUNNING" if starts else self.stops_as, pid=4343 if starts else 0)
        return True


def _fault(word: str, name: str) -> xmlrpc.client.Fault:
    return xmlrpc.client.Fault(FAULTS[word], f"{word}: {name}")


def _coded(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


CONFIG = """\
[unix_http_server]
file = {folder}/s.sock
chmod = 0700
{login}
[inet_http_server]
port = 127.0.0.1:{port}
username = anna
password = {canary}

[supervisord]
logfile = {folder}/supervisord.log
pidfile = {folder}/supervisord.pid
nodaemon = true
identifier = test

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

"""


@contextmanager
def real_supervisord(folder: Path, programs: str, port: int, login: str = "") -> Iterator[Path]:
    """The real daemon with these `[program:…]` sections; yields its socket. Everything it started ends with it."""
    folder.mkdir(exist_ok=True)
    config = folder / "supervisord.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, canary=CANARY, login=login) + programs)
    said = (folder / "said").open("w")
    daemon = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(config)],
        stdout=said, stderr=said, cwd=folder, env={**os.environ, "GATEWAY_TOKEN": CANARY},
    )  # fmt: skip
    try:
        _wait_for(folder / "s.sock", daemon, folder)
        yield folder / "s.sock"
    finally:
        daemon.terminate()
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(15)
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
        said.close()


def _wait_for(socket: Path, daemon: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 20
    while not socket.exists():
        assert daemon.poll() is None, (folder / "said").read_text()
        assert time.monotonic() < deadline, "supervisord did not come up"
        time.sleep(0.05)
