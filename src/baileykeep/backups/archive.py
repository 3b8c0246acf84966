"""The archive of one backup: a zstd-compressed tar whose first member is its manifest.

`tar --zstd -xf` opens it. What is read back may have been tampered with or cut off: nothing is taken from it that
the manifest does not name, every size is bounded before it is believed, and every byte is hashed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import zstandard

from baileykeep.fsys import is_bare
from baileykeep.model.backup import BackedFile, Backup, BackupKind
from baileykeep.model.errors import BackupError

VERSION = 1
MAX_FILES = 100_000
MAX_TAR_BYTES = 512 * 1024 * 1024
MAX_ARCHIVE_BYTES = MAX_TAR_BYTES
ROOM_BYTES = 128 * 1024 * 1024
DENSEST = 100
"""Keys hardly shrink. An archive that claims to be so many times denser (past the room that anything has) is a bomb."""

_MANIFEST = "manifest.json"
_FOLDER = "files/"
_LEVEL = 3
_PHONE = re.compile(r"\*\*\*[0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself; see `model.backup.Backup`. `phone` is masked, `mode` the files' permissions."""

    company: str
    kind: BackupKind
    created_at: float
    identity: str | None
    phone: str | None
    paired: bool
    token: str
    mode: int
    whole: bool
    reason: str
    files: tuple[BackedFile, ...]

    def as_backup(self, name: str, sha256: str = "") -> Backup:
        """The backup of this manifest under its name in the vault."""
        return Backup(
            name=name,
            company=self.company,
            kind=self.kind,
            created_at=self.created_at,
            paired=self.paired,
            identity=self.identity,
            phone=self.phone,
            files=len(self.files),
            bytes=sum(file.size for file in self.files),
            token=self.token,
            sha256=sha256,
            whole=self.whole,
            reason=self.reason,
        )


def pack(manifest: Manifest, contents: Mapping[str, bytes]) -> bytes:
    """The archive's bytes. `contents` has exactly the files of the manifest."""
    if len(manifest.files) > MAX_FILES:
        raise BackupError(f"the folder has more than {MAX_FILES} files", permanent=True)
    members = [(_MANIFEST, _manifest_bytes(manifest), manifest.created_at)]
    members += [(_FOLDER + file.name, contents[file.name], file.mtime) for file in manifest.files]
    tar = b"".join(_member(name, data, mtime) for name, data, mtime in members) + bytes(2 * tarfile.BLOCKSIZE)
    if len(tar) > MAX_TAR_BYTES:
        raise BackupError(f"the folder has more than {MAX_TAR_BYTES} bytes", permanent=True)
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(tar)


def unpack(archive: bytes) -> tuple[Manifest, dict[str, bytes]]:
    """Manifest and contents, every hash checked. Raises `BackupError` for anything that is not whole."""
    members = _members(_decompressed(archive))
    manifest = read_manifest(members.pop(_MANIFEST, b""))
    contents = {name.removeprefix(_FOLDER): data for name, data in members.items() if name.startswith(_FOLDER)}
    if len(contents) != len(members) or set(contents) != {file.name for file in manifest.files}:
        raise _damaged("it holds other files than its manifest names")
    for file in manifest.files:
        data = contents[file.name]
        if len(data) != file.size or sha256(data) != file.sha256:
            raise _damaged("a file in it differs from its manifest")
    return manifest, contents


def peek(archive: bytes) -> Manifest:
    """The manifest alone; nothing else is checked."""
    tar = io.BytesIO(_decompressed(archive))
    try:
        with tarfile.open(fileobj=tar, mode="r:", encoding="utf-8") as members:
            first = members.next()
            taken = members.extractfile(first) if first is not None and first.name == _MANIFEST else None
            return read_manifest(taken.read() if taken is not None else b"")
    except (tarfile.TarError, ValueError, OverflowError, OSError, RecursionError) as error:
        raise _damaged("its manifest cannot be read") from error


def sha256(data: bytes) -> str:
    """A hash as the manifest writes it."""
    return hashlib.sha256(data).hexdigest()


def read_manifest(data: bytes) -> Manifest:
    """A manifest from its JSON; raises `BackupError` for anything that is not one."""
    try:
        fields = json.loads(data)
        if fields["version"] != VERSION:
            raise _damaged(f"its version is {str(fields['version'])[:20]}, and this program reads {VERSION}")
        return _manifest(fields)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _damaged("its manifest is not one") from error


def _manifest(fields: Mapping[str, Any]) -> Manifest:
    files = tuple(_backed_file(file) for file in fields["files"])
    if len({file.name for file in files}) != len(files) or len(files) > MAX_FILES:
        raise _damaged("its manifest names a file twice, or too many")
    return Manifest(
        company=_text(fields["company"]),
        kind=BackupKind(fields["kind"]),
        created_at=_number(fields["created_at"]),
        identity=None if fields["identity"] is None else _text(fields["identity"]),
        phone=None if fields["phone"] is None else _masked(_text(fields["phone"])),
        paired=fields["paired"] is True,
        token=_text(fields["token"]),
        mode=int(fields["mode"]) & 0o777,
        whole=fields["whole"] is True,
        reason=_text(fields["reason"]),
        files=files,
    )


def _backed_file(fields: Mapping[str, Any]) -> BackedFile:
    name = _text(fields["name"])
    if not is_bare(name):
        raise _damaged("a name in it would leave the folder")
    return BackedFile(name, int(fields["size"]), _text(fields["sha256"]), _number(fields["mtime"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _masked(value: str) -> str:
    if not _PHONE.fullmatch(value):
        raise ValueError("a masked phone was expected")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise ValueError("a number was expected")
    return number


def _manifest_bytes(manifest: Manifest) -> bytes:
    files = [{"name": f.name, "size": f.size, "sha256": f.sha256, "mtime": f.mtime} for f in manifest.files]
    fields = {
        "version": VERSION,
        "company": manifest.company,
        "kind": manifest.kind.value,
        "created_at": manifest.created_at,
        "identity": manifest.identity,
        "phone": manifest.phone,
        "paired": manifest.paired,
        "token": manifest.token,
        "mode": manifest.mode,
        "whole": manifest.whole,
        "reason": manifest.reason,
        "files": files,
    }
    return json.dumps(fields).encode()


def _member(name: str, data: bytes, mtime: float) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), 0o600, max(0, int(mtime))
    header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return header + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def _decompressed(archive: bytes) -> bytes:
    """The size is announced in the frame and bounded before anything is allocated."""
    try:
        size = zstandard.get_frame_parameters(archive).content_size
        if not 0 < size <= min(MAX_TAR_BYTES, ROOM_BYTES + DENSEST * len(archive)):
            raise _damaged("its size is not credible")
        return zstandard.ZstdDecompressor().decompress(archive, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _damaged("it is not a whole zstd archive") from error


def _members(tar: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:", encoding="utf-8") as members:
            for member in members:
                taken = members.extractfile(member) if member.isreg() and member.size <= len(tar) else None
                if taken is None or member.name in found or len(found) > MAX_FILES:
                    raise _damaged("it holds something else than plain files, or one twice")
                found[member.name] = taken.read()
    except (tarfile.TarError, ValueError, OverflowError, OSError, RecursionError) as error:
        raise _damaged("it is not a whole tar archive") from error
    return found


def _damaged(why: str) -> BackupError:
    return BackupError(
        f"the backup is damaged: {why}", next_step="use another one", code="backup_damaged", permanent=True
    )
