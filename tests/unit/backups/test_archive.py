from __future__ import annotations

import contextlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.backups import archive
from baileykeep.backups.archive import Manifest
from baileykeep.model.backup import BackedFile, BackupKind
from baileykeep.model.errors import BackupError

FILES = {"creds.json": b"{}", "session-4915122222222.0.json": b'{"a":1}' * 200, "x" * 140 + ".json": b""}


def manifest(files: dict[str, bytes]) -> Manifest:
    backed = tuple(BackedFile(name, len(data), archive.sha256(data), 1234.5) for name, data in sorted(files.items()))
    return Manifest("c", BackupKind.COLD, 1e9, "id", "***0001", True, "token", 0o600, True, "why", backed)


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))
    return zstandard.ZstdCompressor().compress(out.getvalue())


def fields(**changes: Any) -> bytes:
    whole = archive.pack(manifest(FILES), FILES)
    with tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().decompress(whole))) as tar:
        taken = tar.extractfile("manifest.json")
        assert taken is not None
        found: dict[str, Any] = json.loads(taken.read())
    return json.dumps(found | changes).encode()


def test_what_goes_in_comes_out() -> None:
    packed = archive.pack(manifest(FILES), FILES)
    assert archive.unpack(packed) == (manifest(FILES), FILES)
    assert archive.peek(packed) == manifest(FILES)


def test_the_usual_tools_open_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.zst"
    path.write_bytes(archive.pack(manifest(FILES), FILES))
    with tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().decompress(path.read_bytes()))) as tar:
        assert tar.getnames() == ["manifest.json", *(f"files/{name}" for name in sorted(FILES))]
        assert {member.mode for member in tar.getmembers()} == {0o600}


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_one_changed_byte_is_noticed(place: int, change: int) -> None:
    packed = bytearray(archive.pack(manifest(FILES), FILES))
    packed[place % len(packed)] ^= change
    with contextlib.suppress(BackupError):
        assert archive.unpack(bytes(packed)) == (manifest(FILES), FILES)


@pytest.mark.parametrize("cut", [0, 1, 10, -1, -5])
def test_a_cut_archive_is_noticed(cut: int) -> None:
    packed = archive.pack(manifest(FILES), FILES)[:cut]
    for read in (archive.unpack, archive.peek):
        with pytest.raises(BackupError, match="damaged"):
            read(packed)


def test_anything_after_the_end_is_noticed() -> None:
    with pytest.raises(BackupError, match="damaged"):
        archive.unpack(archive.pack(manifest(FILES), FILES) + b"x")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(archive.MAX_TAR_BYTES + 1))
    with pytest.raises(BackupError, match="size is not credible"):
        archive.unpack(bomb)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1000))
    with pytest.raises(BackupError, match="size is not credible"):
        archive.unpack(unsized)


@pytest.mark.parametrize("name", ["../creds.json", "/etc/passwd", "a/b", "..", "", "."])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    hostile = replace(manifest({}), files=(BackedFile(name, 2, archive.sha256(b"{}"), 0.0),))
    with pytest.raises(BackupError, match="leave the folder"):
        archive.unpack(archive.pack(hostile, {name: b"{}"}))


def link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"


def hard(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.LNKTYPE, "manifest.json"


def device(info: tarfile.TarInfo) -> None:
    info.type = tarfile.CHRTYPE


@pytest.mark.parametrize("shape", [link, hard, device])
def test_links_and_devices_are_refused(shape: Callable[[tarfile.TarInfo], None]) -> None:
    info = tarfile.TarInfo("files/creds.json")
    shape(info)
    hostile = tar_of([(tarfile.TarInfo("manifest.json"), fields()), (info, b"")])
    with pytest.raises(BackupError, match="damaged"):
        archive.unpack(hostile)


def test_more_files_than_the_manifest_names_are_refused() -> None:
    members = [(tarfile.TarInfo("manifest.json"), fields())]
    members += [(tarfile.TarInfo(f"files/{name}"), data) for name, data in FILES.items()]
    archive.unpack(tar_of(members))
    for extra in ("files/more.json", "elsewhere", "files/creds.json", "files/../creds.json"):
        with pytest.raises(BackupError, match="damaged"):
            archive.unpack(tar_of([*members, (tarfile.TarInfo(extra), b"{}")]))
    with pytest.raises(BackupError, match="damaged"):
        archive.unpack(tar_of(members[:-1]))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"company": 5},
        {"kind": "warm"},
        {"created_at": "x"},
        {"created_at": 1e999},
        {"files": 7},
        {"files": [{"name": 1}]},
        {"phone": "4915100000001"},
        {"mode": None},
        {"token": None},
    ],
)
def test_a_manifest_that_is_not_one_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BackupError, match="damaged"):
        archive.read_manifest(fields(**changes))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff"])
def test_bytes_that_are_no_manifest_are_refused(data: bytes) -> None:
    with pytest.raises(BackupError, match="damaged"):
        archive.read_manifest(data)
