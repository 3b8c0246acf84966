"""One company that is paired anew, for the tests of what may come in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.actions.pairing_world import World


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()
