"""State that is broken, newer, somebody else's or open to all when the daemon starts: one sentence, nothing lost."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import anyio
import pytest
import structlog.testing

from baileykeep.app.lifecycle import run
from baileykeep.app.private import make_private
from baileykeep.cli.checks import FAIL, WARN, backups_dir, journal, state_dir
from baileykeep.config import load
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import BaileykeepError, JournalError, Refused
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST
from tests.integration.test_cannot_start import configured

ROOT = os.geteuid() == 0
pytestmark = pytest.mark.timeout(60)


async def fill(path: Path) -> None:
    """A journal with some history."""
    db = await SqlJournal.open(path)
    for number in range(40):
        await db.write([Entry(1e9 + number, EntryKind.OPERATOR, HOST, data={"text": "x" * 500})])
    await db.remember({("host", "companies"): {"1": "main"}})
    await db.aclose()


async def use(path: Path) -> None:
    """What a starting daemon does with it."""
    db = await SqlJournal.open(path)
    try:
        for key in ("companies", "detectors", "holds", "action"):
            await db.recall(key)
        await db.entries()
        await db.open_incidents()
        await db.pending_notices(0)
    finally:
        await db.aclose()


def outcome(work: Callable[[Path], Awaitable[None]], path: Path) -> str:
    """The code of the error, "fine" without one; anything but a JournalError that names the file fails the test."""
    error = None
    try:
        anyio.run(work, path)
    except JournalError as found:
        error = found
    assert error is None or (str(path) in error.cause and error.next_step)
    return error.code if error else "fine"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    anyio.run(fill, path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["noise", "text", "zeros", "a header", "a half", "a page less", "a byte less"])
def test_a_broken_journal_is_named_with_its_remedy_and_kept(kind: str, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    data = {
        "noise": random.Random(7).randbytes(9000), "text": b"hello " * 3000, "zeros": bytes(len(whole)),
        "a header": whole[:100], "a half": whole[: len(whole) // 2], "a page less": whole[:-4096],
        "a byte less": whole[:-1],
    }[kind]  # fmt: skip
    path.write_bytes(data)
    assert outcome(use, path) == "journal_corrupt"
    assert path.exists()
    assert kind.endswith("less") or path.read_bytes() == data
    assert path.stat().st_size >= len(data)


def test_any_changed_byte_is_harmless_or_an_error_with_a_sentence(whole: bytes, tmp_path: Path) -> None:
    path, dice = tmp_path / "journal.db", random.Random(3)
    found = set()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 5, 200])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        for old in tmp_path.glob("journal.db*"):
            old.unlink()
        path.write_bytes(data)
        found.add(outcome(use, path))
    assert {"fine", "journal_corrupt"} <= found


def test_a_journal_from_a_newer_version_is_left_as_it_is(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = 'v9999'")
        db.commit()
    assert outcome(use, path) == "journal_too_new"
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (40,)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "dangling link", "link to a device", "socket"])
def test_a_journal_that_is_no_file_is_refused_and_what_a_link_leads_to_is_left_alone(kind: str, tmp_path: Path) -> None:
    path, target = tmp_path / "journal.db", tmp_path / "target"
    target.write_text("not ours")
    target.chmod(0o644)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    else:
        path.symlink_to({"link": target, "dangling link": tmp_path / "nowhere"}.get(kind, Path("/dev/zero")))
    assert outcome(use, path) == "journal"
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("not ours", 0o644)
    assert not (tmp_path / "nowhere").exists()
    assert journal(tmp_path).state == FAIL or kind == "dangling link"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_journal_is_its_owners_alone_and_one_that_was_not_is_told_of(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    before = os.umask(umask)
    try:
        anyio.run(fill, path)
        assert {stat.S_IMODE(file.stat().st_mode) for file in (path, path.parent)} == {0o600, 0o700}
        path.chmod(0o664)
        with structlog.testing.capture_logs() as logs:
            anyio.run(use, path)
    finally:
        os.umask(before)
    assert [line["event"] for line in logs] == ["journal_was_open_to_others"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_that_is_no_text_can_be_journaled(tmp_path: Path) -> None:
    async def write_and_read() -> str:
        db = await SqlJournal.open(tmp_path / "journal.db")
        await db.write([Entry(1e9, EntryKind.CONFIG, HOST, data={"text": "companies/\udcff\udcfe.toml"})])
        found = await db.entries()
        await db.aclose()
        return str(found[0].data["text"])

    assert anyio.run(write_and_read) == "companies/??.toml"


# --- the daemon's start -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"hello " * 3000, b"\x00" * 4096])
def test_a_daemon_does_not_start_on_a_broken_journal(data: bytes, tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.db").write_bytes(data)
    with pytest.raises(JournalError, match=r"state/journal\.db") as caught:
        run(config)
    assert (caught.value.exit_code, "move the file aside" in caught.value.next_step) == (1, True)
    assert (tmp_path / "state" / "journal.db").read_bytes() == data


@pytest.mark.parametrize("name", ["state", "backups"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o722])
def test_folders_open_to_writers_are_shut_and_told_of(name: str, mode: int, tmp_path: Path) -> None:
    settings = load(configured(tmp_path), {})
    (tmp_path / name).mkdir()
    (tmp_path / name).chmod(mode)
    check = state_dir if name == "state" else backups_dir
    assert check(tmp_path / name).state == FAIL
    with structlog.testing.capture_logs() as logs:
        make_private(settings)
    assert [(line["event"], line["path"]) for line in logs] == [("folder_was_open_to_others", str(tmp_path / name))]
    assert (tmp_path / name).stat().st_mode & 0o022 == 0


def test_backups_that_stood_open_are_shut_and_told_of(tmp_path: Path) -> None:
    settings = load(configured(tmp_path), {})
    lax = tmp_path / "backups" / "1"
    lax.mkdir(parents=True)
    (tmp_path / "backups").chmod(0o700)
    lax.chmod(0o755)
    (lax / "x.tar.zst").touch(0o644)
    (lax / "link").symlink_to(tmp_path / "config" / "baileykeep.toml")
    before = (tmp_path / "config" / "baileykeep.toml").stat().st_mode
    assert backups_dir(tmp_path / "backups").state == WARN
    with structlog.testing.capture_logs() as logs:
        make_private(settings)
    assert [line["event"] for line in logs] == ["backups_were_open_to_others"]
    assert (stat.S_IMODE(lax.stat().st_mode), stat.S_IMODE((lax / "x.tar.zst").stat().st_mode)) == (0o700, 0o600)
    assert (tmp_path / "config" / "baileykeep.toml").stat().st_mode == before
    assert backups_dir(tmp_path / "backups").state != WARN


@pytest.mark.skipif(not ROOT, reason="only root can give a folder away and become somebody else")
@pytest.mark.parametrize("name", ["state", "backups"])
def test_folders_of_somebody_else_are_refused_or_told_of(name: str, tmp_path: Path) -> None:
    settings = load(configured(tmp_path), {})
    (tmp_path / name).mkdir()
    os.chown(tmp_path / name, 12345, 12345)
    with structlog.testing.capture_logs() as logs:
        make_private(settings)
    assert [line["event"] for line in logs] == ["folder_is_not_ours"]
    other = "backups" if name == "state" else "state"
    os.chown(tmp_path / other, 4321, 4321)
    assert state_dir(tmp_path / name).state == FAIL
    os.seteuid(4321)
    try:
        with pytest.raises((Refused, BaileykeepError), match=r"belongs to user 12345|cannot be made"):
            make_private(settings)
    finally:
        os.seteuid(0)
