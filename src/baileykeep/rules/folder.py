"""A folder that vanished is reported, not forgotten; a login of another phone than the company's is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import ConnectionSeen, Fact, FolderSeen, PhoneCompared
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind
from baileykeep.rules.disconnect import is_up


@dataclass(frozen=True, slots=True)
class FolderState:
    """`missing` and `other_phone` were told last; `absent`: it is not there now; `known`: somewhere there is one.

    A company that waits for its first pairing has none yet, which is nothing to tell.
    """

    missing: bool = False
    other_phone: bool = False
    absent: bool = False
    known: bool = False


def step(
    state: FolderState, subject: Subject, fact: Fact, now: float, _limits: Limits
) -> tuple[FolderState, tuple[Symptom, ...]]:
    """FOLDER_MISSING and PHONE_MISMATCH, each on change."""
    if isinstance(fact, FolderSeen):
        return _told(replace(state, absent=not fact.present, known=state.known or fact.present), subject, now)
    if isinstance(fact, ConnectionSeen) and state.absent and is_up(fact):
        return _told(replace(state, known=True), subject, now)
    if isinstance(fact, PhoneCompared) and fact.same is state.other_phone:
        after = replace(state, other_phone=not fact.same)
        return after, (Symptom(subject, SymptomKind.PHONE_MISMATCH, now, after.other_phone, Severity.CRITICAL),)
    return state, ()


def _told(state: FolderState, subject: Subject, now: float) -> tuple[FolderState, tuple[Symptom, ...]]:
    missing = state.absent and state.known
    if missing is state.missing:
        return state, ()
    symptom = Symptom(subject, SymptomKind.FOLDER_MISSING, now, missing, Severity.CRITICAL)
    return replace(state, missing=missing), (symptom,)
