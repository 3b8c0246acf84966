"""A gateway that runs as a systemd unit."""

from __future__ import annotations

import re
from collections.abc import Mapping

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.base import Identity, ProcessStatus
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
CHECK = "check process.unit, and process.user for a unit of a user"
UNUSABLE: Mapping[str, str] = {
    "not-found": CHECK,
    "bad-setting": "see `systemctl status` for what is wrong in the unit's file",
    "error": "see `systemctl status` for what is wrong in the unit's file",
    "masked": "somebody forbade it to run: `systemctl unmask` allows it again",
}
"""What to do about a unit that was not loaded, by systemd's word for why."""

NOT_ALLOWED = re.compile(r"authentication required|access denied|permission denied|not authorized", re.IGNORECASE)
POLKIT = "let this service's user manage that unit: deploy/polkit/50-baileykeep.rules, or run it as root"

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
        self._user = user
        self._act_timeout_s = act_timeout_s
        self._base = (program, *(["--user"] if user else []), "--no-pager", "--no-ask-password")

    @property
    def identity(self) -> Identity:
        """See `ProcessManager.identity`; `gateway` and `gateway.service` are one unit."""
        return Identity(self.kind, "user" if self._user else "system", self._unit.removesuffix(".service"))

    async def status(self) -> ProcessStatus:
        """See `ProcessManager.status`; a unit that is not loaded is an error."""
        output = await run(
            [*self._base, "show", "-p", ",".join(PROPERTIES), "--", self._unit], timeout_s=STATUS_TIMEOUT_S
        )
        if output.code != 0:
            raise ProcessError(
                f"systemctl show {self._unit} failed: {_reason(output.stderr)}",
                next_step="for a unit of a user its manager must run: `loginctl enable-linger`" if self._user else "",
            )
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
        if not active:
            raise ProcessError(
                f"systemctl show {self._unit} told no state", next_step="run it by hand and see what it says"
            )
        load = found.get("LoadState", "")
        if load in UNUSABLE:
            raise ProcessError(f"systemd has no usable unit {self._unit} ({load})", next_step=UNUSABLE[load])
        state = ProcessState.UNKNOWN if sub in IN_BETWEEN else STATES.get(active, ProcessState.UNKNOWN)
        restarts = found.get("NRestarts", "")
        result = found.get("Result", "")
        reason = f", {result}" if result not in ("", "success") else ""
        return ProcessStatus(state, int(restarts) if restarts.isdigit() else None, f"{active} ({sub}){reason}")

    async def _act(self, verb: str) -> None:
        output = await run([*self._base, verb, "--", self._unit], timeout_s=self._act_timeout_s)
        if output.code != 0:
            reason = _reason(output.stderr)
            step = POLKIT if NOT_ALLOWED.search(reason) else f"see `systemctl status {self._unit}`"
            raise ProcessError(f"systemctl {verb} {self._unit} failed: {reason}", next_step=step)


def _reason(raw: bytes) -> str:
    """The last line that tells something; systemd follows it with where to look."""
    lines = [line.strip() for line in raw.decode("utf-8", "replace").split("\n") if line.strip()]
    told = [line for line in lines if not line.startswith("See ")] or lines or ["no reason given"]
    return "".join(c for c in told[-1] if c.isprintable())[:200]


def create(*, unit: str, user: bool = False, program: str = "systemctl") -> Systemd:
    """For `find.manager`."""
    return Systemd(unit, user=user, program=program)
