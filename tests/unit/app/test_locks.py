from __future__ import annotations

import os
from pathlib import Path

import pytest

from baileykeep.app.locks import daemon_lock, daemon_locks, offline_lock
from baileykeep.model.errors import BaileykeepError, Refused


def test_only_one_daemon(tmp_path: Path) -> None:
    with daemon_lock(tmp_path):
        assert (tmp_path / "daemon.lock").read_text() == f"{os.getpid()}\n"
        with pytest.raises(Refused) as caught, daemon_lock(tmp_path):
            pass
        assert caught.value.code == "already_running"
    with daemon_lock(tmp_path):
        pass


def test_only_one_daemon_writes_backups_whatever_its_state_folder(tmp_path: Path) -> None:
    ours, theirs, backups = tmp_path / "ours", tmp_path / "theirs", tmp_path / "backups"
    with daemon_locks(ours, backups):
        with pytest.raises(Refused, match="backups"), daemon_locks(theirs, backups):
            pass
        assert all(path.name.startswith(".") for path in backups.iterdir()), "no company is called so"
    with daemon_locks(theirs, backups), daemon_locks(ours, tmp_path / "others"):
        pass


def test_one_folder_may_be_both(tmp_path: Path) -> None:
    with daemon_locks(tmp_path, tmp_path), pytest.raises(Refused), daemon_locks(tmp_path, tmp_path):
        pass


def test_a_daemon_and_an_offline_command_exclude_each_other(tmp_path: Path) -> None:
    with daemon_lock(tmp_path), pytest.raises(Refused), offline_lock(tmp_path):
        pass
    with offline_lock(tmp_path), pytest.raises(Refused), daemon_lock(tmp_path):
        pass


def test_offline_commands_do_not_bar_each_other(tmp_path: Path) -> None:
    with offline_lock(tmp_path), offline_lock(tmp_path), pytest.raises(Refused), daemon_lock(tmp_path):
        pass


def test_an_unusable_state_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(BaileykeepError, match=r"daemon\.lock"), daemon_lock(tmp_path / "state"):
        pass
