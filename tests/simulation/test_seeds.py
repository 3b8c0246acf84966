"""A few whole days in every check; many more in `make test` and `make soak`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.day import COMPANIES, GATEWAYS, live
from tests.simulation.faults import KINDS, plan
from tests.simulation.happen import HAPPEN
from tests.simulation.shrink import story

REPO = Path(__file__).parents[2]
ONE = "from tests.simulation.day import live; print(live({seed}).digest)"


@pytest.mark.parametrize("seed", [9, 13])
def test_a_day_of_faults_breaks_no_promise(seed: int) -> None:
    day = live(seed)
    assert not day.breaches, story(day)


def test_every_kind_of_fault_can_happen_and_is_drawn() -> None:
    assert HAPPEN.keys() == KINDS.keys()
    drawn = {fault.kind for seed in range(300) for fault in plan(seed, COMPANIES, GATEWAYS)}
    assert drawn == KINDS.keys()


@pytest.mark.slow
def test_one_seed_gives_one_trace_whatever_else_differs() -> None:
    def digest(hash_seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"}
        code = ONE.format(seed=11)
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=REPO, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    first = digest("1")
    assert len(first) == 32
    assert digest("2") == first
