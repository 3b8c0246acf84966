"""Evidence for tests: a cleanup (or another action) that keeps every promise, to be broken in one respect by each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.evidence import (
    BackedUp,
    Begun,
    Ended,
    Evidence,
    Intended,
    Looked,
    LookedAgain,
    Planned,
    Removed,
    Removing,
    Resumed,
    Sight,
    Situation,
    StepBegun,
    Story,
    Way,
)
from baileykeep.model.incident import Approval, ApprovalState, Attempt, Cause, Outcome, Rung
from baileykeep.model.inventory import FileEntry
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.symptoms import Subject, company
from baileykeep.rules.invariants import step
from baileykeep.rules.naming import category_of
from baileykeep.rules.watch import Watch

NOW = 1_800_000_000.0
MONO = 5000.0
ACME = company("acme")
QUIET = Situation(started_at=NOW - DAY)
OLD_SESSION, OLD_KEY = "session-4915100000001.0.json", "pre-key-1.json"

Told = tuple[tuple[Sight, float], ...]
"""Sights, each so many seconds after the last."""


def attempt(rung: Rung = Rung.CLEANUP, cause: Cause = Cause.DISCONNECTED, **changes: Any) -> Attempt:
    """One that begins now."""
    return Attempt(rung, cause, changes.pop("begun_at", NOW), changes.pop("action_id", "a1"), **changes)


def earlier(rung: Rung, ago_s: float, cause: Cause = Cause.DISCONNECTED, **changes: Any) -> Attempt:
    """One that failed so long ago."""
    outcome = changes.pop("outcome", Outcome.FAILED)
    return attempt(rung, cause, begun_at=NOW - ago_s, action_id=f"a{rung}{ago_s}", outcome=outcome, **changes)


def files(*names: str, days: float = 30) -> tuple[FileEntry, ...]:
    """Files of this age."""
    return tuple(FileEntry(name, category_of(name), 100, NOW - days * DAY) for name in names)


FOLDER = (
    *files(OLD_SESSION, *(f"pre-key-{n}.json" for n in range(1, 41))),
    *files("creds.json", days=0),
    *files("notes.txt"),
)
COLD = Backup(
    name="b1", company="acme", kind=BackupKind.COLD, created_at=NOW, paired=True, identity="x", phone=None, files=42,
    bytes=9, token="t1", sha256="abc",
)  # fmt: skip
PLAN = Planned((OLD_SESSION, OLD_KEY), FOLDER, "t1", NOW, NOW)
REMOVING = Removing(Way.CLEANUP, (OLD_SESSION, OLD_KEY), FOLDER, "t1", COLD)


def agreed(rung: Rung = Rung.RELINK, cause: Cause | None = Cause.LOGGED_OUT, **changes: Any) -> Approval:
    """A human's fresh yes."""
    base = Approval(rung, 1, NOW - 60, ApprovalState.APPROVED, "ann", cause=cause, answered_at=NOW - 30)
    return replace(base, **changes)


def begun(
    rung: Rung = Rung.RECONNECT, cause: Cause = Cause.DISCONNECTED, *tried: Attempt, manual: bool = False,
    situation: Situation = QUIET, history: Sequence[Attempt] | None = None, approval: Approval | None = None,
    story: Story | None = None, operator: str | None = None, fresh_since: float = 0.0,
) -> Begun:  # fmt: skip
    """A rung of a plain story, after these attempts in it."""
    told = story or Story(cause, tried, approval, fresh_since)
    return Begun(attempt(rung, cause, operator=operator), manual, situation, told, tuple(history or tried))


STOPPED: Told = (
    (StepBegun("stop"), 1),
    (StepBegun("prove_stopped"), 0),
    (Looked(True, token="t1"), 1),
    (Looked(True, token="t1"), 5),
    (Looked(True, token="t1"), 5),
)
BEGUN: Told = (
    (begun(Rung.CLEANUP, Cause.FILES_DANGER), 0),
    (Intended(), 0),
    (LookedAgain(True), 0),
)
COVERED: Told = (
    (StepBegun("backup"), 0),
    (BackedUp(COLD), 1),
    (PLAN, 0),
    (Looked(True, token="t1"), 0),
    (StepBegun("remove"), 0),
    (REMOVING, 0),
    (Removed((OLD_SESSION, OLD_KEY)), 0),
)
VERIFIED: Told = (
    (StepBegun("start", must_come=True), 0),
    (StepBegun("verify"), 0),
    (Looked(False), 5),
    (Looked(False, True), 5),
    (Looked(False, True), 30),
)
HEALED: Told = ((Ended(attempt(Rung.CLEANUP, Cause.FILES_DANGER, outcome=Outcome.HEALED)), 0),)
WHOLE_CLEANUP = (*BEGUN, *STOPPED, *COVERED, *VERIFIED, *HEALED)


def resumed(rung: Rung, *steps: str, cause: Cause = Cause.DISCONNECTED) -> Resumed:
    """An action that a dead daemon had got so far with."""
    return Resumed(attempt(rung, cause), False, steps)


def told(
    *story: tuple[Sight, float], limits: Limits | None = None, subject: Subject = ACME, jump_s: float = 0.0,
    watch: Watch | None = None, start: float = NOW,
) -> tuple[Watch, list[str]]:  # fmt: skip
    """Show sights, each so many seconds after the last; returns what is known and the names of what was breached.

    `jump_s`: the wall clock jumps so far after the first sight.
    """
    known, found = shown(story, limits or Limits(), subject, jump_s, watch or Watch(), start)
    return known, [name for name, _ in found]


def breached(*story: tuple[Sight, float], **more: Any) -> list[str]:
    """The names of what was breached."""
    return told(*story, **more)[1]


def removed(sight: Removing, *, plan: Planned | None = PLAN, backup: BackedUp | None = None, **more: Any) -> list[str]:
    """What is breached when this leaves the folder after a proved stop, this plan and this backup."""
    rung = more.pop("rung", Rung.CLEANUP)
    first = (begun(rung, Cause.FILES_DANGER, manual=True, operator="ann"), 0.0)
    planned: Told = ((plan, 0.0),) if plan is not None else ()
    story = (first, *BEGUN[1:], *STOPPED, (backup or BackedUp(COLD), 0.0), *planned, (sight, 0.0))
    return breached(*story, **more)


def wrong(*story: tuple[Sight, float], subject: Subject = ACME) -> list[str]:
    """What is said of the breaches."""
    return [text for _, text in shown(story, Limits(), subject, 0.0, Watch(), NOW)[1]]


def shown(
    story: Sequence[tuple[Sight, float]], limits: Limits, subject: Subject, jump_s: float, known: Watch, start: float
) -> tuple[Watch, list[tuple[str, str]]]:
    """What is known after these sights, and every breach with what is said of it."""
    now, breached = 0.0, list[tuple[str, str]]()
    for n, (sight, after_s) in enumerate(story):
        now += after_s
        at = start + now + (jump_s if n else 0.0)
        known, found = step(known, Evidence(subject, "a1", at, MONO + now, sight), limits)
        breached += found
    return known, breached


def without(story: Sequence[tuple[Sight, float]], *kinds: type | str) -> Told:
    """The same story without sights of these types, or steps of these names."""

    def left_out(sight: Sight) -> bool:
        by_type = tuple(kind for kind in kinds if isinstance(kind, type))
        return isinstance(sight, by_type) or (isinstance(sight, StepBegun) and sight.name in kinds)

    return tuple((sight, after) for sight, after in story if not left_out(sight))


def instead(story: Sequence[tuple[Sight, float]], kind: type, **changes: Any) -> Told:
    """The same story with the sights of a type changed."""
    return tuple(
        (replace(sight, **changes), after) if isinstance(sight, kind) else (sight, after) for sight, after in story
    )
