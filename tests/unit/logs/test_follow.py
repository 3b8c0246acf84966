from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baileykeep.logs import follow
from baileykeep.logs.follow import Follower, Mark, Position


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


class Reader:
    """A follower that collects what it reads, and can be restarted from its position as JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.follower = Follower(path)

    def poll(self) -> bytes:
        """What one look brings; END is shown as `|`, GAP as `?`."""
        self.now += 0.25
        marks = {Mark.END: b"|", Mark.GAP: b"?"}
        return b"".join(marks[one] if isinstance(one, Mark) else one for one in self.follower.read(self.now))

    def restart(self, pending: int = 0) -> None:
        place = self.follower.position(pending, 0.0)
        assert place is not None
        self.follower.close()
        self.follower = Follower(self.path, Position.from_json(json.loads(json.dumps(place.to_json()))))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.log"


@pytest.fixture
def reader(path: Path) -> Reader:
    """A reader that has seen `old` and nothing else."""
    path.write_bytes(b"old\n")
    reader = Reader(path)
    assert reader.poll() == b""
    return reader


def test_a_first_start_begins_at_the_end(reader: Reader, path: Path) -> None:
    append(path, b"new\n")
    assert reader.poll() == b"new\n"
    assert reader.poll() == b""


def test_the_rest_of_a_line_that_was_half_written_at_the_start_is_skipped(path: Path) -> None:
    path.write_bytes(b"old\nhalf a li")
    reader = Reader(path)
    reader.poll()
    append(path, b"ne")
    assert reader.poll() == b""
    append(path, b" of old\nnew\n")
    assert reader.poll() == b"new\n"


def test_a_file_that_does_not_exist_yet_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "out.log"
    reader = Reader(path)
    assert reader.poll() == b""
    path.parent.mkdir(parents=True)
    assert reader.poll() == b""
    path.write_bytes(b"first\n")
    assert reader.poll() == b"first\n"
    assert reader.follower.problem is None


def test_it_is_so_across_a_restart(path: Path) -> None:
    reader = Reader(path)
    reader.poll()
    reader.restart()
    path.write_bytes(b"first\n")
    assert reader.poll() == b"first\n"


def test_rename_and_create(reader: Reader, path: Path) -> None:
    append(path, b"a\nhalf")
    reader.poll()
    path.rename(path.with_name("out.log.1"))
    append(path.with_name("out.log.1"), b" done\n")
    assert reader.poll() == b" done\n"
    path.write_bytes(b"b\n")
    append(path.with_name("out.log.1"), b"late\n")
    assert reader.poll() == b"late\n"
    assert reader.poll() == b"|b\n"
    assert reader.poll() == b""


def test_the_old_file_is_not_left_for_an_empty_one(reader: Reader, path: Path) -> None:
    """The writer keeps its descriptor until somebody tells it to reopen."""
    old = path.with_name("out.log.1")
    path.rename(old)
    path.touch()
    for word in (b"x\n", b"y\n"):
        assert reader.poll() == b""
        append(old, word)
        assert reader.poll() == word


def test_an_old_file_that_never_gets_quiet_is_left_after_a_while(reader: Reader, path: Path) -> None:
    old = path.with_name("out.log.1")
    path.rename(old)
    path.write_bytes(b"new\n")
    seen = b""
    for _ in range(40):
        append(old, b"x")
        seen += reader.poll()
    assert b"new\n" in seen
    assert reader.now <= 10.0 + follow.SWITCH_AFTER_S


def test_copy_and_truncate(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    assert reader.poll() == b"a\n"
    append(path, b"b\n")
    shutil.copy(path, path.with_name("out__2026-11-20_00-00-00.log"))
    os.truncate(path, 0)
    append(path, b"c\n")
    assert reader.poll() == b"b\n|c\n"
    append(path, b"d\n")
    assert reader.poll() == b"d\n"


def test_truncated_and_grown_past_the_old_place_before_anybody_looked(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    reader.poll()
    append(path, b"b\n")
    shutil.copy(path, path.with_name("out.log.1"))
    path.write_bytes(b"c\n" * 100)
    assert reader.poll() == b"b\n|" + b"c\n" * 100


def test_truncated_and_grown_to_the_same_size_in_the_same_moment(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    assert reader.poll() == b"a\n"
    written_ns = path.stat().st_mtime_ns
    path.write_bytes(b"new\nb\n")
    os.utime(path, ns=(written_ns, written_ns))
    assert reader.poll() == b"|new\nb\n"


def test_truncated_without_a_copy_after_all_was_read_is_no_gap(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    reader.poll()
    path.write_bytes(b"c\n")
    assert reader.poll() == b"|c\n"


def test_truncated_unread_is_a_gap(reader: Reader, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "BUDGET", 10)
    monkeypatch.setattr(follow, "CHUNK", 10)
    append(path, b"123456789\n" * 3)
    assert reader.poll() == b"123456789\n"
    assert reader.follower.more
    path.write_bytes(b"c\n")
    assert reader.poll() == b"?|c\n"


def test_a_neighbour_that_only_looks_alike_is_not_taken_for_the_copy(reader: Reader, path: Path) -> None:
    """Standard error of another gateway may hold the very same lines."""
    append(path, b"a\n")
    reader.poll()
    for name in ("out-error.log", "other.log"):
        path.with_name(name).write_bytes(b"old\na\nnot ours\n")
    older = path.with_name("out.log.7")
    older.write_bytes(b"old\na\nnot ours either\n")
    os.utime(older, (1, 1))
    path.write_bytes(b"c\n")
    assert reader.poll() == b"|c\n"


def test_a_restart_goes_on_where_it_was(reader: Reader, path: Path) -> None:
    append(path, b"a\nhalf")
    assert reader.poll() == b"a\nhalf"
    reader.restart(pending=4)
    append(path, b" done\n")
    assert reader.poll() == b"half done\n"


def test_the_position_holds_no_text(reader: Reader, path: Path) -> None:
    append(path, b"4915122222222 secret\n")
    reader.poll()
    place = reader.follower.position(0, 0.0)
    assert place is not None
    assert "secret" not in json.dumps(place.to_json())
    assert "4915122222222" not in json.dumps(place.to_json())


def test_rotated_during_a_restart(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    reader.poll()
    append(path, b"b\n")
    reader.restart()
    path.rename(path.with_name("anything.txt"))
    path.write_bytes(b"c\n")
    assert reader.poll() == b"b\n"
    assert reader.poll() == b"|c\n"


def test_rotated_twice_during_a_restart_is_a_gap(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    reader.poll()
    reader.restart()
    old = path.with_name("out.log.2")
    path.rename(old)
    os.utime(old, (1, 1))
    path.with_name("out.log.1").write_bytes(b"never seen\n")
    path.write_bytes(b"c\n")
    assert reader.poll() == b"?|c\n"


def test_rotated_and_removed_during_a_restart_is_a_gap(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    reader.poll()
    reader.restart()
    keep_inode_busy = path.open("rb")
    path.unlink()
    path.write_bytes(b"c\n")
    assert reader.poll() == b"?c\n"
    keep_inode_busy.close()


def test_truncated_during_a_restart(reader: Reader, path: Path) -> None:
    append(path, b"a\nhalf")
    reader.poll()
    append(path, b" done\n")
    reader.restart(pending=4)
    shutil.copy(path, path.with_name("out.log.1"))
    path.write_bytes(b"c\n" * 100)
    assert reader.poll() == b"half done\n|" + b"c\n" * 100


def test_truncated_during_a_restart_without_a_copy_is_a_gap(reader: Reader, path: Path) -> None:
    append(path, b"a\n")
    reader.poll()
    reader.restart()
    path.write_bytes(b"c\n")
    assert reader.poll() == b"?|c\n"


def test_what_cannot_be_read_is_a_problem_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "out.log"
    path.mkdir()
    reader = Reader(path)
    assert reader.poll() == b""
    assert reader.follower.problem == "is not a regular file"
    path.rmdir()
    path.write_bytes(b"history\n")
    assert reader.poll() == b""
    append(path, b"new\n")
    assert reader.poll() == b"new\n"
    assert reader.follower.problem is None


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "out.log"
    os.mkfifo(path)
    reader = Reader(path)
    assert reader.poll() == b""
    assert reader.follower.problem is not None


def test_descriptors_are_given_back(reader: Reader, path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for n in range(5):
        path.rename(path.with_name(f"out.log.{n + 1}"))
        path.write_bytes(b"x\n")
        reader.poll()
        reader.poll()
    assert len(os.listdir("/proc/self/fd")) == before
    reader.follower.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"inode": 1}, "x", {**Position(1).to_json(), "offset": -1}, {**Position(1).to_json(), "at": "x"}],
)
def test_a_position_that_makes_no_sense_is_none(value: object) -> None:
    assert Position.from_json(value) is None


STEPS = st.lists(st.sampled_from(["write", "poll", "rename", "truncate", "restart", "gone"]), max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_line_is_lost_or_repeated_whatever_rotation_does(steps: list[str], tmp_path: Path) -> None:
    """Copies are kept and lines are unique, so everything that was written must come out exactly once, in order."""
    folder = tmp_path / f"case{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    path = folder / "out.log"
    reader = Reader(path)
    reader.poll()
    written, rotated, seen = 0, 0, b""
    for step in [*steps, "write", "poll", "poll", "poll"]:
        if step == "write":
            append(path, b"line %d of the log\n" % written)
            written += 1
        elif step in ("rename", "gone") and path.exists() and path.stat().st_size:
            seen += reader.poll() + reader.poll()
            rotated += 1
            path.rename(path.with_name(f"out.log.{rotated}"))
            if step == "rename":
                path.touch()
        elif step == "truncate" and path.exists() and path.stat().st_size:
            seen += reader.poll() + reader.poll()
            rotated += 1
            shutil.copy(path, path.with_name(f"out.log.{rotated}"))
            os.truncate(path, 0)
        elif step == "restart":
            reader.restart()
        else:
            seen += reader.poll()
    reader.follower.close()
    lines = [line for line in seen.replace(b"|", b"").splitlines() if line != b"?"]
    assert lines == [b"line %d of the log" % n for n in range(written)]
