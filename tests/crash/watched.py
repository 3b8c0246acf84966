"""What a company's folder and its copies hold, byte for byte, seen by nobody of the product."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.archives import Copy, copies
from tests.crash.installation import Installation

KEPT = ("creds.json", "app-state-", "lid-mapping-", "device-list-", "tctoken-", "identity-key-")
"""What belongs to the login itself: it is in place, or in a whole set-aside."""


@dataclass(frozen=True, slots=True)
class Folder:
    """An auth folder at one moment: every file's hash, and the creds where they parse."""

    files: dict[str, str]
    creds: dict[str, Any] | None
    owner: tuple[int, int]
    modes: dict[str, int]

    @property
    def identity(self) -> str | None:
        """What WhatsApp knows the login by."""
        return str(self.creds["signedIdentityKey"]["public"]) if self.creds else None

    @property
    def paired(self) -> bool:
        """Whether the login is linked to a phone."""
        return bool(self.creds and self.creds.get("account") and ":" in self.creds.get("me", {}).get("id", ""))

    @property
    def next_pre_key(self) -> int:
        """The id that the next minted pre-key gets."""
        return int(self.creds["nextPreKeyId"]) if self.creds else 0


@dataclass(frozen=True, slots=True)
class Company:
    """A folder with all its copies."""

    folder: Folder
    copies: list[Copy]

    def usable(self) -> list[Copy]:
        """Whole backups (no set-asides) of the login that lies there."""
        return [
            copy
            for copy in self.copies
            if not copy.problem and copy.manifest["kind"] != "aside" and _identity(copy) == self.folder.identity
        ]


def _identity(copy: Copy) -> str | None:
    data = copy.contents.get("creds.json", b"")
    try:
        return str(json.loads(data)["signedIdentityKey"]["public"])
    except (ValueError, KeyError, TypeError):
        return None


def folder(path: Path) -> Folder:
    """Read it all."""
    files, modes, creds = {}, {}, None
    for name in sorted(os.listdir(path)):
        data = (path / name).read_bytes()
        files[name] = sha(data)
        modes[name] = (path / name).stat().st_mode & 0o777
        creds = _parsed(data) if name == "creds.json" else creds
    top = path.stat()
    return Folder(files, creds, (top.st_uid, top.st_gid), modes)


def look(place: Installation, company: str) -> Company:
    """A company as it is now."""
    return Company(folder(place.gateway.folder(company)), copies(place.backups, company))


def sha(data: bytes) -> str:
    """A hash to compare by."""
    return hashlib.sha256(data).hexdigest()


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        creds = json.loads(data)
    except ValueError:
        return None
    return creds if isinstance(creds, dict) and "signedIdentityKey" in creds else None
