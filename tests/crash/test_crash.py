"""Twenty rounds of `make crash`, and that its checks see what they are there for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind
from baileykeep.stores.files import FileStore
from tests.crash.archives import copies, leftovers, lock_holders
from tests.crash.checks import After, _calls, _files, _told
from tests.crash.processes import REPO, environment
from tests.crash.troubles import Struck
from tests.crash.watched import Company, Folder, folder
from tests.unit.auth_folders import copy_of


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_rounds_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.crash", "--rounds", "20", "--parallel", "4", "--json", f"{tmp_path}/sum"]
    ended = subprocess.run(command, cwd=REPO, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr[-8000:]}"
    done = json.loads((tmp_path / "sum").read_text())
    assert done["rounds"] >= 20
    assert done["failures"] == []
    assert done["kills"] >= done["rounds"]
    assert len(done["killed_in"]) >= 5, done["killed_in"]
    assert done["copies_read"] > 0


# --- the checks themselves ------------------------------------------------------------------------------------------


@pytest.fixture
def auth(tmp_path: Path) -> Path:
    """A real 6.x folder."""
    return copy_of("auth-6", tmp_path / "auth")


@pytest.fixture
def backups(tmp_path: Path, auth: Path) -> Path:
    """A cold copy of it."""
    Vault(tmp_path / "backups").create(FileStore("1", auth), BackupKind.COLD, 1_800_000_000.0)
    return tmp_path / "backups"


def wrong(before: Folder, auth: Path, backups: Path, *struck: Struck, scanned: bool = False) -> list[str]:
    """What is found wrong with a folder that was like `before`."""
    return list(_files("1", before, Company(folder(auth), copies(backups, "1")), list(struck), scanned))


def session(auth: Path) -> Path:
    """Some session file."""
    return next(path for path in sorted(auth.iterdir()) if path.name.startswith("session-"))


def test_nothing_is_wrong_with_a_folder_that_nobody_touched(auth: Path, backups: Path) -> None:
    assert wrong(folder(auth), auth, backups) == []


def test_a_file_that_is_gone_is_missed_even_when_a_copy_has_it(auth: Path, backups: Path) -> None:
    before, gone = folder(auth), session(auth)
    gone.unlink()
    assert wrong(before, auth, backups) == [f"1: {gone.name} is gone"]
    assert wrong(before, auth, backups, Struck("danger", "1", may_go=frozenset({gone.name}))) == []


def test_a_file_that_may_go_must_be_in_a_whole_copy(auth: Path, backups: Path) -> None:
    before, gone = folder(auth), session(auth)
    gone.unlink()
    (archive,) = (backups / "1").glob("*.tar.zst")
    archive.write_bytes(archive.read_bytes()[:-100])
    assert copies(backups, "1")[0].problem
    struck = Struck("danger", "1", may_go=frozenset({gone.name}))
    assert wrong(before, auth, backups, struck) == [f"1: {gone.name} is gone and no whole copy has it"]


def test_a_changed_file_a_new_identity_and_ids_that_went_back_are_seen(auth: Path, backups: Path) -> None:
    before = folder(auth)
    session(auth).write_text("{}")
    assert wrong(before, auth, backups) == [f"1: {session(auth).name} has other content than before"]
    creds = json.loads((auth / "creds.json").read_bytes())
    (auth / "creds.json").write_text(json.dumps({**creds, "nextPreKeyId": 1}))
    assert any("went back" in problem for problem in wrong(before, auth, backups))
    other = {**creds, "signedIdentityKey": {"public": "another", "private": "x"}}
    (auth / "creds.json").write_text(json.dumps(other))
    assert wrong(before, auth, backups) == ["1: another identity lies there, and nobody scanned"]


def test_an_owner_and_a_mode_are_seen(auth: Path, backups: Path) -> None:
    before = folder(auth)
    session(auth).chmod(0o640)
    assert wrong(before, auth, backups) == ["1: owner or mode of something changed"]


NOTHING = After({}, [], [], [], {}, kills=1, all_kills=1)


def entry(kind: str, step: str, at: float = 1.0) -> dict[str, Any]:
    """A journal entry about company 1's action a1."""
    return {"kind": kind, "subject": "company:1", "action": "a1", "at": at, "data": {"step": step}}


def call(verb: str, at: float = 2.0) -> dict[str, Any]:
    """A request that the gateway got."""
    return {"company": "1", "verb": verb, "at": at}


def test_a_call_without_an_intent_is_seen() -> None:
    assert list(_calls("1", replace(NOTHING, calls=[call("stop")]))) == [
        "1: stopped 1 times, with 0 intents in the journal"
    ]
    opened = replace(NOTHING, calls=[call("reconnect")])
    assert list(_calls("1", opened)) == ["1: opened 1 times, with 0 + 0 intents in the journal"]


def test_a_step_that_was_repeated_without_a_kill_is_seen() -> None:
    steps = [entry("step_begun", "backup")] * 2
    assert list(_calls("1", replace(NOTHING, entries=steps, kills=1))) == []
    assert len(list(_calls("1", replace(NOTHING, entries=steps, kills=0)))) == 1


def test_a_dead_login_that_is_opened_is_seen() -> None:
    dead = Struck("removed", "1", dead_at=1.5)
    intents = [entry("step_begun", "reconnect"), entry("step_begun", "set_aside", at=3.0)]
    for at, seen in ((1.0, 0), (2.0, 1), (4.0, 0)):
        after = replace(NOTHING, struck=[dead], entries=intents, calls=[call("reconnect", at)])
        assert len(list(_calls("1", after))) == seen


class Shown:
    """A message as people see it."""

    def __init__(self, plain: str):
        self.plain = plain
        self.history: list[Any] = []


def test_a_story_that_lost_a_line_is_seen() -> None:
    incident = {"story": [{"text": "One."}, {"text": "Two."}]}
    assert list(_told("i1", incident, Shown("Acme\n10:00 One.\n10:01 Two."))) == []
    assert list(_told("i1", incident, Shown("Acme\n10:01 Two.\n10:00 One."))) != []
    assert list(_told("i1", incident, Shown("Acme\n10:00 One."))) != []


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A file that this process holds a lock on."""
    from baileykeep.app.locks import daemon_lock

    with daemon_lock(tmp_path):
        yield tmp_path / "daemon.lock"


def test_who_holds_a_lock_and_what_was_left_over_is_seen(held: Path, tmp_path: Path) -> None:
    assert lock_holders(held) == [os.getpid()]
    assert lock_holders(tmp_path / "none") == []
    (tmp_path / ".baileykeep-0123456789abcdef.tmp").touch()
    assert leftovers(tmp_path) == [f"{tmp_path}/.baileykeep-0123456789abcdef.tmp"]
