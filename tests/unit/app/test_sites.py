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
from baileykeep.model.symptoms import company

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


def door(_name: str, _settings: Settings) -> Door:
    return Door(cast(Any, SimpleNamespace(capabilities=Capabilities(stop=True, start=True))), None, "x", "u")


def sites(root: Path, *sessions: str) -> Sites:
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
    (tmp_path / "old" / "2").mkdir(parents=True)
    found = await emptied(tmp_path, "new/2", "old/{company}", "new/{company}")
    assert found.folders() == {"2": tmp_path / "new" / "2"}


async def test_one_that_is_gone_is_expected_where_it_was(tmp_path: Path) -> None:
    gone = sites(tmp_path, "auth/{company}")
    where = str(tmp_path / "auth" / "3")
    gone.recall({"3": {"gateway": "main", "folder": where}, "4": {"gateway": "another gateway", "folder": where}})
    await gone.look_around()
    assert gone.folders() == {"3": tmp_path / "auth" / "3"}


async def test_a_folder_of_another_layout_than_is_configured_now_is_nobodys(tmp_path: Path) -> None:
    moved = sites(tmp_path, "auth/{company}")
    moved.recall({"3": {"gateway": "main", "folder": str(tmp_path / "old" / "3")}})
    await moved.look_around()
    assert moved.folders() == {}
    assert not moved.placement("3").present


async def test_one_whose_folder_became_a_link_is_left_alone(tmp_path: Path) -> None:
    found = await emptied(tmp_path, "auth/2", "auth/{company}")
    linked = sites(tmp_path, "auth/{company}")
    (tmp_path / "auth" / "2").rename(tmp_path / "elsewhere")
    (tmp_path / "auth" / "2").symlink_to(tmp_path / "elsewhere")
    linked.recall(found.known())
    await linked.look_around()
    assert linked.folders() == {}


async def test_two_that_are_given_one_folder_are_both_left_alone_after_a_restart_too(tmp_path: Path) -> None:
    first = sites(tmp_path, "auth/{company}")
    for ident in ("1", "2"):
        (tmp_path / "auth" / ident).mkdir(parents=True)
        (tmp_path / "auth" / ident / "creds.json").write_text("{}")
    await first.look_around()
    (tmp_path / "config" / "companies").mkdir()
    (tmp_path / "config" / "companies" / "2.toml").write_text(f'folder = "{tmp_path}/auth/1"\n')
    second = Sites(load(tmp_path / "config"), VirtualClock(), Vault(tmp_path / "backups"), door)
    second.recall(first.known())
    await second.look_around()
    assert second.folders() == {}
    assert any("is the folder of companies 1 and 2" in odd.reason for odd in second.oddities)


def listing(root: Path, more: str = "") -> Sites:
    """A gateway that keeps its logins to itself and tells of its sessions."""
    config = root / "config"
    (config / "companies").mkdir(parents=True)
    text = CONFIG.format(root=root, sessions=[]).replace("sessions = []", f'auth_store = "none"\n{more}')
    (config / "baileykeep.toml").write_text(text)
    (config / "companies" / "3.toml").write_text('name = "Three"\n')
    (config / "companies" / "4.toml").write_text("enabled = false\n")
    return Sites(load(config), VirtualClock(), Vault(root / "backups"), door)


async def test_whoever_a_gateway_without_folders_lists_is_watched_and_not_lost_when_it_does_not(tmp_path: Path) -> None:
    found = listing(tmp_path)
    await found.look_around()
    assert found.companies() == ["3"]
    found.note_list("main", {"1", "4", "../x"})
    await found.look_around()
    assert sorted(found.companies()) == ["1", "3"]
    assert found.store("1") is None
    assert [odd.reason for odd in found.oddities] == ["holds a session without a usable company id"]
    member = found.member(company("1"))
    assert member is not None
    assert not member.can.files
    assert "auth files: not watched" in found.not_watched("main")[0]
    found.note_list("main", set())
    await found.look_around()
    assert not found.placement("1").present
    assert found.placement("3").present
    found.forget("1")
    assert found.companies() == ["3"]


async def test_by_wish_only_companies_with_a_file_are_watched(tmp_path: Path) -> None:
    found = listing(tmp_path, "discover = false")
    found.note_list("main", {"1"})
    await found.look_around()
    assert found.companies() == ["3"]
