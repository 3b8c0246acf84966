"""What people see when something goes wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from baileykeep.cli.failures import run_guarded
from baileykeep.cli.installation import DEFAULT_STATE_DIR, config_dir, state_dir
from baileykeep.cli.installation import daemon as way_to_daemon
from baileykeep.config.schema import Installation
from baileykeep.model.errors import BaileykeepError, ConfigError
from tests.unit.cli.conftest import Daemon, Run


def test_a_wrong_command_and_a_wrong_option_are_usage_errors(run: Run) -> None:
    for words in (["helth"], ["health", "--colour"], ["explain"], []):
        assert run(*words).code == 2
    assert "Did you mean 'health'?" in run("helth").err


def test_the_unexpected_is_one_line_and_a_hint_unless_debugging(daemon: Daemon, run: Run) -> None:
    daemon(explain={"unexpected": True})
    short = run("explain", "7")
    assert short.code == 1
    assert "this should not have happened: KeyError" in short.err
    assert "Traceback" not in short.err
    assert "Traceback" in run("explain", "7", "--debug").err


def test_secrets_do_not_reach_the_terminal(daemon: Daemon, run: Run) -> None:
    secret, phone = "abcdef123456", "4915112345678"
    daemon(explain=BaileykeepError(f"api_key={secret} was refused", next_step=f"check phone {phone}"))
    err = run("explain", "7").err
    assert "was refused" in err
    assert secret not in err
    assert phone not in err


def test_the_daemon_is_found_although_the_configuration_is_wrong(config: Path, tmp_path: Path) -> None:
    main_file = config / "baileykeep.toml"
    main_file.write_text(main_file.read_text() + "no_such_key = 1\n")
    assert way_to_daemon(config).path == tmp_path / "state" / "control.sock"


@pytest.mark.parametrize("broken", [b"[gateways.ma", b'name = "\xb3\xff', b'state_dir = "/twice"\n'])
def test_the_daemon_is_found_while_its_configuration_is_half_saved(config: Path, tmp_path: Path, broken: bytes) -> None:
    (config / "baileykeep.toml").write_bytes(f'state_dir = "{tmp_path}/state"  # here\n'.encode() + broken)
    assert way_to_daemon(config).path == tmp_path / "state" / "control.sock"


def test_a_configuration_without_one_readable_word_is_named(config: Path, run: Run) -> None:
    (config / "baileykeep.toml").write_bytes(b"\xb3\xff = [")
    told = run("health", "--config", str(config))
    assert told.code == 2
    assert "baileykeep.toml" in told.err


def test_the_environment_wins_over_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILEYKEEP_STATE_DIR", "/elsewhere")
    assert state_dir(config) == Path("/elsewhere")


def test_a_relative_state_folder_is_beside_the_configuration(config: Path) -> None:
    (config / "baileykeep.toml").write_text('state_dir = "../state"\n')
    assert state_dir(config).resolve() == (config.parent / "state").resolve()


def test_the_cli_and_the_daemon_agree_on_the_default(config: Path) -> None:
    assert Installation.model_fields["state_dir"].default == DEFAULT_STATE_DIR


def test_a_file_that_is_no_toml_names_itself(config: Path) -> None:
    (config / "baileykeep.toml").write_text("state_dir = \n")
    with pytest.raises(ConfigError, match=r"baileykeep\.toml"):
        state_dir(config)


def test_no_configuration_anywhere(tmp_path: Path, run: Run) -> None:
    with pytest.raises(ConfigError, match="no configuration") as caught:
        config_dir(None, places=(tmp_path / "nowhere", tmp_path))
    assert "`baileykeep init`" in caught.value.next_step
    assert run("health", "--config", str(tmp_path / "nowhere")).code == 2


def test_version_and_help_start_quickly() -> None:
    for words, limit_s in ((["--version"], 0.4), (["health", "--help"], 1.5)):
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "baileykeep", *words], capture_output=True, check=False)
        assert done.returncode == 0
        assert time.monotonic() - begun < limit_s * 5  # a busy machine; the figure itself is in the benchmarks


def test_heavy_libraries_are_not_imported_for_light_commands() -> None:
    code = (
        "import sys; from baileykeep.cli.root import app; "
        "print([m for m in ('pydantic', 'rich', 'fastapi', 'sqlalchemy', 'httpx', 'aiogram') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_is_fine_and_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(["--help"]) == 0
    assert "health" in capsys.readouterr().out
