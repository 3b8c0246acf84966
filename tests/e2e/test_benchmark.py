"""The load benchmark, short and small, so that it cannot rot. Its figures mean nothing here; that it works does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SMALL = ("--minutes", "0.17", "--companies", "50", "--idle", "2", "--no-settle", "--fleets", "--json")
MAY_BREAK = {
    "line → symptom stored, p99",
    "file written → counted, p99",
    "idle CPU",
    "start until all counted",
    "RSS, peak",
}
"""What a busy machine may break in a run this short."""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_short_storm_loses_nothing_and_drains() -> None:
    command = [sys.executable, "-m", "benchmarks.storm", *SMALL]
    environ = {**os.environ, "PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"}
    ended = subprocess.run(command, cwd=REPO, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    figures = json.loads(ended.stdout)
    assert figures["crossings"] >= 4
    assert figures["lost"] == []
    assert figures["undrained"] == []
    assert len(figures["on_disk_s"]) == figures["crossings"]
    assert figures["counted_after_s"]
    assert figures["lines"] >= 4000
    assert set(figures["broken"]) <= MAY_BREAK
    assert ended.returncode == bool(figures["broken"])
