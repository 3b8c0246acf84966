"""Environment variables over files: `BAILEYKEEP_GATEWAYS__MAIN__URL` is `gateways.main.url`.

Names are matched without regard to case, and a dash in a file's name is an underscore here. Values stay text; the
schema turns them into numbers, durations and lists (`[1, 2]`).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

PREFIX = "BAILEYKEEP_"
NOT_SETTINGS = frozenset({"config", "log_level", "log_format"})
"""Names with our prefix that are options of the command line."""

SECRET_KEYS = frozenset({"token", "secret", "url"})
"""Of `<key>`, `<key>_file` and `<key>_env`, the one from the environment replaces the others in the file."""


def read(environ: Mapping[str, str], known: Collection[str]) -> dict[tuple[str, ...], str]:
    """Lower-case path -> variable. Names that nest are settings; others only when their top-level key is `known`.

    (Container platforms set variables such as `BAILEYKEEP_PORT` by themselves: those are none of ours.)
    """
    found = {}
    for variable in sorted(environ):
        if not variable.upper().startswith(PREFIX):
            continue
        path = tuple(variable[len(PREFIX) :].lower().split("__"))
        if all(path) and (len(path) > 1 or path[0] in known):
            found[path] = variable
    return found


def strange(environ: Mapping[str, str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """(variable, what was perhaps meant) for variables that look like a mistyped setting."""
    for variable in sorted(environ):
        name = variable[len(PREFIX) :].lower()
        if not variable.upper().startswith(PREFIX) or "__" in name or name in known or name in NOT_SETTINGS:
            continue
        close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
        if close:
            yield variable, PREFIX + close[0].upper()


def put(data: dict[str, Any], path: tuple[str, ...], value: str) -> tuple[str, ...]:
    """Set one value in nested tables, and return the path with the names that the tables really use."""
    real: list[str] = []
    table = data
    for part in path[:-1]:
        name = _name(table, part)
        inner = table.get(name)
        table[name] = dict(inner) if isinstance(inner, Mapping) else {}
        table = table[name]
        real.append(name)
    last = _name(table, path[-1])
    secret = last.removesuffix("_file").removesuffix("_env")
    if secret in SECRET_KEYS:
        for sibling in {secret, f"{secret}_file", f"{secret}_env"} - {last}:
            table.pop(sibling, None)
    table[last] = value
    return (*real, last)


def _name(table: Mapping[str, Any], part: str) -> str:
    for name in table:
        if name.lower().replace("-", "_") == part:
            return name
    return part
