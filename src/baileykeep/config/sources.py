"""The files of a configuration directory as they are at one moment. The only place in this room that reads them."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baileykeep.config.fields import COMPANY_ID
from baileykeep.fsys import read_plain

INSTALLATION = "baileykeep.toml"
COMPANIES = "companies"
DIALECTS = "dialects"
LARGEST = 1_000_000
"""Bytes; a bigger file was put here by mistake."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name relative to the directory, and its text, or why there is none."""

    name: str
    text: str | None = field(default=None, repr=False)
    fault: str = ""
    open_to_all: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """All files that make up a configuration. `strangers` are files whose name cannot be a company's.

    `companies_fault` says why the companies' folder could not be listed ("" when it could).
    """

    directory: Path
    installation: Source
    companies: Mapping[str, Source]
    strangers: tuple[str, ...] = ()
    dialects: Mapping[str, Source] = field(default_factory=dict)
    companies_fault: str = ""

    def all(self) -> dict[str, Source]:
        """Every file by its relative name."""
        files = (self.installation, *self.companies.values(), *self.dialects.values())
        return {source.name: source for source in files}


def read_sources(directory: Path) -> Sources:
    """Read everything once. Never raises: a file that cannot be read says so in its `fault`."""
    companies, strangers = {}, []
    for path in _toml_files(directory / COMPANIES):
        name = f"{COMPANIES}/{path.name}"
        if COMPANY_ID.fullmatch(path.stem):
            companies[path.stem] = _read(path, name)
        else:
            strangers.append(name)
    dialects = {path.stem: _read(path, f"{DIALECTS}/{path.name}") for path in _toml_files(directory / DIALECTS)}
    installation, fault = _read(directory / INSTALLATION, INSTALLATION), _fault(directory / COMPANIES)
    return Sources(directory, installation, companies, tuple(strangers), dialects, fault)


def signature(directory: Path) -> tuple[tuple[str, int, int, int], ...]:
    """(name, mtime in ns, size, inode) of every file: equal means that nothing was saved in between."""
    paths = [directory / INSTALLATION, *_toml_files(directory / COMPANIES), *_toml_files(directory / DIALECTS)]
    return tuple(entry for path in paths if (entry := _stamp(path)))


def _stamp(path: Path) -> tuple[str, int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino


def _fault(folder: Path) -> str:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _toml_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except OSError:
        return []


def _read(path: Path, name: str) -> Source:
    try:
        data, found = read_plain(path, LARGEST + 1)
    except FileNotFoundError:
        return Source(name, fault="is not there")
    except OSError as error:
        return Source(name, fault=f"cannot be read: {error.strerror or error}")
    if len(data) > LARGEST:
        return Source(name, fault="is larger than a configuration file can be")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Source(name, fault="is not UTF-8 text")
    return Source(name, text, open_to_all=bool(found.st_mode & stat.S_IROTH))
