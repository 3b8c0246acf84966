"""Auth folders as a gateway on Baileys leaves them on disk, with exactly as many files of each kind as asked."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from baileykeep.demo import shapes
from baileykeep.demo.shapes import Generation

DAY_S = 86400.0
FIXED = 1 + len(shapes.SYNC_KEYS) + len(shapes.SYNC_VERSIONS)
FIRST_UPLOAD = {6: 30, 7: 812}
"""How many pre-keys Baileys uploads at the first login."""

GROUP = "120363000000000001@g.us"
UNCOUNTED = ("lid-mapping-", "device-list-", "tctoken-", "identity-key-")
SPARE_PRE_KEYS = FIRST_UPLOAD[7] - FIRST_UPLOAD[6]
BORN_WITH_MANY = 600


@dataclass(frozen=True, slots=True)
class Shape:
    """How many files of each kind a folder holds.

    `old_*` files were last written `old_days` ago, the others within the last two days. `groups` counts our own
    sender keys, each with its sender-key-memory; `sender_keys` are those of contacts. `lid_mappings` are pairs.
    """

    generation: Generation = 7
    pre_keys: int = 812
    sessions: int = 5
    old_sessions: int = 0
    sender_keys: int = 2
    old_sender_keys: int = 0
    groups: int = 1
    lid_mappings: int = 0
    old_days: float = 40.0

    @classmethod
    def counting(cls, counted: int, reclaimable: int = 0, *, generation: Generation = 7) -> Shape:
        """A shape with exactly so many counted files, `reclaimable` of them old sessions that a cleanup removes.

        Raises ValueError when the files that every paired folder has are already more than that.
        """
        base = cls(generation=generation, pre_keys=FIRST_UPLOAD[generation], sessions=0, sender_keys=0)
        young = counted - base.counted - reclaimable
        if young < 0:
            raise ValueError(f"a paired folder with {reclaimable} old sessions has at least {counted - young} files")
        return replace(base, sessions=young, old_sessions=reclaimable, lid_mappings=6 if generation >= 7 else 0)

    @property
    def counted(self) -> int:
        """The files that the level table counts: not the LID mappings, nor what only 7.x writes."""
        pre_keys = self.pre_keys - (SPARE_PRE_KEYS if self.pre_keys >= BORN_WITH_MANY else 0)
        return FIXED + pre_keys + self._cleanable + 2 * self.groups

    @property
    def _cleanable(self) -> int:
        return self.sessions + self.old_sessions + self.sender_keys + self.old_sender_keys


def contact(number: int, generation: Generation = 7) -> str:
    """The session address of the n-th contact; on 7.x every second one is known by its LID."""
    return f"{contact_lid(number)}_1.0" if generation >= 7 and number % 2 else f"{contact_phone(number)}.0"


def contact_phone(number: int) -> str:
    """The n-th contact's made-up phone."""
    return f"49171{number:08d}"


def contact_lid(number: int) -> str:
    """The n-th contact's made-up LID."""
    return f"{200_000_000_000_000 + number}"


def own_lid(phone: str) -> str:
    """A made-up LID for one of our own phones."""
    return f"1{int(phone) % 10**14:014d}"


def write(path: Path, text: str, at: float) -> None:
    """As Baileys writes: truncate, then write in place; `at` becomes the mtime, on whatever clock it was read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(descriptor, text.encode())
        os.utime(descriptor, (at, at))
    finally:
        os.close(descriptor)


def make_folder(path: Path, shape: Shape, *, phone: str, now: float, rng: random.Random) -> None:
    """Write a paired auth folder. The same `rng` state gives the same files; nothing is newer than an hour."""
    path.mkdir(parents=True, exist_ok=True)
    for name, text, at in _files(shape, phone, now, rng):
        write(path / name, text, at)


def add_sessions(path: Path, count: int, *, generation: Generation, now: float, rng: random.Random) -> list[str]:
    """Let the folder grow by `count` sessions with contacts it does not know yet; returns their addresses."""
    taken = {name for name in os.listdir(path) if name.startswith("session-")}
    fresh = (contact(n, generation) for n in range(10_000_000))
    addresses = [a for a, _ in zip((a for a in fresh if session_file(a) not in taken), range(count), strict=False)]
    for address in addresses:
        write(path / session_file(address), shapes.session(rng, now), now)
    return addresses


def session_file(address: str) -> str:
    """The file that holds the ratchet with one contact device."""
    return f"session-{address}.json"


def pre_key_ids(path: Path) -> list[int]:
    """The ids of the pre-keys on disk, in order."""
    found = (re.fullmatch(r"pre-key-(\d+)\.json", name) for name in os.listdir(path))
    return sorted(int(match[1]) for match in found if match)


def counted_files(path: Path) -> int:
    """How many files the level table counts in a folder: the gateway's own, simple reading of it."""
    names = [name for name in os.listdir(path) if name.endswith(".json")]
    pre_keys = sum(name.startswith("pre-key-") for name in names)
    spare = min(SPARE_PRE_KEYS, pre_keys) if pre_keys >= BORN_WITH_MANY else 0
    return sum(not name.startswith(UNCOUNTED) for name in names) - spare


def _files(shape: Shape, phone: str, now: float, rng: random.Random) -> Iterator[tuple[str, str, float]]:
    old, young = now - shape.old_days * DAY_S, now - DAY_S
    creds = shapes.paired_creds(
        shapes.fresh_creds(rng), rng, phone=phone, lid=own_lid(phone), device=1, generation=shape.generation
    )
    yield "creds.json", shapes.compact(shapes.minted(creds, shape.pre_keys + 1)), now - 3600
    for n in range(1, shape.pre_keys + 1):
        yield f"pre-key-{n}.json", shapes.pre_key(rng), old
    yield from app_state(rng, young)
    for n in range(shape.sessions + shape.old_sessions):
        at = old if n < shape.old_sessions else now - rng.uniform(3600, 2 * DAY_S)
        yield session_file(contact(n, shape.generation)), shapes.session(rng, at), at
    yield from _groups(shape, phone, now, rng)
    if shape.generation >= 7:
        yield from _seven(shape, old, rng)
    for n in range(shape.lid_mappings):
        yield f"lid-mapping-{contact_phone(n)}.json", f'"{contact_lid(n)}"', old
        yield f"lid-mapping-{contact_lid(n)}_reverse.json", f'"{contact_phone(n)}"', old


def app_state(rng: random.Random, at: float) -> Iterator[tuple[str, str, float]]:
    """The app-state files that the phone sends after a pairing."""
    for name in shapes.SYNC_KEYS:
        yield f"app-state-sync-key-{name}.json", shapes.sync_key(rng, at), at
    for name in shapes.SYNC_VERSIONS:
        yield f"app-state-sync-version-{name}.json", shapes.sync_version(rng), at


def _groups(shape: Shape, phone: str, now: float, rng: random.Random) -> Iterator[tuple[str, str, float]]:
    old, young = now - shape.old_days * DAY_S, now - DAY_S
    for n in range(shape.sender_keys + shape.old_sender_keys):
        at = old if n < shape.old_sender_keys else young
        name = f"sender-key-{GROUP}--{contact_phone(n)}--0.json"
        yield name, shapes.sender_key(rng, shape.generation, ours=False), at
    for n in range(shape.groups):
        group = f"{120363000000000001 + n}@g.us"
        text = shapes.sender_key(rng, shape.generation, ours=True)
        yield f"sender-key-{group}--{phone}--1.json", text, young
        members = {f"{contact_phone(0)}@s.whatsapp.net": True}
        yield f"sender-key-memory-{group}.json", shapes.compact(members), young


def _seven(shape: Shape, at: float, rng: random.Random) -> Iterator[tuple[str, str, float]]:
    """What only 7.x writes beside each session; a cleanup never touches it."""
    for n in range(shape.sessions + shape.old_sessions):
        yield f"identity-key-{contact(n, 7)}.json", shapes.identity_key(rng), at
    for n in range(min(2, shape.sessions)):
        yield f"device-list-{contact_phone(n)}.json", '["0"]', at
        yield f"tctoken-{contact_lid(n)}@lid.json", shapes.tc_token(rng, at), at
