"""What the judges remember of one company or gateway."""

from __future__ import annotations

from dataclasses import dataclass, field

HOUR = 3600.0


@dataclass(slots=True)
class Doing:
    """An action that was begun, as the durable journal tells."""

    action: str
    rung: str
    cause: str
    operator: str | None
    manual: bool
    at: float
    wall: float
    forced: bool
    steps: int = 0


@dataclass(slots=True)
class Done:
    """An automatic action of the past."""

    rung: str
    at: float


@dataclass(slots=True)
class Watch:
    """What the judges remember of one company or gateway."""

    doing: Doing | None = None
    past: list[Done] = field(default_factory=list)
    unlooked: int = 0
    last_good_report: float = 0.0
    closed_at: float = 0.0
    start_failed_at: float = -HOUR
    pairing_until: float = 0.0
    login_since: float = 0.0
    login: str | None = None
    told_code: int | None = None
    begun_at: list[float] = field(default_factory=list)
