"""Whom a process carries: also companies of another gateway on it, disabled ones, and those that nobody can tell."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baileykeep.app.carried import carried
from baileykeep.app.parts import make_process
from baileykeep.app.sites import Door, Sites
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.config.load import load
from baileykeep.config.settings import Settings
from baileykeep.gateways.base import Capabilities
from baileykeep.model.symptoms import company, gateway
from baileykeep.processes.pm2 import Pm2

pytestmark = pytest.mark.asyncio

TABLE = """
[gateways.{name}]
dialect = "ai-admin"
url = "http://127.0.0.1:1"
sessions = "{root}/{name}/company_{{company}}"
process = {{ {process} }}
"""
ONE = 'manager = "pm2", name = "gw", pm2_home = "/h/.pm2"'
SAME = 'manager = "pm2", name = "7", pm2_home = "/h/.pm2"'
OTHER = 'manager = "pm2", name = "other", pm2_home = "/h/.pm2"'


def door(name: str, settings: Settings) -> Door:
    """A gateway that has no call to stop one session."""
    can = cast(Any, SimpleNamespace(capabilities=Capabilities(start=True)))
    return Door(can, make_process(settings.gateways[name].process), "x", "u")


async def sites(root: Path, *companies: str, files: dict[str, str] | None = None, **processes: str) -> Sites:
    """`companies` such as "main/1" get a folder; `files` are company files."""
    for name in companies:
        at, _, ident = name.partition("/")
        (root / at / f"company_{ident}").mkdir(parents=True)
    config = root / "config"
    (config / "companies").mkdir(parents=True)
    tables = "".join(TABLE.format(name=name, root=root, process=process) for name, process in processes.items())
    (config / "baileykeep.toml").write_text(f'state_dir = "{root}/s"\nbackups_dir = "{root}/b"\n{tables}')
    for ident, text in (files or {}).items():
        (config / "companies" / f"{ident}.toml").write_text(text)
    made = Sites(load(config, {}), VirtualClock(), Vault(root / "b"), door)
    await made.look_around()
    return made


def stops(found: Sites, ident: str) -> tuple[bool, bool, str]:
    member = found.member(company(ident))
    assert member is not None
    return member.can.stop, member.can.stop_others, member.can.others


async def test_one_alone_on_its_process_may_be_stopped_with_it(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", main=ONE, second=OTHER)
    assert stops(found, "1") == (True, False, "")


async def test_a_gateway_that_names_the_same_process_brings_its_companies(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "second/2", main=ONE, second=ONE)
    assert stops(found, "1") == (False, True, "2")
    assert stops(found, "2") == (False, True, "1")
    assert found.carries("main") == "1 and 2"


async def test_one_that_is_named_by_a_number_may_be_the_same(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "second/2", main=ONE, second=SAME)
    assert stops(found, "1") == (False, True, "2")


async def test_another_process_is_another_matter(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "second/2", main=ONE, second=OTHER)
    assert stops(found, "1") == stops(found, "2") == (True, False, "")


async def test_a_disabled_company_is_carried_all_the_same(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "main/2", files={"2": "enabled = false\n"}, main=ONE)
    assert found.companies() == ["1"]
    assert stops(found, "1") == (False, True, "2")


async def test_a_disabled_company_that_left_no_folder_is_not(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", files={"2": 'enabled = false\ngateway = "main"\n'}, main=ONE)
    assert stops(found, "1") == (True, False, "")


async def test_companies_that_share_a_folder_are_left_alone_and_carried(tmp_path: Path) -> None:
    files = {"3": f'folder = "{tmp_path}/main/company_2"\n'}
    found = await sites(tmp_path, "main/1", "main/2", files=files, main=ONE)
    assert stops(found, "1") == (False, True, "2 and 3")


@pytest.mark.parametrize("name", ["9", "nö id"])
async def test_a_link_or_an_odd_name_may_be_a_company(tmp_path: Path, name: str) -> None:
    (tmp_path / "main" / "elsewhere").mkdir(parents=True)
    (tmp_path / "main" / f"company_{name}").symlink_to(tmp_path / "main" / "elsewhere")
    found = await sites(tmp_path, "main/1", main=ONE)
    assert stops(found, "1") == (False, True, name)


async def test_a_copy_is_nobody(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "main/1.bak", main=ONE)
    assert stops(found, "1") == (True, False, "")


async def test_where_a_folder_cannot_be_listed_nobody_is_called_alone(tmp_path: Path) -> None:
    (tmp_path / "second").write_text("no folder")
    found = await sites(tmp_path, "main/1", main=ONE, second=ONE)
    assert found.carried("main").blind
    assert not stops(found, "1")[0]


async def test_one_that_comes_later_is_counted_at_the_next_look(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", files={"2": "enabled = false\n"}, main=ONE)
    assert stops(found, "1")[0]
    (tmp_path / "main" / "company_2").mkdir()
    assert await found.look_around()
    assert stops(found, "1") == (False, True, "2")
    assert not await found.look_around()


async def test_an_action_is_told_whether_the_process_is_its_own(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "second/2", main=ONE, second=ONE)
    nobody = cast(Any, None)
    for by_human in (False, True):
        site = found.site(company("1"), nobody, nobody, by_human=by_human)
        assert (site.alone, site.may_stop_others) == (False, by_human)


async def test_a_gateway_knows_whom_its_restart_stops_elsewhere(tmp_path: Path) -> None:
    found = await sites(tmp_path, "main/1", "second/2", "second/3", main=ONE, second=ONE, third=ONE)
    main, third = found.member(gateway("main")), found.member(gateway("third"))
    assert main is not None
    assert third is not None
    assert main.can.others == "2 and 3"
    assert sorted(main.shares) == ["main", "second"]
    assert third.can.others == "1, 2 and 3"
    assert sorted(third.shares) == ["main", "second", "third"]


async def test_many_are_told_by_three_names_and_a_number() -> None:
    idents = [f"{n:02}" for n in range(10)]
    crew = carried({"main": Pm2("gw", home="/h")}, {"main": idents})["main"]
    assert crew.others("01", str) == "00, 02, 03 and 6 more"
    assert crew.others("07", str) == "00, 01, 02 and 6 more"
    assert crew.told(str) == "00, 01, 02 and 7 more"
    assert crew.others("00", lambda ident: f"Salon\n{ident}" + "x" * 500).count("x") == 3 * (60 - len("Salon 01"))
