"""Pre-keys that these creds never minted: a sign that creds were rolled back.

While a session mints keys it writes them before the creds that count them, so only what stays is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import Fact, FilesSeen
from baileykeep.model.limits import MINUTE, Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind

SETTLE_S = MINUTE
"""So long a pairing or an upload may take between its first key and its creds."""

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class State:
    """How many there are, the first of them by name, `since` when, and how many were told."""

    count: int = 0
    names: tuple[str, ...] = ()
    next_id: int | None = None
    since: Moment | None = None
    told: int = 0


def step(state: State, subject: Subject, fact: Fact, now: float, _limits: Limits) -> tuple[State, tuple[Symptom, ...]]:
    """Told once they stay, again when their number changes, and over as soon as there are none."""
    seen = _seen(state, fact, now) if isinstance(fact, FilesSeen) else state
    if seen.count == seen.told or not (seen.told or _stays(seen, now)):
        return seen, ()
    detail: Detail = {"count": seen.count, "names": seen.names, "next_id": seen.next_id}
    symptom = Symptom(subject, SymptomKind.PRE_KEY_ANOMALY, now, seen.count > 0, Severity.WARNING, detail)
    return replace(seen, told=seen.count), (symptom,)


def _seen(state: State, fact: FilesSeen, now: float) -> State:
    keys = fact.inventory.pre_keys
    if not keys.anomalies:
        return State(told=state.told)
    since = now if state.since is None else state.since
    return State(len(keys.anomalies), keys.anomalies[:_NAMES_SHOWN], keys.next_id, since, state.told)


def _stays(state: State, now: float) -> bool:
    return state.since is not None and now - state.since >= SETTLE_S
