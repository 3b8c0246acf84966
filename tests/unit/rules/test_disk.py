from dataclasses import replace

import pytest

from baileykeep.model.codec import decode, encode
from baileykeep.model.facts import DiskSeen, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind
from baileykeep.rules import disk

GB = 1_000_000_000
ROOMY = DiskSeen(at=0, path="/", bytes_free=50 * GB, bytes_total=100 * GB, inodes_free=500, inodes_total=1000)

NOTHING = disk.State()


def after(*facts: DiskSeen | Tick, state: disk.State = NOTHING) -> tuple[disk.State, list[Symptom]]:
    told: list[Symptom] = []
    for fact in facts:
        state, symptoms = disk.step(state, HOST, fact, fact.at, Limits())
        told += symptoms
    return state, told


@pytest.mark.parametrize(
    ("seen", "low"),
    [
        (ROOMY, False),
        (replace(ROOMY, bytes_free=5 * GB), False),
        (replace(ROOMY, bytes_free=5 * GB - 1), True),
        (replace(ROOMY, bytes_total=1 * GB, bytes_free=199_999_999), True),
        (replace(ROOMY, bytes_total=1 * GB, bytes_free=200_000_000), False),
        (replace(ROOMY, inodes_free=49), True),
        (replace(ROOMY, bytes_free=1, bytes_total=1), True),
        (replace(ROOMY, inodes_free=50), False),
        (replace(ROOMY, inodes_free=None, inodes_total=None), False),
        (replace(ROOMY, bytes_free=0, bytes_total=0, inodes_free=0, inodes_total=0), False),
    ],
)
def test_bounds(seen: DiskSeen, low: bool) -> None:
    _, told = after(seen)
    assert [s.active for s in told] == ([True] if low else [])


def test_tells_the_volume_once_and_its_end_only_above_the_margin() -> None:
    low = replace(ROOMY, bytes_free=4 * GB)
    state, told = after(low, replace(low, at=60), replace(ROOMY, at=120, bytes_free=int(5.9 * GB)))
    assert [(s.kind, s.active, s.severity) for s in told] == [(SymptomKind.DISK_LOW, True, Severity.CRITICAL)]
    assert told[0].detail["path"] == "/"
    assert told[0].detail["free_mb"] == 4000
    assert told[0].detail["free_percent"] == 4.0
    state, told = after(replace(ROOMY, at=180, bytes_free=6 * GB), state=state)
    assert [s.active for s in told] == [False]
    assert state == disk.State()


def test_a_second_volume_is_told_and_the_fullest_is_named() -> None:
    var = replace(ROOMY, path="/var", inodes_free=1)
    state, told = after(replace(ROOMY, bytes_free=4 * GB), var)
    assert [s.detail["path"] for s in told] == ["/", "/var"]
    assert told[1].detail["paths"] == ("/", "/var")
    _, told = after(replace(var, inodes_free=900), state=state)
    assert [(s.active, s.detail["path"]) for s in told] == [(True, "/")]


def test_a_volume_nobody_measures_any_more_is_forgotten() -> None:
    state, _ = after(replace(ROOMY, bytes_free=1))
    state, told = after(Tick(at=300), state=state)
    assert told == []
    state, told = after(Tick(at=301), state=state)
    assert [s.active for s in told] == [False]


def test_the_state_survives_a_restart() -> None:
    state, _ = after(replace(ROOMY, bytes_free=1), replace(ROOMY, path="/b", inodes_free=None, bytes_free=1))
    assert decode(disk.State, encode(state)) == state


def test_the_symptom_is_whole() -> None:
    _, told = after(replace(ROOMY, bytes_free=4 * GB + 999_999, inodes_free=333))
    assert told == [
        Symptom(
            HOST, SymptomKind.DISK_LOW, 0, True, Severity.CRITICAL,
            {"path": "/", "free_mb": 4000, "free_percent": 4.0, "inodes_free": 333, "inodes_free_percent": 33.3,
             "paths": ("/",)},
        )
    ]  # fmt: skip
    _, told = after(replace(ROOMY, bytes_free=GB, inodes_free=7, inodes_total=0))
    assert (told[0].detail["inodes_free"], told[0].detail["inodes_free_percent"]) == (7, None)
    state, _ = after(replace(ROOMY, bytes_free=GB))
    _, told = after(replace(ROOMY, at=60), state=state)
    assert told == [Symptom(HOST, SymptomKind.DISK_LOW, 60, False, Severity.CRITICAL, {})]


@pytest.mark.parametrize(
    ("seen", "still"),
    [
        (replace(ROOMY, bytes_total=GB, bytes_free=239_999_999), True),
        (replace(ROOMY, bytes_total=GB, bytes_free=240_000_000), False),
        (replace(ROOMY, bytes_free=6 * GB - 1), True),
        (replace(ROOMY, bytes_free=6 * GB), False),
        (replace(ROOMY, inodes_free=59), True),
        (replace(ROOMY, inodes_free=60), False),
    ],
)
def test_a_low_volume_stays_low_until_a_fifth_above_the_limit(seen: DiskSeen, still: bool) -> None:
    state, _ = after(replace(ROOMY, bytes_free=1))
    assert bool(after(replace(seen, at=1), state=state)[0].low) is still


def test_each_volume_has_its_own_margin() -> None:
    state, _ = after(replace(ROOMY, path="/b", bytes_free=1))
    _, told = after(replace(ROOMY, path="/a", bytes_free=int(5.5 * GB)), state=state)
    assert told == []


def test_the_fullest_is_named_by_whichever_runs_out_first() -> None:
    files, few = replace(ROOMY, path="/a", inodes_free=1), replace(ROOMY, path="/b", bytes_free=GB)
    assert after(files, few)[1][-1].detail["path"] == "/a"
    none = replace(ROOMY, path="/c", bytes_free=GB // 2, inodes_free=None, inodes_total=None)
    assert after(few, none)[1][-1].detail["path"] == "/c"


def test_a_volume_is_remembered_for_five_polls_from_its_last_look() -> None:
    low = replace(ROOMY, at=1000, bytes_free=GB)
    state, _ = after(low)
    assert after(Tick(at=1300), state=state)[0] == state
    assert after(Tick(at=1301), state=state)[0] == disk.State()


def test_a_volume_that_tells_no_size_counts_as_free() -> None:
    _, told = after(replace(ROOMY, bytes_free=0, bytes_total=0, inodes_free=1))
    assert (told[0].detail["free_percent"], told[0].detail["inodes_free_percent"]) == (100.0, 0.1)


def test_shares_are_told_with_one_decimal_and_no_inodes_are_no_few() -> None:
    _, told = after(replace(ROOMY, bytes_free=4_460_000_000))
    assert told[0].detail["free_percent"] == 4.5
    _, told = after(replace(ROOMY, inodes_free=100, inodes_total=3000))
    assert told[0].detail["inodes_free_percent"] == 3.3
    none = replace(ROOMY, path="/c", bytes_free=4 * GB, inodes_free=None, inodes_total=None)
    assert after(none, replace(ROOMY, path="/b", bytes_free=GB))[1][-1].detail["path"] == "/b"
