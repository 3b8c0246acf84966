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
