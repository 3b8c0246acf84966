"""Watchers only sense: they turn the world into facts and hand them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from baileykeep.model.facts import Fact

Emit = Callable[[Fact], None]
"""Where facts go. Synchronous, never blocks, never raises."""


class Watcher(Protocol):
    """One long-running sense. `run` returns only when cancelled; what it cannot see becomes a fact, not an error."""

    async def run(self) -> None:
        """Sense until cancelled."""
