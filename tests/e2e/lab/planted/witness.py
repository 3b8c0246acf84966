"""A plugin of pytest: writes down where a story failed and why, one line of JSON for each failure."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

FAILURES = "PLANTED_FAILURES"
"""The environment names the file by this."""

BARE = "AssertionError"
"""All that an assertion of a helper says: pytest explains only those of the tests themselves."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`line` of the story's own file, and the first line of what was `said` there; `subtest` where it has some."""

    subtest: str
    line: str
    said: str

    @property
    def asserted(self) -> bool:
        """Whether the story found something wrong, rather than breaking itself."""
        return self.line.startswith("assert ") or self.said.startswith(("assert ", BARE))

    def __str__(self) -> str:
        return f"{self.line}  →  {self.said.removeprefix(f'{BARE}: ')}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a failure down; that a test contains failed subtests is none of its own."""
    if report.failed and not isinstance(report.longrepr, str):
        with Path(os.environ[FAILURES]).open("a") as file:
            file.write(json.dumps(asdict(_failure(report))) + "\n")


def read(path: Path) -> list[Failure]:
    """What was written down."""
    return [Failure(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def _failure(report: pytest.TestReport) -> Failure:
    context = getattr(report, "context", None)
    calls, said = list(_marked(report.longrepr)), _said(report.longrepr)
    own = [line for path, line in calls if path.endswith(report.location[0])]
    if said == BARE and calls:
        said = calls[-1][1]
    return Failure(str(context.msg) if context is not None else "", own[-1] if own else "", said)


def _said(shown: Any) -> str:
    crash = getattr(shown, "reprcrash", None)
    text = str(crash.message if crash is not None else shown).strip()
    return text.splitlines()[0] if text else ""


def _marked(shown: Any) -> Iterator[tuple[str, str]]:
    """File and line of each call that led there, outermost first, as pytest marks them."""
    trace = getattr(shown, "reprtraceback", None)
    for entry in trace.reprentries if trace is not None else ():
        place = getattr(entry, "reprfileloc", None)
        marked = [line for line in entry.lines if line.startswith(">")]
        if place is not None and marked:
            yield place.path, marked[-1].removeprefix(">").strip()
