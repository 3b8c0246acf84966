"""`store export` and `store import`, and the other commands, on a company whose login is rows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from baileykeep.stores.files import FileStore
from baileykeep.stores.postgres.spec import Spec
from tests.databases import fresh, pour, store_of, tables
from tests.unit.auth_folders import copy_of
from tests.unit.cli.conftest import Daemon, Run


@pytest.fixture
def spec(config: Path, tmp_path: Path) -> Iterator[Spec]:
    """Companies 7 and 71 as rows, 40 days old."""
    with fresh() as made:
        write_config(config, tmp_path, made)
        old = copy_of("auth-6", tmp_path / "old", days=40, now=time.time())
        for company in ("7", "71"):
            pour(old, made, f"company_{company}")
        yield made


def write_config(config: Path, root: Path, spec: Spec, **more: object) -> None:
    given = {"host": spec.host, "port": spec.port, "user": spec.user, "schema": spec.schema, **more}
    (config / "baileykeep.toml").write_text(
        f"""
        state_dir = "{root}/state"
        backups_dir = "{root}/backups"
        [gateways.main]
        dialect = "ai-admin"
        url = "http://127.0.0.1:9"
        auth_store = "postgres"
        [gateways.main.postgres]
        database = "{spec.database}"
        """
        + "\n".join(f"{key} = {json.dumps(value)}" for key, value in given.items())
    )


def test_a_login_goes_out_and_home(run: Run, spec: Spec, tmp_path: Path) -> None:
    out = run("store", "export", "7", str(tmp_path / "out"), "--json")
    assert (out.code, out.json["files"], out.json["left"]) == (0, 44, 0)
    assert FileStore("7", tmp_path / "out").creds() == store_of(spec, "7", "company_7").creds()
    again = run("store", "export", "7", str(tmp_path / "out"))
    assert (again.code, "not an empty folder" in again.err) == (2, True)
    unproved = run("store", "import", "7", str(tmp_path / "out"))
    assert (unproved.code, "--stopped" in unproved.err) == (3, True)
    with tables(spec) as connection:
        connection.execute("DELETE FROM whatsapp_keys WHERE company_id = 'company_7'")
    home = run("store", "import", "7", str(tmp_path / "out"), "--stopped")
    assert home.code == 0, home.err
    assert "44 files imported" in home.out
    assert len(store_of(spec, "7", "company_7").listing().files) == 44


def test_everybody_goes_out_of_the_backups_when_the_database_is_lost(
    run: Run, spec: Spec, config: Path, tmp_path: Path
) -> None:
    assert run("backup", "all").code == 0
    write_config(config, tmp_path, spec, host="127.0.0.1", port=9)
    lost = run("store", "export", "7", str(tmp_path / "live"))
    assert lost.code != 0
    assert not (tmp_path / "live").exists()
    done = run("store", "export", "--all", "--from-backup", str(tmp_path / "rescue"))
    assert done.code == 0, done.err
    assert "2 companies exported, 0 failed" in done.out
    for company in ("7", "71"):
        assert FileStore(company, tmp_path / "rescue" / company).creds().paired
    write_config(config, tmp_path, spec)
    home = run("store", "import", "--all", str(tmp_path / "rescue"), "--stopped", "--replace-login", "--json")
    assert [(one["company"], one["error"]) for one in home.json] == [("7", None), ("71", None)]


def test_nothing_is_imported_while_a_daemon_runs(run: Run, spec: Spec, daemon: Daemon, tmp_path: Path) -> None:
    daemon(overview={"companies": []}, ping={})
    refused = run("store", "import", "7", str(tmp_path / "old"), "--stopped")
    assert refused.code == 3
    assert "daemon runs" in refused.err


@pytest.mark.parametrize("words", [["7"], ["7", "x", "y"], ["--all"], ["--all", "7", "x"]])
def test_it_is_said_what_to_name(run: Run, spec: Spec, words: list[str]) -> None:
    for command in ("export", "import"):
        assert run("store", command, *words).code == 2


def test_the_other_commands_work_on_rows_as_on_folders(run: Run, spec: Spec) -> None:
    assert run("inspect", "7", "--json").json["total"] == 44
    plan = run("cleanup", "7", "--dry-run", "--json").json
    assert plan["reclaimable"] > 0
    done = run("cleanup", "7", "--stopped", "--json")
    assert done.code == 0, done.err
    assert len(store_of(spec, "7", "company_7").listing().files) == 44 - plan["reclaimable"]
    assert len(store_of(spec, "71", "company_71").listing().files) == 44
    back = run("backup", "restore", "7", "--mode", "full", "--stopped", "--json")
    assert back.code == 0, back.err
    assert len(store_of(spec, "7", "company_7").listing().files) == 44
    assert run("backup", "create", "7").code == 0
    assert run("guard", "7").code == 0
    checks = {check["name"]: check["state"] for check in run("doctor", "--json").json["checks"]}
    assert checks["rows of main"] == "ok"


def test_doctor_says_why_a_database_cannot_be_used(run: Run, spec: Spec, config: Path, tmp_path: Path) -> None:
    write_config(config, tmp_path, spec, host="127.0.0.1", port=9)
    found = run("doctor", "--json").json["checks"]
    assert [c["state"] for c in found if "cannot be reached" in c["text"]] == ["fail"]
    write_config(config, tmp_path, spec, auth_table="nowhere")
    found = run("doctor", "--json").json["checks"]
    assert any("is not there, and must be jsonb" in c["text"] for c in found)
