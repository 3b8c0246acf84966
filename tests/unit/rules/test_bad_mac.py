from __future__ import annotations

import pytest

from baileykeep.model import codec
from baileykeep.model.facts import DecryptFailed, DecryptKind, Fact, Tick
from baileykeep.model.limits import BadMacLimits, Limits
from baileykeep.model.symptoms import HOST, Detail, Severity, Subject, Symptom, SymptomKind, company, gateway
from baileykeep.rules import bad_mac
from baileykeep.rules.bad_mac import State

LIMITS = Limits()
ACME = company("acme")
ADDRESS = "4915122222222.0"


def failed(
    at: float,
    kind: DecryptKind = DecryptKind.BAD_MAC,
    address: str | None = ADDRESS,
    who: str | None = "acme",
) -> DecryptFailed:
    return DecryptFailed(at=at, gateway="gw", company=who, kind=kind, address=address)


def run(facts: list[Fact], subject: Subject = ACME, limits: Limits = LIMITS) -> tuple[State, list[Symptom]]:
    state = State()
    seen: list[Symptom] = []
    for fact in facts:
        state, symptoms = bad_mac.step(state, subject, fact, fact.at, limits)
        seen.extend(symptoms)
    return state, seen


def test_the_fifth_failure_within_a_minute_is_the_symptom() -> None:
    _, four = run([failed(at) for at in (0, 10, 20, 30)])
    assert four == []
    _, (symptom,) = run([failed(at) for at in (0, 10, 20, 30, 59)])
    assert symptom.kind is SymptomKind.BAD_MAC
    assert symptom.subject == ACME
    assert symptom.active
    assert symptom.severity is Severity.CRITICAL
    assert symptom.detail == {"count": 5, "window_s": 60.0, "addresses": (ADDRESS,)}


def test_the_window_slides() -> None:
    _, symptoms = run([failed(at) for at in (0, 10, 20, 30, 61)])
    assert symptoms == []
    _, symptoms = run([failed(at) for at in (0, 10, 20, 30, 61, 62)])
    assert [symptom.at for symptom in symptoms] == [62]


def test_a_quiet_window_resets() -> None:
    facts: list[Fact] = [failed(0), failed(1), failed(2), failed(3), Tick(at=63), failed(64)]
    state, symptoms = run(facts)
    assert symptoms == []
    assert state.count == 1


@pytest.mark.parametrize(
    ("preset", "limit", "window_s"), [("stable", 5, 60), ("flapping", 3, 30), ("unstable-network", 10, 120)]
)
def test_presets(preset: str, limit: int, window_s: int) -> None:
    limits = Limits(bad_mac=BadMacLimits(preset=preset))
    step_s = (window_s - 1) / (limit - 1)
    _, one_less = run([failed(step_s * n) for n in range(limit - 1)], limits=limits)
    _, enough = run([failed(step_s * n) for n in range(limit)], limits=limits)
    assert (len(one_less), len(enough)) == (0, 1)


def test_overrides_win_over_the_preset() -> None:
    limits = Limits(bad_mac=BadMacLimits(preset="stable", limit=2, window_s=5))
    assert bad_mac.bound(limits.bad_mac) == (2, 5)
    assert len(run([failed(0), failed(4)], limits=limits)[1]) == 1
    assert run([failed(0), failed(5)], limits=limits)[1] == []


@pytest.mark.parametrize("kind", sorted(set(DecryptKind) - bad_mac.COUNTED))
def test_other_failures_do_not_count(kind: DecryptKind) -> None:
    assert run([failed(at, kind) for at in range(10)]) == (State(), [])


def test_the_gateways_own_wording_counts() -> None:
    assert len(run([failed(at, DecryptKind.NO_MATCHING_SESSION) for at in range(5)])[1]) == 1


def test_others_do_not_count() -> None:
    assert run([failed(at, who="other") for at in range(10)])[1] == []
    assert run([failed(at, who=None) for at in range(10)])[1] == []


def test_what_cannot_be_attributed_counts_for_the_gateway() -> None:
    (symptom,) = run([failed(at, who=None) for at in range(5)], subject=gateway("gw"))[1]
    assert symptom.subject == gateway("gw")
    assert run([failed(at) for at in range(5)], subject=gateway("gw"))[1] == []
    assert run([failed(at, who=None) for at in range(5)], subject=gateway("other"))[1] == []


def test_a_storm_is_told_again_only_when_another_contact_joins() -> None:
    facts: list[Fact] = [failed(at) for at in range(20)]
    facts += [failed(20, address="4915133333333.0"), failed(21, address=None)]
    state, symptoms = run(facts)
    assert [symptom.at for symptom in symptoms] == [4, 20]
    assert symptoms[-1].detail["addresses"] == (ADDRESS, "4915133333333.0")
    assert state.count == 22


def test_it_is_over_when_the_window_was_quiet() -> None:
    _, symptoms = run([*(failed(at) for at in range(5)), Tick(at=63), Tick(at=64), Tick(at=65)])
    assert [(symptom.at, symptom.active) for symptom in symptoms] == [(4, True), (64, False)]


def test_it_is_over_also_when_no_tick_came_before_the_next_failure() -> None:
    _, symptoms = run([*(failed(at) for at in range(5)), failed(1000)])
    assert [(symptom.at, symptom.active) for symptom in symptoms] == [(4, True), (1000, False)]


def test_a_failure_from_before_the_window_is_not_news() -> None:
    state = State()
    for _ in range(10):
        state, symptoms = bad_mac.step(state, ACME, failed(100), 1000, LIMITS)
        assert symptoms == ()
    assert state == State()


def test_memory_is_bounded() -> None:
    state, _ = run([failed(at / 1000, address=f"49151{at:08}.0") for at in range(1000)])
    assert len(state.addresses) == bad_mac.MAX_ADDRESSES
    assert len(state.times) == 5
    assert state.count == 1000


def test_a_state_survives_the_journal() -> None:
    state, _ = run([failed(at) for at in range(6)])
    assert codec.decode(State, codec.encode(state)) == state


def test_the_end_of_a_storm_tells_how_big_it_was() -> None:
    _, told = run([*(failed(at) for at in range(7)), Tick(at=66)])
    detail: Detail = {"count": 7, "addresses": (ADDRESS,)}
    assert told[-1] == Symptom(ACME, SymptomKind.BAD_MAC, 66, False, Severity.INFO, detail)


def test_a_failure_at_the_edge_of_the_window_is_old() -> None:
    assert bad_mac.step(State(), ACME, failed(40), 100, LIMITS) == (State(), ())
    assert bad_mac.step(State(), ACME, failed(40.1), 100, LIMITS)[0].times == (40.1,)
    assert bad_mac.step(State(), ACME, failed(500), 100, LIMITS)[0].times == (100,)


def test_a_quiet_tick_leaves_the_state_as_it_is() -> None:
    state, _ = run([failed(0), failed(1)])
    assert bad_mac.step(state, ACME, Tick(at=2), 2, LIMITS)[0] is state
    assert bad_mac.step(State(), ACME, Tick(at=2), 2, LIMITS)[0] == State()


def test_what_is_kept_of_failures() -> None:
    assert run([failed(0), failed(1)])[0] == State((0, 1), 2, (ADDRESS,))
    storm, _ = run([failed(at) for at in range(7)])
    assert storm == State((2, 3, 4, 5, 6), 7, (ADDRESS,), True)
    assert run([*(failed(at) for at in range(7)), Tick(at=1000)])[0] == State()


def test_another_contact_is_told_of_while_the_storm_calms_down() -> None:
    _, told = run([*(failed(at) for at in range(5)), failed(62, address="4915133333333.0"), failed(63)])
    assert [(s.at, s.active) for s in told] == [(4, True), (62, True)]


def test_one_storm_may_end_in_the_moment_in_which_the_next_begins() -> None:
    limits = Limits(bad_mac=BadMacLimits(limit=1))
    _, told = run([failed(0), failed(1000)], limits=limits)
    assert [(s.at, s.active) for s in told] == [(0, True), (1000, False), (1000, True)]


def test_the_host_has_no_messages() -> None:
    lines = [DecryptFailed(at=at, gateway="host", kind=DecryptKind.BAD_MAC) for at in range(9)]
    assert run([*lines], subject=HOST) == (State(), [])


def test_the_presets_are_the_ones_that_were_asked_for() -> None:
    assert bad_mac.PRESETS == {"stable": (5, 60.0), "flapping": (3, 30.0), "unstable-network": (10, 120.0)}
    assert bad_mac.MAX_ADDRESSES == 64
