"""What detectors conclude from facts: something is wrong (or no longer is) with a company, a gateway or the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from baileykeep.model.moments import Moment

Scalar = str | int | float | bool | None
Detail = Mapping[str, Scalar | tuple[str, ...]]


class Scope(StrEnum):
    """Who a symptom, an incident or a notice is about."""

    COMPANY = "company"
    GATEWAY = "gateway"
    HOST = "host"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One company, one gateway, or the host (id `host`)."""

    scope: Scope
    id: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Subject:
        """The inverse of `str`."""
        scope, _, ident = text.partition(":")
        return cls(Scope(scope), ident)


def company(ident: str) -> Subject:
    """The subject that is this company."""
    return Subject(Scope.COMPANY, ident)


def gateway(ident: str) -> Subject:
    """The subject that is this gateway."""
    return Subject(Scope.GATEWAY, ident)


HOST = Subject(Scope.HOST, "host")


class Severity(StrEnum):
    """How loud. INFO is silent, WARNING sounds by day, CRITICAL and EMERGENCY always sound."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    EMERGENCY = "emergency"

    @property
    def rank(self) -> int:
        """0 for info … 3 for emergency, for comparisons."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class SymptomKind(StrEnum):
    """Everything a detector can find."""

    DOWN = "down"
    PHANTOM = "phantom"
    FLAPPING = "flapping"
    QR_SCAN_FAILED = "qr_scan_failed"
    NO_QR = "no_qr"
    FILES = "files"
    FORECAST = "forecast"
    PRE_KEY_ANOMALY = "pre_key_anomaly"
    BAD_MAC = "bad_mac"
    AFTER_REPAIR = "after_repair"
    REPORTED_CORRUPT = "reported_corrupt"
    STALE_SESSIONS = "stale_sessions"
    WAITING_FOR_MESSAGE = "waiting_for_message"
    CREDS_DAMAGED = "creds_damaged"
    CREDS_CHANGED = "creds_changed"
    FOLDER_MISSING = "folder_missing"
    PHONE_MISMATCH = "phone_mismatch"
    STORE_UNREACHABLE = "store_unreachable"
    STORE_SLOW = "store_slow"
    GATEWAY_DOWN = "gateway_down"
    GATEWAY_MISCONFIGURED = "gateway_misconfigured"
    HOST_OFFLINE = "host_offline"
    WHATSAPP_UNREACHABLE = "whatsapp_unreachable"
    FLEET_DOWN = "fleet_down"
    DISK_LOW = "disk_low"
    CONFIG_BAD = "config_bad"
    COMPANY_CRASHED = "company_crashed"
    BREACH = "breach"
    OVER_BOUNDS = "over_bounds"
    COPIES_STAY = "copies_stay"
    TENANT_UNTOLD = "tenant_untold"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One finding. `active=False` says that it is over. `detail` holds small JSON-able facts, never secrets."""

    subject: Subject
    kind: SymptomKind
    at: Moment
    active: bool = True
    severity: Severity = Severity.WARNING
    detail: Detail = field(default_factory=dict)
