from __future__ import annotations

from baileykeep.model import codec
from baileykeep.model.facts import Fact, LogActive, LogFact, StaleSessionClosed, Tick, WaitingForMessage
from baileykeep.model.limits import BadMacLimits, Limits
from baileykeep.model.symptoms import HOST, Severity, Subject, Symptom, SymptomKind, company, gateway
from baileykeep.rules import log_signs
from baileykeep.rules.log_signs import State

ACME = company("acme")


def stale(at: float, who: str | None = "acme") -> LogFact:
    return StaleSessionClosed(at=at, gateway="gw", company=who)


def waiting(at: float, who: str | None = "acme") -> LogFact:
    return WaitingForMessage(at=at, gateway="gw", company=who)


def run(facts: list[Fact], subject: Subject = ACME) -> tuple[State, list[Symptom]]:
    state = State()
    seen: list[Symptom] = []
    for fact in facts:
        state, symptoms = log_signs.step(state, subject, fact, fact.at, Limits())
        seen.extend(symptoms)
    return state, seen


def test_three_stale_sessions_in_ten_minutes() -> None:
    assert run([stale(0), stale(300)])[1] == []
    _, (symptom,) = run([stale(0), stale(300), stale(599)])
    assert (symptom.kind, symptom.active, symptom.at) == (SymptomKind.STALE_SESSIONS, True, 599)
    assert run([stale(0), stale(300), stale(601)])[1] == []


def test_stale_sessions_are_over_after_ten_quiet_minutes_and_not_before() -> None:
    facts: list[Fact] = [stale(0), stale(1), stale(2), Tick(at=601), stale(602), Tick(at=1201), Tick(at=1202)]
    _, symptoms = run(facts)
    assert [(symptom.at, symptom.active) for symptom in symptoms] == [(2, True), (1202, False)]


def test_a_waiting_contact_is_told_at_once_and_once() -> None:
    _, symptoms = run([waiting(0), waiting(5), Tick(at=604), Tick(at=605), waiting(700)])
    assert [(symptom.at, symptom.active) for symptom in symptoms] == [(0, True), (605, False), (700, True)]
    assert {symptom.kind for symptom in symptoms} == {SymptomKind.WAITING_FOR_MESSAGE}


def test_each_subject_hears_its_own() -> None:
    assert run([waiting(0, "other"), waiting(0, None)])[1] == []
    assert len(run([waiting(0, None)], subject=gateway("gw"))[1]) == 1
    assert run([waiting(0)], subject=gateway("gw"))[1] == []
    assert run([waiting(0, None)], subject=gateway("else"))[1] == []


def test_ten_quiet_ticks_change_nothing() -> None:
    state = State()
    for at in range(10):
        after, symptoms = log_signs.step(state, ACME, Tick(at=at), at, Limits())
        assert after is state
        assert symptoms == ()


def test_a_state_survives_the_journal() -> None:
    state, _ = run([stale(0), stale(1), stale(2), waiting(3)])
    assert codec.decode(State, codec.encode(state)) == state


def test_the_symptoms_are_whole() -> None:
    window = {"count": 3, "window_s": 600.0}
    _, symptoms = run([stale(0), stale(1), stale(2), Tick(at=602)])
    assert symptoms == [
        Symptom(ACME, SymptomKind.STALE_SESSIONS, 2, True, Severity.WARNING, window),
        Symptom(ACME, SymptomKind.STALE_SESSIONS, 602, False, Severity.INFO, window | {"count": 0}),
    ]
    _, symptoms = run([waiting(0), Tick(at=600)])
    assert symptoms == [
        Symptom(ACME, SymptomKind.WAITING_FOR_MESSAGE, 0, True, Severity.WARNING, {}),
        Symptom(ACME, SymptomKind.WAITING_FOR_MESSAGE, 600, False, Severity.INFO, {}),
    ]


def test_only_its_own_kind_of_line_counts() -> None:
    assert run([waiting(0), waiting(1), waiting(2)])[0].stale == ()
    assert run([stale(0)])[0] == State(stale=(0,))
    assert run([stale(0, "other"), stale(0, None)])[0] == State()
    assert run([LogActive(at=0, gateway="gw", company="acme")])[0] == State()


def test_no_more_lines_are_kept_than_the_limit() -> None:
    assert run([stale(at) for at in range(10)])[0].stale == (7, 8, 9)


def test_a_line_read_late_counts_at_its_own_time_and_one_from_the_future_now() -> None:
    state, symptoms = log_signs.step(State(), ACME, stale(0), 600, Limits())
    assert (state, symptoms) == (State(), ())
    state, symptoms = log_signs.step(State(), ACME, waiting(0), 600, Limits())
    assert (state, symptoms) == (State(), ())
    assert log_signs.step(State(), ACME, stale(900), 600, Limits())[0].stale == (600,)
    assert log_signs.step(State(), ACME, waiting(900), 600, Limits())[0].waiting_at == 600


def test_the_host_has_no_log() -> None:
    assert run([waiting(0, None), waiting(0, "host")], subject=HOST)[1] == []
    named_like_it = WaitingForMessage(at=0, gateway=HOST.id, company=None)
    assert run([named_like_it], subject=HOST)[1] == []
    assert len(run([named_like_it], subject=gateway(HOST.id))[1]) == 1


def test_a_limit_that_was_lowered_counts_at_the_next_look() -> None:
    state, _ = run([stale(0), stale(1)])
    lower = Limits(bad_mac=BadMacLimits(stale_sessions=2))
    after, symptoms = log_signs.step(state, ACME, Tick(at=2), 2, lower)
    assert [(symptom.kind, symptom.active) for symptom in symptoms] == [(SymptomKind.STALE_SESSIONS, True)]
    assert after == State(stale=(0, 1), stale_active=True, queued_at=1)


def test_stale_sessions_queue_a_cleanup_for_eight_days() -> None:
    assert run([stale(0), stale(1)])[0].queued_at is None
    three: list[Fact] = [stale(0), stale(1), stale(2)]
    assert run([*three, Tick(at=5000)])[0].queued_at == 2
    assert run([*three, stale(5)])[0].queued_at == 5
    assert run([*three, stale(700)])[0].queued_at == 2, "one line alone queues nothing"
    over = 2 + 8 * 86_400
    assert run([*three, Tick(at=over - 1)])[0].queued_at == 2
    assert run([*three, Tick(at=over)])[0].queued_at is None
