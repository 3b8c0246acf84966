"""A gateway that runs as a systemd unit."""

from __future__ import annotations

import re
from collections.abc import Mapping

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import ProcessStatus
from baileykeep.processes.command import run

PROPERTIES = ("LoadState", "ActiveState", "SubState", "NRestarts", "Result")
STATUS_TIMEOUT_S = 10.0
ACT_TIMEOUT_S = 120.0
"""Above systemd's own default of 90 s for a unit that does not want to stop."""

STATES: Mapping[str, ProcessState] = {
    "active": ProcessState.RUNNING,
    "reloading": ProcessState.RUNNING,
    "refreshing": ProcessState.RUNNING,
    "activating": ProcessState.RUNNING,
    "deactivating": ProcessState.RUNNING,
    "inactive": ProcessState.STOPPED,
    "failed": ProcessState.ERRORED,
}
IN_BETWEEN = frozenset({"auto-restart", "auto-restart-queued", "exited"})
"""Nothing runs, but it may again at any moment, or never did: neither running nor stopped."""


class Systemd:
    """Implements `processes.base.ProcessManager` with `systemctl`; `user` asks the user's own manager."""

    kind = "systemd"
    can_act = True

    def __init__(
        self, unit: str, *, user: bool = False, program: str = "systemctl", act_timeout_s: float = ACT_TIMEOUT_S
    ):
        if not re.fullmatch(r"[A-Za-z0-9:_@\\][A-Za-z0-9:_.@\\-]*", unit):
            raise ConfigError(f"process.unit {unit!r} is no unit name", next_step='write it like "gateway.service"')
        self._unit = unit
        self._act_timeout_s = act_timeout_s
        self._base = (program, *(["--user"] if user else []), "--no-pager", "--no-ask-password")

    async def status(self) -> ProcessStatus:
        """See `ProcessManager.status`; a unit that is not loaded is an error."""
        output = await run(
            [*self._base, "show", "-p", ",".join(PROPERTIES), "--", self._unit], timeout_s=STATUS_TIMEOUT_S
        )
        if output.code != 0:
            raise ProcessError(f"systemctl show {self._unit} failed: {_last_line(output.stderr)}")
        lines = output.stdout.decode("utf-8", "replace").splitlines()
        return self._judged({key: value for key, _, value in (line.partition("=") for line in lines)})

    async def start(self) -> None:
        """See `ProcessManager.start`."""
        await self._act("start")

    async def stop(self) -> None:
        """See `ProcessManager.stop`."""
        await self._act("stop")
        status = await self.status()
        if status.state not in (ProcessState.STOPPED, ProcessState.ERRORED):
            raise ProcessError(f"unit {self._unit} is {status.detail} after it was stopped")

    async def restart(self) -> None:
        """See `ProcessManager.restart`."""
        await self._act("restart")

    def _judged(self, found: Mapping[str, str]) -> ProcessStatus:
        active, sub = found.get("ActiveState", ""), found.get("SubState", "")
        if found.get("LoadState") in ("not-found", "bad-setting", "error", "masked"):
            raise ProcessError(
                f"systemd has no usable unit {self._unit} ({found['LoadState']})",
                next_step="check process.unit, and process.user for a unit of a user",
            )
        state = ProcessState.UNKNOWN if sub in IN_BETWEEN else STATES.get(active, ProcessState.UNKNOWN)
        restarts = found.get("NRestarts", "")
        result = found.get("Result", "")
        reason = f", {result}" if result not in ("", "success") else ""
        return ProcessStatus(state, int(restarts) if restarts.isdigit() else None, f"{active} ({sub}){reason}")

    async def _act(self, verb: str) -> None:
        output = await run([*self._base, verb, "--", self._unit], timeout_s=self._act_timeout_s)
        if output.code != 0:
            raise ProcessError(
                f"systemctl {verb} {self._unit} failed: {_last_line(output.stderr)}",
                next_step="may this service manage that unit? see the drop-in for systemd",
            )


def _last_line(raw: bytes) -> str:
    lines = raw.decode("utf-8", "replace").split("\n")
    words = [line.strip() for line in lines if line.strip()]
    return "".join(c for c in words[-1] if c.isprintable())[:200] if words else "no reason given"


def create(*, unit: str, user: bool = False, program: str = "systemctl") -> Systemd:
    """For `find.manager`."""
    return Systemd(unit, user=user, program=program)
