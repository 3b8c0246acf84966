"""Finds the process manager of a kind: each is a module of this package, named as its kind."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

from baileykeep.model.errors import UsageError
from baileykeep.processes.base import ProcessManager

HELPERS = frozenset({"base", "command", "docker_mounts", "find", "local_http"})


def kinds() -> list[str]:
    """All kinds there are."""
    return sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name not in HELPERS)


def manager(kind: str, **options: Any) -> ProcessManager:
    """The manager of one process. Raises `UsageError` for an unknown kind or option, naming those there are."""
    if kind not in kinds():
        raise UsageError(f"there is no process manager {kind!r}", next_step=f"there are {', '.join(kinds())}")
    create = importlib.import_module(f"baileykeep.processes.{kind}").create
    signature = inspect.signature(create)
    try:
        signature.bind(**options)
    except TypeError as error:
        choice = ", ".join(signature.parameters) or "no options"
        raise UsageError(f"process manager {kind}: {error}", next_step=f"it takes {choice}") from error
    made: ProcessManager = create(**options)
    return made
