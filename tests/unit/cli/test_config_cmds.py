import json
import re
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from baileykeep.cli import config_cmds, init
from baileykeep.config import load
from baileykeep.model.errors import ConfigError, Refused, UsageError

EXAMPLE = Path(__file__).parents[3] / "config"

app = typer.Typer()
config_cmds.register(app)
init.register(app)


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "config")
    return tmp_path / "config"


def test_check_of_the_example() -> None:
    assert (
        run("config", "check", str(EXAMPLE)).splitlines()[-1].startswith("fine: 3 companies, gateways business, salon")
    )


def test_check_counts_found_companies_and_names_oddities(directory: Path, tmp_path: Path) -> None:
    sessions = tmp_path / "sessions"
    (sessions / "company_5").mkdir(parents=True)
    (sessions / "company_5.bak").mkdir()
    file = directory / "baileykeep.toml"
    file.write_text(file.read_text().replace("/opt/ai-admin/baileys_sessions", str(sessions)))
    text = run("config", "check", str(directory))
    assert "fine: 4 companies" in text
    assert "company_5.bak looks like a copy" in text


def test_check_says_all_that_is_wrong_and_exits_2(directory: Path) -> None:
    (directory / "companies" / "1.toml").write_text("nam = 'x'\nphone = 'none'\n")
    text = run("config", "check", str(directory), code=2)
    assert 'error: companies/1.toml:1: nam is not a setting; did you mean "name"?' in text
    assert "phone must be 7 to 15 digits" in text
    assert text.splitlines()[-1] == f"2 errors in {directory}"


def test_check_of_a_bad_installation(directory: Path) -> None:
    (directory / "baileykeep.toml").write_text("mode = 'x'\n")
    answer = json.loads(run("config", "check", str(directory), "--json", code=2))
    assert answer["ok"] is False
    assert {problem["key"] for problem in answer["problems"]} == {"mode"}


def test_check_of_no_folder() -> None:
    with pytest.raises(ConfigError, match="no configuration folder"):
        run("config", "check", "/nowhere")


def test_show_tells_where_values_come_from(directory: Path) -> None:
    lines = run("config", "show", "997442", "--config", str(directory)).splitlines()
    assert [" ".join(line.split()) for line in lines if line.startswith(("warn_after", "preset", "stale_window"))] == [
        "warn_after 20m company",
        "preset flapping company",
        "stale_window 10m default",
    ]


def test_show_as_json(directory: Path) -> None:
    answer = json.loads(run("config", "show", "997441", "--config", str(directory), "--json"))
    assert (answer["gateway"], answer["phone"], answer["chats"]) == ("salon", "***0001", [-1009974410001])
    assert answer["limits"]["disconnect"]["warn_after"] == {"value": "10m", "from": "installation"}
    assert answer["limits"]["backups"]["every"] == {"value": "3h", "from": "company"}


def test_show_never_shows_secrets(directory: Path) -> None:
    (directory / "companies" / "997441.toml").write_text("phone = 4915112345678\ngateway = 'salon'\n")
    file = directory / "baileykeep.toml"
    file.write_text(file.read_text().replace("[network]", '[telegram]\ntoken = "canary"\nchats = [1]\n[network]'))
    for words in ((), ("--json",)):
        text = run("config", "show", "997441", "--config", str(directory), *words)
        assert "canary" not in text
        assert "4915112345678" not in text


def test_show_of_an_unknown_company(directory: Path) -> None:
    with pytest.raises(UsageError, match="there is no company 997443; did you mean 99744"):
        run("config", "show", "997443", "--config", str(directory))


@pytest.mark.parametrize("dialect", sorted(init.USUAL))
def test_init_writes_what_check_finds_fine(tmp_path: Path, dialect: str) -> None:
    target = tmp_path / "new"
    text = run("init", str(target), "--dialect", dialect)
    assert 'set mode = "act"' in text
    assert "config check" in text
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    file = target / "baileykeep.toml"
    for path in ("/etc/baileykeep/gateway_secret", "/etc/baileykeep/gateway_key"):
        file.write_text(file.read_text().replace(path, str(secret)))
    settings = load(target, {})
    assert settings.installation.mode == "observe"
    assert settings.gateways["main"].dialect == dialect
    assert (target / "companies").is_dir()


def test_init_takes_options(tmp_path: Path) -> None:
    options = ("--url", "http://10.0.0.1:1", "--sessions", "/x/c_{company}", "--log", '/x/"odd"\\.log')
    run("init", str(tmp_path), *options)
    gateway = load(tmp_path, {}).gateways["main"]
    assert (gateway.url, gateway.sessions, gateway.logs[0].path) == (
        "http://10.0.0.1:1",
        ("/x/c_{company}",),
        '/x/"odd"\\.log',
    )


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "baileykeep.toml").write_text("mine")
    with pytest.raises(Refused, match="exists and is not overwritten"):
        run("init", str(tmp_path))
    with pytest.raises(Refused):  # not even when it came between the look and the writing
        init.write(tmp_path, init.USUAL["ai-admin"])
    assert (tmp_path / "baileykeep.toml").read_text() == "mine"


def test_init_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    from baileykeep.model.errors import BaileykeepError

    with pytest.raises(BaileykeepError, match="cannot write"):
        run("init", str(tmp_path / "file" / "below"))


def test_comments_of_init_are_real_settings(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    file = tmp_path / "baileykeep.toml"
    live = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in file.read_text().splitlines()]
    (tmp_path / "t").write_text("https://hc.example/x")
    (tmp_path / "t").chmod(0o600)
    text = "\n".join(line for line in live if "company_regex" not in line and "…" not in line)
    for name in ("telegram_token", "heartbeat_url"):
        text = text.replace(f"/etc/baileykeep/{name}", str(tmp_path / "t"))
    file.write_text(text)
    settings = load(tmp_path, {})
    assert settings.installation.telegram.chats == (-1001234567890,)
    assert settings.installation.heartbeat.url
