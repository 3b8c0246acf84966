"""The table of `docs/lab.md` that says what is shorter in the lab than in a real installation."""

from __future__ import annotations

import dataclasses
from typing import Any

from baileykeep.config.limit_tables import SECTIONS, written
from baileykeep.config.units import format_duration, parse_duration
from baileykeep.model.limits import BadMacLimits
from baileykeep.rules.bad_mac import PRESETS
from tests.docs.markdown import table
from tests.e2e.lab.byhand.settings import SHORT

BEGIN, END = "<!-- short:begin -->", "<!-- short:end -->"


def filled(page: str) -> str:
    """The page with the table as it should be."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{short()}\n{END}{rest.partition(END)[2]}"


def short() -> str:
    """Each limit that differs, here and as it is by default."""
    rows = [
        (f"`{section}.{key}`", f"`{_shown(here)}`", f"`{_shown(default(section, key))}`")
        for (section, key), here in SHORT.items()
    ]
    return table(("limit", "in the lab", "by default"), rows)


def default(section: str, key: str) -> str | int:
    """What holds where nothing is configured."""
    if (section, key) == ("bad_mac", "window"):
        return format_duration(PRESETS[BadMacLimits().preset][1])
    for field in dataclasses.fields(SECTIONS[section]):
        if written(field.name) == key:
            found: Any = field.default
            return format_duration(found) if field.name.endswith("_s") else int(found)
    raise KeyError(f"{section}.{key}")


def _shown(value: str | int) -> str:
    return format_duration(parse_duration(value)) if isinstance(value, str) else str(value)
