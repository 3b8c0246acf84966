"""`guard`, on real folders and a real vault."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from baileykeep.backups.good_creds import keep_good_creds
from baileykeep.backups.vault import Vault
from baileykeep.cli.guard import settled
from baileykeep.model.inventory import CredsState
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.fakes.overview import company, incident
from tests.unit.cli.conftest import Daemon, Run


@pytest.fixture
def vault(tmp_path: Path, store: FileStore) -> Vault:
    """Holds a good copy of company 7's creds."""
    vault = Vault(tmp_path / "backups")
    keep_good_creds(vault, store, 1.8e9)
    return vault


def test_whole_creds_are_left_alone(run: Run, store: FileStore, vault: Vault) -> None:
    before = store.listing()
    result = run("guard", "7")
    assert (result.code, result.err) == (0, "")
    assert store.listing() == before


@pytest.mark.parametrize("damage", [b"", b"\0" * 1800, b'{"noiseKey":{"priv'])
def test_damaged_creds_are_put_back_from_the_good_copy(run: Run, store: FileStore, vault: Vault, damage: bytes) -> None:
    identity = store.creds().identity
    (store.folder / CREDS).write_bytes(damage)
    result = run("guard", "7", "--json")
    assert (result.code, result.json["result"]) == (0, "put_back")
    assert (store.creds().paired, store.creds().identity) == (True, identity)


def test_damaged_creds_without_a_copy_stop_the_start_with_advice(run: Run, store: FileStore) -> None:
    (store.folder / CREDS).write_bytes(b"")
    result = run("guard", "7")
    assert result.code == 1
    assert "there is no good copy" in result.err
    assert "baileykeep backup restore" in result.err


def test_missing_creds_are_a_humans_matter(run: Run, store: FileStore, vault: Vault) -> None:
    (store.folder / CREDS).unlink()
    assert run("guard", "7").code == 3
    assert not (store.folder / CREDS).exists()


def test_another_login_is_a_humans_matter(run: Run, store: FileStore, vault: Vault) -> None:
    creds = json.loads(store.read(CREDS))
    public = creds["signedIdentityKey"]["public"]["data"]
    creds["signedIdentityKey"]["public"]["data"] = public[::-1].lstrip("=") + "=" * public.count("=")
    other = json.dumps(creds).encode()
    (store.folder / CREDS).write_bytes(other)
    result = run("guard", "7")
    assert (result.code, store.read(CREDS)) == (3, other)
    assert "another paired login lies here" in result.err


def test_a_company_that_never_was_paired_may_start(run: Run, store: FileStore) -> None:
    (store.folder / CREDS).unlink()
    assert run("guard", "7").code == 0


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (company("7"), 0),
        (company("7", connection={"state": "waiting_qr", "since": 0, "paired": False, "down_s": 9, "cause": None}), 3),
        (company("7", incidents=[incident(cause="logged_out")]), 0),
    ],
)
def test_what_a_running_daemon_knows_is_heard(
    run: Run, daemon: Daemon, store: FileStore, vault: Vault, view: object, code: int
) -> None:
    daemon(company=view)
    (store.folder / CREDS).write_bytes(b"")
    assert run("guard", "7").code == code
    restored = store.read(CREDS) != b""
    assert restored == (view == company("7"))


def test_a_torn_read_is_read_again(store: FileStore) -> None:
    whole = store.read(CREDS)
    (store.folder / CREDS).write_bytes(whole[:100])
    writer = threading.Timer(0.05, (store.folder / CREDS).write_bytes, (whole,))
    writer.start()
    assert settled(store).state is CredsState.WHOLE
    writer.join()


def test_strangers_are_a_usage_error(run: Run, store: FileStore) -> None:
    result = run("guard", "8")
    assert result.code == 2
    assert "no company '8'" in result.err
