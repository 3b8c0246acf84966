"""One company as the ladder sees it: the conclusions of all detectors at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Cause
from baileykeep.model.inventory import Inventory, Level
from baileykeep.model.symptoms import Detail, Severity, Symptom, SymptomKind
from baileykeep.rules import disconnect


@dataclass(frozen=True, slots=True)
class Timer:
    """The disconnect timer's conclusions; seconds of counted down time."""

    phase: disconnect.Phase = disconnect.Phase.UP
    down_s: float = 0.0
    since: float | None = None
    last_up_at: float | None = None


@dataclass(frozen=True, slots=True)
class CompanyView:
    """Everything a decision about one company may depend on, besides its history and the fleet.

    `unknown` means: no answer for several polls, or sources disagree; then nothing is stopped or removed.
    `critical_since` is when the folder became critical or worse, None while it is not. `stale_at`: so many stale
    sessions were closed then that the next window should clean. `creds_sure` says that damaged creds may be put back
    without asking: no QR, 401 or pairing since they were whole.
    """

    company: str
    conn: ConnState = ConnState.UNKNOWN
    paired: bool | None = None
    has_qr: bool = False
    unknown: bool = True
    timer: Timer = field(default_factory=Timer)
    cause: Cause = Cause.DISCONNECTED
    proved_at: float | None = None
    code: int | None = None
    device_removed: bool = False
    proof_holds: bool = True
    inventory: Inventory | None = None
    critical_since: float | None = None
    stale_at: float | None = None
    creds_sure: bool = False
    symptoms: Mapping[SymptomKind, Symptom] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        """Connected, and nobody denies that it is paired."""
        return self.conn is ConnState.CONNECTED and self.paired is not False

    @property
    def level(self) -> Level:
        """The folder's level; excellent while it was never seen."""
        return self.inventory.level if self.inventory else Level.EXCELLENT

    def has(self, kind: SymptomKind) -> bool:
        """Whether a symptom of this kind is active."""
        return kind in self.symptoms


@dataclass(frozen=True, slots=True)
class Finding:
    """The most pressing thing that is wrong with a subject, of one topic."""

    cause: Cause
    severity: Severity
    detail: Detail = field(default_factory=dict)
