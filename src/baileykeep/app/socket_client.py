"""The command line's side of the control socket: synchronous, standard library only, quick to import."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baileykeep.model.errors import BaileykeepError, Refused, UsageError

SOCKET_NAME = "control.sock"
TIMEOUT_S = 60.0
QUICK_S = 5.0
"""Only looking takes a healthy daemon milliseconds; after so long somebody should look at the daemon itself."""

LOOKING = frozenset({"overview", "company", "incidents", "events", "explain", "inspect"})
MAX_ANSWER_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 256 * 1024


class NoDaemon(BaileykeepError):
    """Nobody listens on the control socket."""

    code = "no_daemon"


class DaemonClient:
    """Asks a running daemon. Raises `NoDaemon` when there is none, else the daemon's own errors again."""

    def __init__(
        self, path: Path, *, timeout_s: float = TIMEOUT_S, quick_s: float = QUICK_S, operator: str | None = None
    ):
        self.path = path
        self._timeout_s = timeout_s
        self._quick_s = min(quick_s, timeout_s)
        self._operator = operator if operator is not None else os.environ.get("SUDO_USER", "")

    def call(self, command: str, args: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to one command."""
        request = {"command": command, "args": dict(args or {}), "operator": self._operator}
        with self._connect() as connection:
            within_s = self._quick_s if command in LOOKING else self._timeout_s
            line = self._exchange(connection, json.dumps(request).encode() + b"\n", within_s)
        return _unpack(line)

    def alive(self) -> bool:
        """Whether anybody listens; another user's daemon counts."""
        try:
            self._connect().close()
        except NoDaemon:
            return False
        except BaileykeepError:
            return True
        return True

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout_s)
        try:
            connection.connect(os.fspath(self.path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            connection.close()
            raise NoDaemon(
                f"no daemon is running here (nobody answers on {self.path})",
                next_step="start it with `baileykeep run`, or name its configuration with --config DIR",
            ) from error
        except PermissionError as error:
            connection.close()
            raise BaileykeepError(
                f"the daemon's socket {self.path} belongs to another user",
                next_step="run this command as that user or with sudo",
                code="no_access",
            ) from error
        except OSError as error:
            connection.close()
            raise BaileykeepError(f"cannot reach the daemon on {self.path}: {error}", code="no_answer") from error
        return connection

    def _exchange(self, connection: socket.socket, request: bytes, within_s: float) -> bytes:
        answer = bytearray()
        deadline, told = time.monotonic() + within_s, False
        try:
            connection.settimeout(self._quick_s)
            connection.sendall(request)
            while not answer.endswith(b"\n") and len(answer) < MAX_ANSWER_BYTES:
                try:
                    part = connection.recv(CHUNK_BYTES)
                except TimeoutError:
                    told = self._patience(connection, deadline, told)
                    continue
                if not part:
                    raise BaileykeepError(
                        "the daemon hung up without an answer", next_step="see its log", code="no_answer"
                    )
                answer += part
        except TimeoutError as error:
            raise _silent(connection, self._quick_s) from error
        except OSError as error:
            raise BaileykeepError(
                "the daemon did not answer: it hung up on us", next_step="is it healthy? see its log", code="no_answer"
            ) from error
        return bytes(answer)

    def _patience(self, connection: socket.socket, deadline: float, told: bool) -> bool:
        """Nothing came for a while: give up on a daemon that is frozen or out of time, else say once that we wait."""
        left_s = deadline - time.monotonic()
        pid = _peer(connection)
        if left_s <= 0 or _frozen(pid):
            raise _silent(connection, self._quick_s if _frozen(pid) else self._timeout_s)
        if not told:
            sys.stderr.write(f"the daemon (pid {pid}) is still at it; waiting up to {left_s:.0f} s more …\n")
        return True


def _peer(connection: socket.socket) -> int:
    """The pid at the other end, as the kernel tells it."""
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)


def _frozen(pid: int) -> bool:
    """Whether somebody stopped this process (SIGSTOP, a debugger), so that it will not answer before it goes on."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in ("T", "t")


def _silent(connection: socket.socket, waited_s: float) -> BaileykeepError:
    pid = _peer(connection)
    if _frozen(pid):
        return BaileykeepError(
            f"the daemon (pid {pid}) is frozen: somebody stopped it (SIGSTOP), so it cannot answer",
            next_step=f"let it go on with `kill -CONT {pid}`; meanwhile it watches and heals nothing",
            code="no_answer",
        )
    return BaileykeepError(
        f"the daemon (pid {pid}) did not answer within {waited_s:.0f} s",
        next_step=f"see its log; if it hangs, restart it (`kill {pid}`): what it had begun is finished or undone then",
        code="no_answer",
    )


def _unpack(line: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(line)
    except ValueError as error:
        raise BaileykeepError("the daemon's answer is not JSON", code="bad_answer") from error
    if reply.get("ok"):
        answer: dict[str, Any] = reply["answer"]
        return answer
    raise rebuild(reply)


def rebuild(reply: Mapping[str, Any]) -> BaileykeepError:
    """An error that came over the wire, as an error of the same exit code."""
    kind = {2: UsageError, 3: Refused}.get(int(reply.get("exit_code", 1)), BaileykeepError)
    return kind(
        str(reply.get("cause", "it failed")),
        next_step=str(reply.get("next_step", "")),
        code=str(reply.get("code", "failed")),
    )
