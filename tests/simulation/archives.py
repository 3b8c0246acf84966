"""The backups folder as somebody reads it who knows nothing of the program that wrote it: zstd, then tar."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import zstandard

from tests.simulation.folders import identity

SUFFIX = ".tar.zst"


@dataclass(frozen=True, slots=True)
class Archive:
    """What one archive holds; `written_at` is its file's own time."""

    files: Mapping[str, bytes]
    written_at: float


class Archives:
    """Reads every archive once; what cannot be read holds nothing."""

    def __init__(self, root: Path):
        self._root = root
        self._read: dict[tuple[str, int], Archive] = {}

    def names(self, company: str) -> list[str]:
        """The names that are there, sorted."""
        return [path.name.removesuffix(SUFFIX) for path in self._paths(company)]

    def _paths(self, company: str) -> list[Path]:
        folder = self._root / company
        return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []

    def all(self, company: str) -> list[Archive]:
        """Every archive of a company."""
        return [self._open(path) for path in self._paths(company)]

    def _open(self, path: Path) -> Archive:
        found = path.stat()
        key = (path.name, found.st_ino)
        if key not in self._read:
            self._read[key] = Archive(_files(path), found.st_mtime)
        return self._read[key]

    def holds(self, company: str, name: str, data: bytes, since: float) -> bool:
        """Whether an archive that was written since then gives these bytes back."""
        return any(a.files.get(name) == data for a in self.all(company) if a.written_at >= since)

    def holds_login(self, company: str, login: str) -> bool:
        """Whether any copy, an archive or the last-good creds, holds this login."""
        if any(identity(_json(a.files.get("creds.json"))) == login for a in self.all(company)):
            return True
        good = self._root / company / "good-creds.json"
        kept = _json(good.read_bytes()) if good.is_file() else None
        return kept is not None and identity(_json(str(kept.get("creds")).encode())) == login


def _json(data: bytes | None) -> dict[str, object] | None:
    try:
        value = json.loads(data or b"")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _files(path: Path) -> dict[str, bytes]:
    try:
        plain = zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=1 << 28)
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            return {m.name.rpartition("/")[2]: taken.read() for m in tar if (taken := tar.extractfile(m)) is not None}
    except (OSError, zstandard.ZstdError, tarfile.TarError):
        return {}
