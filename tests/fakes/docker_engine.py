"""A stand-in for Docker's Engine API on a real unix socket: the paths, codes and shapes that the real one has.

What it answers to `inspect` has the fields of a real answer, with secrets in `Config.Env` as real ones hold them.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.fakes.unix_http import Reply, UnixHttp

CANARY = "secret-of-the-gateway"
LAYER = "/var/lib/docker/overlay2/5b2c9d0e4f7a"
PATH = re.compile(r"(?:/v(\d+)\.(\d+))?(/.*)")
CALL = re.compile(r"/containers/([^/?]+)/(json|start|stop|restart)(?:\?.*)?")


def container_id(number: int) -> str:
    """64 hexadecimal digits, as Docker gives them."""
    return f"{0xABCDEF00 + number:08x}" * 8


def container(name: str, number: int = 1, status: str = "running", **state: Any) -> dict[str, Any]:
    """One answer to `inspect`; `state` changes fields of `State`."""
    ident, running = container_id(number), status in ("running", "paused", "restarting")
    return {
        "Id": ident,
        "Created": "2026-11-30T05:00:00.123456789Z",
        "Path": "docker-entrypoint.sh",
        "Args": ["node", "index.mjs"],
        "State": {
            "Status": status, "Running": running, "Paused": status == "paused", "Restarting": status == "restarting",
            "OOMKilled": False, "Dead": status == "dead", "Pid": 4242 if running else 0, "ExitCode": 0, "Error": "",
            "StartedAt": "2026-11-30T05:00:01.5Z", "FinishedAt": "0001-01-01T00:00:00Z",
        } | state,
        "Image": "sha256:" + "12" * 32,
        "Name": f"/{name}",
        "RestartCount": 0,
        "Driver": "overlay2",
        "HostConfig": {"Binds": None, "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}},
        "GraphDriver": {
            "Name": "overlay2",
            "Data": {
                "LowerDir": f"{LAYER}-init/diff:/var/lib/docker/overlay2/aa/diff", "MergedDir": f"{LAYER}/merged",
                "UpperDir": f"{LAYER}/diff", "WorkDir": f"{LAYER}/work",
            },
        },
        "Mounts": [
            {
                "Type": "bind", "Source": "/srv/gateway/sessions", "Destination": "/app/sessions", "Mode": "rw",
                "RW": True, "Propagation": "rprivate",
            },
            {
                "Type": "volume", "Name": "gateway_auth", "Source": "/var/lib/docker/volumes/gateway_auth/_data",
                "Destination": "/data/auth", "Driver": "local", "Mode": "z", "RW": True, "Propagation": "",
            },
            {"Type": "tmpfs", "Source": "", "Destination": "/run/scratch", "Mode": "", "RW": True, "Propagation": ""},
        ],
        "Config": {
            "Hostname": ident[:12], "User": "node", "Env": [f"DATABASE_URL=postgres://u:{CANARY}@db/x", "PATH=/bin"],
            "Cmd": ["node", "index.mjs"], "Image": "shop/gateway:latest", "WorkingDir": "/app",
            "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "gateway"},
        },
        "NetworkSettings": {"Networks": {}},
    }  # fmt: skip


class DockerEngine:
    """What it believes in is `containers`; `newest` and `oldest` are the versions of the API that it speaks."""

    def __init__(self, folder: Path, containers: list[dict[str, Any]]):
        folder.mkdir(parents=True, exist_ok=True)
        self.containers = containers
        self.newest, self.oldest = (1, 50), (1, 24)
        self.stops_as = "exited"
        self.refuses: dict[str, tuple[int, str]] = {}
        self.http = _Server(folder / "docker.sock", self._respond)

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.http.path

    def named(self, name: str) -> dict[str, Any]:
        """The container of that name."""
        return next(c for c in self.containers if c["Name"] == f"/{name}")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[DockerEngine]:
        """While it listens."""
        async with self.http.serving():
            yield self

    async def _respond(self, method: str, path: str, _headers: dict[str, str], _body: bytes) -> Reply:
        found = PATH.fullmatch(path)
        assert found is not None
        if found[1] and (wrong := self._wrong_version((int(found[1]), int(found[2])))):
            return _said(400, wrong)
        if (method, found[3]) == ("GET", "/version"):
            return _json(200, self._version())
        call = CALL.fullmatch(found[3])
        if call is None:
            return _said(404, "page not found")
        return self._of_container(method, call[1], call[2])

    def _version(self) -> dict[str, Any]:
        newest, oldest = (".".join(map(str, pair)) for pair in (self.newest, self.oldest))
        return {
            "Platform": {"Name": "Docker Engine - Community"}, "Version": "28.2.2", "ApiVersion": newest,
            "MinAPIVersion": oldest, "GitCommit": "45873be", "GoVersion": "go1.24.3", "Os": "linux", "Arch": "amd64",
        }  # fmt: skip

    def _wrong_version(self, asked: tuple[int, int]) -> str:
        version = ".".join(map(str, asked))
        if asked > self.newest:
            most = ".".join(map(str, self.newest))
            return f"client version {version} is too new. Maximum supported API version is {most}"
        if asked < self.oldest:
            least = ".".join(map(str, self.oldest))
            return f"client version {version} is too old. Minimum supported API version is {least}, please upgrade"
        return ""

    def _of_container(self, method: str, wanted: str, verb: str) -> Reply:
        """By the whole id, then by the name, then by the beginning of an id, as Docker looks."""
        known = self.containers
        by_id = [c for c in known if c["Id"] == wanted]
        by_name = [c for c in known if c["Name"] == f"/{wanted}"]
        found = next(iter([*by_id, *by_name, *(c for c in known if c["Id"].startswith(wanted))]), None)
        if found is None:
            return _said(404, f"No such container: {wanted}")
        if verb in self.refuses:
            return _said(*self.refuses[verb])
        if verb == "json":
            return _json(200, found)
        return self._act(found["State"], verb, found) if method == "POST" else _said(405, "method not allowed")

    def _act(self, state: dict[str, Any], verb: str, found: dict[str, Any]) -> Reply:
        runs = state["Status"] == "running"
        if (verb == "start" and runs) or (verb == "stop" and state["Status"] in ("exited", "created")):
            return 304, b"", "text/plain"
        if verb == "start" and state["Status"] == "paused":
            return _said(409, "cannot start a paused container, try unpause instead")
        up = verb != "stop"
        word = "running" if up else self.stops_as
        state.update(Status=word, Running=up, Pid=4343 if up else 0, ExitCode=0 if up else 143)
        return 204, b"", "text/plain"


class _Server(UnixHttp):
    def failure(self, words: str) -> bytes:
        return json.dumps({"message": words}).encode()


def _json(status: int, value: Any) -> Reply:
    return status, json.dumps(value).encode() + b"\n", "application/json"


def _said(status: int, words: str) -> Reply:
    return _json(status, {"message": words})
