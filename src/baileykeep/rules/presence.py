"""What was last seen of a session: its connection as the gateway told it, and how long nobody answered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import ConnectionSeen, ConnState, CredsSeen, Fact, FilesSeen
from baileykeep.model.inventory import Creds, CredsState, Level
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment


@dataclass(frozen=True, slots=True)
class State:
    """`unanswered` counts polls in a row without an answer; `critical_since` is when the folder became critical."""

    conn: ConnState = ConnState.UNKNOWN
    paired: bool | None = None
    has_qr: bool = False
    seen_at: Moment | None = None
    unanswered: int = 0
    half_paired: bool = False
    critical_since: Moment | None = None


def step(state: State, fact: Fact) -> State:
    """Fold one fact. A missing answer keeps the last known connection until it counts as unknown."""
    if isinstance(fact, ConnectionSeen):
        if fact.state is ConnState.UNKNOWN:
            return replace(state, unanswered=state.unanswered + 1)
        return replace(state, conn=fact.state, paired=fact.paired, has_qr=fact.has_qr, seen_at=fact.at, unanswered=0)
    if isinstance(fact, FilesSeen):
        critical = fact.inventory.level.rank >= Level.CRITICAL.rank
        since = (state.critical_since if state.critical_since is not None else fact.at) if critical else None
        return replace(_with_creds(state, fact.inventory.creds), critical_since=since)
    return _with_creds(state, fact.creds) if isinstance(fact, CredsSeen) else state


def _with_creds(state: State, creds: Creds) -> State:
    """Creds that cannot be read do not tell whether a pairing was ever finished."""
    if creds.state not in (CredsState.WHOLE, CredsState.MISSING) or creds.half_paired == state.half_paired:
        return state
    return replace(state, half_paired=creds.half_paired)


def unknown(state: State, limits: Limits) -> bool:
    """Nobody knows: never seen, or no answer for several polls in a row."""
    return state.seen_at is None or state.unanswered >= limits.disconnect.unknown_polls
