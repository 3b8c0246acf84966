"""Loading a configuration folder: what a test expects of it."""

from pathlib import Path

import pytest

from baileykeep.config import BadConfig, Settings, load
from baileykeep.config.problems import Problem


def problems_of(directory: Path, environ: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(BadConfig) as caught:
        load(directory, environ or {})
    return list(caught.value.problems)


def only(directory: Path, environ: dict[str, str] | None = None) -> Problem:
    found = problems_of(directory, environ)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def good(directory: Path, environ: dict[str, str] | None = None) -> Settings:
    return load(directory, environ or {})
