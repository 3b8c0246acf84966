"""Names in an auth folder: what each file is, and which session, sender key or pre-key it holds.

Shapes that a cleanup may remove are matched exactly, so that a stranger's file never looks like one of them;
shapes that are never removed are matched by their beginning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from baileykeep.model.inventory import Category, Creds

CREDS = "creds.json"

_SESSION = re.compile(r"session-([0-9]{1,32}(?:_[0-9]{1,3})?\.[0-9]{1,5})\.json")
_GROUP = r"(?:[0-9]{1,32}(?:-[0-9]{1,32})?@(?:g\.us|broadcast)|status@broadcast)"
_SENDER_KEY = re.compile(rf"sender-key-({_GROUP})--([0-9]{{1,32}}(?:_[0-9]{{1,3}})?)--([0-9]{{1,5}})\.json")
_SENDER_KEY_MEMORY = re.compile(rf"sender-key-memory-({_GROUP})\.json")
_PRE_KEY = re.compile(r"pre-key-(0|[1-9][0-9]{0,9})\.json")
_KEPT = (
    (re.compile(r"app-state-sync-(?:key|version)-[^/]+\.json"), Category.APP_STATE),
    (re.compile(r"lid-mapping-[^/]+\.json"), Category.LID_MAPPING),
    (re.compile(r"device-list-[^/]+\.json"), Category.DEVICE_LIST),
    (re.compile(r"tctoken-[^/]+\.json"), Category.TCTOKEN),
    (re.compile(r"identity-key-[^/]+\.json"), Category.IDENTITY_KEY),
)
_REMOVABLE = (
    (_PRE_KEY, Category.PRE_KEY),
    (_SESSION, Category.SESSION),
    (_SENDER_KEY, Category.SENDER_KEY),
    (_SENDER_KEY_MEMORY, Category.SENDER_KEY),
)
_ADDRESS = re.compile(r"([0-9]{1,32})(_1)?\.([0-9]{1,5})")
_MAPPING = re.compile(r"lid-mapping-([0-9]{1,32})(_reverse)?\.json")
_LID_DOMAIN = "_1"


def category_of(name: str) -> Category:
    """What a file is, by its exact name. Temporary files, copies and strangers are OTHER."""
    if name == CREDS:
        return Category.CREDS
    for shape, category in (*_REMOVABLE, *_KEPT):
        if shape.fullmatch(name):
            return category
    return Category.OTHER


def pre_key_id(name: str) -> int | None:
    """The id of a pre-key file; None for any other file."""
    match = _PRE_KEY.fullmatch(name)
    return int(match[1]) if match else None


def session_file(address: str) -> str | None:
    """The session file of an address; None when the address has not the shape of one."""
    name = f"session-{address}.json"
    return name if _SESSION.fullmatch(name) else None


def twin_addresses(
    address: str, lid_of: Callable[[str], str | None], phone_of: Callable[[str], str | None]
) -> tuple[str, ...]:
    """The other names under which the same contact device may have a session.

    `lid_of` and `phone_of` look a user up in the LID mapping, one way and the other. 6.x writes LID sessions
    without the `_1` that 7.x adds, so both forms are given.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return ()
    user, domain, device = match[1], match[2], match[3]
    lid = user if domain == _LID_DOMAIN else lid_of(user)
    phone = phone_of(user) if domain == _LID_DOMAIN else user if lid else phone_of(user)
    if phone and not lid:
        lid = user
    # a user that is not known (None) makes no address, and neither does whatever else a mapping may hold
    forms = (f"{name}.{device}" for name in (phone, f"{lid}{_LID_DOMAIN}", lid))
    return tuple(form for form in forms if form != address and _ADDRESS.fullmatch(form))


def users_of(names: Iterable[str]) -> set[str]:
    """The users, as session addresses write them, that sessions and mappings of these names tell of."""
    users: set[str] = set()
    for name in names:
        session, mapping = _SESSION.fullmatch(name), _MAPPING.fullmatch(name)
        if session:
            users.add(session[1].partition(".")[0])
        elif mapping:
            users |= {mapping[1], mapping[1] + _LID_DOMAIN} if mapping[2] else {mapping[1]}
    return users


@dataclass(frozen=True, slots=True)
class SenderKey:
    """Whose key of which group a sender-key file holds. `user` keeps the `_1` of a LID."""

    group: str
    user: str
    device: int


def sender_key(name: str) -> SenderKey | None:
    """The parts of a sender-key file's name; None for any other file."""
    match = _SENDER_KEY.fullmatch(name)
    return SenderKey(match[1], match[2], int(match[3])) if match else None


def memory_group(name: str) -> str | None:
    """The group of a sender-key-memory file; None for any other file."""
    match = _SENDER_KEY_MEMORY.fullmatch(name)
    return match[1] if match else None


def memory_file(group: str) -> str:
    """The file that remembers who already has our key of this group."""
    return f"sender-key-memory-{group}.json"


def is_own(key: SenderKey, creds: Creds) -> bool | None:
    """Whether a sender key is our own; None when the creds do not tell.

    Our phone is a device of its own, so user and device both have to match.
    """
    if creds.phone is None or creds.device is None:
        return None
    if key.device != creds.device:
        return False
    user = key.user.partition("_")[0]
    if user in (creds.phone, creds.lid):
        return True
    return None if creds.lid is None else False
