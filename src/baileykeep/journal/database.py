"""Opening the journal's database: file modes, pragmas, migrations, and errors that say what to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio.to_thread
import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from baileykeep.journal.rows import to_json
from baileykeep.model.errors import JournalError

log = structlog.get_logger(__name__)

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process's transaction."""

_PRAGMAS: Mapping[str, str] = {
    "busy_timeout": str(int(BUSY_TIMEOUT_S * 1000)),
    "auto_vacuum": "INCREMENTAL",  # only takes effect on a database that has no table yet
    "journal_mode": "WAL",
    "synchronous": "FULL",  # an intent must survive the loss of power, not only of the process
    "journal_size_limit": str(16 * 1024 * 1024),
}


async def open_sqlite(path: Path) -> AsyncEngine:
    """The engine of the journal at `path`, created or migrated to the newest shape. Raises `JournalError`."""
    await anyio.to_thread.run_sync(_prepare, path)
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", json_serializer=to_json, pool_size=3, max_overflow=0, hide_parameters=True
    )
    _configure(engine)
    try:
        async with engine.execution_options(writes=True).begin() as connection:
            await connection.run_sync(migrate, str(path))
    except SQLAlchemyError as error:
        await engine.dispose()
        raise explained(error, str(path)) from error
    except (CommandError, ValueError, TypeError) as error:
        await engine.dispose()
        raise damaged(str(path)) from error
    except BaseException:
        await engine.dispose()
        raise
    return engine


def _prepare(path: Path) -> None:
    """Folder 0700 and file 0600 before SQLite creates them with the umask; its side files copy the file's mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in (path, *(side for name in ("-wal", "-shm") if (side := Path(f"{path}{name}")).exists())):
            _make_private(file)
    except OSError as error:
        cause = f"the journal {path} cannot be opened: {error.strerror or error}"
        step = "is it a plain file, and its folder ours and not full? a journal elsewhere needs a state_dir there"
        raise JournalError(cause, next_step=step, permanent=True) from error


def _make_private(file: Path) -> None:
    """Never through a link: what it leads to is not ours to create or to shut."""
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(file, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a plain file")
        if found.st_mode & 0o077:
            log.warning("journal_was_open_to_others", path=str(file), mode=f"{found.st_mode & 0o777:o}", now="600")
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _configure(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        cursor = connection.cursor()
        for name, value in _PRAGMAS.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(connection: Connection, label: str) -> None:
    """Bring the database to the newest shape; one from a newer version is refused, untouched."""
    config = Config()
    config.set_main_option("script_location", str(files("baileykeep.journal") / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in known:
            cause = f"the journal {label} was written by a newer version (schema {revision})"
            step = "start the newer version again, or name another journal file"
            raise JournalError(cause, next_step=step, code="journal_too_new", permanent=True)
    command.upgrade(config, "head")


_KNOWN: tuple[tuple[str, str, str, bool], ...] = (
    ("locked", "journal_locked", "another process holds it; stop that one, then try again", False),
    ("busy", "journal_locked", "another process holds it; stop that one, then try again", False),
    ("not a database", "journal_corrupt", "move the file aside and start again; sessions are not affected", True),
    ("malformed", "journal_corrupt", "move the file aside and start again; sessions are not affected", True),
    ("disk is full", "journal_full", "free some space on its volume", False),
    ("readonly", "journal_readonly", "check the owner and mode of the file and of its folder", False),
    ("unable to open", "journal_unopened", "check that its folder exists and may be written", False),
    ("disk i/o error", "journal_io", "check the volume; move the file aside if it stays", False),
)


def damaged(label: str) -> JournalError:
    """What is stored there is not what was written."""
    step = "move the file aside and start again; sessions are not affected"
    cause = f"journal {label}: what it holds cannot be read"
    return JournalError(cause, next_step=step, code="journal_corrupt", permanent=True)


def explained(error: SQLAlchemyError, label: str) -> JournalError:
    """A database error as one that names the journal and the remedy, without statements or values."""
    if isinstance(error, StatementError) and isinstance(error.orig, TypeError | ValueError):
        return JournalError(f"journal {label}: a value cannot be stored as JSON", permanent=True)
    text = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
    if "decode to utf-8" in text.lower():  # it would quote what is stored
        return damaged(label)
    for needle, code, step, permanent in _KNOWN:
        if needle in text.lower():
            return JournalError(f"journal {label}: {text}", next_step=step, code=code, permanent=permanent)
    return JournalError(f"journal {label}: {text}", next_step="see the daemon's log for what came before")
