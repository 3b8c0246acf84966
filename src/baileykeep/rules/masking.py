"""Phone numbers and session addresses as people may see them: only the last four digits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

MASK = "***"
_USER = re.compile(r"[0-9]{7,}")
_MASKED = re.compile(r"\*\*\*[0-9]{0,4}")
_ALIAS = re.compile(r"\*\*\*[0-9]{0,4}(?:_[0-9]{1,3})?~([0-9a-f]{16})\.([0-9]{1,5})")


def mask_phone(phone: str | None) -> str | None:
    """The last four digits behind a mask of fixed width, so that not even the length shows. None stays None."""
    if phone is None or _MASKED.fullmatch(phone):
        return phone
    digits = "".join(char for char in phone if char.isdigit())
    return MASK + (digits[-4:] if len(digits) > 4 else "")


def mask_address(address: str) -> str:
    """A session address (`4915122222222.0`, `100000000000555_1.0`) with its user masked; `_1` and the device stay."""
    user, dot, device = address.partition(".")
    user, lid, domain = user.partition("_")
    return f"{mask_phone(user)}{lid}{domain}{dot}{device}"


def mask_name(name: str) -> str:
    """A file's name with every number that may be a phone, a LID or a group masked; pre-key ids stay."""
    return _USER.sub(lambda found: MASK + found[0][-4:], name)


def alias(address: str, key: bytes) -> str:
    """A name for a session address that shows its last digits only: what is remembered of a contact.

    Equal addresses get equal names under one key; without the key no name leads back.
    """
    if _ALIAS.fullmatch(address):
        return address
    user, _, device = address.partition(".")
    return f"{mask_address(user)}~{_digest(user, key)}.{device}"


def addresses_of(aliases: Iterable[str], users: Iterable[str], key: bytes) -> tuple[str, ...]:
    """The addresses behind names, as far as their users are among these; what is no such name is taken as it is."""
    by_digest = {_digest(user, key): user for user in users}
    found = []
    for one in aliases:
        match = _ALIAS.fullmatch(one)
        user = by_digest.get(match[1]) if match else None
        if match is None or user is not None:
            found.append(f"{user}.{match[2]}" if match else one)
    return tuple(found)


def _digest(user: str, key: bytes) -> str:
    return hashlib.blake2b(user.encode(), key=key, digest_size=8).hexdigest()
