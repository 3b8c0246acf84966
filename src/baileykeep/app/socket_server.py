"""The control service on a unix socket, for the commands of the same machine.

One JSON object per line, any number of lines per connection:
`{"command": …, "args": {…}, "operator": …}` → `{"ok": true, "answer": {…}}` or
`{"ok": false, "code": …, "cause": …, "next_step": …, "exit_code": …}`.

Who asks is told by the kernel (peer credentials), not by the request: only root and the daemon's own user are heard.
A command that has begun is never cut off, even when the asker hangs up: half a command is worse than none.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio.abc import SocketAttribute, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from baileykeep.api.base import COMMANDS, Control
from baileykeep.model.errors import BaileykeepError, ConfigError, Refused, UsageError

MAX_REQUEST_BYTES = 64 * 1024
MAX_CONNECTIONS = 32
MAX_PATH_BYTES = 107
IDLE_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 10.0

log = structlog.get_logger(__name__)


class SocketServer:
    """Serves `control` on a socket file that only its owner may open.

    `run` reports started once the socket listens, serves until cancelled and then removes the file.
    It raises `ConfigError` for a path that cannot hold a socket and `Refused` when somebody already listens there.
    """

    def __init__(self, control: Control, path: Path, *, idle_timeout_s: float = IDLE_TIMEOUT_S):
        self._control = control
        self._path = path
        self._idle_timeout_s = idle_timeout_s
        self._open = 0

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        await anyio.to_thread.run_sync(clear_stale, self._path)
        listener = await anyio.create_unix_listener(self._path, mode=0o600)
        ours = self._path.stat().st_ino
        try:
            task_status.started()
            async with listener:
                await listener.serve(self._connection)
        finally:
            _remove_if(self._path, ours)

    async def _connection(self, stream: SocketStream) -> None:
        self._open += 1
        try:
            async with stream:
                await self._converse(stream)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            log.debug("control_peer_hung_up")
        finally:
            self._open -= 1

    async def _converse(self, stream: SocketStream) -> None:
        try:
            user = self._welcome(stream)
        except BaileykeepError as error:
            await _send(stream, failure(error))
            return
        buffered = BufferedByteReceiveStream(stream)
        while (line := await self._read_line(stream, buffered)) is not None:
            await _send(stream, await self._answer(line, user))

    def _welcome(self, stream: SocketStream) -> str:
        if self._open > MAX_CONNECTIONS:
            raise BaileykeepError("too many commands at once", next_step="try again in a moment", code="busy")
        return peer_user(stream.extra(SocketAttribute.raw_socket))  # noqa: S610  (a socket's attribute, not Django's)

    async def _read_line(self, stream: SocketStream, buffered: BufferedByteReceiveStream) -> bytes | None:
        try:
            with anyio.fail_after(self._idle_timeout_s):
                return await buffered.receive_until(b"\n", MAX_REQUEST_BYTES)
        except (anyio.IncompleteRead, anyio.EndOfStream, TimeoutError):
            return None
        except anyio.DelimiterNotFound:
            await _send(stream, failure(UsageError(f"a request has at most {MAX_REQUEST_BYTES} bytes")))
            return None

    async def _answer(self, line: bytes, user: str) -> bytes:
        try:
            command, args, claimed = parse_request(line)
            answer = await self._control.call(command, args, operator_name(user, claimed))
            return encode({"ok": True, "answer": dict(answer)})
        except BaileykeepError as error:
            return failure(error)
        except Exception:
            log.exception("control_command_failed")
            return failure(
                BaileykeepError("the daemon failed at this command", next_step="see its log", code="internal")
            )


def encode(reply: Mapping[str, Any]) -> bytes:
    """One line of the wire."""
    return json.dumps(reply, separators=(",", ":")).encode() + b"\n"


def failure(error: BaileykeepError) -> bytes:
    """An error as it goes over the wire."""
    return encode(
        {
            "ok": False,
            "code": error.code,
            "cause": error.cause,
            "next_step": error.next_step,
            "exit_code": error.exit_code,
        }
    )


def parse_request(line: bytes) -> tuple[str, Mapping[str, Any], str]:
    """(command, arguments, claimed operator) of one line. Raises `UsageError` naming what is wrong with it."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is not JSON") from error
    if not isinstance(request, dict) or not isinstance(request.get("command"), str):
        raise UsageError('a request is an object with a "command"')
    args = request.get("args") or {}
    if not isinstance(args, dict):
        raise UsageError('"args" must be an object')
    check_args(request["command"], args)
    return request["command"], args, str(request.get("operator") or "")


def check_args(command: str, args: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a command or an argument that no daemon of this version knows."""
    known = COMMANDS.get(command)
    if known is None:
        raise UsageError(f"unknown command {command[:40]!r}", next_step="are daemon and command line the same version?")
    for name in args:
        if name not in known:
            raise UsageError(f"{command} takes no argument {name[:40]!r}")


def peer_user(raw: socket.socket) -> str:
    """The name of the user at the other end. Raises `Refused` for anybody but root and our own user."""
    _pid, uid, _gid = struct.unpack("3i", raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    if uid not in (0, os.geteuid()):
        raise Refused("this daemon hears only root and its own user", next_step="use sudo", code="not_allowed")
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def operator_name(user: str, claimed: str) -> str:
    """The name for the journal: the proved user, and beside it who they say they are (such as before sudo)."""
    cleaned = "".join(c for c in claimed if c.isprintable()).strip()[:64]
    return f"{cleaned} (as {user})" if cleaned and cleaned != user else user


def clear_stale(path: Path) -> None:
    """Remove a socket file that a dead daemon left, after proving that nobody listens on it."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigError(
            f"the control socket's path is longer than {MAX_PATH_BYTES} bytes: {path}",
            next_step="choose a shorter state_dir",
        )
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} is in the way and is no socket", next_step="move it away")
    if _somebody_listens(path):
        raise Refused(f"another daemon answers on {path}", next_step="stop it first", code="already_running")
    path.unlink(missing_ok=True)


def _somebody_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # full backlog, no permission: somebody may well be there
    return True


def _remove_if(path: Path, inode: int) -> None:
    try:
        if path.lstat().st_ino == inode:
            path.unlink()
    except FileNotFoundError:
        return


async def _send(stream: SocketStream, line: bytes) -> None:
    try:
        with anyio.fail_after(WRITE_TIMEOUT_S):
            await stream.send(line)
    except TimeoutError as error:
        raise anyio.BrokenResourceError from error
