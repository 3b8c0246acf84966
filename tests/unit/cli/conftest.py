"""A configuration folder whose daemon is a fake on a real socket, and a way to run the command line against it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baileykeep.cli import act, main, offline, progress
from baileykeep.stores.files import FileStore
from tests.fakes.control import Answer, FakeControl, serving
from tests.unit.auth_folders import copy_of


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]
Daemon = Callable[..., FakeControl]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between two looks that people do not notice, but hundreds of tests do."""
    for module, name in ((offline, "REREAD_S"), (progress, "POLL_S"), (act, "POLL_S")):
        monkeypatch.setattr(module, name, 0.01)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`--config` by environment, so that tests read like what people type."""
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "state").mkdir()
    (folder / "baileykeep.toml").write_text(f'state_dir = "{tmp_path / "state"}"\n')
    monkeypatch.setenv("BAILEYKEEP_CONFIG", str(folder))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.delenv("BAILEYKEEP_STATE_DIR", raising=False)
    return folder


@pytest.fixture
def daemon(config: Path, tmp_path: Path) -> Iterator[Daemon]:
    """Starts a fake daemon that answers as told."""
    with ExitStack() as stack:

        def start(**answers: Answer | list[Answer]) -> FakeControl:
            return stack.enter_context(serving(FakeControl(answers), tmp_path / "state" / "control.sock"))

        yield start


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in this process."""

    def _run(*words: str) -> Result:
        with pytest.raises(SystemExit) as end:
            main(words)
        captured = capsys.readouterr()
        return Result(int(end.value.code or 0), captured.out, captured.err)

    return _run


@pytest.fixture
def store(config: Path, tmp_path: Path) -> FileStore:
    """Company 7 of a configured gateway that nobody answers for, with a login from the samples, 40 days old."""
    (config / "baileykeep.toml").write_text(
        f"""
        state_dir = "{tmp_path}/state"
        backups_dir = "{tmp_path}/backups"
        [gateways.main]
        dialect = "ai-admin"
        url = "http://127.0.0.1:9"
        sessions = "{tmp_path}/sessions/company_{{company}}"
        """
    )
    return FileStore("7", copy_of("auth-6", tmp_path / "sessions" / "company_7", days=40, now=time.time()))
