"""`baileykeep scan`, as people type it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from baileykeep.cli.scan import register
from baileykeep.logs.scan import COUNTS
from baileykeep.model.errors import BaileykeepError, ConfigError, UsageError
from tests.unit.logs.samples import EXPECTED, FIXTURES, PAIRS

CONTRACT = {
    "lines",
    "decrypt_failures",
    "bad_mac",
    "duplicates",
    "device_removed",
    "replaced",
    "restart_required",
    "stale_session",
    "renegotiations",
    "contacts",
    "companies",
}
SECRETS = re.compile(r"privKey|rootKey|<Buffer|chainKey|2@mockref|linked_devices|ephemeral|CBBVDCSE|FMWPS4KY")
PHONES = re.compile(r"[0-9]{6,}")

Scan = Callable[..., Result]


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch) -> Scan:
    """The command in an application of its own."""
    monkeypatch.setenv("COLUMNS", "80")
    app = typer.Typer()
    register(app)

    def run(*words: str | Path, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input=stdin)

    return run


def test_the_json_contract(scan: Scan) -> None:
    folder = FIXTURES / "logs-v6"
    result = scan("--json", folder / "02-badmac-rollback.stdout.log", folder / "02-badmac-rollback.stderr.log")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert set(answer) >= CONTRACT
    assert answer["lines"] == 26
    assert (answer["decrypt_failures"], answer["bad_mac"], answer["duplicates"]) == (2, 2, 0)
    assert answer["contacts"] == [{"address": "***2222.0", "failures": 2}]
    assert answer["companies"] == {}


@pytest.mark.parametrize("generation", ["v6", "v7"])
@pytest.mark.parametrize("stem", sorted(PAIRS))
def test_pairs(scan: Scan, generation: str, stem: str) -> None:
    streams = [FIXTURES / f"logs-{generation}/{stem}.{stream}.log" for stream in ("stdout", "stderr")]
    answer = json.loads(scan("--json", *streams).stdout)
    assert {name: answer[name] for name in COUNTS if answer[name]} == dict(PAIRS[stem])


def test_contacts_in_full_only_when_asked_for(scan: Scan) -> None:
    path = FIXTURES / "logs-v7/20-auth-sample.stdout.log"
    answer = json.loads(scan("--json", "--show-contacts", path).stdout)
    assert [contact["address"] for contact in answer["contacts"]] == ["100000000000222_1.0", "4915177777777.0"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("option", [["--json"], []])
def test_no_secret_and_no_phone_is_ever_printed(scan: Scan, name: str, option: list[str]) -> None:
    result = scan(*option, FIXTURES / name)
    assert result.exit_code == 0
    assert not SECRETS.search(result.output)
    assert not PHONES.search(result.output)
    assert max(len(line) for line in result.output.splitlines()) <= 80


def test_the_table_reads_well(scan: Scan) -> None:
    path = FIXTURES / "logs-v7/10-device-removed.stdout.log"
    assert [line.rstrip() for line in scan(path).output.splitlines()] == [
        "19 lines",
        "",
        "1  device removed: login dead, needs a QR",
        "1  connections opened",
        "   closes by code: 401 × 1",
    ]
    assert "Nothing in these logs" in scan(FIXTURES / "logs-v7/mock-server.log").output


def test_companies(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "out.log"
    line = '{"tenant":{"id":"company_%s"},"node":{"attrs":{"code":"%s"}},"msg":"stream errored out"}\n'
    path.write_text(line % (17, 503) + line % (18, 440) + line % (17, 503))
    template = "company_{company}"
    answer = json.loads(scan("--json", "--company-field", "tenant.id", "--id-template", template, path).stdout)
    assert {company: counts["drops"] for company, counts in answer["companies"].items()} == {"17": 2, "18": 0}
    assert answer["companies"]["18"]["replaced"] == 1
    assert answer["drops"] == 2
    by_regex = json.loads(scan("--json", "--company-regex", r"company_(?P<company>\d+)", path).stdout)
    assert by_regex["companies"] == answer["companies"]
    assert "By company" in scan("--company-field", "tenant.id", path).output


def test_standard_input(scan: Scan) -> None:
    data = (FIXTURES / "logs-v6/03-badmac-corrupt.stderr.log").read_bytes()
    answer = json.loads(scan("--json", "-", stdin=data).stdout)
    assert (answer["decrypt_failures"], answer["duplicates"]) == (1, 1)


def test_a_packed_file(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "out.log.2.gz"
    path.write_bytes(gzip.compress((FIXTURES / "logs-v6/07-close-replaced.stdout.log").read_bytes()))
    assert json.loads(scan("--json", path).stdout)["replaced"] == 1


def test_a_missing_file_is_a_usage_error_and_nothing_is_read(scan: Scan, tmp_path: Path) -> None:
    error = scan(FIXTURES / "logs-v6/mock-server.log", tmp_path / "none.log").exception
    assert isinstance(error, UsageError)
    assert error.exit_code == 2
    assert "none.log" in error.cause


def test_a_folder_and_a_bad_expression_are_usage_errors(scan: Scan, tmp_path: Path) -> None:
    assert isinstance(scan(tmp_path).exception, UsageError)
    path = FIXTURES / "logs-v6/mock-server.log"
    assert isinstance(scan("--company-regex", "(", path).exception, ConfigError)


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(b"x" * 100, mtime=0)[:-9]], ids=["not gzip", "cut short"]
)
def test_a_broken_packed_file_is_an_error_that_names_it(scan: Scan, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "out.log.gz"
    path.write_bytes(content)
    error = scan(path).exception
    assert isinstance(error, BaileykeepError)
    assert error.exit_code == 1
    assert "out.log.gz" in error.cause


def test_a_company_id_cannot_command_the_terminal(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "out.log"
    path.write_bytes(b"[\x07evil] Connection replaced\n")
    assert "\x07" not in scan("--company-regex", r"\[(?P<company>[^\]]+)\]", path).output
