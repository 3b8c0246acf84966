"""Where fault tests work: in memory where there is room, because they bring thousands of files to disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM_BYTES = 128 << 20


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder."""
    if not (os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="baileykeep-faults-", dir=MEMORY) as folder:
        yield Path(folder)
