"""What the ladder decides, always with a reason from one enum, also when it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from baileykeep.model.incident import Rung
from baileykeep.model.symptoms import Detail


class Verb(StrEnum):
    """ACT: do it now. ASK: ask a human first. HOLD: not now, and say why. HUMAN: nothing is left to do."""

    ACT = "act"
    ASK = "ask"
    HOLD = "hold"
    HUMAN = "human"
    NONE = "none"


class Reason(StrEnum):
    """Why the ladder acts or holds. Every decision carries exactly one."""

    # to act
    NEXT_RUNG = "next_rung"
    APPROVED = "approved"
    OPERATOR = "operator"
    # to ask
    ENDS_LOGIN = "ends_login"
    STOPS_OTHERS = "stops_others"
    ENDS_LOGIN_STOPS_OTHERS = "ends_login_stops_others"
    CONNECTED_CLEANUP = "connected_cleanup"
    UNSURE_CREDS = "unsure_creds"
    # to hold
    OBSERVING = "observing"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting_down"
    STARTING_UP = "starting_up"
    NETWORK_DOWN = "network_down"
    WHATSAPP_DOWN = "whatsapp_down"
    GATEWAY_DOWN = "gateway_down"
    STORE_DOWN = "store_down"
    BRAKE = "brake"
    ACTION_RUNNING = "action_running"
    COOLDOWN = "cooldown"
    BUDGET_SPENT = "budget_spent"
    TOO_EARLY = "too_early"
    UNKNOWN_STATE = "unknown_state"
    LEVEL_TOO_LOW = "level_too_low"
    NOTHING_RECLAIMABLE = "nothing_reclaimable"
    NOT_ENOUGH_RECLAIMABLE = "not_enough_reclaimable"
    APPROVAL_PENDING = "approval_pending"
    APPROVAL_REJECTED = "approval_rejected"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_NEVER = "approval_never"
    CANNOT_STOP = "cannot_stop"
    CANNOT_DO = "cannot_do"
    CLOCK_JUMPED = "clock_jumped"
    BREACH = "breach"
    SESSION_RUNNING = "session_running"
    WAIT_FOR_WINDOW = "wait_for_window"
    OTHER_INCIDENT = "other_incident"
    NEIGHBOUR_FAILED = "neighbour_failed"
    # to hand over
    NO_RUNG_LEFT = "no_rung_left"
    HUMAN_ONLY = "human_only"
    ALERT_ONLY = "alert_only"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of the ladder. `until` is when it makes sense to ask again (None: when something changes)."""

    verb: Verb
    reason: Reason
    rung: Rung | None = None
    until: float | None = None
    detail: Detail = field(default_factory=dict)
