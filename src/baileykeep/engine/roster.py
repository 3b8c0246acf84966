"""What the engine is told about its companies and gateways; wiring keeps it in step with the configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from baileykeep.actions.base import Site, Steps
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Subject
from baileykeep.rules.ladder import Can
from baileykeep.rules.notify import Routes
from baileykeep.rules.tenants import Tenant


class Window(Protocol):
    """A maintenance window; times are epoch seconds."""

    def closes_at(self, now: float) -> float | None:
        """When the window that is open now closes; None while none is open."""

    def opens_at(self, now: float) -> float | None:
        """When it opens next; None when not soon."""


@dataclass(frozen=True, slots=True)
class Member:
    """One company (or gateway, or the host) as the engine needs it.

    `shares` are the gateways whose process may be the same as that of its own; `tenant` is how its own people are told.
    """

    subject: Subject
    name: str
    gateway: str
    limits: Limits
    routes: Routes = field(default_factory=Routes)
    can: Can = field(default_factory=Can)
    window: Window | None = None
    shares: frozenset[str] = frozenset()
    tenant: Tenant | None = None

    def window_at(self, now: float) -> bool | None:
        """Whether its maintenance window is open for new work; None when it has none."""
        if self.window is None:
            return None
        closes_at = self.window.closes_at(now)
        return closes_at is not None and closes_at - now > self.limits.ladder.window_margin_s


class Roster(Protocol):
    """Who there is, and how to reach them. Changes while the engine runs; every call sees the present."""

    def members(self) -> Mapping[Subject, Member]:
        """All companies, gateways and the host."""

    def member(self, subject: Subject) -> Member | None:
        """One of them, None when it is not (or no longer) there."""

    def site(
        self, subject: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool
    ) -> Site:
        """Everything an action needs. Raises BaileykeepError when it cannot be had."""
