"""A folder that vanished, and a login of another phone."""

from __future__ import annotations

import pytest

from baileykeep.model.facts import Fact, FolderSeen, PhoneCompared, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.folder import FolderState, step

ACME = company("acme")


def fold(*facts: Fact) -> list[tuple[SymptomKind, bool]]:
    state, found = FolderState(), []
    for fact in facts:
        state, symptoms = step(state, ACME, fact, fact.at, Limits())
        found += [(s.kind, s.active) for s in symptoms]
    return found


def folder(present: bool) -> Fact:
    return FolderSeen(at=1.0, company="acme", present=present)


def phone(same: bool) -> Fact:
    return PhoneCompared(at=1.0, company="acme", same=same)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ((folder(True),), []),
        ((folder(False), folder(False)), [(SymptomKind.FOLDER_MISSING, True)]),
        ((folder(False), folder(True)), [(SymptomKind.FOLDER_MISSING, True), (SymptomKind.FOLDER_MISSING, False)]),
        ((phone(True), Tick(at=2.0)), []),
        ((phone(False), phone(False)), [(SymptomKind.PHONE_MISMATCH, True)]),
        ((phone(False), phone(True)), [(SymptomKind.PHONE_MISMATCH, True), (SymptomKind.PHONE_MISMATCH, False)]),
    ],
)
def test_each_is_told_once_and_ends(facts: tuple[Fact, ...], told: list[tuple[SymptomKind, bool]]) -> None:
    assert fold(*facts) == told


def test_both_need_a_human_soon() -> None:
    for fact, kind in ((folder(False), SymptomKind.FOLDER_MISSING), (phone(False), SymptomKind.PHONE_MISMATCH)):
        state, symptoms = step(FolderState(), ACME, fact, 7.0, Limits())
        assert symptoms == (Symptom(ACME, kind, 7.0, True, Severity.CRITICAL),)
        assert state == FolderState(missing=fact == folder(False), other_phone=fact == phone(False))
