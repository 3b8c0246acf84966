"""The lock file holds what any pip needs to install exactly it."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.crash.processes import REPO

PINNED = {
    canonicalize_name(found["name"]): frozenset(filter(None, (found["extras"] or "").split(",")))
    for found in re.finditer(
        r"^(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[^]]+)\])?==", (REPO / "requirements.lock").read_text(), re.MULTILINE
    )
}


@pytest.mark.parametrize("name", ["baileykeep", *sorted(PINNED)])
def test_whoever_asks_for_an_extra_finds_it_pinned_with_that_extra(name: str) -> None:
    """Older pips hold a pin of `x` not against `x[extra]`: they take the newest one, for which there is no hash."""
    wanted = [Requirement(text) for text in metadata.requires(name) or ()]
    applies = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    missing = {one.name: one.extras - PINNED[canonicalize_name(one.name)] for one in applies if one.extras}
    assert not any(missing.values()), missing
