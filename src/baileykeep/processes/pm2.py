"""A gateway that runs under pm2.

Two traps: pm2 called with a PM2_HOME where no daemon lives starts a new, empty one, so the daemon's socket is tried
first; and its list holds the whole environment of every process, so only five fields of it are ever kept.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import Identity, ProcessStatus
from baileykeep.processes.command import Output, run

STATUS_TIMEOUT_S = 20.0
ACT_TIMEOUT_S = 60.0
SOCKET_TIMEOUT_S = 3.0
STATES: Mapping[str, ProcessState] = {
    "online": ProcessState.RUNNING,
    "launching": ProcessState.RUNNING,
    "stopping": ProcessState.RUNNING,
    "stopped": ProcessState.STOPPED,
    "errored": ProcessState.ERRORED,
}
"""Anything else, such as `waiting restart`, is neither: nothing runs now, and in a moment it will again."""

WORST_FIRST = (ProcessState.RUNNING, ProcessState.UNKNOWN, ProcessState.ERRORED, ProcessState.STOPPED)
"""Several instances are as down as the one that is least so: only when all are down is anything proved."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one process of the list."""

    pm_id: int
    name: str
    pid: int
    status: str
    restarts: int

    @property
    def state(self) -> ProcessState:
        """In our words; a process with a pid runs, whatever else is said of it."""
        told = STATES.get(self.status, ProcessState.UNKNOWN)
        return ProcessState.RUNNING if told is ProcessState.STOPPED and self.pid else told


class Pm2:
    """Implements `processes.base.ProcessManager` for all instances of one app, given by its name or id.

    `home` is the PM2_HOME of the user who runs the gateway; without it the environment's, then `~/.pm2`.
    """

    kind = "pm2"
    can_act = True

    def __init__(
        self, app: str, *, home: str | Path | None = None, program: str = "pm2", act_timeout_s: float = ACT_TIMEOUT_S
    ):
        self._app = app
        self._program = program
        self._home = Path(home or os.environ.get("PM2_HOME") or Path.home() / ".pm2")
        self._act_timeout_s = act_timeout_s

    @property
    def identity(self) -> Identity:
        """See `ProcessManager.identity`. Behind a number may be any name."""
        return Identity(self.kind, str(self._home.resolve()), None if self._app.isdigit() else self._app)

    async def status(self) -> ProcessStatus:
        """See `ProcessManager.status`. Restarts are summed over the instances."""
        entries = await self._entries()
        state = min((entry.state for entry in entries), key=WORST_FIRST.index)
        words = Counter(entry.status for entry in entries)
        detail = ", ".join(f"{n} {word}" if len(entries) > 1 else word for word, n in words.items())
        return ProcessStatus(state, sum(entry.restarts for entry in entries), detail)

    async def start(self) -> None:
        """See `ProcessManager.start`. pm2 would restart what already runs; that is left alone."""
        await self._act("start", lambda state: state is not ProcessState.RUNNING)

    async def stop(self) -> None:
        """See `ProcessManager.stop`."""
        await self._act("stop", lambda _: True)
        status = await self.status()
        if status.state not in (ProcessState.STOPPED, ProcessState.ERRORED):
            raise ProcessError(f"pm2 process {self._app} is {status.detail} after it was stopped")

    async def restart(self) -> None:
        """See `ProcessManager.restart`."""
        await self._act("restart", lambda _: True)

    async def _act(self, verb: str, wanted: Callable[[ProcessState], bool]) -> None:
        """By number, never by name: pm2 takes `all`, name spaces, patterns and files for names, too."""
        numbers = [str(entry.pm_id) for entry in await self._entries() if entry.pm_id >= 0 and wanted(entry.state)]
        if not numbers:
            return
        output = await self._run([verb, *numbers], self._act_timeout_s)
        if output.code != 0:
            raise ProcessError(f"pm2 {verb} {self._app} failed with exit code {output.code}")

    async def _entries(self) -> list[Entry]:
        output = await self._run(["jlist"], STATUS_TIMEOUT_S)
        if output.code != 0:
            raise ProcessError(f"pm2 jlist failed with exit code {output.code}")
        known = parse_jlist(output.stdout)
        found = [e for e in known if e.name == self._app] or [e for e in known if str(e.pm_id) == self._app]
        if not found:
            names = ", ".join(sorted({entry.name for entry in known})) or "none at all"
            raise ProcessError(
                f"pm2 in {self._home} knows no process {self._app!r}; it knows {names}",
                next_step="check process.name and process.pm2_home",
            )
        return found

    async def _run(self, words: Sequence[str], timeout_s: float) -> Output:
        await self._find_daemon()
        argv = [self._program, *words, "--silent"]
        return await run(argv, timeout_s=timeout_s, variables={"PM2_HOME": str(self._home)})

    async def _find_daemon(self) -> None:
        """Raise unless a daemon listens in PM2_HOME: asked before every call, since pm2 itself would start one."""
        try:
            missing = [name for name in ("rpc.sock", "pub.sock") if not await anyio.Path(self._home / name).exists()]
            if missing:
                raise self._no_daemon(f"there is no {missing[0]}")
            with anyio.fail_after(SOCKET_TIMEOUT_S):
                async with await anyio.connect_unix(self._home / "rpc.sock"):
                    return
        except PermissionError as error:
            raise self._no_daemon("its socket belongs to another user") from error
        except OSError as error:
            raise self._no_daemon("nobody listens on rpc.sock") from error

    def _no_daemon(self, reason: str) -> ProcessError:
        return ProcessError(
            f"no pm2 daemon in PM2_HOME {self._home}: {reason}",
            next_step="set process.pm2_home to the PM2_HOME of the user who runs the gateway",
        )


def parse_jlist(raw: bytes) -> list[Entry]:
    """The processes of `pm2 jlist`, whose JSON may follow banner lines. Raises `ProcessError` where there is none."""
    text = raw.decode("utf-8", "replace")
    for data in _lists(text):
        if all(isinstance(item, Mapping) and "name" in item for item in data):
            return [_entry(item) for item in data]
    raise ProcessError("pm2 jlist gave no list of processes", next_step="run it by hand and see what it says")


def _lists(text: str) -> Iterator[list[Any]]:
    """Each JSON list that begins a line; `[PM2] …` lines do, too, and are none."""
    decoder = json.JSONDecoder()
    start = 0
    while (start := text.find("[", start)) >= 0:
        if start == 0 or text[start - 1] == "\n":
            try:
                data, start = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                start += 1
                continue
            yield data
        else:
            start += 1


def _entry(item: Mapping[str, Any]) -> Entry:
    env = item.get("pm2_env")
    env = env if isinstance(env, Mapping) else {}
    return Entry(
        pm_id=_whole(item.get("pm_id", env.get("pm_id")), -1),
        name=str(item["name"]),
        pid=_whole(item.get("pid"), 0),
        status=str(env.get("status", "unknown"))[:40],
        restarts=_whole(env.get("restart_time"), 0),
    )


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def create(*, app: str, home: str | Path | None = None, program: str = "pm2") -> Pm2:
    """For `find.manager`."""
    return Pm2(app, home=home, program=program)
