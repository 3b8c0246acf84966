"""What the safety monitor knows of one subject's actions: evidence folded, with arithmetic of its own.

Nothing here asks the rules that decide: a stop is proved by the looks that were taken, a try is remembered beside
the journal's history, so that a mistake there is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.evidence import (
    BackedUp,
    Begun,
    CredsLooked,
    Ended,
    Evidence,
    Intended,
    Looked,
    LookedAgain,
    Planned,
    Removing,
    Resumed,
    StepBegun,
    StillBefore,
    Try,
)
from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, LadderLimits, Limits

STOP, START = "stop", "start"
STARTS = frozenset({START, "restart_process"})
LEFT_CLOSED = "left_closed"
REPLACES_CREDS = frozenset({"set_aside", "clear_pairing", "put_back", "restore", "restore_creds"})
NEVER = float("-inf")
ROW_LASTS_S = 30.0
"""So much time may pass between looks that were taken before an action and the first one of its own."""

REMEMBERED_S = 8 * DAY
MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class Act:
    """The action that runs. Times in `_s` are seconds that never jump; `offset_s` is wall time less those.

    `looked_s` is the last look at the session, `still_since_s` the first of those in a row that found it stopped and
    the folder unchanged, `backup` a cold one that was taken and read again while the stop was proved.
    """

    action: str
    rung: Rung
    cause: Cause
    manual: bool
    offset_s: float
    past: tuple[str, ...]
    resumed: bool
    intended: bool
    owes_start: bool
    wrong_s: float | None = None
    steps: tuple[str, ...] = ()
    looked_s: float = NEVER
    stopped: bool = False
    token: str | None = None
    still_since_s: float | None = None
    open_since_s: float | None = None
    creds_damaged: bool = False
    plan: Planned | None = None
    removing: tuple[str, ...] = ()
    backup: Backup | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """One subject: the action that runs, and the attempts of the last days, oldest first."""

    act: Act | None = None
    tries: tuple[Try, ...] = ()


def proved_stopped(act: Act, limits: LadderLimits) -> bool:
    """Looks so far apart, the last one included, found it stopped and nothing written in between."""
    needed_s = max(limits.stopped_gap_s, limits.quiet_folder_s)
    return act.still_since_s is not None and act.looked_s - act.still_since_s >= needed_s


def fold(watch: Watch, evidence: Evidence, limits: Limits) -> Watch:
    """The watch after a sight."""
    sight = evidence.sight
    if isinstance(sight, Begun):
        return _begun(watch, sight.attempt, evidence, resumed=None, manual=sight.manual)
    if isinstance(sight, Resumed):
        return _begun(watch, sight.attempt, evidence, resumed=sight.steps, manual=sight.manual)
    if isinstance(sight, Ended):
        return Watch(None, _tried(watch.tries, sight.attempt))
    if watch.act is None or type(sight) not in _FOLDS:
        return watch
    return replace(watch, act=_FOLDS[type(sight)](watch.act, sight, evidence, limits))


def _begun(
    watch: Watch, attempt: Attempt, evidence: Evidence, *, resumed: tuple[str, ...] | None, manual: bool
) -> Watch:
    by_itself = attempt.operator is None and not manual
    past = resumed or ()
    act = Act(
        attempt.action_id,
        attempt.rung,
        attempt.cause,
        manual,
        evidence.at - evidence.mono_s,
        past=past,
        resumed=resumed is not None,
        intended=resumed is not None,
        owes_start=_owes_start(past),
    )
    one = Try(attempt.action_id, attempt.rung, attempt.cause, attempt.begun_at, by_itself)
    others = [t for t in watch.tries if t.action != one.action and attempt.begun_at - t.begun_at < REMEMBERED_S]
    return Watch(act, (*others, one)[-MOST_TRIES:])


def _owes_start(steps: tuple[str, ...]) -> bool:
    """Whether the last of the stops and starts among these steps is a stop; left closed counts as a start."""
    moves = [step for step in steps if step in (STOP, LEFT_CLOSED) or step in STARTS]
    return bool(moves) and moves[-1] == STOP


def _tried(tries: tuple[Try, ...], attempt: Attempt) -> tuple[Try, ...]:
    """An attempt that did nothing is none; one that failed before its first step is marked so."""
    if attempt.outcome is Outcome.SUPERSEDED:
        return tuple(t for t in tries if t.action != attempt.action_id)
    return tuple(replace(t, untouched=attempt.untouched) if t.action == attempt.action_id else t for t in tries)


def _intended(act: Act, _sight: Intended, _evidence: Evidence, _limits: Limits) -> Act:
    return replace(act, intended=True)


def _looked_again(act: Act, sight: LookedAgain, evidence: Evidence, _limits: Limits) -> Act:
    return replace(act, wrong_s=evidence.mono_s if sight.wrong else None)


def _step(act: Act, sight: StepBegun, _evidence: Evidence, _limits: Limits) -> Act:
    """A stop and a start each end whatever was proved before them."""
    damaged = act.creds_damaged and sight.name not in REPLACES_CREDS
    after = replace(act, steps=(*act.steps, sight.name), creds_damaged=damaged)
    if sight.name == LEFT_CLOSED:
        return replace(after, owes_start=act.owes_start and not damaged)
    if sight.name != STOP and sight.name not in STARTS:
        return after
    return replace(after, owes_start=sight.name == STOP, stopped=False, still_since_s=None, token=None, backup=None)


def _looked(act: Act, sight: Looked, evidence: Evidence, _limits: Limits) -> Act:
    now_s = evidence.mono_s
    since_s, token = act.still_since_s, act.token
    if not sight.stopped:
        since_s, token = None, None
    elif sight.token is not None and sight.token != token:
        since_s, token = now_s, sight.token
    came_back = (sight.open or sight.running) and STOP not in act.steps
    open_since_s = (act.open_since_s if act.open_since_s is not None else now_s) if sight.open else None
    return replace(
        act,
        looked_s=now_s,
        stopped=sight.stopped,
        still_since_s=since_s,
        token=token,
        open_since_s=open_since_s,
        owes_start=act.owes_start and not came_back,
    )


def _still_before(act: Act, sight: StillBefore, evidence: Evidence, _limits: Limits) -> Act:
    """They count from the next look on, if that finds the same, and only until the action itself starts the session;
    looks of its own since its stop come first."""
    lately = sight.looked_s <= evidence.mono_s <= sight.looked_s + ROW_LASTS_S
    if not lately or act.still_since_s is not None or STARTS & set(act.steps):
        return act
    return replace(act, still_since_s=sight.since_s, token=sight.token)


def _creds_looked(act: Act, sight: CredsLooked, _evidence: Evidence, _limits: Limits) -> Act:
    return replace(act, creds_damaged=sight.damaged)


def _planned(act: Act, sight: Planned, _evidence: Evidence, _limits: Limits) -> Act:
    return replace(act, plan=sight)


def _backed_up(act: Act, sight: BackedUp, _evidence: Evidence, limits: Limits) -> Act:
    good = sight.backup.kind is BackupKind.COLD and sight.backup.sha256 and proved_stopped(act, limits.ladder)
    return replace(act, backup=sight.backup if good else None)


def _removing(act: Act, sight: Removing, _evidence: Evidence, _limits: Limits) -> Act:
    return replace(act, removing=sight.names)


_FOLDS: Mapping[type, Callable[[Act, Any, Evidence, Limits], Act]] = {
    Intended: _intended,
    LookedAgain: _looked_again,
    StepBegun: _step,
    Looked: _looked,
    StillBefore: _still_before,
    CredsLooked: _creds_looked,
    Planned: _planned,
    BackedUp: _backed_up,
    Removing: _removing,
}
