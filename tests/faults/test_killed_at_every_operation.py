"""The process dies by a real SIGKILL before every operation on files, and in the middle of those that write data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.doors import Counting
from tests.faults.scenes import SCENES, Scene

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_killed_process_loses_no_login(quick: Path, scene: Scene) -> None:
    place, _ = scene.prepare(quick / "counted")
    counted = Counting()
    scene.act(place, counted)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killer", scene.name, str(quick)],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.splitlines()[-1]) == len(counted.changes)
