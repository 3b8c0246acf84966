"""Whose line it is. What cannot be attributed with certainty is nobody's: a guess could repair the wrong company."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from baileykeep.logs.reading import Line
from baileykeep.model.errors import ConfigError

PLACE = "{company}"

Owners = Callable[[str, str], tuple[str, ...]]
"""(gateway, session address) -> its companies whose folder holds that session."""

_MAX_ID = 128


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
        """The company that a line names, None where it names none."""
        found = self._from_field(line) or self._from_pattern(line)
        return self._bare(found) if found else self.company

    def _from_field(self, line: Line) -> str | None:
        if self.field is None:
            return None
        for source in (line.record, line.data, line.wrapper):
            found = _dig(source, self.field) if source is not None else None
            if found is not None:
                return found
        return None

    def _from_pattern(self, line: Line) -> str | None:
        found = re.search(self.pattern, line.text[:2000]) if self.pattern is not None else None
        return found["company"] if found else None

    def _bare(self, ident: str) -> str:
        before, _, after = self.id_template.partition(PLACE)
        fits = ident.startswith(before) and ident.endswith(after) and len(ident) > len(before) + len(after)
        return ident[len(before) : len(ident) - len(after)] if fits else ident


def files_of(template: str) -> Mapping[str, Path]:
    """The log files that exist for a path template such as `/var/log/gateway/{company}.log`, by company."""
    before, _, after = template.partition(PLACE)
    fits = re.compile(re.escape(before) + r"([^/]+)" + re.escape(after).replace(re.escape(PLACE), r"\1"))
    paths = glob.glob(glob.escape(before) + "*" + glob.escape(after).replace(glob.escape(PLACE), "*"))
    return {found[1]: Path(path) for path in sorted(paths) if (found := fits.fullmatch(path))}


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
    return text if 0 < len(text) <= _MAX_ID and text.isprintable() else None
