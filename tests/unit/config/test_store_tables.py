"""Logins in a database: what may be written, and which companies are found there."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.config.discover import placements, survey
from baileykeep.config.discover_rows import Rows, sorted_out
from baileykeep.config.load import load, load_partial
from baileykeep.config.store_tables import PostgresTable
from tests.unit.config.conftest import Write
from tests.unit.config.loading import good, only

MAIN = """
[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:3000"
auth_store = "postgres"
[gateways.main.postgres]
database = "whatsapp"
user = "me"
"""


def table(**more: object) -> PostgresTable:
    return PostgresTable.model_validate({"database": "d", "user": "u", **more})


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, "prefer"),
        ({"host": "127.0.0.1"}, "prefer"),
        ({"host": "::1"}, "prefer"),
        ({"host": "localhost"}, "prefer"),
        ({"host": "db.example.com"}, "verify-full"),
        ({"host": "10.0.0.5"}, "verify-full"),
        ({"host": "127.0.0.1.example.com"}, "verify-full"),
        ({"host": "127.0.0.1", "ca_file": "/ca.pem"}, "verify-full"),
        ({"host": "db.example.com", "tls_verify": False}, "require"),
        ({"host": "db.example.com", "tls": False}, "disable"),
    ],
)
def test_nothing_falls_back_to_clear_text_over_a_network(given: dict[str, object], mode: str) -> None:
    assert table(**given).spec().sslmode == mode


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('auth_table = "x"\nkeys_table = "x"', "two tables"),
        ('auth_table = "a%b"', "plain name"),
        ('keys_table = ""', "plain name"),
        ('host = "a,b"', "not one host"),
        ('host = "a"\ntls = false\nca_file = "/ca.pem"', "remove one of them"),
        ('company_template = "company"', "exactly once"),
        ('timezone = "Mars/Phobos"', "does not know as a time zone"),
        ("statement_timeout = 0", "must be at least 0.1"),
        ('pasword = "x"', "password"),
    ],
)
def test_mistakes_are_named(write: Write, line: str, wrong: str) -> None:
    problem = str(only(write(f"{MAIN}{line}\n")))
    assert wrong in problem
    assert "baileykeep.toml" in problem


@pytest.mark.parametrize(
    "main",
    [
        MAIN.replace('auth_store = "postgres"\n', ""),
        MAIN.partition("[gateways.main.postgres]")[0],
        MAIN.replace("[gateways.main.postgres]", 'sessions = "/x/{company}"\n[gateways.main.postgres]'),
    ],
)
def test_a_database_and_its_table_go_together_and_with_no_folders(write: Write, main: str) -> None:
    assert "auth_store" in str(only(write(main)))


def test_a_password_comes_from_a_file_and_is_never_shown(write: Write, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hush-hush\n")
    (tmp_path / "pw").chmod(0o600)
    settings = good(write(f'{MAIN}password_file = "{tmp_path}/pw"\n'))
    rows = settings.gateways["main"].postgres
    assert rows is not None
    assert rows.spec().password == "hush-hush"
    assert "hush" not in f"{settings!r} {rows.spec()!r} {rows.spec().place}"
    missing = only(write(f'{MAIN}password_file = "{tmp_path}/none"\n'))
    assert "gateways.main.postgres.password_file" in str(missing)


@pytest.mark.parametrize(("key", "word"), [("tls", "in the clear"), ("tls_verify", "whoever answers")])
def test_less_than_checked_tls_is_warned_of(write: Write, key: str, word: str) -> None:
    _, problems = load_partial(write(f'{MAIN}host = "db.example.com"\n{key} = false\n'), environ={})
    assert [problem.warning for problem in problems] == [True]
    assert word in str(problems[0])
    assert load_partial(write(f"{MAIN}{key} = false\n"), environ={})[1] == ()


def test_companies_are_the_ids_that_fit_exactly() -> None:
    found = sorted_out(table(), ("company_1", "company_11", "company_", "Company_2", "xcompany_3", "company_a b", "9"))
    assert found.companies == {"1": "company_1", "11": "company_11"}
    assert found.odd == (("'company_a b'", "does not carry a usable company id"),)
    suffixed = table(company_template="t-{company}-wa")
    assert sorted_out(suffixed, ("t-1-wa", "t--wa", "t-1-wa2", "t-wa")).companies == {"1": "t-1-wa"}
    assert suffixed.row_of("1") == "t-1-wa"


def test_companies_are_placed_by_row_also_those_that_have_only_a_file(write: Write) -> None:
    settings = load(write(MAIN, {"7": "", "8": 'folder = "/srv/8"', "9": "enabled = false"}), {})
    placed, odd = placements(settings, ask=lambda _table: Rows({"1": "company_1"}))
    assert {i: (p.row, p.folder, p.present, p.reachable) for i, p in placed.items()} == {
        "1": ("company_1", None, True, True),
        "7": ("company_7", None, False, True),
    }
    assert ["keeps its logins as rows" in oddity.reason for oddity in odd] == [True]


def test_a_database_that_cannot_be_asked_is_said_and_loses_nobody_with_a_file(write: Write) -> None:
    settings = load(write(MAIN, {"7": ""}), {})
    placed, odd = placements(settings, ask=lambda _table: Rows(failure="it cannot be reached"))
    assert set(placed) == {"7"}
    assert [(oddity.unasked, oddity.reason) for oddity in odd] == [("main", "it cannot be reached")]
    assert str(odd[0]) == "gateway main: it cannot be reached"
    asked = survey(settings, ask=lambda _table: Rows({"1": "company_1"}, strangers=frozenset({"other"})))
    assert not asked.blind
    assert asked.lodgers["main"] == {"1", "7", "other"}
    assert survey(settings, ask=lambda _table: Rows(failure="it cannot be reached")).blind == {"main"}
