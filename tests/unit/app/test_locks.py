from __future__ import annotations

import os
from pathlib import Path

import pytest

from baileykeep.app.locks import daemon_lock, offline_lock
from baileykeep.model.errors import BaileykeepError, Refused


def test_only_one_daemon(tmp_path: Path) -> None:
    with daemon_lock(tmp_path):
        assert (tmp_path / "daemon.lock").read_text() == f"{os.getpid()}\n"
        with pytest.raises(Refused) as caught, daemon_lock(tmp_path):
            pass
        assert caught.value.code == "already_running"
    with daemon_lock(tmp_path):
        pass


def test_a_daemon_and_an_offline_command_exclude_each_other(tmp_path: Path) -> None:
    with daemon_lock(tmp_path), pytest.raises(Refused), offline_lock(tmp_path):
        pass
    with offline_lock(tmp_path), pytest.raises(Refused), daemon_lock(tmp_path):
        pass


def test_offline_commands_do_not_bar_each_other(tmp_path: Path) -> None:
    with offline_lock(tmp_path), offline_lock(tmp_path):
        pass


def test_an_unusable_state_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(BaileykeepError, match=r"daemon\.lock"), daemon_lock(tmp_path / "state"):
        pass
