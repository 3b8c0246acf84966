"""Looks in a row that found a session stopped and its folder unchanged: what proves that its files may be touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import anyio.to_thread

from baileykeep.gateways.base import Gateway, SessionStatus
from baileykeep.model.errors import BaileykeepError, GatewayError
from baileykeep.model.facts import ConnState, ProcessState
from baileykeep.model.limits import LadderLimits
from baileykeep.processes.base import ProcessManager
from baileykeep.stores.base import AuthStore

DOWN = frozenset({ProcessState.STOPPED, ProcessState.ERRORED})

LOOK_EVERY_S = 5.0
"""Between two looks at a session that is being stopped or verified."""

ROW_LASTS_S = 30.0
"""Looks further apart than this are no row: too much could have happened in between."""


class Reach(Protocol):
    """What it takes to look whether a session is stopped."""

    @property
    def company(self) -> str:
        """Its id."""

    @property
    def gateway(self) -> Gateway:
        """Who is asked first."""

    @property
    def process(self) -> ProcessManager | None:
        """Whose word counts, too."""

    @property
    def process_only(self) -> bool:
        """Whether a closed session proves nothing: its gateway may still write what it has in memory."""


@dataclass(frozen=True, slots=True)
class At:
    """One session and who knows of it, outside any action."""

    company: str
    gateway: Gateway
    process: ProcessManager | None
    process_only: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Every look from `since_s` to `looked_s`, on the clock that never jumps, found it stopped and the same `token`."""

    since_s: float
    looked_s: float
    token: str

    def proves(self, limits: LadderLimits) -> bool:
        """Whether its looks are far enough apart."""
        return self.looked_s - self.since_s >= max(limits.stopped_gap_s, limits.quiet_folder_s)


@dataclass(slots=True)
class Earlier:
    """The row that was seen before an action began: it counts for the first proof only, for then the action starts
    the session again."""

    row: Row | None = None

    def take(self) -> Row | None:
        """The row, once."""
        row, self.row = self.row, None
        return row


@dataclass(frozen=True, slots=True)
class Look:
    """One look: whether it is stopped, and the token of the folder's listing."""

    stopped: bool
    token: str


def after(row: Row | None, look: Look, now_s: float) -> Row | None:
    """The row with one more look, or a new one that begins with it; none where it is not stopped."""
    if not look.stopped:
        return None
    if row is None or row.token != look.token or now_s - row.looked_s > ROW_LASTS_S:
        return Row(now_s, now_s, look.token)
    return replace(row, looked_s=now_s)


async def look(reach: Reach, store: AuthStore) -> Look:
    """Look at the session, then at its folder. Raises `StoreError` where that cannot be listed."""
    stopped = await is_stopped(reach)
    return Look(stopped, (await anyio.to_thread.run_sync(store.listing)).token)


async def process_is_down(reach: Reach) -> bool:
    """The manager's word that the process is down; False where it cannot tell."""
    if reach.process is None:
        return False
    try:
        return (await reach.process.status()).state in DOWN
    except BaileykeepError:
        return False


async def status(reach: Reach) -> SessionStatus:
    """One answer; no answer is UNKNOWN."""
    try:
        return await reach.gateway.status(reach.company)
    except GatewayError:
        return SessionStatus(ConnState.UNKNOWN)


async def is_stopped(reach: Reach) -> bool:
    """One look: the gateway says disconnected, or the manager says that the process is down."""
    if reach.process_only:
        return await process_is_down(reach)
    return (await status(reach)).state is ConnState.DISCONNECTED or await process_is_down(reach)
