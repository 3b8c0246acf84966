"""Whose line it is. What cannot be attributed with certainty is nobody's: a guess could repair the wrong company."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from baileykeep.logs.reading import Line
from baileykeep.model.errors import ConfigError

PLACE = "{company}"

Owners = Callable[[str, str], tuple[str, ...]]
"""(gateway, session address) -> its companies whose folder holds that session."""

_MAX_ID = 128


class _SeveralError(Exception):
    """A line names more than one company."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How the lines of one file name their company; the first way that answers wins.

    `field` is a dotted path into a JSON record (`companyId`, `tenant.id`), `pattern` a regular expression with a group
    `company`, `company` the answer for every line: the file is that company's own, or the gateway has just one.
    `id_template` (`company_{company}`) takes a prefix off what the log says. Raises ConfigError for a bad pattern.
    """

    field: str | None = None
    pattern: str | None = None
    company: str | None = None
    id_template: str = PLACE

    def __post_init__(self) -> None:
        if self.pattern is not None:
            _check_pattern(self.pattern)
        if self.id_template.count(PLACE) != 1:
            raise ConfigError(f"the id template {self.id_template!r} has no {PLACE}")

    def company_of(self, line: Line) -> str | None:
        """The company that a line names; one that names several was written into by somebody, and names nobody."""
        try:
            found = self._from_field(line) or self._from_pattern(line)
        except _SeveralError:
            return self.company
        return self._bare(found) if found else self.company

    def _from_field(self, line: Line) -> str | None:
        if self.field is None:
            return None
        for source in (line.record, line.data, line.wrapper):
            found = _dig(source, self.field) if source is not None else None
            if found is not None:
                if source is not line.wrapper:
                    _refuse_twins(line.text, self.field)
                return found
        return None

    def _from_pattern(self, line: Line) -> str | None:
        if self.pattern is None:
            return None
        found = {match["company"] for match in re.finditer(self.pattern, line.text[:2000])} - {None}
        if len(found) > 1:
            raise _SeveralError
        return next(filter(_is_name, found), None)

    def _bare(self, ident: str) -> str:
        before, _, after = self.id_template.partition(PLACE)
        fits = ident.startswith(before) and ident.endswith(after) and len(ident) > len(before) + len(after)
        return ident[len(before) : len(ident) - len(after)] if fits else ident


def owner_of(owners: Owners, gateway: str, address: str | None) -> str | None:
    """The one company that talks to this contact device; None where none or several do."""
    found = owners(gateway, address) if address is not None else ()
    return found[0] if len(found) == 1 else None


def nobody(_gateway: str, _address: str) -> tuple[str, ...]:
    """Owners where contact frames say nothing."""
    return ()


def _check_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"the log pattern {pattern!r} is no regular expression: {error}") from error
    if "company" not in groups:
        raise ConfigError(
            f"the log pattern {pattern!r} names no company", next_step="put (?P<company>…) around the company's id"
        )


def _dig(value: Mapping[str, object], path: str) -> str | None:
    found: object = value.get(path)
    if found is None:
        found = value
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    text = str(found) if isinstance(found, str) or abs(found) < 10**32 else ""
    return text if _is_name(text) else None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _MAX_ID and text.isprintable()


def _refuse_twins(text: str, path: str) -> None:
    """Of two keys of one name JSON readers keep the last, which may be a customer's: such an object names nobody."""
    names = {path, *path.split(".")}
    if max(text.count(f'"{name}"') for name in names) < 2:
        return

    def watched(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs if key in names]
        if len(keys) != len(set(keys)):
            raise _SeveralError
        return dict(pairs)

    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text[text.index("{") :], object_pairs_hook=watched)
