"""`inspect`, `cleanup` and `backup`: through the daemon, without one by the configuration, and of a bare folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from baileykeep.app.locks import daemon_lock
from baileykeep.backups.vault import Vault
from baileykeep.stores.files import FileStore
from tests.fakes.overview import company
from tests.unit.auth_folders import age, contents
from tests.unit.cli.conftest import Daemon, Run
from tests.unit.cli.test_acts import action

INVENTORY: dict[str, Any] = {
    "total": 172,
    "counted": 160,
    "level": "critical",
    "reclaimable": 20,
    "paired": True,
    "phone": "***1234",
    "categories": {"session": 100, "pre_key": 60, "creds": 1, "other": 0},
    "pre_keys": {"count": 60, "newest": 60, "next_id": 61, "pool_bound": 35, "anomalies": ["pre-key-99.json"]},
}
PLAN: dict[str, Any] = {
    "remove": [{"name": "session-4915112345678.0.json", "type": "session", "age_days": 40.2, "reason": "old"}] * 45,
    "kept": {"session": 55, "creds": 1},
    "reclaimable": 45,
    "level_after": "healthy",
}


def test_inspect_asks_the_daemon_where_there_is_one(daemon: Daemon, run: Run) -> None:
    control = daemon(inspect=INVENTORY)
    result = run("inspect", "7")
    assert result.code == 0
    assert "critical, 160 counted of 172 files" in result.out
    assert "100 session, 60 pre key, 1 creds" in result.out
    assert "pre-key-99.json" in result.out
    assert run("inspect", "7", "--json").json == INVENTORY
    assert control.asked("inspect") == [{"company": "7"}] * 2


def test_inspect_needs_no_daemon(run: Run, store: FileStore) -> None:
    by_name, by_folder = run("inspect", "7", "--json"), run("inspect", "--folder", str(store.folder), "--json")
    assert (by_name.code, by_name.json["total"], by_name.json["paired"]) == (0, 44, True)
    assert by_name.json == by_folder.json


@pytest.mark.parametrize("words", [[], ["7", "--folder", "/tmp"], ["--folder", "/no/such/folder"]])
@pytest.mark.parametrize("command", ["inspect", "cleanup"])
def test_one_target_is_needed(run: Run, command: str, words: list[str]) -> None:
    assert run(command, *words).code == 2


def test_a_plan_by_the_daemon_shows_no_contacts_number(daemon: Daemon, run: Run) -> None:
    control = daemon(plan=PLAN)
    result = run("cleanup", "7", "--dry-run", "--policy", "newest", "--force")
    assert result.code == 0
    assert "4915112345678" not in result.out
    assert "… and 5 more; --json lists all" in result.out
    assert "45 files would go; level after it: healthy" in result.out
    assert control.asked("plan") == [{"company": "7", "policy": "newest", "force": True}]


def test_a_plan_for_another_time_is_made_here(daemon: Daemon, run: Run, store: FileStore) -> None:
    control = daemon(plan=PLAN)
    result = run("cleanup", "7", "--dry-run", "--now", "2020-01-01T00:00:00Z", "--json")
    assert (result.code, result.json["remove"]) == (0, [])
    assert control.calls == []


def test_pretended_ages_never_remove_anything(run: Run, store: FileStore) -> None:
    before = contents(store.folder)
    for target in (["7"], ["--folder", str(store.folder)]):
        result = run("cleanup", *target, "--stopped", "--now", "2040-01-01T00:00:00Z")
        assert result.code == 2
    assert contents(store.folder) == before


@pytest.mark.parametrize(("level", "warned"), [("excellent", True), ("critical", False)])
def test_a_cleanup_runs_in_the_daemon(daemon: Daemon, run: Run, level: str, warned: bool) -> None:
    files = {"total": 40, "counted": 40, "level": level, "reclaimable": 0}
    control = daemon(cleanup={"action": "a-1"}, action=action(outcome="done"), company=company("7", files=files))
    result = run("cleanup", "7", "--force")
    assert (result.code, "pointless and suspicious" in result.err) == (0, warned)
    assert control.asked("cleanup") == [{"company": "7", "force": True}]


def test_without_a_daemon_a_cleanup_needs_the_operators_word(run: Run, store: FileStore) -> None:
    before = contents(store.folder)
    result = run("cleanup", "7")
    assert result.code == 3
    assert "--stopped" in result.err
    assert contents(store.folder) == before


def test_without_a_daemon_a_cleanup_goes_by_the_configuration(run: Run, store: FileStore, tmp_path: Path) -> None:
    result = run("cleanup", "7", "--stopped", "--json")
    assert result.code == 0
    assert len(result.json["removed"]) > 0
    assert len(contents(store.folder)) == 44 - len(result.json["removed"])
    kept = Vault(tmp_path / "backups").list("7")
    assert [backup.name for backup in kept] == [result.json["backup"]]


def test_no_offline_change_while_a_daemon_holds_the_lock(run: Run, store: FileStore, tmp_path: Path) -> None:
    before = contents(store.folder)
    with daemon_lock(tmp_path / "state"):
        for words in (["cleanup", "7", "--stopped"], ["backup", "restore", "7", "--stopped"]):
            assert run(*words).code == 3
    assert contents(store.folder) == before


def test_a_bare_folder_needs_a_place_for_the_backup_and_a_word(run: Run, store: FileStore, tmp_path: Path) -> None:
    before = contents(store.folder)
    folder, place = ["--folder", str(store.folder)], ["--backups", str(tmp_path / "b")]
    for words in ([], ["--stopped"], place):
        assert run("cleanup", *folder, *words).code == 3
    assert contents(store.folder) == before
    assert run("cleanup", *folder, *place, "--stopped").code == 0
    assert contents(store.folder) != before


def test_backups_of_a_company_by_the_daemon(daemon: Daemon, run: Run) -> None:
    control = daemon(backup={"action": "a-1"}, restore={"action": "a-2"}, action=action())
    assert run("backup", "create", "7").code == 0
    assert run("backup", "restore", "7", "--mode", "full", "--backup", "N").code == 0
    assert control.asked("backup") == [{"company": "7"}]
    assert control.asked("restore") == [{"company": "7", "mode": "full", "backup": "N"}]


def test_backups_of_a_company_without_a_daemon(run: Run, store: FileStore) -> None:
    made = run("backup", "create", "7", "--json").json
    assert (made["files"], made["company"]) == (44, "7")
    assert [one["name"] for one in run("backup", "list", "7", "--json").json] == [made["name"]]
    assert run("backup", "verify", "7", "--json").json["sha256"] == made["sha256"]
    (store.folder / "creds.json").write_bytes(b"")
    age(store.folder, 1, time.time())
    assert run("backup", "restore", "7", "--stopped").code == 0
    assert store.creds().paired


def test_backups_of_a_bare_folder(run: Run, store: FileStore, tmp_path: Path) -> None:
    where = ["--folder", str(store.folder), "--to", str(tmp_path / "elsewhere")]
    made = run("backup", "create", *where, "--json").json
    assert {"name", "files", "bytes", "sha256"} <= made.keys()
    assert run("backup", "verify", *where, "--backup", made["name"]).code == 0
    assert run("backup", "list", *where).code == 0
    assert run("backup", "restore", *where, "--stopped").code == 0


@pytest.mark.parametrize(
    "words",
    [["create", "--folder", "/tmp"], ["list", "7", "--to", "/tmp"], ["restore", "7", "--mode", "half"], ["verify"], []],
)
def test_wrong_backup_words_are_usage_errors(run: Run, words: list[str]) -> None:
    assert run("backup", *words).code == 2


def test_all_backups_go_on_after_a_failure(daemon: Daemon, run: Run) -> None:
    ended = [action(outcome="failed", note="disk full"), action(outcome="done")]
    daemon(overview={"companies": [{"id": "1"}, {"id": "2"}]}, backup={"action": "a"}, action=list(ended))
    result = run("backup", "all")
    assert result.code == 1
    assert result.out.splitlines() == ["1: disk full", "2: backed up", "1 company backed up, 1 failed"]


def test_all_backups_without_a_daemon(run: Run, store: FileStore) -> None:
    result = run("backup", "all", "--json")
    assert result.code == 0
    assert [(one["company"], one["error"]) for one in result.json] == [("7", None)]
