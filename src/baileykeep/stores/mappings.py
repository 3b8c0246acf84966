"""Who is who: the two files in which Baileys keeps the phone and the LID of a contact."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from baileykeep.model.errors import StoreError

Read = Callable[[str], bytes]
"""A file's bytes by its name; raises `StoreError` where there is none."""

_DIGITS = re.compile(r"[0-9]{1,32}")


def lid_of(phone: str, read: Read) -> str | None:
    """The LID user that the mapping of a phone names."""
    return _mapped(phone, f"lid-mapping-{phone}.json", read)


def phone_of(lid: str, read: Read) -> str | None:
    """The phone that the reverse mapping of a LID names."""
    return _mapped(lid, f"lid-mapping-{lid}_reverse.json", read)


def _mapped(user: str, name: str, read: Read) -> str | None:
    if not _DIGITS.fullmatch(user):
        return None
    try:
        value = json.loads(read(name))
    except (StoreError, ValueError, RecursionError):
        return None
    return value if isinstance(value, str) and _DIGITS.fullmatch(value) else None
