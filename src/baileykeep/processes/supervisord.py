"""A gateway that runs under supervisord, asked by XML-RPC on its unix socket or its HTTP port."""

from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import anyio

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import Identity, ProcessStatus
from baileykeep.processes.local_http import Answer, Door, ask, words_of

SOCKET = Path("/var/run/supervisor.sock")
STATUS_TIMEOUT_S = 10.0
ACT_TIMEOUT_S = 120.0
"""Above the time that most programs are given to stop (`stopwaitsecs`) or to be counted as started (`startsecs`)."""

LOOK_EVERY_S = 0.2
STOPPING = "STOPPING"

BAD_NAME, ALREADY_STARTED, NOT_RUNNING = 10, 60, 70
NAME = re.compile(r"[^\s:*\[\]]+(:[^\s:*\[\]]+)?")
NAMES_TOLD = 8
STATES: Mapping[str, ProcessState] = {
    "RUNNING": ProcessState.RUNNING,
    "STARTING": ProcessState.RUNNING,
    STOPPING: ProcessState.RUNNING,
    "STOPPED": ProcessState.STOPPED,
    "EXITED": ProcessState.STOPPED,
    "FATAL": ProcessState.ERRORED,
}
"""Anything else, such as BACKOFF, is neither: nothing runs now, and in a moment it will again."""

PERMISSION = "give this service's user a share in the socket: chown and chmod in [unix_http_server]"


class Supervisord:
    """Implements `processes.base.ProcessManager` for one program, given as `name` or `group:name`.

    It listens on `socket`, or at `url` where that is given. `password` never shows.
    """

    kind = "supervisord"
    can_act = True

    def __init__(
        self,
        program: str,
        *,
        socket: str | Path | None = None,
        url: str | None = None,
        username: str | None = None,
        password: str | None = None,
        act_timeout_s: float = ACT_TIMEOUT_S,
    ):
        if not NAME.fullmatch(program):
            raise ConfigError(
                f"process.program {program!r} is not one program",
                next_step='write it like "gateway" or "group:gateway"',
            )
        if socket and url:
            raise ConfigError("process has socket and url", next_step="keep the one that supervisord listens on")
        path = None if url else Path(socket or SOCKET).expanduser()
        login = (username or "", password or "") if username or password else None
        self._program = program
        self._door = Door("supervisord", url or "http://supervisor", PERMISSION, path, login)
        self._act_timeout_s = act_timeout_s

    @property
    def identity(self) -> Identity:
        """See `ProcessManager.identity`. A port of this host may belong to the daemon behind any socket."""
        group, _, name = self._program.partition(":")
        return Identity(self.kind, self._where(), f"{group}:{name or group}")

    def _where(self) -> str | None:
        if self._door.socket is not None:
            return str(self._door.socket.resolve())
        return None if _here(urlsplit(self._door.url).hostname or "") else self._door.url

    async def status(self) -> ProcessStatus:
        """See `ProcessManager.status`. supervisord does not count restarts."""
        found = await self._call("getProcessInfo", self._program, timeout_s=STATUS_TIMEOUT_S)
        if not isinstance(found, dict) or not isinstance(found.get("statename"), str):
            raise _unreadable()
        return _judged(found)

    async def start(self) -> None:
        """See `ProcessManager.start`."""
        await self._act("startProcess", ALREADY_STARTED)

    async def stop(self) -> None:
        """See `ProcessManager.stop`."""
        await self._act("stopProcess", NOT_RUNNING)
        status = await self._ended()
        if status.state not in (ProcessState.STOPPED, ProcessState.ERRORED):
            raise ProcessError(f"program {self._program} is {status.detail} after it was stopped")

    async def _ended(self) -> ProcessStatus:
        """Its status once it is not STOPPING any more: somebody else may have begun to stop it."""
        with anyio.move_on_after(self._act_timeout_s):
            while (await self.status()).detail == STOPPING:
                await anyio.sleep(LOOK_EVERY_S)
        return await self.status()

    async def restart(self) -> None:
        """See `ProcessManager.restart`. Two calls, so once the first was made the second is, too."""
        with anyio.CancelScope(shield=True):
            await self.stop()
            try:
                await self.start()
            except ProcessError as error:
                raise ProcessError(
                    f"program {self._program} was stopped and did not start again: {error.cause}",
                    next_step=f"supervisorctl start {self._program}, and see its log",
                ) from error

    async def _act(self, method: str, done_already: int) -> None:
        try:
            await self._call(method, self._program, True, timeout_s=self._act_timeout_s)
        except _FaultError as fault:
            if fault.number != done_already:
                raise

    async def _call(self, method: str, *args: Any, timeout_s: float) -> Any:
        body = xmlrpc.client.dumps(args, f"supervisor.{method}").encode()
        answer = await ask(
            self._door, "POST", "/RPC2", timeout_s=timeout_s, body=body, headers={"Content-Type": "text/xml"}
        )
        self._check(answer)
        try:
            return read(answer.body)
        except _FaultError as fault:
            if fault.number == BAD_NAME and method != "getAllProcessInfo":
                raise await self._unknown() from fault
            raise

    def _check(self, answer: Answer) -> None:
        if answer.code == 401:
            raise ProcessError(
                f"supervisord at {self._door.place} refused the login",
                next_step="check process.username and process.password_file",
            )
        if answer.code != 200:
            raise ProcessError(
                f"supervisord at {self._door.place} answered {answer.code}", next_step="is it really supervisord?"
            )

    async def _unknown(self) -> ProcessError:
        found = await self._call("getAllProcessInfo", timeout_s=STATUS_TIMEOUT_S)
        names = sorted({_full(item) for item in found if isinstance(item, dict)}) if isinstance(found, list) else []
        more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
        return ProcessError(
            f"supervisord knows no program {self._program!r}; it knows "
            f"{', '.join(names[:NAMES_TOLD]) + more if names else 'none at all'}",
            next_step="check process.program; one of several of a group is written group:name",
        )


class _FaultError(ProcessError):
    """supervisord said no, with a number of its own."""

    def __init__(self, number: int, text: str):
        super().__init__(f"supervisord said {text}", next_step="see `supervisorctl status` and the program's log")
        self.number = number


def read(raw: bytes) -> Any:
    """The value of an answer. Raises `ProcessError` for a fault, and for what is no answer.

    supervisord declares no document type; whoever does, wants to make a few bytes grow to gigabytes.
    """
    text = raw.decode("utf-8", "replace")
    if "<!" in text:
        raise _unreadable()
    try:
        values, _ = xmlrpc.client.loads(text, use_builtin_types=True)
    except xmlrpc.client.Fault as fault:
        number = fault.faultCode if isinstance(fault.faultCode, int) else -1
        raise _FaultError(number, words_of(fault.faultString)) from None
    except (ValueError, TypeError, LookupError, AttributeError, xmlrpc.client.Error, ExpatError) as error:
        raise _unreadable() from error
    return values[0] if values else None


def _unreadable() -> ProcessError:
    return ProcessError("supervisord gave no answer that can be read", next_step="is it really supervisord?")


def _judged(found: Mapping[str, Any]) -> ProcessStatus:
    word = words_of(found["statename"], 40)
    code, pid = found.get("exitstatus"), found.get("pid")
    state = STATES.get(word, ProcessState.UNKNOWN)
    if word == "EXITED" and code:
        return ProcessStatus(ProcessState.ERRORED, detail=f"{word} ({words_of(code, 10)})")
    lies = word == "RUNNING" and not pid
    return ProcessStatus(ProcessState.UNKNOWN if lies else state, detail=f"{word} without a pid" if lies else word)


def _full(item: Mapping[str, Any]) -> str:
    group, name = words_of(item.get("group", "?"), 60), words_of(item.get("name", "?"), 60)
    return name if group == name else f"{group}:{name}"


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def create(
    *,
    program: str,
    socket: str | Path | None = None,
    url: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> Supervisord:
    """For `find.manager`."""
    return Supervisord(program, socket=socket, url=url, username=username, password=password)
