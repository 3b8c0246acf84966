"""What is wrong with a configuration, said so that the reader can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from baileykeep.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `file` is relative to the configuration directory, `key` is dotted ("" for the whole file).

    `company` is set where only that company is concerned; None means the whole installation. A `warning` does not
    keep the configuration from being used. Values that may be secret never appear in `reason`.
    """

    file: str
    key: str
    reason: str
    remedy: str = ""
    line: int | None = None
    company: str | None = None
    warning: bool = False
    syntax: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        said = f"{self.key} {self.reason}" if self.key else self.reason
        return f"{place}: {said}; {self.remedy}" if self.remedy else f"{place}: {said}"


class BadConfig(ConfigError):
    """The configuration cannot be used; `problems` holds every reason, not just the first."""

    def __init__(self, problems: Sequence[Problem]):
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those that keep a configuration from being used."""
    return tuple(problem for problem in problems if not problem.warning)
