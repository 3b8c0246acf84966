"""What `doctor` looks at on this machine: folders, logs, the journal."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baileykeep.cli.words import count
from baileykeep.model.errors import BaileykeepError

if TYPE_CHECKING:
    from baileykeep.config import Settings
    from baileykeep.config.discover import Placement, Survey

OK, WARN, FAIL = "ok", "warn", "fail"
LOW_DISK = 0.05
JOURNAL = "journal.db"
"""As in `app.lifecycle`, which takes seconds to import; a test holds both against each other."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, what that means, and what to do about it."""

    name: str
    state: str
    text: str
    next_step: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line as data."""
        return asdict(self)


def named(name: str, state: str, error: BaileykeepError) -> Check:
    """An error as a line."""
    return Check(name, state, error.cause, error.next_step)


def state_dir(path: Path) -> Check:
    """Where the journal and the control socket will lie."""
    return _own_folder("state folder", path)


def backups_dir(path: Path) -> Check:
    """Where copies of logins lie: nobody else may read them."""
    check = _own_folder("backups", path)
    if check.state == FAIL or not path.is_dir():
        return check
    with os.scandir(path) as entries:
        lax = [e.name for e in entries if e.is_dir(follow_symlinks=False) and e.stat().st_mode & 0o077]
    if lax:
        text = f"others can look into {path / lax[0]}" + (f" and {len(lax) - 1} more" if lax[1:] else "")
        return Check("backups", WARN, text, "the daemon shuts them at its next start; who may have read them?")
    return check


def _own_folder(name: str, path: Path) -> Check:
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Check(name, OK, f"{path} will be made at the first start")
        return Check(name, FAIL, f"{path} is not there, and {parent} is not ours to write", f"make it: mkdir -p {path}")
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Check(name, FAIL, f"{path} cannot be written", "give it to the daemon's user")
    free = shutil.disk_usage(path)
    if free.free / free.total < LOW_DISK:
        return Check(name, WARN, f"{path}: only {free.free // 2**20} MB free", "a full disk zeroes creds: make room")
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()):
        return Check(
            name, FAIL, f"{path} belongs to user {found.st_uid}", f"give it to the daemon's user: chown {path}"
        )
    if found.st_mode & 0o022:
        return Check(name, FAIL, f"{path} can be written by others", f"look what lies in it, then chmod 700 {path}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        return Check(name, WARN, f"{path} can be read by others", f"chmod 700 {path}")
    return Check(name, OK, f"{path} can be written")


def journal(folder: Path) -> Check:
    """Whether an existing journal can be read and is whole."""
    path = folder / JOURNAL
    try:
        if not path.exists():
            return Check("journal", OK, "none yet; it is made at the first start")
        if path.is_symlink() or not path.is_file():
            return Check("journal", FAIL, f"{path} is not a plain file", "move it away; it is made at the next start")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (OSError, sqlite3.Error) as error:
        return Check("journal", FAIL, f"{path} cannot be read: {error}", "run this as the daemon's user")
    if verdict != "ok":
        return Check("journal", FAIL, f"{path} is damaged: {verdict}", "stop the daemon and move it away")
    return Check("journal", OK, f"{path} is whole")


def folders(settings: Settings, found: Survey) -> Iterator[Check]:
    """Every company's auth folder: one line when all are fine, else a line each."""
    placed = found.placed
    for oddity in found.oddities:
        yield Check("companies", FAIL if oddity.unasked else WARN, f"{oddity.path} {oddity.reason}")
    if not placed:
        yield _nobody(settings)
    good, unseen = 0, sum(not place.reachable for place in placed.values())
    for ident, place in placed.items():
        if place.folder is None:
            continue
        problem = _folder(place.folder, place.present)
        if problem is None:
            good += 1
        else:
            yield Check(f"company {ident}", FAIL, f"{place.folder} {problem[0]}", problem[1])
    if good:
        yield Check("companies", OK, f"{count(good, 'company', 'companies')} with a folder that can be read and kept")
    if unseen:
        yield Check("companies", OK, f"{count(unseen, 'company', 'companies')} whose auth files are not watched")
    yield from _rows(settings, placed)


def _nobody(settings: Settings) -> Check:
    gateways, dialects = settings.gateways, settings.dialects
    if any(table.by_list and dialects[name].bulk is not None for name, table in gateways.items()):
        return Check("companies", OK, "none has a file; the daemon watches whomever the gateway's list names")
    if all(table.auth_store == "none" for table in gateways.values()):
        return Check("companies", FAIL, "no company was found", "write a file companies/ID.toml for each")
    return Check("companies", FAIL, "no company was found", "does the sessions layout match the folders?")


def _rows(settings: Settings, placed: Mapping[str, Placement]) -> Iterator[Check]:
    """Each gateway's tables: whether they may be changed, and how much its gateway lets us do with them."""
    from baileykeep.config.logins import store_of

    for name, table in settings.gateways.items():
        mine = [place for place in placed.values() if place.gateway == name and place.row is not None]
        if table.postgres is None or not mine:
            continue
        store, where = store_of(settings, mine[0]), table.postgres.spec().place
        try:
            if store is not None:
                store.check_writable()
        except BaileykeepError as error:
            yield named(f"rows of {name}", FAIL, error)
            continue
        yield Check(f"rows of {name}", OK, f"{count(len(mine), 'company', 'companies')} in the {where}")


def _folder(path: Path, present: bool) -> tuple[str, str] | None:
    if not present:
        return "is not there", "is the gateway's folder mounted, and the layout right?"
    if not os.access(path, os.R_OK | os.X_OK):
        return "cannot be read", "run the daemon as the gateway's user or as root"
    if not os.access(path, os.W_OK):
        return "cannot be written, so nothing can be repaired", "run the daemon as the gateway's user or as root"
    if os.geteuid() not in (0, path.stat().st_uid):
        return "belongs to another user, so owners cannot be kept", "run the daemon as the gateway's user or as root"
    return None
