"""The command line's side of the control socket: synchronous, standard library only, quick to import."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baileykeep.model.errors import BaileykeepError, Refused, UsageError

SOCKET_NAME = "control.sock"
TIMEOUT_S = 60.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024


class NoDaemon(BaileykeepError):
    """Nobody listens on the control socket."""

    code = "no_daemon"


class DaemonClient:
    """Asks a running daemon. Raises `NoDaemon` when there is none, else the daemon's own errors again."""

    def __init__(self, path: Path, *, timeout_s: float = TIMEOUT_S, operator: str | None = None):
        self.path = path
        self._timeout_s = timeout_s
        self._operator = operator if operator is not None else os.environ.get("SUDO_USER", "")

    def call(self, command: str, args: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to one command."""
        request = {"command": command, "args": dict(args or {}), "operator": self._operator}
        with self._connect() as connection:
            line = self._exchange(connection, json.dumps(request).encode() + b"\n")
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

    def _exchange(self, connection: socket.socket, request: bytes) -> bytes:
        try:
            connection.sendall(request)
            with connection.makefile("rb") as answers:
                line = answers.readline(MAX_ANSWER_BYTES)
        except OSError as error:
            cause = (
                f"no answer within {self._timeout_s:.0f} s" if isinstance(error, TimeoutError) else "it hung up on us"
            )
            raise BaileykeepError(
                f"the daemon did not answer: {cause}", next_step="is it healthy? see its log", code="no_answer"
            ) from error
        if not line.endswith(b"\n"):
            raise BaileykeepError("the daemon hung up without an answer", next_step="see its log", code="no_answer")
        return line


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
