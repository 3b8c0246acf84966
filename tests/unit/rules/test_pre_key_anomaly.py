from baileykeep.model.facts import Fact, FilesSeen, Tick
from baileykeep.model.inventory import Creds, CredsState, Inventory, Level, PreKeys
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Detail, Severity, Symptom, SymptomKind
from baileykeep.rules.pre_key_anomaly import SETTLE_S, State, step
from tests.unit.rules.cases import ACME, NOW

NAMES = tuple(f"pre-key-{number}.json" for number in range(31, 38))


def looked(count: int, at: float = NOW) -> FilesSeen:
    """A listing with so many keys that the creds never minted."""
    keys = PreKeys(50, 37, 31, 35, anomalies=NAMES[:count])
    found = Inventory(60, 60, Level.HEALTHY, 0, Creds(CredsState.WHOLE, paired=True), {}, keys, at)
    return FilesSeen(at=at, company="acme", inventory=found)


def run(*facts: Fact, state: State | None = None) -> tuple[State, list[Symptom]]:
    after, told = state or State(), list[Symptom]()
    for fact in facts:
        after, symptoms = step(after, ACME, fact, fact.at, Limits())
        told += symptoms
    return after, told


def symptom(count: int, after_s: float, shown: int = 5) -> Symptom:
    detail: Detail = {"count": count, "names": NAMES[: min(count, shown)], "next_id": 31 if count else None}
    return Symptom(ACME, SymptomKind.PRE_KEY_ANOMALY, NOW + after_s, count > 0, Severity.WARNING, detail)


def test_keys_that_their_creds_follow_within_a_minute_are_told_to_nobody() -> None:
    assert run(looked(7), Tick(at=NOW + SETTLE_S - 1), looked(0, NOW + SETTLE_S - 1)) == (State(), [])
    again = run(looked(7), looked(0, NOW + 30), looked(7, NOW + 50), Tick(at=NOW + SETTLE_S + 40))
    assert again[1] == []


def test_keys_that_stay_are_told_once_by_a_tick_or_a_look() -> None:
    ticks = [Tick(at=NOW + SETTLE_S + n) for n in range(3)]
    state, told = run(looked(7), looked(7, NOW + 30), *ticks)
    assert told == [symptom(7, SETTLE_S)]
    assert (state.count, state.told, state.since) == (7, 7, NOW)
    assert run(looked(7), looked(6, NOW + SETTLE_S))[1] == [symptom(6, SETTLE_S)]


def test_a_single_key_is_told_and_not_again_when_it_is_seen_again() -> None:
    state, told = run(looked(1), looked(1, NOW + SETTLE_S), looked(1, NOW + SETTLE_S + 5))
    assert told == [symptom(1, SETTLE_S)]
    assert run(looked(0, NOW + 90), state=state)[1] == [symptom(0, 90)]


def test_a_change_and_the_end_are_told_at_once() -> None:
    state, _ = run(looked(3), Tick(at=NOW + SETTLE_S))
    assert run(looked(4, NOW + 90), state=state)[1] == [symptom(4, 90)]
    assert run(looked(0, NOW + 90), state=state) == (State(), [symptom(0, 90)])


def test_without_any_nothing_is_said() -> None:
    assert run(looked(0), Tick(at=NOW + 2 * SETTLE_S), looked(0, NOW + 200)) == (State(), [])
