"""`offsite …` as people type it, on a real folder; and what `doctor` and `health` say of copies."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

import pytest

from baileykeep.stores.files import FileStore
from tests.fakes.overview import NOW, company, overview
from tests.unit.cli.conftest import Daemon, Run


@pytest.fixture
def away(run: Run, config: Path, store: FileStore, tmp_path: Path) -> Path:
    """Company 7 with one backup, a key, and a place for copies."""
    public = run("offsite", "keygen", str(tmp_path / "key")).out.split()[0]
    (tmp_path / "far").mkdir()
    main = config / "baileykeep.toml"
    main.write_text(
        main.read_text()
        + f"""
        [offsite]
        to = "file://{tmp_path}/far"
        recipients = ["{public}"]
        same_disk = true
        """
    )
    assert run("backup", "create", "7").code == 0
    return tmp_path / "far"


def test_a_key_is_written_privately_and_never_over_one(run: Run, tmp_path: Path) -> None:
    made = run("offsite", "keygen", str(tmp_path / "key"))
    text = (tmp_path / "key").read_text()
    assert made.code == 0
    assert made.out.startswith("age1")
    assert "off this host" in made.out
    assert "AGE-SECRET-KEY" not in made.out + made.err
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    again = run("offsite", "keygen", str(tmp_path / "key"))
    assert (again.code, (tmp_path / "key").read_text()) == (2, text)
    assert run("offsite", "keygen", str(tmp_path / "none" / "key")).code == 1
    assert run("offsite", "keygen", str(tmp_path / "other"), "--json").json["public_key"].startswith("age1")


def test_pushed_listed_verified_and_fetched(run: Run, away: Path, tmp_path: Path) -> None:
    pushed = run("offsite", "push")
    assert (pushed.code, pushed.out.splitlines()[-1]) == (0, f"1 copy sent to {away}, 0 companies in trouble")
    assert "7: " in pushed.out
    assert run("offsite", "push", "7", "--json").json == [{"company": "7", "sent": [], "gone": [], "troubles": []}]
    (row,) = run("offsite", "list", "--json").json
    assert (row["folder"], row["copies"]) == ("7", 1)
    (copy,) = run("offsite", "list", "7", "--json").json
    assert copy["name"] == row["newest"]
    assert "paired" in run("offsite", "list", "7").out
    assert "1 copy of" not in run("offsite", "list").out
    assert run("offsite", "verify").code == 0
    assert "opened" in run("offsite", "verify", "7", "--identity", str(tmp_path / "key")).out
    shutil.rmtree(tmp_path / "backups")
    fetched = run("offsite", "fetch", "7", "--identity", str(tmp_path / "key"), "--json")
    assert (fetched.code, fetched.json["backup"], fetched.json["notes"]) == (0, copy["name"], [])
    assert run("backup", "verify", "7").code == 0


def test_what_is_wrong_is_said_with_its_exit_code(run: Run, away: Path, tmp_path: Path) -> None:
    run("offsite", "push")
    run("offsite", "keygen", str(tmp_path / "other"))
    wrong = run("offsite", "fetch", "7", "--identity", str(tmp_path / "other"))
    assert (wrong.code, "sealed for another key" in wrong.err) == (1, True)
    assert run("offsite", "fetch", "8", "--identity", str(tmp_path / "key")).code == 1
    assert run("offsite", "fetch", "7", "--identity", str(tmp_path / "none")).code == 2
    assert run("offsite", "push", "8").code == 2
    assert run("offsite", "verify", "8").code == 1
    (sealed,) = (away / "7").glob("*.age")
    sealed.write_bytes(sealed.read_bytes()[:-1])
    bad = run("offsite", "verify")
    assert (bad.code, "is cut off" in bad.out) == (1, True)
    assert run("offsite", "verify", "--json").json[0]["error"]
    pushed = run("offsite", "push")
    assert (pushed.code, "TROUBLE" in pushed.out) == (1, True)
    (away / "7" / sealed.name.replace(".tar.zst.age", ".json")).write_text("{}")
    assert "is not one" in run("offsite", "list", "7").out
    assert run("offsite", "list", "7", "--json").json[0]["error"]
    shutil.rmtree(away)
    gone = run("offsite", "push")
    assert (gone.code, "is it mounted" in gone.err) == (1, True)


def test_an_old_copy_brought_home_is_told_of(run: Run, away: Path, store: FileStore, tmp_path: Path) -> None:
    run("offsite", "push")
    (old,) = run("offsite", "list", "7", "--json").json
    for number in range(6):
        (store.folder / "session-4915177777777.0.json").write_text(f'{{"at": {number}}}')
        run("backup", "create", "7")
    run("offsite", "push")
    said = run("offsite", "fetch", "7", old["name"], "--identity", str(tmp_path / "key")).out
    assert "the next backup lets it go" in said
    for path in (away / "7").iterdir():
        if not path.name.startswith(old["name"]):
            path.unlink()
    assert "somebody removed it there" in run("offsite", "fetch", "7", "--identity", str(tmp_path / "key")).out


def test_without_a_place_it_is_said_how_to_get_one(run: Run, store: FileStore) -> None:
    result = run("offsite", "push")
    assert (result.code, "docs/offsite.md" in result.err) == (2, True)


def test_doctor_says_where_one_disk_holds_everything(run: Run, store: FileStore) -> None:
    (check,) = [c for c in run("doctor", "--json").json["checks"] if c["name"] == "copies off this host"]
    assert (check["state"], "same disk as the logins" in check["text"]) == ("warn", True)


def test_doctor_asks_the_place(run: Run, away: Path) -> None:
    for expected in ("warn", "fail"):
        (check,) = [c for c in run("doctor", "--json").json["checks"] if c["name"] == "copies off this host"]
        assert check["state"] == expected, check
        shutil.rmtree(away, ignore_errors=True)


def test_health_tells_what_waits_and_why(run: Run, daemon: Daemon) -> None:
    copies = {"to": "s3://copies", "waiting": 12, "waiting_since": NOW - 93_600, "problem": "403 AccessDenied"}
    backups = {"count": 5, "newest_at": NOW - 60, "newest_kind": "hot", "offsite_at": NOW - 7200}
    seven = company("7", backups={**backups, "offsite_at": time.time() - 7205})
    daemon(overview=overview(seven, copies=copies), company=seven, events={"events": []})
    said = " ".join(run("health").out.split())
    assert "copies off this host: those of 12 companies wait since 1d 2h: 403 AccessDenied" in said
    assert "off this host 2h old" in " ".join(run("health", "7").out.split())


def test_health_is_silent_where_all_is_well(run: Run, daemon: Daemon) -> None:
    copies = {"to": "s3://copies", "waiting": 0, "waiting_since": None, "problem": None}
    daemon(overview=overview(company("7"), copies=copies))
    assert "off this host" not in run("health").out
