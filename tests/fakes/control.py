"""A control service that answers from a script and remembers who asked what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread

from baileykeep.app.socket_server import SocketServer
from baileykeep.model.errors import BaileykeepError, UsageError

Answer = Mapping[str, Any] | BaileykeepError | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class FakeControl:
    """`answers` by command; a list is used up one by one, its last element stays."""

    def __init__(self, answers: Mapping[str, Answer | list[Answer]] | None = None):
        self.answers: dict[str, Answer | list[Answer]] = dict(answers or {})
        self.calls: list[tuple[str, dict[str, Any], str]] = []
        self.lock = threading.Lock()

    async def call(self, command: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
        with self.lock:
            self.calls.append((command, dict(args), operator))
            answer = self._next(command)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(args)
        return answer

    def _next(self, command: str) -> Answer:
        if command not in self.answers:
            raise UsageError(f"the fake has no answer to {command}")
        found = self.answers[command]
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    def asked(self, command: str) -> list[dict[str, Any]]:
        """The arguments of every call of `command`."""
        with self.lock:
            return [args for name, args, _ in self.calls if name == command]


@contextmanager
def serving(control: FakeControl, path: Path) -> Iterator[FakeControl]:
    """The fake on a real unix socket, served by a loop in a thread of its own."""
    with anyio.from_thread.start_blocking_portal() as portal:
        server = SocketServer(control, path)
        future, _ = portal.start_task(server.run)
        try:
            yield control
        finally:
            future.cancel()
