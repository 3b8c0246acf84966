"""The gateway's own tests, run by Node, and the width of its lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.lab.node import LAB, node

SOURCES = sorted(path for folder in ("gateway", "shared", "whatsapp") for path in (LAB / folder).glob("*.mjs"))
TESTS = [path for path in SOURCES if path.name.endswith(".test.mjs")]
WIDEST = 120


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_what_only_the_gateway_itself_can_show(path: Path) -> None:
    done = subprocess.run([node(), "--test", path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_no_line_is_wider_than_those_of_python() -> None:
    lines = [(path.name, n, line) for path in SOURCES for n, line in enumerate(path.read_text().splitlines(), 1)]
    assert [(name, n) for name, n, line in lines if len(line) > WIDEST] == []
