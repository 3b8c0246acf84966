"""Promises about the moment before an action is begun. Each answers with what is wrong, or with an empty text."""

from __future__ import annotations

from baileykeep.model.evidence import Begun, Evidence, Resumed, Story, Try
from baileykeep.model.incident import ApprovalState, Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, HOUR, Limits
from baileykeep.model.symptoms import Scope
from baileykeep.rules.ladder import LADDER
from baileykeep.rules.watch import Watch

PROVED_BY_CODE = frozenset({Cause.LOGGED_OUT, Cause.HALF_PAIRED, Cause.ACCOUNT_BLOCKED, Cause.REPLACED})
BY_WINDOW = frozenset({Cause.FILES_CRITICAL, Cause.FILES_PLANNED})
GOES_BY_AGE = frozenset({Rung.CLEANUP})
BY_HAND_ONLY = frozenset({Rung.RESET, Rung.BACKUP, Rung.RESTORE})
RETRIED = frozenset({Cause.DISCONNECTED, Cause.PHANTOM})
MOST_DOUBLINGS = 5
UNTOUCHED_TRIES = 3


def one_action_at_a_time(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """A company has at most one action at a time, and none beside one of its gateway or of a process it shares."""
    sight = evidence.sight
    if isinstance(sight, Resumed | Begun) and watch.act is not None:
        return f"{watch.act.rung} is still running"
    if isinstance(sight, Begun) and sight.situation.beside:
        return f"it would cross the action on {', '.join(sight.situation.beside)}"
    return ""


def nothing_new_while_held(_watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """Paused, observing or after a breach nothing new is begun by itself; shutting down, not even by hand."""
    sight = evidence.sight
    if not isinstance(sight, Begun):
        return ""
    held = sight.situation
    if held.shutting_down:
        return "Baileykeep is shutting down"
    if sight.manual:
        return ""
    reasons = {"only observing": not held.acting, "paused": held.paused, "held after a breach": held.breached}
    return next((reason for reason, holds in reasons.items() if holds), "")


def network_and_brake_obeyed(_watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """Offline, or with WhatsApp out of reach, nothing is begun by itself, and under the fleet brake only what a
    code proved, or the restart of a gateway's process."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.manual:
        return ""
    held = sight.situation
    if not held.online or not held.whatsapp:
        return "this host is offline" if not held.online else "WhatsApp cannot be reached from here"
    if sight.attempt.cause in PROVED_BY_CODE or evidence.subject.scope is not Scope.COMPANY:
        return ""
    if held.braked:
        return "the fleet brake is on"
    waits = held.waits_until is not None and evidence.at < held.waits_until
    return "it is not its turn yet after the fleet brake" if waits else ""


def looks_first_after_a_start(_watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """In the first two minutes after the daemon started nothing is begun by itself."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.manual:
        return ""
    since = evidence.at - sight.situation.started_at
    return "the daemon has only just started" if 0 <= since < limits.disconnect.startup_grace_s else ""


def rungs_in_order(_watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """By itself only a rung of its cause is climbed, mildest first, and none twice within one story."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.manual:
        return ""
    rung, cause, story = sight.attempt.rung, sight.attempt.cause, sight.story
    row = LADDER.get(cause, ())
    if rung not in row or story is None or story.cause is not cause:
        return f"{rung} is no rung for {cause}"
    if (evidence.subject.scope is Scope.COMPANY) is (rung is Rung.RESTART_PROCESS):
        return f"{rung} is nothing to do to this subject"
    if Rung.RECONNECT in row[: row.index(rung)] and sight.situation.can_reconnect and not _used(story, Rung.RECONNECT):
        return f"{rung} before a reconnect was tried"
    again = _used(story, rung) and not (rung is Rung.RECONNECT and cause in RETRIED)
    return f"{rung} was tried before in this story" if again else ""


def _used(story: Story, rung: Rung) -> bool:
    """Whether a rung is used up since the story began afresh: tried, or failed too often before its first step."""
    tried = [a for a in story.attempts if a.rung is rung and a.cause is story.cause and _counts(a)]
    since = [a for a in tried if a.begun_at >= story.fresh_since]
    return any(not a.untouched for a in since) or len(since) >= UNTOUCHED_TRIES


def _counts(attempt: Attempt) -> bool:
    return attempt.outcome is not None and attempt.outcome is not Outcome.SUPERSEDED


def cooldowns_kept(watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """By itself no rung is climbed again before its cooldown is over, across restarts and incidents."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.manual:
        return ""
    rung, cause = sight.attempt.rung, sight.attempt.cause
    same = [t for t in _all_tries(watch, sight) if t.rung is rung and not t.untouched]
    since, pause_s = evidence.at - max((t.begun_at for t in same), default=float("-inf")), _pause_s(sight, limits)
    if pause_s and since < pause_s:
        return f"{rung} was tried {since:.0f} s ago"
    twice = [t for t in same if t.by_itself and t.cause is Cause.REPLACED and evidence.at - t.begun_at < DAY]
    return "a second reconnect within a day for a login used twice" if twice and cause is Cause.REPLACED else ""


def _pause_s(begun: Begun, limits: Limits) -> float:
    rung = begun.attempt.rung
    if rung is Rung.RECONNECT:
        attempts = begun.story.attempts if begun.story is not None else ()
        doublings = sum(a.rung is Rung.RECONNECT for a in attempts) - 1
        return float(limits.ladder.reconnect_cooldown_s * 2 ** min(max(0, doublings), MOST_DOUBLINGS))
    by_window = begun.attempt.cause in BY_WINDOW and begun.situation.window
    pauses = {
        Rung.RESTART_PROCESS: limits.ladder.restart_backoff_s,
        Rung.CLEANUP: limits.cleanup.window_cooldown_s if by_window else limits.cleanup.cooldown_s,
        Rung.REPAIR_SESSIONS: HOUR,
    }
    return pauses.get(rung, 0.0)


def windows_kept(_watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """By itself a connected session with too many files is cleaned only with a human's fresh word, or in its
    maintenance window (with rather many only there), never in its last 15 minutes, one company of a gateway at a time,
    none with other trouble, and no further one after one that did not come back."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.manual or sight.attempt.cause not in BY_WINDOW:
        return ""
    critical = sight.attempt.cause is Cause.FILES_CRITICAL
    if critical and sight.attempt.operator is not None and _agreed(sight, evidence.at, limits):
        return ""
    if sight.situation.window_left_s <= limits.ladder.window_margin_s:
        return "no maintenance window is open for long enough, and no human agreed to it"
    around = sight.situation
    if around.neighbours:
        return f"in the same window an action runs on {', '.join(around.neighbours)}"
    if around.failed_near:
        return f"{', '.join(around.failed_near)} did not come back from a window's cleanup"
    return f"it has other trouble: {', '.join(around.unwell)}" if around.unwell else ""


def _all_tries(watch: Watch, begun: Begun) -> list[Try]:
    """What the monitor remembers, and what the journal does: each attempt once."""
    known = {t.action: t for t in watch.tries}
    for a in begun.history:
        if a.outcome is not Outcome.SUPERSEDED:
            known.setdefault(a.action_id, _try(a))
    return list(known.values())


def _try(attempt: Attempt) -> Try:
    by_itself = attempt.operator is None
    return Try(attempt.action_id, attempt.rung, attempt.cause, attempt.begun_at, by_itself, attempt.untouched)


def daily_budget_kept(watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """A company gets at most its daily budget of automatic repairs, across restarts; a mere backup is none."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.attempt.operator is not None or sight.attempt.rung is Rung.SNAPSHOT:
        return ""
    spent = sum(_is_spent(t, evidence.at) for t in _all_tries(watch, sight))
    return f"{spent} automatic repairs within a day" if spent >= limits.ladder.daily_budget else ""


def _is_spent(one: Try, now: float) -> bool:
    return one.by_itself and one.rung is not Rung.SNAPSHOT and now - one.begun_at < DAY


def login_ends_only_with_consent(_watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """A paired login is given up only with a human's fresh word, or where the configuration allows it for one that
    WhatsApp ended."""
    sight = evidence.sight
    if not isinstance(sight, Begun):
        return ""
    rung, operator = sight.attempt.rung, sight.attempt.operator
    if rung in BY_HAND_ONLY or sight.manual:
        return "" if operator is not None and sight.manual else f"nobody asked for {rung}"
    if rung is not Rung.RELINK or (
        limits.relink.approval == "auto" and sight.attempt.cause is Cause.LOGGED_OUT and operator is None
    ):
        return ""
    agreed = operator is not None and limits.relink.approval != "never" and _agreed(sight, evidence.at, limits)
    return "" if agreed else "no human agreed to it, or too long ago"


def _agreed(begun: Begun, now: float, limits: Limits) -> bool:
    approval = begun.story.approval if begun.story is not None else None
    if approval is None or approval.state is not ApprovalState.APPROVED or approval.spent:
        return False
    given_at = approval.answered_at if approval.answered_at is not None else approval.asked_at
    fitting = approval.rung is begun.attempt.rung and approval.cause in (None, begun.attempt.cause)
    return fitting and now - given_at < limits.relink.approval_ttl_s


def no_cleanup_after_a_clock_jump(_watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """For an hour after the wall clock jumped no cleanup is begun, not even by hand; what is set aside goes by no
    file's age."""
    sight = evidence.sight
    if not isinstance(sight, Begun) or sight.attempt.rung not in GOES_BY_AGE or sight.situation.jumped_at is None:
        return ""
    jumped = evidence.at < sight.situation.jumped_at + limits.ladder.clock_jump_s
    return "the wall clock jumped a short while ago" if jumped else ""
