from dataclasses import replace

from baileykeep.model.facts import DecryptFailed, DecryptKind, Fact, SessionsRepaired, Tick
from baileykeep.model.limits import DAY, Limits
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind
from baileykeep.rules.after_repair import State, step
from tests.unit.rules.cases import ACME, NOW

LIMITS = Limits()


def repaired(at: float) -> SessionsRepaired:
    return SessionsRepaired(at=at, company="acme")


def failed(at: float, kind: DecryptKind = DecryptKind.BAD_MAC) -> DecryptFailed:
    return DecryptFailed(at=at, gateway="gw", company="acme", kind=kind, address=None)


def run(*facts: Fact) -> tuple[State, list[Symptom]]:
    state, seen = State(), list[Symptom]()
    for fact in facts:
        state, symptoms = step(state, ACME, fact, fact.at, LIMITS)
        seen += symptoms
    return state, seen


def slowly(count: int, since: float = NOW) -> list[DecryptFailed]:
    """One every half hour: no storm, however long it goes on."""
    return [failed(since + n * 1800.0) for n in range(1, count + 1)]


def test_the_eleventh_failure_after_a_repair_is_told_once() -> None:
    assert run(repaired(NOW), *slowly(10)) == (State(NOW, 10), [])
    _, seen = run(repaired(NOW), *slowly(15))
    assert seen == [
        Symptom(ACME, SymptomKind.AFTER_REPAIR, NOW + 11 * 1800, True, Severity.WARNING, {"bound": 10}),
    ]


def test_a_bound_of_none_tells_of_the_first_failure_and_ends_it() -> None:
    limits = replace(LIMITS, bad_mac=replace(LIMITS.bad_mac, after_repair_alert=0))
    state, told = State(NOW), list[bool]()
    for fact in (failed(NOW + 1), failed(NOW + 2), Tick(at=NOW + DAY)):
        state, symptoms = step(state, ACME, fact, fact.at, limits)
        told += [symptom.active for symptom in symptoms]
    assert told == [True, False]


def test_without_a_repair_nothing_is_counted() -> None:
    assert run(*slowly(20)) == (State(), [])


def test_only_what_failed_after_the_repair_and_is_a_failure_counts() -> None:
    early = [failed(NOW)] * 20
    harmless = [failed(NOW + n, DecryptKind.DUPLICATE) for n in range(1, 20)]
    assert run(repaired(NOW), *early, *harmless) == (State(NOW, 0), [])


def test_it_is_over_a_day_after_the_repair_or_with_the_next_one() -> None:
    over = Symptom(ACME, SymptomKind.AFTER_REPAIR, NOW + DAY, False, Severity.INFO, {"bound": 10})
    told = [repaired(NOW), *slowly(11)]
    state, seen = run(*told, Tick(at=NOW + DAY - 1))
    assert (state.count, len(seen)) == (11, 1)
    assert run(*told, Tick(at=NOW + DAY))[1][1:] == [over]
    assert run(*told, Tick(at=NOW + DAY))[0] == State()
    again = run(*told, repaired(NOW + 30_000.0))
    assert again[0] == State(NOW + 30_000.0)
    assert [s.active for s in again[1]] == [True, False]
