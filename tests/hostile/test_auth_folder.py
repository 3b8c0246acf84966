"""An auth folder in which somebody else has put things: links, pipes, devices, giants, crowds, and other folders."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from baileykeep.backups.aside import set_aside
from baileykeep.backups.cleaning import carry_out
from baileykeep.backups.restore import put_back, restore
from baileykeep.backups.vault import Vault
from baileykeep.config.discover import placements
from baileykeep.config.load import load_partial
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import BaileykeepError, Refused, StoreError
from baileykeep.model.inventory import Category, CleanupPlan, CredsState, FileEntry, Listing
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup
from baileykeep.rules.levels import inventory
from baileykeep.rules.naming import category_of
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.files import MAX_STRANGERS_BYTES, FileStore
from tests.unit.auth_folders import age, contents, copy_of, few_of
from tests.unit.config.conftest import MAIN
from tests.unit.rules.folders import NOW

ROOT = os.geteuid() == 0
NAMES = ("session-4915100000001.0.json", "pre-key-3.json", "lid-mapping-4915100000001.json", "notes.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return few_of(tmp_path / "sessions" / "company_1")


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore("1", folder)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "backups")


def plan_of(store: FileStore) -> CleanupPlan:
    return cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)


def put(kind: str, path: Path, outside: Path) -> None:
    """Something that is no plain file, under a name of Baileys'."""
    if kind == "link out":
        path.symlink_to(outside / "secret")
    elif kind == "dangling link":
        path.symlink_to(outside / "nowhere")
    elif kind == "link to a folder":
        path.symlink_to(outside, target_is_directory=True)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        _listen_and_leave(path)
    else:
        os.mknod(path, (stat.S_IFBLK if kind == "disk" else stat.S_IFCHR) | 0o666, os.makedev(1, 5))


def _listen_and_leave(path: Path) -> None:
    """A socket's path holds 107 bytes only, so it is made from within its folder."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


KINDS = ["link out", "dangling link", "link to a folder", "pipe", "folder", "socket"]
KINDS += ["device", "disk"] if ROOT else []


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text('{"keep":"me"}')
    os.utime(tmp_path / "outside" / "secret", (0, 0))
    return tmp_path / "outside"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_never_read_cleaned_kept_or_written(
    kind: str, folder: Path, store: FileStore, vault: Vault, outside: Path
) -> None:
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
        put(kind, folder / name, outside)
        os.utime(folder / name, (NOW - 40 * 86_400,) * 2, follow_symlinks=False)
    odd = {file.name for file in store.listing().files if file.category is Category.OTHER}
    assert odd == set(NAMES)
    seen = inventory(store.listing(), store.creds(), PoolKnowledge(), Limits(), NOW)
    assert seen.creds.state is CredsState.WHOLE
    plan = plan_of(store)
    assert not odd & {removal.name for removal in plan.remove}
    backup = vault.create(store, BackupKind.COLD, NOW)
    _, manifest, _ = vault.load("1", backup.name)
    assert not odd & {file.name for file in manifest.files}
    gone = carry_out(vault, store, plan, backup.name)
    assert gone
    restore(vault, store, backup.name, RestoreMode.FULL, NOW, opened_since=False)
    aside = set_aside(vault, store, None, NOW + 1, "test")
    put_back(vault, store, aside, NOW + 2)
    for name in NAMES:
        with pytest.raises(StoreError):
            store.read(name)
        with pytest.raises(StoreError):
            store.write(name, b"{}")
        with pytest.raises(StoreError):
            store.remove(name)
        assert not stat.S_ISREG(os.lstat(folder / name).st_mode)
    assert contents(outside) == {"secret": b'{"keep":"me"}'}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", KINDS)
def test_creds_that_are_no_plain_file_are_unreadable(kind: str, folder: Path, vault: Vault, outside: Path) -> None:
    store = FileStore("1", folder)
    (folder / "creds.json").unlink()
    put(kind, folder / "creds.json", outside)
    expected = {CredsState.UNREADABLE}
    assert store.creds().state in expected
    assert plan_of(store).remove == ()
    assert vault.create(store, BackupKind.COLD, NOW).paired is False
    with pytest.raises(StoreError):
        store.write("creds.json", b"{}")


@pytest.mark.timeout(30)
def test_giants_cost_neither_memory_nor_time_nor_the_backup(folder: Path, store: FileStore, vault: Vault) -> None:
    for name in ("core.123", "dump.json"):
        with (folder / name).open("wb") as file:
            file.truncate(10 << 30)
    for number in range(40):
        with (folder / f"stranger-{number}.bin").open("wb") as file:
            file.truncate(4 << 20)
    age(folder, 40)
    tracemalloc.start()
    begun = time.monotonic()
    seen = inventory(store.listing(), store.creds(), PoolKnowledge(), Limits(), NOW)
    taken = store.read_all([file.name for file in store.listing().files])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen.bytes > 20 << 30
    assert sum(map(len, taken.values())) < MAX_STRANGERS_BYTES + (1 << 20)
    assert peak < 2 * MAX_STRANGERS_BYTES
    assert time.monotonic() - begun < 10
    backup = vault.create(store, BackupKind.COLD, NOW)
    assert backup.paired
    assert {"core.123", "dump.json"}.isdisjoint(file.name for file in vault.load("1", backup.name)[1].files)


@pytest.mark.timeout(30)
def test_a_giant_under_a_name_of_ours_bars_backup_and_cleanup_with_its_name(
    folder: Path, store: FileStore, vault: Vault
) -> None:
    with (folder / "session-4915100000001.0.json").open("wb") as file:
        file.truncate(10 << 30)
    age(folder, 40)
    with pytest.raises(StoreError, match=r"session-\*\*\*0001\.0\.json cannot be read: it has 10737418240 bytes"):
        vault.create(store, BackupKind.COLD, NOW)
    with (folder / "creds.json").open("wb") as file:
        file.truncate(10 << 30)
    assert store.creds().state is CredsState.UNREADABLE


def crowd(names: Iterator[str]) -> Listing:
    files = [FileEntry(name, category_of(name), 100, NOW - 40 * 86_400) for name in names]
    return Listing(tuple(sorted(files, key=lambda file: file.name)), "token")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "shapes",
    [
        ("session-49{:012}.0.json",),
        ("sender-key-{:018}@g.us--4915112345678--1.json", "sender-key-memory-{:018}@g.us.json"),
        ("pre-key-{}.json",),
        ("lid-mapping-{}.json", "copy {}.bak"),
    ],
)
def test_a_hundred_thousand_files_are_planned_in_seconds(shapes: tuple[str, ...], store: FileStore) -> None:
    listing = crowd(shape.format(n) for n in range(1, 100_000 // len(shapes) + 1) for shape in shapes)
    creds = store.creds()
    begun = time.process_time()
    seen = inventory(listing, creds, PoolKnowledge(), Limits(), NOW)
    assert seen.total == 100_000
    assert time.process_time() - begun < 15


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_hundred_thousand_real_entries_are_listed_and_refused_as_a_backup(
    folder: Path, store: FileStore, vault: Vault
) -> None:
    for number in range(100_000):
        (folder / f"lid-mapping-{number}.json").touch()
    begun = time.process_time()
    assert len(store.listing().files) > 100_000
    assert time.process_time() - begun < 10
    with pytest.raises(BaileykeepError, match="more than 100000 files"):
        vault.create(store, BackupKind.COLD, NOW)
    assert vault.list("1") == []


# --- another folder between plan and act ------------------------------------------------------------------------------


def swap(what: str, folder: Path, tmp_path: Path) -> Path:
    """Put somebody else's login in the folder's place, file for file alike; returns where it really lies."""
    victim = tmp_path / "victim" / "sessions" / "company_1"
    shutil.copytree(folder, victim, copy_function=shutil.copy2)
    if what == "the folder, by a link":
        _link(folder, victim)
    elif what == "the folder, by another":
        folder.rename(folder.with_name("moved"))
        victim.rename(folder)
        return folder
    elif what == "its parent, by a link":
        _link(folder.parent, victim.parent)
    else:
        _link(folder.parent.parent / "sessions", victim.parent)
    return victim


def _link(path: Path, to: Path) -> None:
    path.rename(path.with_name(f"{path.name}.moved"))
    path.symlink_to(to, target_is_directory=True)


SWAPS = ["the folder, by a link", "the folder, by another", "its parent, by a link", "the root, by a link"]


@pytest.mark.parametrize("what", SWAPS)
def test_a_folder_put_in_place_between_plan_and_act_is_not_touched(
    what: str, folder: Path, store: FileStore, vault: Vault, tmp_path: Path
) -> None:
    plan = plan_of(store)
    backup = vault.create(store, BackupKind.COLD, NOW)
    assert plan.remove
    listed = [file for file in store.listing().files if file.name in {removal.name for removal in plan.remove}]
    victim = swap(what, folder, tmp_path)
    before = contents(victim)
    with pytest.raises(StoreError):
        store.remove_unchanged(listed)
    with pytest.raises(StoreError):
        store.write("creds.json", b"{}")
    with pytest.raises(StoreError):
        store.remove(listed[0].name)
    with pytest.raises((Refused, StoreError)):
        carry_out(vault, store, plan, backup.name)
    assert contents(victim) == before


@pytest.mark.parametrize("what", SWAPS)
def test_a_login_is_not_written_into_a_folder_that_came_in_between(
    what: str, folder: Path, store: FileStore, vault: Vault, tmp_path: Path
) -> None:
    vault.create(store, BackupKind.COLD, NOW)
    (folder / "creds.json").write_bytes(b"")
    store.listing()
    victim = swap(what, folder, tmp_path)
    with pytest.raises(StoreError):
        store.write("creds.json", b'{"somebody":"else"}')
    assert (victim / "creds.json").read_bytes() == b""


def test_a_folder_that_its_gateway_made_anew_can_be_put_back_into(folder: Path, store: FileStore, vault: Vault) -> None:
    aside = set_aside(vault, store, None, NOW, "test")
    shutil.rmtree(folder)
    folder.mkdir()
    put_back(vault, store, aside, NOW + 1)
    assert store.creds().paired


def test_two_companies_behind_one_folder_are_both_left_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        copy_of("auth-6", tmp_path / name / "auth")
    config = tmp_path / "config"
    (config / "companies").mkdir(parents=True)
    (config / "baileykeep.toml").write_text(MAIN)
    for name in ("a", "b"):
        (config / "companies" / f"{name}.toml").write_text(f'folder = "{tmp_path}/{name}/auth"\n')
    settings, _ = load_partial(config, None, {})
    assert set(placements(settings)[0]) == {"a", "b"}
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    placed, odd = placements(settings)
    assert placed == {}
    assert any("is the folder of companies a and b" in oddity.reason for oddity in odd)


ODD_NAMES = [
    b"..",
    b".",
    b"x" * 65,
    b"1 2",
    b"a\nb",
    b"\x1b[2J",
    b"\xff\xfe",
    "日本".encode(),
    b"-rf",
    b"a\\b",
    b"~",
    b"$(id)",
]


def test_folders_whose_names_are_no_company_are_reported_and_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "sessions"
    for name in ODD_NAMES[2:]:
        os.makedirs(os.fsencode(root) + b"/company_" + name)
    copy_of("auth-6", root / "company_1")
    (root / "company_2").symlink_to("/etc", target_is_directory=True)
    os.mkfifo(root / "company_3")
    config = tmp_path / "config"
    config.mkdir()
    (config / "baileykeep.toml").write_text(MAIN.replace("/srv/sessions", str(root)))
    placed, odd = placements(load_partial(config, None, {})[0])
    assert set(placed) == {"1"}
    assert len(odd) == len(ODD_NAMES) - 2 + 1
    assert json.dumps([oddity.path for oddity in odd])


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", ".", "", "a\x00b"])
def test_no_name_leads_out_of_the_folder(name: str, store: FileStore, outside: Path) -> None:
    for attempt in (
        lambda: store.read(name),
        lambda: store.write(name, b"x"),
        lambda: store.remove(name),
        lambda: store.remove_unchanged([FileEntry(name, Category.SESSION, 1, 1.0)]),
    ):
        with pytest.raises((StoreError, ValueError)):
            attempt()
