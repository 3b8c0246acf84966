"""The stored inputs, those that once broke something among them, through the fuzzers' own entry functions."""

import pytest

from tests.fuzz.run import CORPUS
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_stored_input_keeps_the_promises(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert len(inputs) >= 10
    for path in inputs:
        TARGETS[target](path.read_bytes())
