"""The watchers of gateways, started and stopped as gateways come, change and go."""

from __future__ import annotations

import random
from collections.abc import Iterable

import anyio
from anyio.abc import TaskGroup

from baileykeep.app import parts
from baileykeep.app.sites import Sites
from baileykeep.clock import Clock
from baileykeep.watchers.base import Emit


class GatewayTasks:
    """One cancel scope per gateway."""

    def __init__(self, sites: Sites, emit: Emit, clock: Clock, rng: random.Random, group: TaskGroup):
        self._sites = sites
        self._emit = emit
        self._clock = clock
        self._rng = rng
        self._group = group
        self._scopes: dict[str, anyio.CancelScope] = {}

    def sync(self) -> None:
        """Start what is missing."""
        for name in self._sites.doors.keys() - self._scopes.keys():
            self._scopes[name] = anyio.CancelScope()
            self._group.start_soon(self._watch, name, self._scopes[name])

    def renew(self, names: Iterable[str]) -> None:
        """Stop the watchers of these gateways; `sync` starts those anew that are still there."""
        for name in names:
            scope = self._scopes.pop(name, None)
            if scope is not None:
                scope.cancel()

    async def _watch(self, name: str, scope: anyio.CancelScope) -> None:
        with scope:
            async with anyio.create_task_group() as group:
                for watcher in parts.gateway_watchers(name, self._sites, self._emit, self._clock, self._rng):
                    group.start_soon(watcher.run)
