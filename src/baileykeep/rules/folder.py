"""A folder that vanished is reported, not forgotten; a login of another phone than the company's is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baileykeep.model.facts import Fact, FolderSeen, PhoneCompared
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Subject, Symptom, SymptomKind


@dataclass(frozen=True, slots=True)
class FolderState:
    """What was told last."""

    missing: bool = False
    other_phone: bool = False


def step(
    state: FolderState, subject: Subject, fact: Fact, now: float, _limits: Limits
) -> tuple[FolderState, tuple[Symptom, ...]]:
    """FOLDER_MISSING and PHONE_MISMATCH, each on change."""
    if isinstance(fact, FolderSeen) and fact.present is state.missing:
        after = replace(state, missing=not fact.present)
        return after, (Symptom(subject, SymptomKind.FOLDER_MISSING, now, after.missing, Severity.CRITICAL),)
    if isinstance(fact, PhoneCompared) and fact.same is state.other_phone:
        after = replace(state, other_phone=not fact.same)
        return after, (Symptom(subject, SymptomKind.PHONE_MISMATCH, now, after.other_phone, Severity.CRITICAL),)
    return state, ()
