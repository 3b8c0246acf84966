from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from baileykeep.fsys import Fsys
from baileykeep.model.errors import Refused, StoreError
from baileykeep.model.inventory import Category, CredsState
from baileykeep.rules.naming import CREDS
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import MAX_FILE_BYTES, FileStore
from tests.unit.auth_folders import copy_of
from tests.unit.rules.folders import NOW

NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore("c", copy_of("auth-7", tmp_path / "auth"))


def test_it_is_a_store(store: FileStore) -> None:
    family: AuthStore = store
    assert family.exists()
    assert not FileStore("c", store.folder / "nowhere").exists()


def test_a_folder_that_was_removed_is_made_for_the_owner_of_the_one_above(tmp_path: Path) -> None:
    (tmp_path / "tenant").mkdir()
    if os.geteuid() == 0:
        os.chown(tmp_path / "tenant", NOBODY, NOBODY)
    store = FileStore("c", tmp_path / "tenant" / "auth")
    store.make()
    above, made = (tmp_path / "tenant").stat(), store.folder.stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (above.st_uid, above.st_gid, 0o700)
    (store.folder / "creds.json").write_text("{}")
    store.make()
    assert store.read("creds.json") == b"{}"
    with pytest.raises(StoreError, match="cannot be made"):
        FileStore("c", tmp_path / "nobody" / "auth").make()


def test_a_listing_has_every_file_and_a_token_of_its_own(store: FileStore) -> None:
    first = store.listing()
    assert len(first.files) == 845
    assert [file.name for file in first.files] == sorted(file.name for file in first.files)
    assert store.listing().token == first.token
    os.utime(store.folder / "creds.json", (1, 1))
    second = store.listing().token
    assert second != first.token
    (store.folder / "new").touch()
    assert store.listing().token != second


def test_what_is_no_plain_file_is_other_and_never_touched(store: FileStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_bytes(b"{}")
    (store.folder / "session-4915177777777.0.json").symlink_to(outside)
    os.mkfifo(store.folder / "session-4915188888888.0.json")
    (store.folder / "pre-key-9999.json").mkdir()
    odd = [file for file in store.listing().files if file.category is Category.OTHER]
    assert [(file.name, file.size) for file in odd] == [
        ("pre-key-9999.json", 0),
        ("session-4915177777777.0.json", 0),
        ("session-4915188888888.0.json", 0),
    ]
    for file in odd:
        with pytest.raises(StoreError):
            store.remove(file.name)
        with pytest.raises(StoreError):
            store.write(file.name, b"{}")
        assert store.read_all([file.name]) == {}
    with pytest.raises(StoreError, match="changed"):
        store.remove_unchanged(odd)
    assert outside.read_bytes() == b"{}"


def test_a_folder_that_is_a_link_is_refused(store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.folder)
    linked = FileStore("c", tmp_path / "link")
    assert not linked.exists()
    with pytest.raises(StoreError, match="symbolic link") as caught:
        linked.listing()
    assert caught.value.code == "symlink"


def test_creds_states(store: FileStore) -> None:
    path = store.folder / "creds.json"
    whole = path.read_bytes()
    assert store.creds().paired
    for data, state in ((b"", CredsState.EMPTY), (b"\0" * 99, CredsState.ZEROED), (whole[:99], CredsState.TORN)):
        path.write_bytes(data)
        assert store.creds().state is state
    path.unlink()
    assert store.creds().state is CredsState.MISSING
    path.mkdir()
    assert store.creds().state is CredsState.UNREADABLE


def test_huge_files_are_not_read(store: FileStore) -> None:
    with open(store.folder / "creds.json", "r+b") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert store.creds().state is CredsState.UNREADABLE
    with pytest.raises(StoreError, match="bytes"):
        store.read("creds.json")


def test_lid_mappings_both_ways(store: FileStore) -> None:
    assert store.lid_of("4915122222222") == "100000000000222"
    assert store.phone_of("100000000000222") == "4915122222222"
    assert store.lid_of("4915199999999") is None
    assert store.lid_of("../../etc/passwd") is None
    (store.folder / "lid-mapping-4915122222222.json").write_text('{"a":1}')
    assert store.lid_of("4915122222222") is None


def test_a_write_keeps_mode_and_owner(store: FileStore) -> None:
    path = store.folder / "creds.json"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 4242, 4343)
    before = path.stat()
    store.write("creds.json", b"{}")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    store.write("session-4915177777777.0.json", b"{}", mtime=NOW)
    new = (store.folder / "session-4915177777777.0.json").stat()
    assert (new.st_mode, new.st_uid, new.st_gid, new.st_mtime) == (after.st_mode, after.st_uid, after.st_gid, NOW)


def test_without_anything_to_go_by_the_given_mode_is_taken(tmp_path: Path) -> None:
    empty = FileStore("c", tmp_path)
    tmp_path.chmod(0o750)
    assert empty.file_mode() == 0o600
    empty.write("a.json", b"{}", mode=0o600)
    empty.write("b.json", b"{}")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.json", "b.json")] == [0o600, 0o640]


def test_changed_files_are_not_removed(store: FileStore) -> None:
    names = ["session-4915122222222.0.json", "session-4915122222222.7.json", "session-4915133333333.0.json"]
    files = [file for file in store.listing().files if file.name in names]
    (store.folder / names[1]).write_bytes(b"{}")
    with pytest.raises(StoreError, match="changed since") as caught:
        store.remove_unchanged(files)
    assert caught.value.code == "changed"
    assert [(store.folder / name).exists() for name in names] == [False, True, True]


def test_errors_do_not_show_phones(store: FileStore) -> None:
    for act in (store.read, store.remove):
        with pytest.raises(StoreError) as caught:
            act("session-4915199999999.0.json")
        assert "4915199999999" not in str(caught.value)
        assert "***9999" in str(caught.value)


def test_a_writable_folder_passes(store: FileStore) -> None:
    store.check_writable()
    assert store.last_write() == pytest.approx(NOW - 5 * 86_400)


def test_a_folder_whose_owner_could_not_be_kept_is_refused(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make such a folder and then stop being root")
    os.chown(store.folder, NOBODY, NOBODY)
    for path in store.folder.iterdir():
        os.chown(path, NOBODY, NOBODY)
    monkeypatch.chdir(store.folder)
    here = FileStore("c", Path())
    refusals = []
    for owner in (NOBODY, 4242):
        os.chown("creds.json", owner, NOBODY)
        refusals.append(_refusal_as(NOBODY, here))
    store.folder.chmod(0o555)
    refusals.append(_refusal_as(NOBODY, here))
    assert refusals[0] is None
    assert "4242" in str(refusals[1])
    assert "may not write" in str(refusals[2])


def _refusal_as(uid: int, store: FileStore) -> Refused | None:
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        store.check_writable()
    except Refused as refusal:
        return refusal
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
    return None


def test_our_own_leftovers_are_swept_and_nothing_else(store: FileStore) -> None:
    (store.folder / ".baileykeep-0011223344556677.tmp").touch()
    (store.folder / ".baileykeep-notes.tmp").touch()
    (store.folder / "creds.json.tmp").touch()
    store.sweep()
    assert len(os.listdir(store.folder)) == 847


class Dying(Fsys):
    """A disk that gives nothing back."""

    def looking(self, operation: str, name: str) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_whatever_cannot_be_read_is_a_store_error(store: FileStore) -> None:
    dying = FileStore("c", store.folder, Dying())
    for look in (dying.listing, dying.last_write, dying.file_mode, dying.check_writable, dying.sweep):
        with pytest.raises(StoreError, match="Input/output error"):
            look()
    with pytest.raises(StoreError):
        dying.read(CREDS)
