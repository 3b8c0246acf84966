from __future__ import annotations

import os
from pathlib import Path

import pytest

from baileykeep.app.locks import company_lock, daemon_lock, offline_lock
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
    with daemon_lock(tmp_path), pytest.raises(Refused), offline_lock(tmp_path, "7"):
        pass
    with offline_lock(tmp_path, "7"), pytest.raises(Refused), daemon_lock(tmp_path):
        pass


def test_offline_commands_share_the_machine_but_not_a_company(tmp_path: Path) -> None:
    with offline_lock(tmp_path, "7"), offline_lock(tmp_path, "8"):
        with pytest.raises(Refused) as caught, offline_lock(tmp_path, "7"):
            pass
        assert caught.value.code == "company_busy"
    with offline_lock(tmp_path, "7"):
        pass


def test_a_company_can_be_held_beside_a_running_daemon(tmp_path: Path) -> None:
    with daemon_lock(tmp_path), company_lock(tmp_path, "7"), pytest.raises(Refused), company_lock(tmp_path, "7"):
        pass


@pytest.mark.parametrize("company", ["", "..", "a/b"])
def test_a_lock_never_leaves_its_folder(tmp_path: Path, company: str) -> None:
    with pytest.raises(BaileykeepError, match="cannot be a company's id"), company_lock(tmp_path, company):
        pass


def test_an_unusable_state_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(BaileykeepError, match=r"daemon\.lock"), daemon_lock(tmp_path / "state"):
        pass
