from __future__ import annotations

import pytest

from baileykeep.rules.crowd import some


@pytest.mark.parametrize(
    ("names", "text"),
    [("", ""), ("A", "A"), ("AB", "A and B"), ("ABC", "A, B and C"), ("ABCD", "A, B, C and 1 more")],
)
def test_names_are_told_as_far_as_they_can_be_read(names: str, text: str) -> None:
    assert some(list(names)) == text
