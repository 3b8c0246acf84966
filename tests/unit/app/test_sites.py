"""Companies that an earlier daemon knew: the next one finds their folders, also those that a relink just emptied."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baileykeep.app.sites import Door, Sites
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.config.load import load
from baileykeep.config.settings import Settings
from baileykeep.gateways.base import Capabilities

pytestmark = pytest.mark.asyncio

CONFIG = """\
mode = "act"
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:1"
sessions = {sessions}
"""


def settings(root: Path, *sessions: str) -> Settings:
    config = root / "config"
    config.mkdir(exist_ok=True)
    layouts = [f"{root}/{layout}" for layout in sessions]
    (config / "baileykeep.toml").write_text(CONFIG.format(root=root, sessions=layouts))
    return load(config)


def sites(root: Path, *sessions: str) -> Sites:
    def door(_name: str, _settings: Settings) -> Door:
        return Door(cast(Any, SimpleNamespace(capabilities=Capabilities(stop=True, start=True))), None, "x", "u")

    return Sites(settings(root, *sessions), VirtualClock(), Vault(root / "backups"), door)


async def emptied(root: Path, folder: str, *sessions: str) -> Sites:
    """A daemon that saw company 2 paired, and another one that comes after its folder was emptied."""
    creds = root / folder / "creds.json"
    creds.parent.mkdir(parents=True)
    creds.write_text("{}")
    first, second = sites(root, *sessions), sites(root, *sessions)
    await first.look_around()
    assert first.folders() == {"2": creds.parent}
    creds.unlink()
    second.recall(first.known())
    await second.look_around()
    return second


async def test_the_next_daemon_finds_a_folder_that_was_emptied_under_a_bare_layout(tmp_path: Path) -> None:
    found = await emptied(tmp_path, "auth/2", "auth/{company}")
    assert found.folders() == {"2": tmp_path / "auth" / "2"}
    assert found.store("2") is not None
    assert not found.placement("2").present


async def test_among_several_layouts_it_is_the_one_that_has_the_folder(tmp_path: Path) -> None:
    found = await emptied(tmp_path, "new/2", "old/{company}", "new/{company}")
    assert found.folders() == {"2": tmp_path / "new" / "2"}


async def test_one_that_is_gone_is_expected_where_it_was(tmp_path: Path) -> None:
    gone = sites(tmp_path, "auth/{company}")
    gone.recall({"3": "main", "4": "another gateway"})
    await gone.look_around()
    assert gone.folders() == {"3": tmp_path / "auth" / "3"}
