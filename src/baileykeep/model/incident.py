"""One incident is one story: from the first symptom to healthy again or into a human's hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Severity, Subject


class Cause(StrEnum):
    """Why something is wrong; the ladder has one row per cause."""

    DISCONNECTED = "disconnected"
    LOGGED_OUT = "logged_out"
    HALF_PAIRED = "half_paired"
    ACCOUNT_BLOCKED = "account_blocked"
    CLIENT_TOO_OLD = "client_too_old"
    MULTI_DEVICE_MISMATCH = "multi_device_mismatch"
    REPLACED = "replaced"
    PHANTOM = "phantom"
    WAITING_QR = "waiting_qr"
    FLAPPING = "flapping"
    QR_SCAN_FAILED = "qr_scan_failed"
    NO_QR = "no_qr"
    FILES_HIGH = "files_high"
    FILES_CRITICAL = "files_critical"
    FILES_PLANNED = "files_planned"
    FILES_DANGER = "files_danger"
    FORECAST = "forecast"
    PRE_KEY_ANOMALY = "pre_key_anomaly"
    BAD_MAC = "bad_mac"
    REPORTED_CORRUPT = "reported_corrupt"
    AFTER_REPAIR = "after_repair"
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


class Topic(StrEnum):
    """A subject has at most one open incident per topic: HEALTH is what the ladder acts on, WATCH is only told."""

    HEALTH = "health"
    WATCH = "watch"


class Rung(StrEnum):
    """The steps of the ladder, mildest first, and what operators may do besides (RESET, BACKUP, RESTORE).

    SNAPSHOT is a backup only.
    """

    SNAPSHOT = "snapshot"
    RECONNECT = "reconnect"
    RESTART_PROCESS = "restart_process"
    RESTORE_CREDS = "restore_creds"
    REPAIR_SESSIONS = "repair_sessions"
    CLEANUP = "cleanup"
    PAIR_AGAIN = "pair_again"
    RELINK = "relink"
    RESET = "reset"
    BACKUP = "backup"
    RESTORE = "restore"


class Outcome(StrEnum):
    """How an attempt at a rung ended. SUPERSEDED: the symptom was gone when looked at again, nothing was done."""

    HEALED = "healed"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    UNDONE = "undone"


IN_VAIN = frozenset({Outcome.FAILED, Outcome.UNDONE, Outcome.REFUSED})
"""An attempt that was made, and did not help."""


class ApprovalState(StrEnum):
    """What humans said of a rung that needs their word."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to humans. It names incident, rung and revision, so an answer to an older question is void.

    `cause` is what was wrong when it was asked. `spent` says that it counts for nothing any more: it was acted
    upon, or the story turned into another one. `others` names who else is stopped by a yes, as words.
    """

    rung: Rung
    revision: int
    asked_at: Moment
    state: ApprovalState = ApprovalState.OPEN
    operator: str | None = None
    reminded_at: Moment | None = None
    escalated_at: Moment | None = None
    cause: Cause | None = None
    answered_at: Moment | None = None
    spent: bool = False
    others: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one rung. `outcome` is None while it runs (or when the daemon died during it).

    `untouched`: it failed before its first step, by a full disk say, so that the rung is not used up by it.
    """

    rung: Rung
    cause: Cause
    begun_at: Moment
    action_id: str
    ended_at: Moment | None = None
    outcome: Outcome | None = None
    note: str = ""
    operator: str | None = None
    untouched: bool = False


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One sentence of an incident's story, as on-call staff read it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """The state of one story. `revision` grows with every change that a reader would care about.

    Attempts begun before `fresh_since` healed what they were made for; a later trouble starts its rungs anew.
    """

    id: str
    subject: Subject
    topic: Topic
    cause: Cause
    severity: Severity
    opened_at: Moment
    updated_at: Moment
    revision: int = 1
    detail: Detail = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    story: tuple[StoryLine, ...] = ()
    approval: Approval | None = None
    hold: str | None = None
    acked_by: str | None = None
    needs_human: bool = False
    clear_since: Moment | None = None
    closed_at: Moment | None = None
    closing: str = ""
    fresh_since: Moment = 0.0

    def tried(self, rung: Rung, cause: Cause | None = None) -> tuple[Attempt, ...]:
        """The attempts at a rung, within one cause where it is given."""
        return tuple(a for a in self.attempts if a.rung is rung and cause in (None, a.cause))
