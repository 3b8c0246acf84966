"""Listings made up for the rules: a real folder's names with chosen ages, or lists of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from baileykeep.model.inventory import Creds, CredsState, FileEntry, Listing
from baileykeep.model.limits import DAY
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.naming import category_of

NOW = 1_800_000_000.0
FIXTURES = Path(__file__).parents[2] / "fixtures"
PHONE = "4915100000001"
OWN_LID = "100000000000001"
GROUP = "120363000000000001@g.us"


def entry(name: str, age_days: float = 0.0, size: int = 100) -> FileEntry:
    return FileEntry(name, category_of(name), size, NOW - age_days * DAY)


def listing(names: Iterable[str], age_days: float | Callable[[str], float] = 0.0) -> Listing:
    age = age_days if callable(age_days) else lambda _name: age_days
    return Listing(tuple(entry(name, age(name)) for name in sorted(names)), "token")


def sample(which: str, age_days: float = 0.0) -> Listing:
    return listing((path.name for path in (FIXTURES / which).iterdir()), age_days)


def sample_creds(which: str) -> Creds:
    return parse_creds((FIXTURES / which / "creds.json").read_bytes())


def creds(next_id: int | None = 31, **changes: object) -> Creds:
    facts: dict[str, object] = {
        "state": CredsState.WHOLE,
        "paired": True,
        "phone": PHONE,
        "identity": "a" * 16,
        "next_pre_key_id": next_id,
        "lid": OWN_LID,
        "device": 1,
    }
    return Creds(**(facts | changes))  # type: ignore[arg-type]


def pre_keys(first: int, last: int) -> list[str]:
    return [f"pre-key-{number}.json" for number in range(first, last + 1)]


def sessions(number: int) -> list[str]:
    return [f"session-49151{index:08}.0.json" for index in range(number)]
