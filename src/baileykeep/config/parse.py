"""One file's text (and the environment over it) to its model, or to everything that is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from baileykeep.config import environment
from baileykeep.config.fields import LONGEST_S
from baileykeep.config.keys import Path, unknown_keys
from baileykeep.config.limit_tables import SHARED
from baileykeep.config.lines import line_of
from baileykeep.config.problems import Problem
from baileykeep.config.schema import Installation
from baileykeep.config.sources import Source

M = TypeVar("M", bound=BaseModel)
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that is a setting."""

    name: str
    value: str


Variables = Mapping[tuple[str, ...], Variable]


@dataclass(frozen=True, slots=True)
class Parsed(Generic[M]):
    """`model` is None exactly when one of the problems is an error. `from_environment` holds dotted keys."""

    model: M | None
    problems: tuple[Problem, ...] = ()
    from_environment: frozenset[str] = frozenset()


def dotted(path: Path) -> str:
    """A path as people read it: `gateways.main.logs[0].path`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def parse(model: type[M], source: Source, variables: Variables, company: str | None = None) -> Parsed[M]:
    """Read one file. All its problems are found, not just the first."""
    if source.text is None:
        return Parsed(None, (Problem(source.name, "", source.fault, company=company, syntax=True),))
    try:
        data = tomllib.loads(source.text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        return Parsed(None, (_syntax(source, error, company),))
    real = {environment.put(data, path, variable.value): variable.name for path, variable in variables.items()}
    finder = _Finder(source, real, company)
    unknown = [finder.unknown(item.path, item.meant) for item in unknown_keys(model, data)]
    try:
        made = model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = [finder.invalid(detail) for detail in details if detail["type"] != "extra_forbidden"]
        return Parsed(None, (*unknown, *found))
    return Parsed(made, (), frozenset(dotted(path) for path in real))


def _syntax(source: Source, error: ValueError | RecursionError, company: str | None) -> Problem:
    message = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    at = _AT_LINE.search(message)
    reason = _AT_LINE.sub("", message)
    return Problem(
        source.name,
        "",
        f"is not valid TOML: {reason[:1].lower()}{reason[1:]}",
        line=int(at[1]) if at else len((source.text or "").splitlines()) or None,
        company=company,
        syntax=True,
    )


@dataclass(frozen=True, slots=True)
class _Finder:
    """Turns findings into problems that name the file and line, or the variable, that they come from."""

    source: Source
    real: Mapping[tuple[str, ...], str]
    company: str | None

    def unknown(self, path: Path, meant: str) -> Problem:
        remedy = f'did you mean "{meant}"?' if meant else "remove it"
        if self.company is not None and _of_installation(path):
            remedy = "it holds for the whole installation; move it to baileykeep.toml"
        return self.problem(path, "is not a setting", remedy)

    def invalid(self, detail: ErrorDetails) -> Problem:
        return self.problem(detail["loc"], _reason(detail))

    def problem(self, path: Path, reason: str, remedy: str = "") -> Problem:
        for length in range(len(path), 0, -1):
            variable = self.real.get(tuple(str(part) for part in path[:length]))
            if variable:
                return Problem(f"environment {variable}", dotted(path), reason, remedy, company=self.company)
        line = line_of(self.source.text or "", path)
        return Problem(self.source.name, dotted(path), reason, remedy, line, self.company)


def _of_installation(path: Path) -> bool:
    if path[0] == "limits":
        return len(path) > 1 and path[1] in SHARED
    return path[0] in Installation.model_fields


def _reason(detail: ErrorDetails) -> str:
    context: Mapping[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is missing"
        case "greater_than_equal":
            return f"is {detail['input']}, but must be at least {_plain(context['ge'])}"
        case "less_than_equal":
            return f"is {detail['input']}, but must be at most {_plain(context['le'])}"
        case "literal_error":
            return f"must be {context['expected']}".replace("'", '"')
        case "too_short":
            return "must not be empty"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be a table"
        case "string_pattern_mismatch":
            return "must be two letters, such as en"
    message = detail["msg"].removeprefix("Input ")
    return f"{message[:1].lower()}{message[1:]}"


def _plain(value: Any) -> str:
    if value == LONGEST_S:
        return "a hundred years"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
