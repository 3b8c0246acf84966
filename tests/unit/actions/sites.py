"""A company's site for actions that are tried alone: a gateway in memory, steps that nobody keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from baileykeep.actions.base import Site
from baileykeep.backups.vault import Vault
from baileykeep.clock import Clock
from baileykeep.fsys import Fsys
from baileykeep.gateways.base import Gateway
from baileykeep.model.evidence import Sight
from baileykeep.model.limits import Limits
from baileykeep.stores.base import AuthStore


class Unnoted:
    """Steps that nobody keeps."""

    @asynccontextmanager
    async def step(self, name: str, *, whatever_happens: bool = False, **detail: Any) -> AsyncIterator[dict[str, Any]]:
        yield {}

    def witness(self, sight: Sight) -> None:
        """Nobody looks."""


async def wanted() -> bool:
    """The trouble is still there."""
    return True


def site(
    root: Path,
    gateway: Gateway,
    clock: Clock,
    *,
    store: AuthStore | None = None,
    still_wrong: Callable[[], Awaitable[bool]] = wanted,
) -> Site:
    """A company that is alone on its process."""
    vault = Vault(root / "backups", Fsys())
    return Site("1", gateway, None, True, store, vault, clock, Limits(), Unnoted(), still_wrong)
