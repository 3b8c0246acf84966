"""The demo as people run it: a process that heals three companies in time, or says which it could not."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from baileykeep.demo.scenario import TROUBLES, drop_for_good
from baileykeep.demo.show import Pace, play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FAST = [sys.executable, "-m", "baileykeep", "demo", "--fast"]
WITHIN_S = 60


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


def environment(temporary: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BAILEYKEEP_")}
    return {**kept, "TMPDIR": str(temporary), "COLUMNS": "80", "PYTHONPATH": "src"}


def test_all_three_are_healed_within_a_minute_and_nothing_is_left_behind(temporary: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(FAST, env=environment(temporary), capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - began < WITHIN_S
    assert done.stderr == ""
    assert "All 3 healed" in done.stdout
    for trouble in TROUBLES:
        assert re.search(rf"✔ {trouble.name} .*healed after \d+ min", done.stdout)
    assert "Waiting 10 min for the gateway's own reconnect." in done.stdout
    assert "4 more messages from these contacts: 4 read." in done.stdout
    assert "nobody had to scan a QR code" in done.stdout
    assert not re.search(r"\d{7,}@|privKey|49\d{9,}", done.stdout)
    assert list(temporary.iterdir()) == []


def test_an_interrupt_ends_it_soon_and_nothing_is_left_behind(temporary: Path) -> None:
    with subprocess.Popen(FAST, env=environment(temporary), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        until(process.stdout, "breaks")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    assert "Stopped." in rest
    assert process.returncode == 1
    assert list(temporary.iterdir()) == []


def until(stream: Iterator[str], word: str) -> None:
    assert any(word in line for line in stream)


@pytest.mark.asyncio
async def test_a_company_that_never_heals_is_named_and_fails_the_demo(temporary: Path) -> None:
    harbor, bella, _ = TROUBLES
    sick = type(harbor)(
        harbor.company, harbor.name, harbor.shape, harbor.after_s, harbor.rung, drop_for_good, "dropped for good"
    )
    console = Console(file=io.StringIO(), record=True, width=80, force_terminal=False)
    curtain = await play(temporary, Pace(60, 9), (sick, bella), console)
    assert curtain is not None
    assert curtain.tell(console) == 1
    text = console.export_text()
    assert "Not healed in time: Harbor Dental (" in text
    assert "✔ Bella Salon" in text
    assert "✖ Harbor Dental" in text
