"""A folder that vanished is reported, not forgotten; a login of another phone than the company's is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import ConnectionSeen, Fact, FolderSeen, PhoneCompared, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind
from baileykeep.rules.disconnect import is_up

GONE_FOR_S = 3.0
"""A gateway that removes a dead login is told of by its 401, which is known within this; others make it anew."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """`missing` and `other_phone` were told last; `gone_at`: since when it is absent; `known`: there must be one.

    A company that waits for its first pairing has none yet, which is nothing to tell.
    """

    missing: bool = False
    other_phone: bool = False
    gone_at: Moment | None = None
    known: bool = False


def step(
    state: FolderState, subject: Subject, fact: Fact, now: float, _limits: Limits
) -> tuple[FolderState, tuple[Symptom, ...]]:
    """FOLDER_MISSING and PHONE_MISMATCH, each on change."""
    if isinstance(fact, FolderSeen):
        gone_at = None if fact.present else now if state.gone_at is None else state.gone_at
        return _told(replace(state, gone_at=gone_at, known=state.known or fact.present), subject, now)
    if isinstance(fact, ConnectionSeen | Tick) and state.gone_at is not None:
        up = isinstance(fact, ConnectionSeen) and is_up(fact)
        return _told(replace(state, known=state.known or up), subject, now)
    if isinstance(fact, PhoneCompared) and fact.same is state.other_phone:
        after = replace(state, other_phone=not fact.same)
        return after, (Symptom(subject, SymptomKind.PHONE_MISMATCH, now, after.other_phone, Severity.CRITICAL),)
    return state, ()


def _told(state: FolderState, subject: Subject, now: float) -> tuple[FolderState, tuple[Symptom, ...]]:
    waited = state.missing or (state.gone_at is not None and now - state.gone_at >= GONE_FOR_S)
    missing = state.known and state.gone_at is not None and waited
    if missing is state.missing:
        return state, ()
    symptom = Symptom(subject, SymptomKind.FOLDER_MISSING, now, missing, Severity.CRITICAL)
    return replace(state, missing=missing), (symptom,)
