from collections.abc import Sequence
from pathlib import Path

import pytest

from baileykeep.config import load
from baileykeep.config.discover import Child, Discovery, discover, list_folder, placements
from tests.unit.config.conftest import MAIN, Write


class Tree:
    """A file system in a dict: folder path -> names; a name with a slash behind is a folder, with @ a link."""

    def __init__(self, **folders: Sequence[str]):
        self._folders = {path.replace("__", "/"): names for path, names in folders.items()}

    def __call__(self, folder: Path) -> list[Child]:
        if str(folder) not in self._folders:
            raise FileNotFoundError(2, "No such file or directory", str(folder))
        return [Child(n.rstrip("/@"), n.endswith("/"), n.endswith("@")) for n in self._folders[str(folder)]]


def ids(found: Discovery) -> dict[str, str]:
    return {ident: str(folder) for ident, folder in found.companies.items()}


def reasons(found: Discovery) -> dict[str, str]:
    return {oddity.path: oddity.reason for oddity in found.problems}


def test_company_prefix() -> None:
    tree = Tree(__x=["company_1/", "company_b-2.c/", "other/", "company_/", "company_3"])
    assert ids(discover(["/x/company_{company}"], tree)) == {"1": "/x/company_1", "b-2.c": "/x/company_b-2.c"}


def test_login_one_folder_deeper() -> None:
    tree = Tree(__x=["business_1/", "business_2/", "x_3/"], __x__business_1=["auth/"], __x__business_2=["media/"])
    assert ids(discover(["/x/business_{company}/auth"], tree)) == {"1": "/x/business_1/auth"}


def test_bare_template_needs_a_file_of_baileys() -> None:
    tree = Tree(
        __x=["2/", "3/", "node_modules/", "empty/", ".git/"],
        __x__2=["creds.json"],
        __x__3=["pre-key-7.json"],
        __x__node_modules=["react/", "session.json", "creds.json.bak"],
        __x__empty=[],
    )
    assert ids(discover(["/x/{company}"], tree)) == {"2": "/x/2", "3": "/x/3"}


def test_empty_folder_with_a_prefix_is_a_company_that_is_not_paired_yet() -> None:
    assert ids(discover(["/x/company_{company}"], Tree(__x=["company_9/"], __x__company_9=[]))) == {"9": "/x/company_9"}


@pytest.mark.parametrize("name", ["company_a b", "company_-x", "company_" + "a" * 65, "company_..", "company_é"])
def test_unusable_ids_are_reported(name: str) -> None:
    found = discover(["/x/company_{company}"], Tree(__x=[f"{name}/"]))
    assert ids(found) == {}
    assert "usable company id" in reasons(found)[f"/x/{name}"]


@pytest.mark.parametrize(
    "name", ["42.bak", "42_old", "42-backup-2024-01-01", "42.tmp", "42_corrupted.1732", "42_backup2", "42.deleted"]
)
def test_copies_are_left_out_unless_a_company_file_says_otherwise(name: str) -> None:
    tree = Tree(__x=[f"company_{name}/", "company_42/"])
    found = discover(["/x/company_{company}"], tree)
    assert list(found.companies) == ["42"]
    assert "looks like a copy" in reasons(found)[f"/x/company_{name}"]
    assert name in discover(["/x/company_{company}"], tree, known={name}).companies


@pytest.mark.parametrize("name", ["oldenburg", "bold", "salon-oldham", "backup"])
def test_names_that_only_remind_of_copies_are_companies(name: str) -> None:
    assert list(discover(["/x/company_{company}"], Tree(__x=[f"company_{name}/"])).companies) == [name]


def test_links_are_reported_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "company_1").symlink_to(tmp_path / "real")
    (tmp_path / "company_2").mkdir()
    found = discover([f"{tmp_path}/company_{{company}}"], list_folder)
    assert list(found.companies) == ["2"]
    assert "is a link" in reasons(found)[str(tmp_path / "company_1")]


def test_link_in_place_of_the_inner_folder() -> None:
    found = discover(["/x/b_{company}/auth"], Tree(__x=["b_1/"], __x__b_1=["auth@"]))
    assert (ids(found), list(reasons(found))) == ({}, ["/x/b_1/auth"])


def test_folder_that_cannot_be_listed_is_reported() -> None:
    assert "No such file" in reasons(discover(["/gone/company_{company}"], Tree()))["/gone"]


def test_second_folder_of_one_company_is_left_out() -> None:
    found = discover(["/x/c_{company}", "/y/c_{company}"], Tree(__x=["c_1/"], __y=["c_1/", "c_2/"]))
    assert ids(found) == {"1": "/x/c_1", "2": "/y/c_2"}
    assert "second folder of company 1" in reasons(found)["/y/c_1"]


def test_template_at_the_root() -> None:
    assert ids(discover(["/c_{company}"], Tree(**{"/": ["c_1/"]}))) == {"1": "/c_1"}


TWO = MAIN + '[gateways.other]\ndialect = "ai-admin"\nurl = "http://h"\nsessions = "/srv/other/company_{company}"\n'
SRV = Tree(
    **{"/srv/sessions": ["company_1/", "company_2/"], "/srv/other": ["company_2/", "company_3/"], "/srv/own": []}
)


def test_placements_join_layout_and_files(write: Write) -> None:
    companies = {
        "1": "enabled = false",
        "2": 'gateway = "other"',
        "4": 'gateway = "main"\nfolder = "/srv/own"',
        "5": 'gateway = "main"',
    }
    placed, odd = placements(load(write(TWO, companies), {}), SRV)
    assert {i: (p.gateway, str(p.folder), p.present) for i, p in placed.items()} == {
        "2": ("other", "/srv/other/company_2", True),
        "3": ("other", "/srv/other/company_3", True),
        "4": ("main", "/srv/own", True),
        "5": ("main", "/srv/sessions/company_5", False),
    }
    assert odd == ()


def test_company_under_two_gateways_is_left_alone(write: Write) -> None:
    placed, odd = placements(load(write(TWO), {}), SRV)
    assert set(placed) == {"1", "3"}
    assert [oddity.path for oddity in odd] == ["companies/2.toml"]
    assert "could belong to main or other" in odd[0].reason


def test_company_without_a_gateway_among_several(write: Write) -> None:
    placed, odd = placements(load(write(TWO, {"9": ""}), {}), SRV)
    assert "9" not in placed
    assert any("company 9 could belong to" in oddity.reason for oddity in odd)


def test_two_companies_in_one_folder_are_both_left_alone(write: Write) -> None:
    placed, odd = placements(load(write(MAIN, {"9": 'folder = "/srv/sessions/company_1"'}), {}), SRV)
    assert set(placed) == {"2"}
    assert "companies 1 and 9" in odd[0].reason


def test_held_company_is_not_placed(write: Write) -> None:
    from baileykeep.config import load_partial

    settings, _ = load_partial(write(MAIN, {"1": "nam = 1"}), environ={})
    assert set(placements(settings, SRV)[0]) == {"2"}


def test_gateway_without_files(write: Write) -> None:
    main = '[gateways.web]\ndialect = "ai-admin"\nurl = "http://h"\nauth_store = "none"\n'
    placed, odd = placements(load(write(main, {"1": ""}), {}), SRV)
    assert (placed["1"].folder, placed["1"].present, odd) == (None, True, ())
