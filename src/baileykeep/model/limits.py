"""Every number that steers a decision, with its default. Units last in the name: `_s` seconds, `_days` days.

The configuration schema is generated from these classes: `warn_after_s` is written `warn_after = "10m"` in TOML,
and each field's `doc` is its line in the configuration reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def number(default: Any, doc: str) -> Any:
    """A dataclass field with its documentation beside it."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Bounds of the file levels; all are "at least"."""

    healthy: int = number(50, "counted files from which the level is healthy")
    monitor: int = number(100, "from which it is monitor: cleanable in a maintenance window")
    warning: int = number(120, "from which it is warning: alert and plan a cleanup")
    critical: int = number(150, "from which it is critical: smart cleanup when disconnected")
    danger: int = number(180, "from which it is danger: emergency cleanup")
    fatal: int = number(200, "from which it is fatal: last-resort territory")
    hysteresis: int = number(5, "a level is left this many files below its bound")
    count: str = number("counted", '"counted" leaves out what cannot be cleaned on 7.x; "total" counts every file')
    connected_critical_s: float = number(DAY, "connected and critical for so long: the next window, or ask")


@dataclass(frozen=True, slots=True)
class CleanupLimits:
    """What a cleanup may remove."""

    min_age_days: float = number(14, "nothing younger goes; settable down to 7 and no lower")
    session_age_days: float = number(14, "sessions older than this go")
    sender_key_age_days: float = number(3, "sender keys older than this go, never below min_age_days")
    keep_pre_keys: int = number(50, "the newest pre-keys are kept, at least the server's pool")
    policy: str = number("pool", '"pool" respects the server\'s pool of pre-keys; "newest" keeps just the newest 50')
    cooldown_s: float = number(6 * HOUR, "between two cleanups of a company")
    window_cooldown_s: float = number(7 * DAY, "between two cleanups by maintenance window")


@dataclass(frozen=True, slots=True)
class DisconnectLimits:
    """The timeline of a plain disconnect."""

    warn_after_s: float = number(10 * MINUTE, "down for so long: warning")
    act_after_s: float = number(15 * MINUTE, "down for so long: reconnect without cleanup")
    startup_grace_s: float = number(2 * MINUTE, "no rung in the first minutes after the daemon starts")
    unknown_polls: int = number(3, "polls without an answer until the state counts as unknown")
    phantom_after_s: float = number(30, "socket open but not paired for so long: phantom")
    no_qr_after_s: float = number(30, "a start without a QR for so long is a named error")
    gateway_dead_after_s: float = number(
        5 * MINUTE, "HTTP dead, no log line and no auth write for so long: process down"
    )
    flap_drops: int = number(5, "drops inside the window that make a flapping session")
    flap_window_s: float = number(10 * MINUTE, "the window in which drops are counted")


@dataclass(frozen=True, slots=True)
class BadMacLimits:
    """The sliding window of decryption failures."""

    preset: str = number("stable", '"stable" 5 in 60 s, "flapping" 3 in 30 s, "unstable-network" 10 in 120 s')
    limit: int = number(0, "failures that make a symptom; 0 takes the preset's")
    window_s: float = number(0.0, "the window; 0 takes the preset's")
    daily_target: int = number(1, "repairs a day above which an alert says so")
    hourly_alert: int = number(1, "more repairs than this in an hour: alert")
    in_a_row_alert: int = number(3, "more failures of the repair in a row: alert")
    after_repair_alert: int = number(10, "more Bad MACs than this after a repair: alert")
    stale_sessions: int = number(3, "stale session lines inside the stale window: alert")
    stale_window_s: float = number(10 * MINUTE, "the window for stale session lines")


@dataclass(frozen=True, slots=True)
class LadderLimits:
    """How fast and how often the ladder may climb."""

    verify_within_s: float = number(5 * MINUTE, "a rung has so long to reach connected and paired")
    steady_s: float = number(30, "connected and paired must hold for so long")
    settle_s: float = number(3 * MINUTE, "a verified repair gets this long before the next rung is thought of")
    stopped_gap_s: float = number(5, "between the two not-connected answers that prove a stop")
    quiet_folder_s: float = number(10, "no write in the folder for so long before a stop is proved")
    stop_within_s: float = number(90, "a stop that is not proved in this time fails")
    reconnect_cooldown_s: float = number(10 * MINUTE, "between two reconnects of a company")
    replaced_cooldown_s: float = number(10 * MINUTE, "after a 440 before the one reconnect")
    restart_backoff_s: float = number(10 * MINUTE, "between two restarts of a gateway's process")
    daily_budget: int = number(5, "automatic repairs a company and day")
    window_margin_s: float = number(15 * MINUTE, "nothing is begun in the last part of a maintenance window")
    clock_jump_s: float = number(HOUR, "a wall-clock jump beyond this bars cleanups for this long")


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """When many companies drop together, something else is wrong."""

    share: float = number(0.5, "share of a gateway's companies that must drop together")
    min_companies: int = number(3, "and at least so many")
    window_s: float = number(2 * MINUTE, "inside this window")
    tell_after_s: float = number(30, "the brake holds at once, and is told of when it still does after this")
    lift_after_s: float = number(30 * MINUTE, "the brake lifts by itself after this, or when half are back")
    stagger_s: float = number(15, "between two companies' first rung after the brake lifted")


@dataclass(frozen=True, slots=True)
class RelinkLimits:
    """The one rung that ends a login."""

    approval: str = number("ask", '"ask", "auto" (only ever for a proven dead login) or "never"')
    approval_ttl_s: float = number(30 * MINUTE, "a question lives this long")
    remind_after_s: float = number(10 * MINUTE, "unanswered for so long: remind")
    escalate_after_s: float = number(20 * MINUTE, "unanswered for so long: the second contact")
    scan_within_s: float = number(10 * MINUTE, "nobody scanned: the old folder goes back where the login was not dead")
    qr_lock_s: float = number(60, "a second request within this gets the same QR")
    pairing_code_timeout_s: float = number(20, "a pairing code must come within this")
    seen_open_guard_s: float = number(DAY, "a login seen open within this is not replaced without --replace-login")


@dataclass(frozen=True, slots=True)
class BackupLimits:
    """How many copies are kept, and how often they are made."""

    every_s: float = number(6 * HOUR, "between two periodic (hot) backups")
    keep_before_change: int = number(5, "cold backups kept per company")
    keep_periodic: int = number(5, "periodic backups kept per company")
    keep_set_aside: int = number(3, "set-aside folders kept per company, and as many sets of named session files")


@dataclass(frozen=True, slots=True)
class DiskLimits:
    """Room on the volume that holds the auth folders; a full disk zeroes creds."""

    min_free_ratio: float = number(0.05, "free share of bytes or inodes below which it is low")
    min_free_mb: int = number(200, "free megabytes below which it is low, whatever the share")


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """The databases that hold logins: how often they are asked, and what is too slow."""

    poll_s: float = number(10, "between two looks at all companies of a gateway")
    slow_s: float = number(0.5, "an answer that takes longer is slow")
    slow_in_a_row: int = number(3, "so many slow answers in a row: alert; or when one in twenty is")
    failed_in_a_row: int = number(2, "so many looks without an answer: the logins cannot be seen")


@dataclass(frozen=True, slots=True)
class PollLimits:
    """How often the watchers look."""

    connection_s: float = number(15, "status poll of a healthy session")
    connection_down_s: float = number(5, "status poll of a session that is not healthy")
    jitter: float = number(0.1, "share by which each interval is varied")
    rescan_s: float = number(60, "full re-scan of the auth folders: the truth behind the file watcher")
    torn_reread_s: float = number(0.5, "a creds file that does not parse is read again after this")
    process_s: float = number(30, "process manager poll")
    network_s: float = number(15, "own network probes")
    disk_s: float = number(60, "free room of the volumes")


@dataclass(frozen=True, slots=True)
class NotifyLimits:
    """How notices reach people."""

    flood_companies: int = number(5, "so many incidents inside the flood window become one grouped message")
    flood_window_s: float = number(30, "the flood window")
    missed_after_s: float = number(
        10 * MINUTE, "incidents that are over, and were told to nobody for so long, become one grouped message"
    )
    settle_s: float = number(2, "a new incident's first message waits so long for others to join it")
    per_chat_interval_s: float = number(1.05, "between two messages in one chat")
    group_per_minute: int = number(18, "messages a minute in a group chat")
    per_second: int = number(25, "messages a second in all")


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """When a company itself is told."""

    tell_after_s: float = number(15 * MINUTE, "so long without a connection before it hears of it")
    settle_s: float = number(MINUTE, "any change must have lasted so long before it hears of it")
    most_a_day: int = number(6, "troubles it hears of in 24 hours; that the last one is over is always told")


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one company, after its overrides."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    cleanup: CleanupLimits = field(default_factory=CleanupLimits)
    disconnect: DisconnectLimits = field(default_factory=DisconnectLimits)
    bad_mac: BadMacLimits = field(default_factory=BadMacLimits)
    ladder: LadderLimits = field(default_factory=LadderLimits)
    brake: BrakeLimits = field(default_factory=BrakeLimits)
    relink: RelinkLimits = field(default_factory=RelinkLimits)
    backups: BackupLimits = field(default_factory=BackupLimits)
    disk: DiskLimits = field(default_factory=DiskLimits)
    database: DatabaseLimits = field(default_factory=DatabaseLimits)
    poll: PollLimits = field(default_factory=PollLimits)
    notify: NotifyLimits = field(default_factory=NotifyLimits)
    tenants: TenantLimits = field(default_factory=TenantLimits)


MIN_AGE_FLOOR_DAYS = 7.0
"""Hard: no setting lets a cleanup remove anything younger."""

MIN_PRE_KEYS = 30
"""Hard: a cleanup never leaves fewer pre-keys than this."""
