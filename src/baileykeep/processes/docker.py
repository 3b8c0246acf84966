"""A gateway that runs in a Docker container, by the Engine API on Docker's own socket.

Two traps: what `inspect` tells holds the container's whole environment, so only a few fields of it are ever kept. And
Docker takes the beginning of an id for a name, so it is made sure that it found whom was meant before anything is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import Identity, ProcessStatus
from baileykeep.processes.docker_mounts import Layout, layout_of
from baileykeep.processes.local_http import Answer, Door, ask, words_of

SOCKET = Path("/var/run/docker.sock")
STATUS_TIMEOUT_S = 10.0
ACT_TIMEOUT_S = 60.0
"""On top of what the container itself is given to stop."""

DEFAULT_STOP_S = 10
LONGEST_STOP_S = 600
SPOKEN = (1, 47)
"""The version of the API that is asked for, where the engine has it; these calls are the same in all of them."""

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
ID = re.compile(r"[0-9a-f]{12,64}")
VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})")
STATES: Mapping[str, ProcessState] = {
    "running": ProcessState.RUNNING,
    "created": ProcessState.STOPPED,
    "exited": ProcessState.STOPPED,
    "dead": ProcessState.ERRORED,
}
"""Anything else (`restarting`, `paused`, `removing`) is neither: nothing works now, and it may again at any moment."""

ENDED_AS_ASKED = frozenset({0, 130, 137, 143})
"""By itself, or by the signals that a stop sends."""

PERMISSION = "add this service's user to the group of the socket; mind that who may use it is root on this host"


@dataclass(frozen=True, slots=True)
class Container:
    """What is kept of an inspected container."""

    ident: str
    name: str
    word: str
    pid: int
    restarts: int
    exit_code: int
    out_of_memory: bool
    health: str
    stop_s: int

    @property
    def state(self) -> ProcessState:
        """In our words. One that is said to run without a pid, or to have ended in an error, is told as it is."""
        told = STATES.get(self.word, ProcessState.UNKNOWN)
        if told is ProcessState.RUNNING and not self.pid:
            return ProcessState.UNKNOWN
        failed = self.word == "exited" and (self.out_of_memory or self.exit_code not in ENDED_AS_ASKED)
        return ProcessState.ERRORED if failed else told

    @property
    def detail(self) -> str:
        """For people: "running, unhealthy", "exited (1), out of memory"."""
        code = f" ({self.exit_code})" if self.word == "exited" and self.exit_code else ""
        health = f", {self.health}" if self.word == "running" and self.health not in ("", "none") else ""
        return f"{self.word}{code}{health}{', out of memory' if self.out_of_memory else ''}"


class Docker:
    """Implements `processes.base.ProcessManager` for one container, given by its name or its id."""

    kind = "docker"
    can_act = True

    def __init__(self, container: str, *, socket: str | Path | None = None, act_timeout_s: float = ACT_TIMEOUT_S):
        if not NAME.fullmatch(container):
            raise ConfigError(
                f"process.container {container!r} is no container's name", next_step='write it like "shop-gateway-1"'
            )
        path = Path(socket or SOCKET).expanduser()
        self._container = container
        self._door = Door("docker", "http://docker", PERMISSION, path)
        self._act_timeout_s = act_timeout_s
        self._prefix = ""

    @property
    def identity(self) -> Identity:
        """See `ProcessManager.identity`. Behind an id may be any name."""
        named = None if ID.fullmatch(self._container) else self._container
        return Identity(self.kind, str(self._door.socket.resolve()) if self._door.socket else None, named)

    async def status(self) -> ProcessStatus:
        """See `ProcessManager.status`. Restarts are those that the container's restart policy made."""
        found = await self._container_now()
        return ProcessStatus(found.state, found.restarts, found.detail)

    async def layout(self) -> Layout:
        """What of its file system outlives the container. Raises `ProcessError`."""
        return layout_of(await self._inspected())

    async def start(self) -> None:
        """See `ProcessManager.start`."""
        await self._act("start")

    async def stop(self) -> None:
        """See `ProcessManager.stop`. The container has its own time to end before it is killed."""
        await self._act("stop")
        found = await self._container_now()
        if found.state not in (ProcessState.STOPPED, ProcessState.ERRORED):
            raise ProcessError(f"container {self._container} is {found.detail} after it was stopped")

    async def restart(self) -> None:
        """See `ProcessManager.restart`."""
        await self._act("restart")

    async def _act(self, verb: str) -> None:
        """By the id that was just found: a name may pass to another container in between."""
        found = await self._container_now()
        timeout_s = self._act_timeout_s + (0 if verb == "start" else found.stop_s)
        answer = await self._ask("POST", f"/containers/{found.ident}/{verb}", timeout_s)
        if answer.code not in (204, 304):
            raise self._refused(verb, answer)

    async def _container_now(self) -> Container:
        return _kept(await self._inspected())

    async def _inspected(self) -> Mapping[str, Any]:
        answer = await self._ask("GET", f"/containers/{self._container}/json", STATUS_TIMEOUT_S)
        if answer.code != 200:
            raise self._refused("inspect", answer)
        found = _object(answer)
        if not self._meant(found):
            raise self._unknown()
        return found

    def _meant(self, found: Mapping[str, Any]) -> bool:
        ident, name = str(found.get("Id", "")), str(found.get("Name", "")).removeprefix("/")
        return bool(ident) and (
            name == self._container or bool(ID.fullmatch(self._container) and ident.startswith(self._container))
        )

    async def _ask(self, method: str, path: str, timeout_s: float) -> Answer:
        """In a version that the engine speaks. It may be another one after an upgrade: then it is asked again."""
        answer = await ask(self._door, method, f"{await self._version()}{path}", timeout_s=timeout_s)
        if answer.code == 400 and b"client version" in answer.body:
            self._prefix = ""
            answer = await ask(self._door, method, f"{await self._version()}{path}", timeout_s=timeout_s)
        return answer

    async def _version(self) -> str:
        if not self._prefix:
            answer = await ask(self._door, "GET", "/version", timeout_s=STATUS_TIMEOUT_S)
            if answer.code != 200:
                raise self._refused("version", answer)
            self._prefix = spoken(_object(answer))
        return self._prefix

    def _refused(self, verb: str, answer: Answer) -> ProcessError:
        if answer.code == 404 and verb != "version":
            return self._unknown()
        reason = _message(answer) or f"answer {answer.code}"
        step = PERMISSION if answer.code == 403 else "see `docker ps -a` and `docker logs`"
        return ProcessError(f"docker {verb} {self._container} failed: {reason}", next_step=step)

    def _unknown(self) -> ProcessError:
        return ProcessError(
            f"docker at {self._door.place} knows no container {self._container!r}",
            next_step="check process.container; compose calls it project-service-1, as `docker ps -a` shows",
        )


def spoken(version: Mapping[str, Any]) -> str:
    """The beginning of every path, from the engine's answer to `/version`; its own newest where it does not tell."""
    newest, oldest = _pair(version.get("ApiVersion")), _pair(version.get("MinAPIVersion"))
    if newest is None:
        raise ProcessError("docker tells no version of its API", next_step="is the socket really Docker's?")
    major, minor = max(min(SPOKEN, newest), oldest or (0, 0))
    return f"/v{major}.{minor}"


def _pair(text: object) -> tuple[int, int] | None:
    found = VERSION.fullmatch(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found else None


def _object(answer: Answer) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProcessError("docker gave no answer that can be read", next_step="is the socket really Docker's?")
    return found


def _message(answer: Answer) -> str:
    try:
        return words_of(_object(answer).get("message", ""))
    except ProcessError:
        return ""


def _kept(found: Mapping[str, Any]) -> Container:
    state, config = _table(found, "State"), _table(found, "Config")
    return Container(
        ident=str(found["Id"]),
        name=str(found.get("Name", "")),
        word=words_of(state.get("Status", "unknown"), 40),
        pid=_whole(state.get("Pid")),
        restarts=_whole(found.get("RestartCount")),
        exit_code=_whole(state.get("ExitCode")),
        out_of_memory=state.get("OOMKilled") is True,
        health=words_of(_table(state, "Health").get("Status", ""), 40),
        stop_s=min(max(0, _whole(config.get("StopTimeout"), DEFAULT_STOP_S)), LONGEST_STOP_S),
    )


def _table(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = of.get(key)
    return found if isinstance(found, dict) else {}


def _whole(value: object, default: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def create(*, container: str, socket: str | Path | None = None) -> Docker:
    """For `find.manager`."""
    return Docker(container, socket=socket)
