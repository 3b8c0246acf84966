"""Files of the sample logins, another login in their place, and what work that was cut short leaves of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baileykeep.backups.vault import Vault
from baileykeep.fsys import Fsys
from baileykeep.model.errors import BaileykeepError
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore
from tests.conformance.store_places import Place
from tests.unit.auth_folders import CrashError, Crashing, Failing
from tests.unit.rules.folders import GROUP, PHONE

SESSION = "session-4915122222222.0.json"
NEWER = b'{"newer": 1}'
"""As a database writes it, so that it reads the same everywhere."""

OWN_KEY = f"sender-key-{GROUP}--{PHONE}--1.json"

Break = Crashing | Failing
EVERY_STEP = pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
EVERY_BREAK = pytest.mark.parametrize("kind", [Crashing, Failing])


def relinked(creds: bytes) -> bytes:
    """The creds of another login that was paired in this one's place."""
    fields = json.loads(creds)
    fields["signedIdentityKey"]["public"]["data"] = "QkJCQg=="
    return json.dumps(fields).encode()


def unpaired(creds: bytes) -> bytes:
    """The creds of a pairing that was begun in this login's place, and not finished."""
    fields = json.loads(creds)
    del fields["account"], fields["me"]
    fields["signedIdentityKey"]["public"]["data"] = "QUFBQQ=="
    return json.dumps(fields).encode()


def stirred(place: Place, method: str, name: str, data: bytes) -> AuthStore:
    """A store under which the gateway writes whenever this method of it is called."""
    store = place.store()
    asked = getattr(store, method)

    def writes(*args: object) -> object:
        found = asked(*args)
        place.put(name, data)
        return found

    setattr(store, method, writes)
    return store


def steps_of(place: Path, work: Callable[[Path, Fsys], None]) -> int:
    """How many steps a piece of work has."""
    steps = Crashing(0)
    work(place, steps)
    return len(steps.done)


def cut_short(
    root: Path, work: Callable[[Path, Fsys], None], kind: type[Break], every: int
) -> Iterator[tuple[FileStore, Vault]]:
    """What a piece of work leaves that broke at its first step, and at every further one (or every so many-th)."""
    for step in range(1, steps_of(root / "count", work) + 1, every):
        place = root / str(step)
        place.mkdir()
        with pytest.raises((CrashError, BaileykeepError)):
            work(place, kind(step))
        yield FileStore("c", place / "auth"), Vault(place / "backups")
