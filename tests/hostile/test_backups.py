"""Backups that somebody changed, cut, swapped, inflated or left open; and what becomes of a login then."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
import tarfile
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.backups import archive
from baileykeep.backups.good_creds import good_creds, keep_good_creds, put_good_creds
from baileykeep.backups.restore import restore
from baileykeep.backups.shelf import SUFFIX
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import BackupError, BaileykeepError, Refused
from baileykeep.stores.files import FileStore
from tests.unit.auth_folders import contents, copy_of, few_of
from tests.unit.backups.test_archive import FILES, manifest
from tests.unit.rules.folders import NOW

PACKED = archive.pack(manifest(FILES), FILES)


def zipped(tar: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(tar)


def header(name: str, kind: bytes, data: bytes = b"", *, size: bytes | None = None) -> bytes:
    """One member; `size` overwrites the field as it stands in the header."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if size is not None:
        block[124:136] = size
        block[148:156] = b"%06o\x00 " % (256 + sum(block[:148]) + sum(block[156:512]))
    return bytes(block) + data + bytes(-len(data) % 512)


def negative(number: int) -> bytes:
    return b"\xff" * 8 + number.to_bytes(4, "big", signed=True)


END = bytes(1024)
MANIFEST = header("manifest.json", b"0", b"{}")
ATTACKS = {
    "names without end": header("x", b"L", b"a\x00") * 5000 + MANIFEST + END,
    "attributes without end": header("x", b"x", b"20 path=aaaaaaaaaaa\n") * 5000 + MANIFEST + END,
    "a size beyond everything": header("manifest.json", b"0", size=b"\x80" + b"\x00" * 3 + b"\x10" + b"\x00" * 7) + END,
    "odd bytes for names": header("\udcff\udcfe/../..", b"0", b"x") + END,
    **{
        f"{kind.decode()} of size {size}": MANIFEST + header("x", kind, size=negative(size)) + END
        for kind in (b"0", b"x", b"g", b"L", b"K", b"S", b"5", b"z")
        for size in (-1, -512, -1024)
    },
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_members_made_to_trip_their_reader_are_damage(name: str) -> None:
    for read in (archive.unpack, archive.peek):
        with pytest.raises(BackupError):
            read(zipped(ATTACKS[name]))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("megabytes", [500, 5_000])
def test_a_bomb_costs_no_memory(megabytes: int) -> None:
    out, chunk = io.BytesIO(), bytes(1 << 20)
    with zstandard.ZstdCompressor().stream_writer(out, size=megabytes << 20, closefd=False) as writer:
        for _ in range(megabytes):
            writer.write(chunk)
    tracemalloc.start()
    for read in (archive.unpack, archive.peek):
        with pytest.raises(BackupError, match="its size is not credible"):
            read(out.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PACKED) * 8 - 1), st.integers(0, len(PACKED)), st.binary(max_size=40))
def test_a_flipped_bit_a_cut_or_anything_appended_is_noticed(bit: int, cut: int, more: bytes) -> None:
    flipped = bytearray(PACKED)
    flipped[bit // 8] ^= 1 << bit % 8
    for data in (PACKED[:cut], PACKED + more):
        if data != PACKED:
            with pytest.raises(BackupError):
                archive.unpack(data)
    with contextlib.suppress(BackupError):  # a bit that means nothing changes nothing
        assert archive.unpack(bytes(flipped)) == archive.unpack(PACKED)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000), st.booleans())
def test_any_bytes_are_damage_and_nothing_worse(data: bytes, as_tar: bool) -> None:
    for read in (archive.unpack, archive.peek):
        with pytest.raises(BackupError):
            read(zipped(data) if as_tar else data)
    with pytest.raises(BackupError):
        archive.read_manifest(data)


# --- in a vault -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return few_of(tmp_path / "company_1")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "backups")


def path_of(vault: Vault, name: str, company: str = "1") -> Path:
    return vault.shelf.path(company) / (name + SUFFIX)


def test_nothing_of_a_tampered_backup_reaches_the_folder(vault: Vault, folder: Path, tmp_path: Path) -> None:
    store = FileStore("1", folder)
    name = vault.create(store, BackupKind.COLD, NOW).name
    other = FileStore("2", copy_of("auth-7", tmp_path / "company_2"))
    foreign = vault.create(other, BackupKind.COLD, NOW).name
    path = path_of(vault, name)
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[len(flipped) // 2] ^= 1
    (folder / "creds.json").write_bytes(b"")
    before = contents(folder)
    for bad in (b"", good[:-1], bytes(flipped), good + b"x", path_of(vault, foreign, "2").read_bytes()):
        path.write_bytes(bad)
        for mode in RestoreMode:
            with pytest.raises(BaileykeepError):
                restore(vault, store, name, mode, NOW, opened_since=False)
        with pytest.raises(BaileykeepError):
            vault.verify("1", name)
        assert contents(folder) == before
    path.write_bytes(good)
    restore(vault, store, name, RestoreMode.IDENTITY, NOW, opened_since=False)
    assert store.creds().paired


def test_a_manifest_swapped_for_that_of_another_backup_is_noticed(vault: Vault, folder: Path) -> None:
    store = FileStore("1", folder)
    one = vault.create(store, BackupKind.COLD, NOW).name
    (folder / "creds.json").write_text((folder / "creds.json").read_text() + " ")
    two = vault.create(store, BackupKind.COLD, NOW + 1).name
    (first, rest), (second, _) = (_split(path_of(vault, name).read_bytes()) for name in (one, two))
    assert first != second
    with pytest.raises(BackupError, match="differs from its manifest"):
        archive.unpack(zipped(second + rest))


def _split(packed: bytes) -> tuple[bytes, bytes]:
    """The first member, and everything behind it."""
    tar = zstandard.ZstdDecompressor().decompress(packed)
    end = 512 + -(-int(tar[124:135], 8) // 512) * 512
    return tar[:end], tar[end:]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "empty", "noise"])
def test_what_lies_among_backups_is_passed_over(kind: str, vault: Vault, folder: Path, tmp_path: Path) -> None:
    store = FileStore("1", folder)
    good = vault.create(store, BackupKind.COLD, NOW).name
    path = path_of(vault, "20990101T000000Z-cold-ffff")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(path_of(vault, good))
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"" if kind == "empty" else os.urandom(5000))
    assert [backup.name for backup in vault.list("1")] == [good]
    newest = vault.newest("1")
    assert newest is not None
    assert newest.name == good
    vault.evict("1", NOW + 1)
    assert path_of(vault, good).exists()


def test_a_company_folder_that_is_a_link_is_not_followed(vault: Vault, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "backups").mkdir()
    vault.shelf.path("1").symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(BackupError, match="backup folder cannot be"):
        vault.create(FileStore("1", folder), BackupKind.COLD, NOW)
    assert [path.name for path in elsewhere.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"version":1}', b"\xff\xfe", b"0" * 6000,
        b'{"creds":1e400,"taken_at":1,"version":1,"sha256":""}',
        b'{"creds":"{}","taken_at":' + b"9" * 400 + b',"version":1,"sha256":"","identity":""}',
    ],
)  # fmt: skip
def test_a_last_good_copy_that_is_none_is_not_put_back(raw: bytes, vault: Vault, folder: Path) -> None:
    store = FileStore("1", folder)
    assert keep_good_creds(vault, store, NOW) is not None
    (vault.shelf.path("1") / "good-creds.json").write_bytes(raw)
    assert good_creds(vault, "1") is None
    (folder / "creds.json").write_bytes(b"")
    with pytest.raises(Refused, match="no good copy"):
        put_good_creds(vault, store, NOW)


# --- who may look -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777 if os.geteuid() == 0 else 0o077])
def test_our_files_are_ours_alone_whatever_the_umask(umask: int, folder: Path, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        vault, store = Vault(tmp_path / "deep" / "backups"), FileStore("1", folder)
        vault.create(store, BackupKind.COLD, NOW)
        keep_good_creds(vault, store, NOW)
    finally:
        os.umask(before)
    places = list((tmp_path / "deep" / "backups").rglob("*"))
    assert len(places) >= 4
    for path in (tmp_path / "deep" / "backups", *places):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    shutil.rmtree(tmp_path / "deep")
