"""Which process managers there are: found by file name, so a new one needs no entry here."""

from __future__ import annotations

import pkgutil

from baileykeep import processes

KEYED = frozenset({"none", "pm2", "systemd"})
"""Those that the process table has keys of their own for."""


def process_managers() -> frozenset[str]:
    """The names that `process.manager` may take."""
    found = {module.name for module in pkgutil.iter_modules(processes.__path__)}
    return KEYED | {name for name in found if name != "base" and not name.startswith("_")}
