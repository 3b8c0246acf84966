"""Phone numbers and session addresses as people may see them: only the last four digits."""

from __future__ import annotations

import re

MASK = "***"
_USER = re.compile(r"[0-9]{7,}")


def mask_phone(phone: str | None) -> str | None:
    """The last four digits behind a mask of fixed width, so that not even the length shows. None stays None."""
    if phone is None:
        return None
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
