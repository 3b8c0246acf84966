"""A list of names in a sentence, however many there are."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 3


def some(names: Sequence[str]) -> str:
    """ "A, B and C", "A, B, C and 4 more"; empty for nobody."""
    if len(names) > MOST:
        return f"{', '.join(names[:MOST])} and {len(names) - MOST} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
