"""What a `[gateways.*.process]` table becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.app.parts import make_process
from baileykeep.config.load import load
from baileykeep.config.process_tables import SAMPLES, WORDS, ProcessTable
from baileykeep.processes.find import kinds

MAIN = """\
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:1"
sessions = "{root}/auth/{{company}}"

[gateways.main.process]
"""


def table(root: Path, text: str, environ: dict[str, str] | None = None) -> ProcessTable:
    (root / "baileykeep.toml").write_text(MAIN.format(root=root) + text)
    return load(root, environ or {}).gateways["main"].process


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ('manager = "pm2"\nname = "gw"\npm2_home = "/h/.pm2"', ("pm2", "/h/.pm2", "gw")),
        ('manager = "systemd"\nunit = "gw.service"', ("systemd", "system", "gw")),
        ('manager = "systemd"\nunit = "gw.service"\nuser = false', ("systemd", "system", "gw")),
        ('manager = "systemd"\nunit = "gw.service"\nuser = true', ("systemd", "user", "gw")),
        ('manager = "docker"\ncontainer = "shop-gw-1"\nsocket = "/x/d.sock"', ("docker", "/x/d.sock", "shop-gw-1")),
        ('manager = "supervisord"\nprogram = "gw"\nsocket = "/x/s.sock"', ("supervisord", "/x/s.sock", "gw:gw")),
        ('manager = "supervisord"\nprogram = "a:b"\nurl = "http://127.0.0.1:9001"', ("supervisord", None, "a:b")),
    ],
)
def test_each_table_becomes_the_manager_of_that_process(
    tmp_path: Path, text: str, identity: tuple[str, str | None, str]
) -> None:
    made = make_process(table(tmp_path, text))
    assert made is not None
    assert (made.identity.kind, made.identity.where, made.identity.name) == identity


def test_none_has_no_manager(tmp_path: Path) -> None:
    assert make_process(table(tmp_path, "")) is None


def test_every_kind_has_its_keys() -> None:
    assert {*WORDS, "none"} == set(kinds())
    assert set(SAMPLES) == set(WORDS)


def test_a_password_comes_from_a_file_or_the_environment_and_never_shows(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    secret.chmod(0o600)
    text = 'manager = "supervisord"\nprogram = "gw"\nusername = "anna"\n'
    for found in (
        table(tmp_path, f'{text}password_file = "{secret}"'),
        table(tmp_path, f'{text}password_env = "PASS"', {"PASS": "geheim"}),
        table(tmp_path, text, {"BAILEYKEEP_GATEWAYS__MAIN__PROCESS__PASSWORD": "geheim"}),
    ):
        assert found.options()["password"] == "geheim"
        made = make_process(found)
        assert "geheim" not in f"{found!r} {made!r} {vars(made)!r}"
