"""Auth folders of simulated companies: real files on a RAM disk, with virtual times."""

from __future__ import annotations

import functools
import json
import os
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baileykeep.demo import shapes
from baileykeep.demo.folders import (
    FIRST_UPLOAD,
    Shape,
    app_state,
    contact,
    contact_lid,
    contact_phone,
    make_folder,
    own_lid,
    session_file,
    write,
)

DAY_S = 86_400.0


@functools.cache
def _template(shape: Shape) -> tuple[tuple[str, str, float], ...]:
    """The files of a shape with their age, made once a process; creds are made anew for each company."""
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "template"
        make_folder(path, shape, phone="491510000000", now=0.0, rng=random.Random("template"))
        files = [file for file in sorted(path.iterdir()) if file.name != "creds.json"]
        return tuple((file.name, file.read_text(), file.stat().st_mtime) for file in files)


class Folder:
    """One company's folder as its gateway writes it; every write is told to `wrote`."""

    def __init__(self, path: Path, shape: Shape, phone: str, rng: random.Random, now: float):
        self.path = path
        self.shape = shape
        self.phone = phone
        self._rng = rng
        self._contacts = 1000
        path.mkdir(parents=True)
        for name, text, age in _template(shape):
            write(path / name.replace("491510000000", phone), text, now + age)
        self.creds = self._paired(shape.pre_keys + 1)
        self.write_creds(self.creds, now - 3600)

    def _paired(self, next_id: int) -> dict[str, Any]:
        generation = self.shape.generation
        fresh = shapes.fresh_creds(self._rng)
        paired = shapes.paired_creds(
            fresh, self._rng, phone=self.phone, lid=own_lid(self.phone), device=1, generation=generation
        )
        return shapes.minted(paired, next_id)

    # --- what a gateway writes --------------------------------------------------------------------------------

    def write_creds(self, creds: Mapping[str, Any], now: float) -> None:
        """As Baileys does: truncate, then write."""
        if self.there:
            write(self.path / "creds.json", shapes.compact(creds), now)

    def fresh_login(self, now: float) -> dict[str, Any]:
        """A new identity that no phone knows yet, put over whatever lay there."""
        creds = shapes.fresh_creds(self._rng)
        self.path.mkdir(parents=True, exist_ok=True)
        self.write_creds(creds, now)
        return creds

    def pair(self, creds: Mapping[str, Any], now: float) -> dict[str, Any]:
        """What lies there once a phone accepted these creds."""
        generation = self.shape.generation
        next_id = FIRST_UPLOAD[6] + 1
        paired = shapes.paired_creds(
            creds, self._rng, phone=self.phone, lid=own_lid(self.phone), device=2, generation=generation
        )
        paired = shapes.minted(paired, next_id)
        self.path.mkdir(parents=True, exist_ok=True)
        for number in range(1, next_id):
            write(self.path / f"pre-key-{number}.json", shapes.pre_key(self._rng), now)
        for name, text, at in app_state(self._rng, now):
            write(self.path / name, text, at)
        self.write_creds(paired, now)
        return paired

    def sessions_with(self, count: int, now: float, *, age_s: float = 0.0) -> None:
        """Let it grow by sessions with new contacts, last written so long ago."""
        if not self.there:
            return
        for _ in range(count):
            self._contacts += 1
            address = contact(self._contacts, self.shape.generation)
            write(self.path / session_file(address), _session(self._contacts % 8), now - age_s)

    def touch_sessions(self, count: int, now: float) -> None:
        """Traffic: some ratchets move on."""
        for name in self.session_names()[:count]:
            write(self.path / name, _session(int(now) % 8), now)

    # --- what lies there ---------------------------------------------------------------------------------------

    @property
    def there(self) -> bool:
        """Whether the folder exists."""
        return self.path.is_dir()

    def session_names(self) -> list[str]:
        """The session files, sorted."""
        if not self.there:
            return []
        return sorted(name for name in os.listdir(self.path) if name.startswith("session-"))

    def read_creds(self) -> dict[str, Any] | None:
        """As Baileys reads: anything unreadable is as good as missing."""
        try:
            value = json.loads((self.path / "creds.json").read_bytes())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def has_session(self, address: str) -> bool:
        """Whether the ratchet with a contact device is there, under either name."""
        return any((self.path / session_file(form)).exists() for form in twins(address))


@functools.cache
def _session(number: int) -> str:
    return shapes.session(random.Random(f"session {number}"), 1_799_000_000.0)


def twins(address: str) -> tuple[str, ...]:
    """The names under which a contact device's ratchet may lie."""
    return (address,)


def identity(creds: Mapping[str, Any] | None) -> str | None:
    """What the server knows a login by; None where the creds hold none."""
    try:
        return shapes.identity_of(creds) if creds is not None else None
    except (KeyError, TypeError):
        return None


def address_of(session_name: str) -> str:
    """The contact device of a session file."""
    return session_name.removeprefix("session-").removesuffix(".json")


__all__ = ["DAY_S", "Folder", "Shape", "address_of", "contact_lid", "contact_phone", "identity", "twins"]
