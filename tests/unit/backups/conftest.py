"""The folder of company `c` and the vault beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.backups.vault import Vault
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import copy_of


@pytest.fixture(params=["auth-6", "auth-7"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A login of the older and of the newer Baileys, 40 days old."""
    return FileStore("c", copy_of(request.param, tmp_path / "auth", days=40))


@pytest.fixture
def small(tmp_path: Path) -> FileStore:
    """The older one alone, for what does not depend on it."""
    return FileStore("c", copy_of("auth-6", tmp_path / "auth", days=40))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Where its backups go."""
    return Vault(tmp_path / "backups")
