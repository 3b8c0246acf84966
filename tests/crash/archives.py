"""Backups read by somebody who knows only their format: zstd, tar, a manifest with hashes. Not the product's reader."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import zstandard

SUFFIX = ".tar.zst"


@dataclass(frozen=True, slots=True)
class Copy:
    """One archive that was read to its end; `problem` is empty when it is whole."""

    name: str
    manifest: dict[str, Any]
    contents: dict[str, bytes]
    problem: str


def copies(backups: Path, company: str) -> list[Copy]:
    """Every archive of a company, by name."""
    folder = backups / quote(company, safe="")
    if not folder.is_dir():
        return []
    return [_read(path) for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIX)]


def _read(path: Path) -> Copy:
    name = path.name.removesuffix(SUFFIX)
    try:
        with zstandard.ZstdDecompressor().stream_reader(path.read_bytes()) as packed:
            members = _members(packed.read())
        manifest = json.loads(members.pop("manifest.json"))
    except (zstandard.ZstdError, tarfile.TarError, KeyError, ValueError) as error:
        return Copy(name, {}, {}, f"{type(error).__name__}: {error}")
    contents = {member.removeprefix("files/"): data for member, data in members.items()}
    return Copy(name, manifest, contents, _problem(manifest, contents, path))


def _members(tar: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
        taken = {member.name: opened.extractfile(member) for member in opened}
        return {name: data.read() for name, data in taken.items() if data is not None}


def _problem(manifest: dict[str, Any], contents: dict[str, bytes], path: Path) -> str:
    wanted = {file["name"]: file["sha256"] for file in manifest["files"]}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    if wanted != found:
        return f"{len(wanted.items() ^ found.items())} files differ from the manifest"
    mode = stat.S_IMODE(path.stat().st_mode)
    return "" if mode == 0o600 else f"its mode is {mode:o}"


def leftovers(*folders: Path) -> list[str]:
    """Unfinished writes that lie about."""
    return [
        os.path.join(top, name)
        for folder in folders
        for top, _, names in os.walk(folder)
        for name in names
        if name.startswith(".baileykeep-")
    ]


def lock_holders(path: Path) -> list[int]:
    """The processes that hold a lock on a file, asked of each of them.

    The one list of all locks, /proc/locks, loses rows while other processes lock and unlock.
    """
    if not path.exists():
        return []
    opened = [found for found in Path("/proc").glob("[0-9]*/fd/*") if _same(found, path)]
    rows = [line.split() for found in opened for line in _lock_lines(found.parents[1] / "fdinfo" / found.name)]
    return sorted({int(row[5]) for row in rows if row[2] == "FLOCK"})


def _same(opened: Path, path: Path) -> bool:
    """Whether an open file is that file; False where it, or its process, has gone meanwhile."""
    try:
        return opened.samefile(path)
    except OSError:
        return False


def _lock_lines(info: Path) -> list[str]:
    try:
        return [line for line in info.read_text().splitlines() if line.startswith("lock:")]
    except OSError:
        return []


def processes_with(word: str) -> list[int]:
    """The pids of processes that have this word in their command line."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 1) for line in listed.splitlines()[1:]]
    return [int(pid) for pid, args in rows if word in args.split() and "baileykeep run" in args]
