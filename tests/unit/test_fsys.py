from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from baileykeep.fsys import Fsys, Owner, is_bare, is_temp
from baileykeep.model.errors import Refused
from tests.unit.auth_folders import CrashError, Crashing, Failing


def put(fsys: Fsys, folder: Path, data: bytes = b"new", mode: int = 0o640) -> None:
    with fsys.folder(folder) as opened:
        fsys.write(opened, "a.json", data, mode=mode, mtime=1000.5)


def test_a_write_is_whole_and_has_mode_and_time(tmp_path: Path) -> None:
    put(Fsys(), tmp_path)
    found = (tmp_path / "a.json").stat()
    assert (found.st_mode & 0o7777, found.st_mtime) == (0o640, 1000.5)
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("kind", [Crashing, Failing])
def test_at_every_step_there_is_the_old_file_or_the_new_one(
    tmp_path: Path, kind: type[Crashing] | type[Failing]
) -> None:
    steps = Crashing(0)
    (tmp_path / "count").mkdir()
    put(steps, tmp_path / "count")
    assert len(steps.done) >= 5
    for step in range(1, len(steps.done) + 1):
        folder = tmp_path / str(step)
        folder.mkdir()
        (folder / "a.json").write_bytes(b"old")
        with pytest.raises((CrashError, OSError)):
            put(kind(step), folder)
        assert (folder / "a.json").read_bytes() in (b"old", b"new")
        others = [name for name in os.listdir(folder) if name != "a.json"]
        assert all(is_temp(name) for name in others)
        if kind is Failing:
            assert others == []
        with Fsys().folder(folder) as opened:
            Fsys().sweep(opened)
        assert os.listdir(folder) == ["a.json"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    folder, outside = tmp_path / "auth", tmp_path / "outside"
    folder.mkdir()
    outside.write_bytes(b"precious")
    (folder / "a.json").symlink_to(outside)
    put(Fsys(), folder)
    assert outside.read_bytes() == b"precious"
    assert not (folder / "a.json").is_symlink()


def test_a_linked_folder_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match=r"directory|link"), Fsys().folder(tmp_path / "link"):
        raise AssertionError("it was opened")


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/etc/passwd", "a\x00b"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    assert not is_bare(name)
    with Fsys().folder(tmp_path) as opened:
        for act in (Fsys().remove, Fsys().entry):
            with pytest.raises(OSError, match="leave its folder"):
                act(opened, name)
        with pytest.raises(OSError, match="leave its folder"):
            Fsys().write(opened, name, b"", mode=0o600)
        with pytest.raises(OSError, match="leave its folder"):
            Fsys().read(opened, name, 10)
    assert os.listdir(tmp_path) == []


def test_odd_and_large_files_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 11)
    (tmp_path / "link").symlink_to(tmp_path / "large")
    with Fsys().folder(tmp_path) as opened:
        for name in ("pipe", "large", "link"):
            with pytest.raises(OSError):  # noqa: PT011  - the reasons differ by system
                Fsys().read(opened, name, 10)
        assert len(Fsys().read(opened, "large", 11)) == 11


def test_owner_is_given_where_it_differs(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    with Fsys().folder(tmp_path) as opened:
        Fsys().write(opened, "a", b"", mode=0o600, owner=Owner(4242, 4343))
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (4242, 4343, 0o600)


def test_a_lock_has_one_holder_and_says_who(tmp_path: Path) -> None:
    path, lock = tmp_path / "lock", Fsys().lock
    with lock(path):
        with pytest.raises(Refused, match=f"pid {os.getpid()}") as caught, lock(path):
            raise AssertionError("two hold it")
        assert caught.value.code == "locked"
    with lock(path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_bars_nobody_from_the_lock() -> None:
    """/dev/full takes a lock and no byte."""
    with (
        Fsys().lock(Path("/dev/full"), wait=True),
        pytest.raises(Refused),
        Fsys().lock(Path("/dev/full")),
    ):
        raise AssertionError("two hold it")


class Blind(Fsys):
    """No folder can be listed and no name looked at, as on a disk that dies."""

    def looking(self, operation: str, name: str) -> None:
        if operation in ("list", "stat"):
            raise OSError(errno.EIO, "Input/output error")


def test_a_folder_that_cannot_be_looked_at_is_no_absent_one(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output"):
        Blind().is_folder(tmp_path)
    assert not Fsys().is_folder(tmp_path / "nowhere")
