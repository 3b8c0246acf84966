"""The page on copies off this host, done as it says: its configurations are loaded, its way back is walked."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from baileykeep.config import load
from tests.unit.auth_folders import contents, copy_of
from tests.unit.cli.conftest import Result, Run, config, run

PAGE = (Path(__file__).parents[2] / "docs" / "offsite.md").read_text()
TABLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
GATEWAY = """
state_dir = "{0}/state"
backups_dir = "{0}/backups"
[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:9"
sessions = "{0}/sessions/company_{{company}}"
"""

__all__ = ["config", "run"]
"""Fixtures of the command line's own tests."""


def commands(title: str) -> list[str]:
    """The command lines of one chapter, in order."""
    chapter = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("table", TABLES, ids=["folder", "bucket"])
def test_what_it_shows_can_be_loaded(tmp_path: Path, table: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("made-up")
    secret.chmod(0o600)
    table = table.replace("/etc/baileykeep/secrets/offsite_secret", str(secret))
    (tmp_path / "baileykeep.toml").write_text(GATEWAY.format(tmp_path) + table)
    assert load(tmp_path, {}).installation.offsite.to


def test_it_is_done_as_it_says_from_the_key_to_the_new_host(
    tmp_path: Path, run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sessions = tmp_path / "sessions"
    old = copy_of("auth-7", sessions / "company_997441")
    login = contents(old)
    (tmp_path / "nas").mkdir()

    def done(line: str) -> Result:
        words = shlex.split(line.replace("/opt/ai-admin/baileys_sessions", str(sessions)))
        if words[0] == "mkdir":
            Path(words[-1]).mkdir(parents=True)
            return Result(0, "", "")
        assert words[0] == "baileykeep"
        return run(*words[1:])

    keygen, *tries = commands("Setting it up")
    public = done(keygen).out.split()[0]
    table = re.sub("age1[0-9a-z]+", public, TABLES[0]).replace("/mnt/nas/baileykeep", f"{tmp_path}/nas")
    (config / "baileykeep.toml").write_text(f"{GATEWAY.format(tmp_path)}{table}same_disk = true\n")
    assert run("backup", "create", "997441").code == 0
    assert tries == [
        "baileykeep config check",
        "baileykeep doctor",
        "baileykeep offsite push",
        "baileykeep offsite verify",
    ]
    answers = [done(line) for line in tries]
    assert "copies off this host" in answers[1].out
    assert [answers[n].code for n in (0, 2, 3)] == [0, 0, 0]

    for lost in ("sessions", "state", "backups"):
        shutil.rmtree(tmp_path / lost, ignore_errors=True)
    for line in commands("The host is lost"):
        answer = done(line)
        assert answer.code == 0, f"{line}: {answer.err}"
    back = contents(sessions / "company_997441")
    assert back == {n: d for n, d in login.items() if not n.startswith(("session-", "sender-key-"))}
