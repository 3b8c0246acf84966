from __future__ import annotations

from dataclasses import replace

from baileykeep.model.facts import StoreSeen, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Symptom, SymptomKind, gateway
from baileykeep.rules.store_watch import CALM, KEPT, State, step

NOW = 1_800_000_000.0
LIMITS = Limits()


def told(*answers: float | None) -> list[tuple[SymptomKind, bool]]:
    """What is told while these answers come in."""
    state, found = State(), list[Symptom]()
    for took_s in answers:
        state, symptoms = step(state, gateway("g"), StoreSeen(at=NOW, gateway="g", took_s=took_s), NOW, LIMITS)
        found += symptoms
    return [(symptom.kind, symptom.active) for symptom in found]


def test_one_look_without_an_answer_is_nothing_and_two_are_told_once() -> None:
    assert told(None, 0.1, None) == []
    assert told(None, None, None, None) == [(SymptomKind.STORE_UNREACHABLE, True)]
    assert told(None, None, 0.1) == [(SymptomKind.STORE_UNREACHABLE, True), (SymptomKind.STORE_UNREACHABLE, False)]


def test_three_slow_answers_in_a_row_are_told_until_five_are_fast() -> None:
    assert told(0.5, 0.5, 0.5, 0.501, 0.501, 0.1) == []
    assert told(0.6, 0.7, 0.8, 0.9) == [(SymptomKind.STORE_SLOW, True)]
    slow = (0.6, 0.6, 0.6)
    assert told(*slow, *[0.1] * (CALM - 1)) == [(SymptomKind.STORE_SLOW, True)]
    assert told(*slow, *[0.1] * CALM) == [(SymptomKind.STORE_SLOW, True), (SymptomKind.STORE_SLOW, False)]


def test_more_than_one_in_twenty_slow_is_a_p95_beyond_the_limit() -> None:
    once = [0.1] * (KEPT // 2 - 1) + [0.9]
    assert told(*([0.1] * KEPT), 0.9) == []
    assert told(*once, *once) == [(SymptomKind.STORE_SLOW, True)]


def test_the_slowest_of_late_is_named_and_other_facts_say_nothing() -> None:
    state = replace(State(), answers_s=(0.6, 0.7))
    _, (symptom,) = step(state, gateway("g"), StoreSeen(at=NOW, gateway="g", took_s=0.8), NOW, LIMITS)
    assert symptom.detail == {"took_ms": 800}
    assert step(state, gateway("g"), Tick(at=NOW), NOW, LIMITS) == (state, ())
