"""A folder that vanished, and a login of another phone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.facts import ConnectionSeen, ConnState, Fact, FolderSeen, PhoneCompared, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules.folder import GONE_FOR_S, FolderState, step

ACME = company("acme")
GONE, BACK = (SymptomKind.FOLDER_MISSING, True), (SymptomKind.FOLDER_MISSING, False)


def fold(*facts: Fact) -> list[tuple[SymptomKind, bool]]:
    state, found = FolderState(), []
    for fact in facts:
        state, symptoms = step(state, ACME, fact, fact.at, Limits())
        found += [(s.kind, s.active) for s in symptoms]
    return found


def folder(present: bool, at: float = 1.0) -> Fact:
    return FolderSeen(at=at, company="acme", present=present)


def phone(same: bool) -> Fact:
    return PhoneCompared(at=1.0, company="acme", same=same)


def link(state: ConnState, *, paired: bool | None = True, at: float = 60.0) -> Fact:
    return ConnectionSeen(at=at, company="acme", state=state, paired=paired)


def tick(at: float = 60.0) -> Fact:
    return Tick(at=at)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ((folder(True), tick()), []),
        ((folder(False), folder(False, 60.0), tick()), []),
        ((folder(False), folder(True, 60.0)), []),
        ((folder(False), folder(True), folder(False, 2.0), folder(False, 60.0), tick()), [GONE]),
        ((folder(True), folder(False), tick(0.9 + GONE_FOR_S), folder(True, 4.0), tick()), []),
        ((folder(True), folder(False), tick(1.0 + GONE_FOR_S), folder(True, 90.0)), [GONE, BACK]),
        ((folder(True), folder(False), tick(), tick(0.5), tick(61.0)), [GONE]),
        ((folder(False), link(ConnState.WAITING_QR, paired=False), link(ConnState.CONNECTED, paired=False)), []),
        ((folder(False), link(ConnState.CONNECTED), link(ConnState.CONNECTED), folder(True, 61.0)), [GONE, BACK]),
        ((folder(False), link(ConnState.CONNECTED, at=2.0), tick(9.0)), [GONE]),
        ((link(ConnState.CONNECTED), folder(False, 61.0), tick(90.0)), []),
        ((folder(True), link(ConnState.CONNECTED), folder(False, 61.0), link(ConnState.UNKNOWN, at=90.0)), [GONE]),
        ((phone(True), tick()), []),
        ((phone(False), phone(False)), [(SymptomKind.PHONE_MISMATCH, True)]),
        ((phone(False), phone(True)), [(SymptomKind.PHONE_MISMATCH, True), (SymptomKind.PHONE_MISMATCH, False)]),
    ],
)
def test_each_is_told_once_and_ends(facts: tuple[Fact, ...], told: list[tuple[SymptomKind, bool]]) -> None:
    assert fold(*facts) == told


def test_both_need_a_human_soon() -> None:
    gone = FolderState(gone_at=1.0, known=True)
    state, symptoms = step(gone, ACME, tick(7.0), 7.0, Limits())
    assert symptoms == (Symptom(ACME, SymptomKind.FOLDER_MISSING, 7.0, True, Severity.CRITICAL),)
    assert state == replace(gone, missing=True)
    state, symptoms = step(FolderState(), ACME, phone(False), 7.0, Limits())
    assert symptoms == (Symptom(ACME, SymptomKind.PHONE_MISMATCH, 7.0, True, Severity.CRITICAL),)
    assert state == FolderState(other_phone=True)
