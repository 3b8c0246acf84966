"""A login wherever a store of the family keeps it, folders alone for what only they have, and a vault beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.backups.vault import Vault
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import each, member, newer, place  # noqa: F401 - fixtures
from tests.unit.auth_folders import copy_of


@pytest.fixture
def small(tmp_path: Path) -> FileStore:
    """A folder of the older Baileys, 40 days old."""
    return FileStore("c", copy_of("auth-6", tmp_path / "auth", days=40))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Where its backups go."""
    return Vault(tmp_path / "backups")
