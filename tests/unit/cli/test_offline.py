from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baileykeep.cli import offline, offline_backup
from baileykeep.cli.failures import tell
from baileykeep.clock import SystemClock
from baileykeep.fsys import Fsys
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.inventory import Category
from baileykeep.rules.masking import mask_name
from tests.unit.auth_folders import age, contents, copy_of
from tests.unit.rules.folders import PHONE

KEYS = {category.value for category in Category}
PLAIN = "2026-11-20T08:15:00Z"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "80")

    def call(command: Callable[..., int], *args: Any, **options: Any) -> Ran:
        try:
            code = command(*args, **({"as_json": True} | options))
        except BaileykeepError as error:
            code = tell(error)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call


@pytest.fixture(params=["auth-6", "auth-7"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return copy_of(request.param, tmp_path / "auth", days=40, now=time.time())


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    return copy_of("auth-7", tmp_path / "auth", days=40, now=time.time())


@pytest.fixture
def six(tmp_path: Path) -> Path:
    return copy_of("auth-6", tmp_path / "auth", days=40, now=time.time())


def test_inspect_tells_its_contract(run: Run, folder: Path) -> None:
    answer = run(offline.inspect_folder, folder).json
    assert set(answer) == {
        "total", "counted", "level", "reclaimable", "paired", "phone", "categories", "pre_keys"
    }  # fmt: skip
    assert (answer["counted"], answer["level"], answer["reclaimable"]) == (44, "excellent", 10)
    assert (answer["paired"], answer["phone"]) == (True, "***0001")
    assert set(answer["categories"]) == KEYS
    assert sum(answer["categories"].values()) == answer["total"]
    assert set(answer["pre_keys"]) == {"count", "newest", "next_id", "pool_bound", "anomalies"}


def test_people_get_it_in_eighty_columns_without_phones(run: Run, folder: Path, tmp_path: Path) -> None:
    shown = [
        run(offline.inspect_folder, folder, as_json=False),
        run(offline.cleanup_folder, folder, dry_run=True, as_json=False),
        run(offline_backup.create, folder, tmp_path / "b", as_json=False),
        run(offline_backup.verify, folder, tmp_path / "b", None, as_json=False),
        run(offline_backup.show, folder, tmp_path / "b", as_json=False),
    ]
    for ran in shown:
        assert ran.code == 0
        lines = [line for line in ran.out.splitlines() if str(tmp_path) not in line]
        assert lines
        assert max(len(line) for line in lines) <= 80
        assert PHONE not in ran.out + ran.err


def test_a_plan_of_forty_days_and_one_of_five(run: Run, folder: Path) -> None:
    plan = run(offline.cleanup_folder, folder, dry_run=True).json
    assert {line["type"] for line in plan["remove"]} == {"session", "sender_key"}
    assert set(plan["remove"][0]) == {"name", "type", "age_days", "reason"}
    assert plan["remove"][0]["age_days"] == pytest.approx(40, abs=0.1)
    assert (plan["reclaimable"], plan["level_after"], set(plan["kept"])) == (10, "excellent", KEYS)
    age(folder, 5, time.time())
    assert run(offline.cleanup_folder, folder, dry_run=True).json["remove"] == []


def test_a_dry_run_may_be_told_the_time(run: Run, six: Path) -> None:
    assert run(offline.cleanup_folder, six, dry_run=True, now="1999-01-01").json["remove"] == []
    assert len(run(offline.cleanup_folder, six, dry_run=True, now="2999-01-01T00:00:00Z").json["remove"]) == 10
    assert run(offline.cleanup_folder, six, dry_run=True, now="soon").code == 2


def test_usage_errors_come_before_refusals(run: Run, six: Path, tmp_path: Path) -> None:
    assert run(offline.cleanup_folder, six, dry_run=False, now=PLAIN).code == 2
    assert run(offline.cleanup_folder, six, dry_run=False, now=PLAIN, stopped=True, backups=tmp_path / "b").code == 2
    assert run(offline.cleanup_folder, six, dry_run=True, policy="oldest").code == 2
    assert run(offline.cleanup_folder, tmp_path / "nowhere", dry_run=True).code == 2
    assert run(offline.inspect_folder, tmp_path / "nowhere").code == 2


def test_newest_is_refused_on_seven_also_for_real(run: Run, seven: Path, tmp_path: Path) -> None:
    before = contents(seven)
    dry = run(offline.cleanup_folder, seven, dry_run=True, policy="newest")
    assert (dry.code, "newest" in dry.err, dry.out) == (3, True, "")
    options: dict[str, Any] = {"dry_run": False, "policy": "newest", "backups": tmp_path / "b", "stopped": True}
    assert run(offline.cleanup_folder, seven, **options).code == 3
    assert contents(seven) == before
    forced = run(offline.cleanup_folder, seven, dry_run=True, policy="newest", force=True)
    assert forced.code == 0


@pytest.mark.parametrize("given", [(), ("stopped",), ("backups",)])
def test_without_place_and_word_nothing_is_touched(run: Run, six: Path, tmp_path: Path, given: tuple[str, ...]) -> None:
    before, stamp = contents(six), six.stat()
    both: dict[str, Any] = {"stopped": True, "backups": tmp_path / "b"}
    ran = run(offline.cleanup_folder, six, dry_run=False, **{name: both[name] for name in given})
    assert ran.code == 3
    assert "--stopped" in ran.err
    after = six.stat()
    assert (contents(six), after.st_mtime_ns) == (before, stamp.st_mtime_ns)


def test_a_real_cleanup_removes_what_the_plan_said(run: Run, folder: Path, tmp_path: Path) -> None:
    whole = contents(folder)
    plan = run(offline.cleanup_folder, folder, dry_run=True).json
    done = run(offline.cleanup_folder, folder, dry_run=False, backups=tmp_path / "b", stopped=True)
    assert done.code == 0
    assert "suspicious" in done.err
    names = {line["name"] for line in plan["remove"]}
    assert set(done.json["removed"]) == names
    left = contents(folder)
    assert names == {mask_name(name) for name in whole if name not in left}
    assert left.items() <= whole.items()
    checked = run(offline_backup.verify, folder, tmp_path / "b", done.json["backup"]).json
    assert (checked["files"], checked["kind"], checked["paired"]) == (len(whole), "cold", True)
    again = run(offline.cleanup_folder, folder, dry_run=False, backups=tmp_path / "b", stopped=True)
    assert (again.code, again.json["backup"], again.json["removed"]) == (0, None, [])


def test_a_cleanup_is_taken_back_in_full(run: Run, six: Path, tmp_path: Path) -> None:
    whole = contents(six)
    done = run(offline.cleanup_folder, six, dry_run=False, backups=tmp_path / "b", stopped=True).json
    back = run(offline_backup.bring_back, six, tmp_path / "b", done["backup"], "full", stopped=True)
    assert back.code == 0
    assert contents(six) == whole


def test_full_is_refused_once_something_was_written(run: Run, six: Path, tmp_path: Path) -> None:
    done = run(offline.cleanup_folder, six, dry_run=False, backups=tmp_path / "b", stopped=True).json
    (six / "session-4915177777777.0.json").write_text("{}")
    os.utime(six / "session-4915177777777.0.json", (time.time() - 60,) * 2)
    ran = run(offline_backup.bring_back, six, tmp_path / "b", done["backup"], "full", stopped=True)
    assert (ran.code, "open since" in ran.err) == (3, True)


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 99], ids=["empty", "torn", "zeroed"])
def test_without_a_paired_login_nothing_is_cleaned(run: Run, six: Path, tmp_path: Path, damage: bytes) -> None:
    (six / "creds.json").write_bytes(damage)
    os.utime(six / "creds.json", (time.time() - 60,) * 2)
    before = contents(six)
    ran = run(offline.cleanup_folder, six, dry_run=False, backups=tmp_path / "b", stopped=True)
    assert (ran.code, "paired login" in ran.err) == (3, True)
    assert contents(six) == before


class Waiting(SystemClock):
    """A real clock whose waits pass at once, with somebody at work meanwhile."""

    def __init__(self, work: Callable[[], object]):
        self.waited: list[float] = []
        self._work = work

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._work()


def test_a_folder_written_just_now_is_watched_before_it_is_touched(six: Path) -> None:
    store, written = offline.open_store(six), six / "session-4915177777777.0.json"
    offline.prove_quiet(store, Waiting(lambda: pytest.fail("an old folder needs no waiting")))
    (six / "creds.json").touch()
    quiet = Waiting(lambda: None)
    offline.prove_quiet(store, quiet)
    assert quiet.waited == [10.0]
    with pytest.raises(Refused, match="still runs"):
        offline.prove_quiet(store, Waiting(lambda: written.write_text("{}")))


def test_backups_do_not_go_into_the_folder(run: Run, six: Path) -> None:
    before = contents(six)
    assert run(offline.cleanup_folder, six, dry_run=False, backups=six / "b", stopped=True).code == 2
    assert run(offline_backup.create, six, six).code == 2
    assert contents(six) == before


def test_two_do_not_work_on_one_folder(run: Run, six: Path, tmp_path: Path) -> None:
    store = offline.open_store(six)
    path = offline.open_vault(tmp_path / "b", store).shelf.path(store.company)
    path.mkdir(parents=True)
    with Fsys().lock(path / ".action.lock"):
        ran = run(offline.cleanup_folder, six, dry_run=False, backups=tmp_path / "b", stopped=True)
    assert (ran.code, "another process" in ran.err) == (3, True)


def test_backup_create_tells_its_contract(run: Run, six: Path, tmp_path: Path) -> None:
    made = run(offline_backup.create, six, tmp_path / "b").json
    assert {"name", "files", "bytes", "sha256"} <= set(made)
    assert (made["files"], made["kind"], len(made["sha256"])) == (44, "manual", 64)
    assert run(offline_backup.create, six, tmp_path / "b", stopped=True).json["kind"] == "cold"
    assert len(run(offline_backup.show, six, tmp_path / "b").json) == 2
    assert len(run(offline_backup.show, None, tmp_path / "b").json) == 2


def test_damage_is_exit_one(run: Run, six: Path, tmp_path: Path) -> None:
    made = run(offline_backup.create, six, tmp_path / "b").json
    (path,) = (tmp_path / "b").rglob(f"{made['name']}*")
    path.write_bytes(path.read_bytes()[:-3])
    assert run(offline_backup.verify, six, tmp_path / "b", made["name"]).code == 1
    assert run(offline_backup.verify, None, tmp_path / "b", made["name"]).code == 1
    assert run(offline_backup.bring_back, six, tmp_path / "b", made["name"], "identity", stopped=True).code == 1


def test_torn_creds_are_restored(run: Run, six: Path, tmp_path: Path) -> None:
    whole = contents(six)
    run(offline_backup.create, six, tmp_path / "b")
    (six / "creds.json").write_bytes(b"")
    os.utime(six / "creds.json", (time.time() - 60,) * 2)
    ran = run(offline_backup.bring_back, six, tmp_path / "b", None, "identity")
    assert ran.code == 0
    assert ran.json["written"] == ["creds.json"]
    assert contents(six) == whole


def test_over_a_whole_login_the_word_is_needed(run: Run, six: Path, tmp_path: Path) -> None:
    made = run(offline_backup.create, six, tmp_path / "b").json
    assert run(offline_backup.bring_back, six, tmp_path / "b", made["name"], "full").code == 3
    version = six / "app-state-sync-version-regular.json"
    version.write_bytes(version.read_bytes() + b" ")
    os.utime(version, (time.time() - 60,) * 2)
    assert run(offline_backup.bring_back, six, tmp_path / "b", made["name"], "identity").code == 3
    assert run(offline_backup.bring_back, six, tmp_path / "b", made["name"], "identity", stopped=True).code == 0
    assert run(offline_backup.bring_back, six, tmp_path / "b", None, "half", stopped=True).code == 2


def test_adding_only_what_is_absent_needs_no_word(run: Run, six: Path, tmp_path: Path) -> None:
    whole = contents(six)
    run(offline_backup.create, six, tmp_path / "b")
    (six / "app-state-sync-version-regular.json").unlink()
    assert run(offline_backup.bring_back, six, tmp_path / "b", None, "identity").code == 0
    assert contents(six) == whole


def test_a_folder_that_moved_gets_its_backup_by_name(run: Run, six: Path, tmp_path: Path) -> None:
    whole = contents(six)
    made = run(offline_backup.create, six, tmp_path / "b").json
    other = tmp_path / "elsewhere" / "auth"
    other.mkdir(parents=True)
    assert run(offline_backup.bring_back, other, tmp_path / "b", None, "identity").code == 1
    assert run(offline_backup.bring_back, other, tmp_path / "b", made["name"], "identity").code == 0
    expected = {n: d for n, d in whole.items() if not n.startswith(("session-", "sender-key-"))}
    assert contents(other) == expected


def test_folders_of_one_name_do_not_share_backups(tmp_path: Path) -> None:
    ids = {offline.company_of(tmp_path / tenant / "auth") for tenant in ("business_1", "business_2")}
    assert len(ids) == 2
    assert all(ident.startswith("business_") for ident in ids)
