"""Configuration that was put there to hang, crash or mislead: pipes, devices, folders, endless nesting, odd names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from baileykeep.app.reload import ConfigWatcher
from baileykeep.cli.installation import state_dir
from baileykeep.clock import VirtualClock
from baileykeep.config import BadConfig, load, load_partial
from baileykeep.config.load import settle
from baileykeep.config.sources import read_sources
from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import ConfigError, UsageError
from tests.unit.app.test_reload import Daemon
from tests.unit.config.conftest import MAIN

pytestmark = pytest.mark.timeout(20)
DEEP = "a = " + "[" * 20_000 + "]" * 20_000
LONG = "a = " + "9" * 5_000
ROOT = os.geteuid() == 0


def placed(kind: str, path: Path) -> None:
    """Put something at a path that is no plain file."""
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "endless device":
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    elif kind == "link to an endless device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"x" * 3_000_000)


KINDS = ["pipe", "folder", "link to itself", "link to an endless device", "huge file"]
KINDS += ["endless device"] if ROOT else []


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "companies").mkdir()
    (tmp_path / "dialects").mkdir()
    (tmp_path / "baileykeep.toml").write_text(MAIN)
    (tmp_path / "companies" / "1.toml").write_text('name = "one"\n')
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_installation_that_is_no_file_is_named_and_never_waited_for(directory: Path, kind: str) -> None:
    placed(kind, directory / "baileykeep.toml")
    with pytest.raises(BadConfig, match=r"baileykeep\.toml: (cannot be read|is larger)"):
        load(directory, {})


@pytest.mark.parametrize("kind", KINDS)
def test_company_file_that_is_no_file_holds_that_company_alone(directory: Path, kind: str) -> None:
    (directory / "companies" / "2.toml").write_text('name = "two"\n')
    placed(kind, directory / "companies" / "1.toml")
    settings, problems = load_partial(directory, None, {})
    assert [problem.file for problem in problems if not problem.warning] == ["companies/1.toml"]
    assert settings.held == {"1"}
    assert settings.company("2").facts.name == "two"


@pytest.mark.parametrize("kind", KINDS)
def test_secret_file_that_is_no_file_is_a_problem(directory: Path, kind: str) -> None:
    placed(kind, directory / "token")
    (directory / "baileykeep.toml").write_text(MAIN + '[telegram]\ntoken_file = "token"\nchats = [1]\nusers = [1]\n')
    if kind == "huge file":
        return
    with pytest.raises(BadConfig, match=r"telegram\.token_file names .*token, which cannot be read"):
        load(directory, {})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "huge file"])
def test_dialect_that_is_no_file_is_not_waited_for(directory: Path, kind: str) -> None:
    placed(kind, directory / "dialects" / "mine.toml")
    (directory / "baileykeep.toml").write_text(MAIN.replace("ai-admin", "mine"))
    with pytest.raises(BadConfig, match="dialect"):
        load(directory, {})


def test_certificates_in_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ca.pem")
    spec = GatewaySpec("main", "http://127.0.0.1:9", ca_file=str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match="ca_file"):
        HttpGateway(spec, load_dialect("ai-admin"))


@pytest.mark.parametrize("kind", KINDS)
def test_commands_that_look_for_the_daemon_do_not_hang(directory: Path, kind: str) -> None:
    placed(kind, directory / "baileykeep.toml")
    with pytest.raises(ConfigError, match=r"cannot read .*baileykeep\.toml"):
        state_dir(directory)


@pytest.mark.parametrize("text", [DEEP, LONG, "a = 1\x00", "a = '\x1b[2J'"])
def test_text_that_breaks_parsers_is_a_problem_that_names_the_file(directory: Path, text: str) -> None:
    for name in ("baileykeep.toml", "companies/1.toml"):
        before = (directory / name).read_text()
        (directory / name).write_text(text)
        with pytest.raises(BadConfig) as caught:
            load(directory, {})
        assert {problem.file for problem in caught.value.problems} == {name}
        (directory / name).write_text(before)
    (directory / "dialects" / "mine.toml").write_text(text)
    with pytest.raises(UsageError, match="mine"):
        load_dialect("mine", (directory / "dialects",))
    (directory / "baileykeep.toml").write_text(text)
    if text in (DEEP, LONG):
        with pytest.raises(ConfigError, match=r"baileykeep\.toml"):
            state_dir(directory)


@pytest.mark.asyncio
@pytest.mark.parametrize("text", [DEEP, LONG])
async def test_running_daemon_survives_text_that_breaks_parsers(directory: Path, text: str) -> None:
    daemon = Daemon()
    watched = ConfigWatcher(directory, VirtualClock(), daemon, load(directory, {}), environ={})
    (directory / "companies" / "1.toml").write_text(text)
    problems = await watched.reload()
    assert [problem.file for problem in problems] == ["companies/1.toml"]
    assert watched.settings.company("1").facts.name == "one"
    assert daemon.changes == []


@pytest.mark.parametrize(
    "line",
    [
        'state_dir = "~nobody-of-this-name/x"',
        'state_dir = "/tmp/a\\u0000b"',
        'gateways.main.sessions = "/tmp/a\\u0000b/{company}"',
        'gateways.main.logs = [{path = "/x", company_regex = "(?P<company>a{99999999999999999999})"}]',
        'gateways.main.ca_file = "/a\\u001b[2Jb"',
        'http.listen = "\\u0000:80"',
        'http.listen = "' + "a" * 70 + ':80"',
        'network.online = "' + "a" * 70 + ':80"',
        'gateways.main.url = "http://127.0.0.1:99999"',
        'gateways.main.url = "http://a b/"',
        'heartbeat.url = "http://[::1"',
        'timezone = "../../../etc/passwd"',
        'timezone = "a\\u0000"',
        "limits.disconnect.warn_after = " + "9" * 400,
        'telegram.chats = "' + "[" * 9_000 + '"',
    ],
)
def test_values_that_would_fail_later_are_problems_now(directory: Path, line: str) -> None:
    text = MAIN.strip().splitlines()
    dotted = line.partition(" = ")[0].removeprefix("gateways.main.")
    kept = "\n".join(one for one in text if one.partition(" = ")[0] != dotted)
    (directory / "baileykeep.toml").write_text(kept if "gateways" in line else f"{line}\n{kept}")
    if "gateways" in line:
        with (directory / "baileykeep.toml").open("a") as file:
            file.write("\n" + line.removeprefix("gateways.main.") + "\n")
    with pytest.raises(BadConfig) as caught:
        load(directory, {})
    for problem in caught.value.problems:
        assert problem.file == "baileykeep.toml"
        assert problem.key


@pytest.mark.parametrize("ident", ["../../etc", "a/b", "..", "x\ny", "\x1b[2J", "a" * 65, "café"])
def test_environment_cannot_name_a_company_that_leaves_its_folder(directory: Path, ident: str) -> None:
    environ = {f"BAILEYKEEP_COMPANIES__{ident}__NAME": "x"}
    settings, problems = load_partial(directory, None, environ)
    assert set(settings.companies) == {"1"}
    assert ["does not name a company" in problem.reason for problem in problems] == [True]


@pytest.mark.parametrize("name", ["a b", "x\ny", "\x1b[31mred", "日本", "-x", "a" * 65])
def test_company_files_with_odd_names_are_reported_and_not_companies(directory: Path, name: str) -> None:
    (directory / "companies" / f"{name}.toml").write_text('name = "odd"\n')
    settings, problems = settle(read_sources(directory), None, {})
    assert set(settings.companies) == {"1"}
    assert [problem.reason for problem in problems] == ["is not named after a company"]


def test_company_file_whose_name_is_no_text_is_reported(directory: Path) -> None:
    with open(os.fsencode(directory) + b"/companies/\xff\xfe.toml", "w") as file:
        file.write("")
    _, problems = settle(read_sources(directory), None, {})
    assert [problem.reason for problem in problems] == ["is not named after a company"]
