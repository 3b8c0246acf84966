"""A folder that vanished, and a login of another phone."""

from __future__ import annotations

import pytest

from baileykeep.model.facts import ConnectionSeen, ConnState, Fact, FolderSeen, PhoneCompared, Tick
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


def link(state: ConnState, *, paired: bool | None = True) -> Fact:
    return ConnectionSeen(at=1.0, company="acme", state=state, paired=paired)


GONE, BACK = (SymptomKind.FOLDER_MISSING, True), (SymptomKind.FOLDER_MISSING, False)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ((folder(True),), []),
        ((folder(False), folder(False)), []),
        ((folder(False), folder(True)), []),
        ((folder(False), folder(True), folder(False), folder(False)), [GONE]),
        ((folder(True), folder(False), folder(True)), [GONE, BACK]),
        ((folder(False), link(ConnState.WAITING_QR, paired=False), link(ConnState.CONNECTED, paired=False)), []),
        ((folder(False), link(ConnState.CONNECTED), link(ConnState.CONNECTED), folder(True)), [GONE, BACK]),
        ((link(ConnState.CONNECTED), folder(False)), []),
        ((folder(True), link(ConnState.CONNECTED), folder(False)), [GONE]),
        ((phone(True), Tick(at=2.0)), []),
        ((phone(False), phone(False)), [(SymptomKind.PHONE_MISMATCH, True)]),
        ((phone(False), phone(True)), [(SymptomKind.PHONE_MISMATCH, True), (SymptomKind.PHONE_MISMATCH, False)]),
    ],
)
def test_each_is_told_once_and_ends(facts: tuple[Fact, ...], told: list[tuple[SymptomKind, bool]]) -> None:
    assert fold(*facts) == told


def test_both_need_a_human_soon() -> None:
    there = FolderState(known=True)
    for fact, kind in ((folder(False), SymptomKind.FOLDER_MISSING), (phone(False), SymptomKind.PHONE_MISMATCH)):
        state, symptoms = step(there, ACME, fact, 7.0, Limits())
        assert symptoms == (Symptom(ACME, kind, 7.0, True, Severity.CRITICAL),)
        gone = fact == folder(False)
        assert state == FolderState(missing=gone, absent=gone, other_phone=not gone, known=True)
