from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from baileykeep.app.locks import daemon_lock, daemon_locks, offline_lock, unusable
from baileykeep.model.errors import BaileykeepError, Refused


def test_only_one_daemon(tmp_path: Path) -> None:
    with daemon_lock(tmp_path):
        assert (tmp_path / "daemon.lock").read_text() == f"daemon {os.getpid()}\n"
        with pytest.raises(Refused) as caught, daemon_lock(tmp_path):
            pass
        assert caught.value.code == "already_running"
        assert f"another daemon (pid {os.getpid()})" in caught.value.cause
        assert f"kill {os.getpid()}" in caught.value.next_step
    with daemon_lock(tmp_path):
        pass


def test_who_bars_a_daemon_is_told_also_when_it_is_a_command(tmp_path: Path) -> None:
    said = pytest.raises(Refused, match=rf"a command .*pid {os.getpid()}")
    with offline_lock(tmp_path), said as caught, daemon_lock(tmp_path):
        pass
    assert "wait until it is done" in caught.value.next_step


@pytest.mark.parametrize("text", ["daemon 1\n", "daemon 4194304999\n", "", "daemon \u0663\n", "x" * 5000])
def test_what_a_dead_holder_left_written_bars_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemon.lock").write_text(text)
    with daemon_lock(tmp_path):
        assert (tmp_path / "daemon.lock").read_text() == f"daemon {os.getpid()}\n"


def test_a_holder_that_nobody_can_name_is_not_misnamed(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    with daemon_lock(tmp_path):
        (tmp_path / "daemon.lock").write_text(f"daemon {dead.pid}\n")
        with pytest.raises(Refused, match="another daemon, or a command") as caught, daemon_lock(tmp_path):
            pass
    assert str(dead.pid) not in f"{caught.value.cause} {caught.value.next_step}"


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "free some room"), (errno.EROFS, "read-only"), (errno.ENOLCK, "no locks")]
)
def test_a_disk_that_takes_no_lock_is_named_with_its_remedy(tmp_path: Path, number: int, said: str) -> None:
    found = unusable(tmp_path / "daemon.lock", OSError(number, os.strerror(number)))
    assert os.strerror(number) in found.cause
    assert said in found.next_step


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
