"""Which release of Baileys is meant, by what npm knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.e2e.lab.node import LAB, LabError, npm

PACKAGE = "baileys"
OLDER_NAME = "@whiskeysockets/baileys"
NEWEST = "latest"
NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([a-z]+)\.?(\d+))?")
WORD = re.compile(r"(?:(?:@[\w.-]+/)?\w[\w.-]*@)?\w[\w.-]*")


def resolved(word: str) -> str:
    """`name@version` of what is meant: `latest`, a version, a tag, or a whole name@version.

    `latest` is the newest by its number: npm's own tag of that name points to an old 6.x. Raises LabError when there
    is no such release.
    """
    if word == NEWEST:
        return f"{PACKAGE}@{newest(_versions(PACKAGE))}"
    if not WORD.fullmatch(word):
        raise LabError(_unknown(word))
    names = [""] if word.rpartition("@")[0] else [f"{PACKAGE}@", f"{OLDER_NAME}@"]
    for name in names:
        found = _exact(f"{name}{word}")
        if found:
            return found
    raise LabError(_unknown(word))


def newest(versions: list[str]) -> str:
    """The highest number; a release stands above its candidates, and rc10 above rc.9."""
    return max((one for one in versions if NUMBERS.fullmatch(one)), key=_rank)


def pinned_version() -> str:
    """The version that the lock file names."""
    manifest = json.loads((Path(LAB) / "package.json").read_text())
    return str(manifest["dependencies"][PACKAGE])


def _rank(version: str) -> tuple[int, int, int, bool, int]:
    found = NUMBERS.fullmatch(version)
    assert found is not None
    major, minor, patch, kind, number = found.groups()
    return int(major), int(minor), int(patch), kind is None, int(number or 0)


def _versions(package: str) -> list[str]:
    found = json.loads(npm("view", package, "versions", "--json"))
    return found if isinstance(found, list) else [found]


def _exact(package: str) -> str | None:
    try:
        version = npm("view", package, "version", "--json").strip()
    except LabError as error:
        if "E404" in str(error) or "ETARGET" in str(error):
            return None
        raise
    name = package.rpartition("@")[0]
    return f"{name}@{json.loads(version)}" if version else None


def _unknown(word: str) -> str:
    return f"npm knows no Baileys {word!r}: say latest, a version such as 7.0.0-rc.9, or name@version"
