import sqlite3
import stat
from pathlib import Path

import anyio
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from baileykeep.journal.database import open_sqlite
from baileykeep.journal.schema import metadata
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import JournalError
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST

pytestmark = pytest.mark.asyncio
AT = 1_800_000_000.0
STARTED = Entry(AT, EntryKind.DAEMON_STARTED, HOST)


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await SqlJournal.open(path)
    await journal.write([STARTED])
    await journal.aclose()
    journal = await SqlJournal.open(path)
    assert [e.kind for e in await journal.entries()] == [EntryKind.DAEMON_STARTED]
    await journal.aclose()


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    journal = await SqlJournal.open(path)
    await journal.write([STARTED])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await journal.aclose()


async def test_a_write_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    journal = await SqlJournal.open(tmp_path / "journal.db")
    await journal.write([STARTED])
    with sqlite3.connect(tmp_path / "journal.db") as other:
        assert other.execute("select count(*) from entries").fetchone() == (1,)
        assert other.execute("pragma journal_mode").fetchone() == ("wal",)
    other.close()
    async with journal._reads.connect() as connection:
        assert (await connection.exec_driver_sql("pragma synchronous")).scalar_one() == 2
    await journal.aclose()


async def test_migrations_lead_to_the_declared_tables(tmp_path: Path) -> None:
    engine = await open_sqlite(tmp_path / "journal.db")

    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(difference) == []
    await engine.dispose()


async def test_a_database_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await (await SqlJournal.open(path)).aclose()
    with sqlite3.connect(path) as other:
        other.execute("update alembic_version set version_num = '9999'")
    other.close()
    with pytest.raises(JournalError, match="newer version") as caught:
        await SqlJournal.open(path)
    assert (caught.value.code, caught.value.permanent) == ("journal_too_new", True)
    assert caught.value.next_step


@pytest.mark.parametrize("content", [b"not a database at all " * 400, b"SQLite format 3\0" + b"\xff" * 8000])
async def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.db") as caught:
        await SqlJournal.open(path)
    assert caught.value.code == "journal_corrupt"
    assert path.read_bytes() == content


async def test_a_page_damaged_later_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await SqlJournal.open(path)
    await journal.write([Entry(AT, EntryKind.CONFIG, HOST, data={"x": "y" * 3000}) for _ in range(50)])
    await journal.aclose()
    raw = bytearray(path.read_bytes())
    raw[4096 * 12 :] = b"\xa5" * (len(raw) - 4096 * 12)
    path.write_bytes(raw)
    with pytest.raises(JournalError) as caught:
        await _read_all(path)
    assert caught.value.code == "journal_corrupt"


async def _read_all(path: Path) -> None:
    journal = await SqlJournal.open(path)
    try:
        await journal.entries()
    finally:
        await journal.aclose()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be opened"):
        await SqlJournal.open(tmp_path / "file" / "journal.db")


async def test_a_journal_held_by_another_process_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await SqlJournal.open(path)
    async with journal._reads.connect() as connection:
        await connection.exec_driver_sql("pragma busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(JournalError) as caught:
        await journal.write([STARTED])
    assert caught.value.code == "journal_locked"
    other.execute("rollback")
    other.close()
    await journal.write([STARTED])
    assert len(await journal.entries()) == 1
    await journal.aclose()


async def test_a_cancelled_write_is_whole_or_absent_and_the_journal_goes_on(tmp_path: Path) -> None:
    journal = await SqlJournal.open(tmp_path / "journal.db")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.write, [STARTED] * 200)
        await anyio.sleep(0)
        tasks.cancel_scope.cancel()
    assert len(await journal.entries()) in (0, 200)
    await journal.write([STARTED])
    await journal.aclose()


async def test_space_is_given_back_after_pruning(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await SqlJournal.open(path)
    await journal.write([Entry(AT, EntryKind.CONFIG, HOST, data={"x": "y" * 3000}) for _ in range(600)])
    await journal.prune(before=AT + 1, max_bytes=10**9)
    await journal.aclose()
    assert path.stat().st_size < 200_000
