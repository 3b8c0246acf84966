"""Rows as files and back: the name that Baileys' multi-file auth state gives a key, and the key of such a name.

Baileys writes `<type>-<id>.json` with "/" as "__" and ":" as "-". That loses what was there, so only names that lead
back to exactly their row are used; a row whose name would not is a stranger: it is counted by nobody and never touched.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from baileykeep.model.inventory import Category
from baileykeep.rules.naming import category_of

TYPES = (
    "sender-key-memory",
    "sender-key",
    "app-state-sync-version",
    "app-state-sync-key",
    "pre-key",
    "session",
    "lid-mapping",
    "device-list",
    "tctoken",
    "identity-key",
)
"""Longer ones before those that they begin with."""

LONGEST_NAME = 255
STRANGER = "row="
"""How the name of a row begins that no file of Baileys could be."""

_SUFFIX = ".json"
_PLAIN = re.compile(r"[^\x00-\x1f\x7f/\\]+")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What tells a row of one company from all others."""

    type: str
    id: str


def name_of(key: Key) -> str:
    """The file name of a row; one that begins with `row=` for a stranger's."""
    name = f"{key.type}-{key.id}{_SUFFIX}".replace("/", "__").replace(":", "-")
    return name if key_of(name) == key else f"{STRANGER}{_fingerprint(key)}"


def key_of(name: str) -> Key | None:
    """The row that a name stands for; None for `creds.json`, for strangers, and for what Baileys never writes."""
    if category_of(name) in (Category.OTHER, Category.CREDS) or not _fits(name):
        return None
    kind = next((kind for kind in TYPES if name.startswith(f"{kind}-")), None)
    if kind is None:
        return None
    return Key(kind, _id(kind, name[len(kind) + 1 : -len(_SUFFIX)]))


def _fits(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and len(name.encode("utf-8", "replace")) <= LONGEST_NAME


def _id(kind: str, rest: str) -> str:
    """Sender keys are `<group>::<user>::<device>`, and groups hold single dashes; key ids of app state are base64."""
    if kind == "sender-key":
        group, user, device = rest.rsplit("--", 2)
        return f"{group}::{user}::{device}"
    return rest.replace("__", "/") if kind == "app-state-sync-key" else rest


def _fingerprint(key: Key) -> str:
    return hashlib.sha256(f"{len(key.type)}:{key.type}{key.id}".encode()).hexdigest()[:32]
