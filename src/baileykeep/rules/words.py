"""Every sentence people read: headlines, story lines, reasons. Plain text; escaping is the channel's work."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import IN_VAIN, Approval, Attempt, Cause, Incident, Outcome, Rung
from baileykeep.model.symptoms import Detail, Scope, Severity, Subject
from baileykeep.rules.words_causes import WORDS, CauseWords

__all__ = ["WORDS", "CauseWords"]


@dataclass(frozen=True, slots=True)
class RungWords:
    """One step in four forms: "asked to …", "… now", "would have …", and as a plain statement."""

    to: str
    doing: str
    done: str
    did: str


RUNGS: Mapping[Rung, RungWords] = MappingProxyType(
    {
        Rung.SNAPSHOT: RungWords("take a backup", "Taking a backup", "taken a backup", "Took a backup"),
        Rung.RECONNECT: RungWords("reconnect", "Reconnecting", "reconnected", "Reconnected"),
        Rung.RESTART_PROCESS: RungWords(
            "restart the gateway", "Restarting the gateway", "restarted the gateway", "Restarted the gateway"
        ),
        Rung.RESTORE_CREDS: RungWords(
            "put the last good creds back",
            "Putting the last good creds back",
            "put the last good creds back",
            "Put the last good creds back",
        ),
        Rung.REPAIR_SESSIONS: RungWords(
            "set the broken contact sessions aside",
            "Setting the broken contact sessions aside",
            "set the broken contact sessions aside",
            "Set the broken contact sessions aside",
        ),
        Rung.CLEANUP: RungWords(
            "back up and clean the folder",
            "Backing up and cleaning the folder",
            "backed up and cleaned the folder",
            "Backed up and cleaned the folder",
        ),
        Rung.PAIR_AGAIN: RungWords(
            "set the never-paired folder aside",
            "Setting the never-paired folder aside",
            "set the never-paired folder aside",
            "Set the never-paired folder aside",
        ),
        Rung.RELINK: RungWords(
            "relink with a new QR code",
            "Relinking with a new QR code",
            "relinked with a new QR code",
            "Relinked with a new QR code",
        ),
        Rung.RESET: RungWords("reset the login", "Resetting the login", "reset the login", "Reset the login"),
        Rung.BACKUP: RungWords("take a backup", "Taking a backup", "taken a backup", "Took a backup"),
        Rung.RESTORE: RungWords("put a backup back", "Putting a backup back", "put a backup back", "Put a backup back"),
    }
)

REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NEXT_RUNG: "it is the next step",
        Reason.APPROVED: "it was approved",
        Reason.OPERATOR: "an operator asked for it",
        Reason.ENDS_LOGIN: "it ends the login, so a human must agree",
        Reason.STOPS_OTHERS: "it stops other companies too, so a human must agree",
        Reason.ENDS_LOGIN_STOPS_OTHERS: "it ends the login and stops other companies too, so a human must agree",
        Reason.CONNECTED_CLEANUP: "the session is connected, so a human must agree",
        Reason.UNSURE_CREDS: "somebody may just have paired anew, so a human must agree",
        Reason.OBSERVING: "Baileykeep only observes",
        Reason.PAUSED: "actions are paused",
        Reason.SHUTTING_DOWN: "Baileykeep is shutting down",
        Reason.STARTING_UP: "Baileykeep has just started and looks first",
        Reason.NETWORK_DOWN: "this host is offline",
        Reason.WHATSAPP_DOWN: "WhatsApp cannot be reached from here",
        Reason.GATEWAY_DOWN: "the gateway itself is down",
        Reason.STORE_DOWN: "the database with the logins cannot be reached",
        Reason.BRAKE: "many companies are down at once, so the reason is not here",
        Reason.ACTION_RUNNING: "another action is running",
        Reason.COOLDOWN: "it was tried a short while ago",
        Reason.BUDGET_SPENT: "today's automatic repairs are used up",
        Reason.TOO_EARLY: "the gateway still has time to recover by itself",
        Reason.UNKNOWN_STATE: "it is not known whether the session is connected",
        Reason.LEVEL_TOO_LOW: "there are too few files for that",
        Reason.NOTHING_RECLAIMABLE: "a cleanup would free nothing",
        Reason.NOT_ENOUGH_RECLAIMABLE: "a cleanup would not free enough",
        Reason.APPROVAL_PENDING: "a human has been asked and has not answered yet",
        Reason.APPROVAL_REJECTED: "a human said no",
        Reason.APPROVAL_EXPIRED: "nobody answered in time",
        Reason.APPROVAL_NEVER: "the configuration forbids it",
        Reason.CANNOT_STOP: "the session cannot be stopped safely",
        Reason.CANNOT_DO: "this gateway cannot do it",
        Reason.CLOCK_JUMPED: "the clock jumped, so file ages cannot be trusted",
        Reason.BREACH: "a safety check failed, so all actions are off",
        Reason.SESSION_RUNNING: "the session is still running",
        Reason.WAIT_FOR_WINDOW: "it waits for the maintenance window",
        Reason.OTHER_INCIDENT: "another incident is open, and a maintenance window touches only who is well",
        Reason.NEIGHBOUR_FAILED: "a session of this gateway did not come back from such a cleanup a short while ago",
        Reason.NO_RUNG_LEFT: "everything that may be tried has been tried",
        Reason.HUMAN_ONLY: "only a human can solve this",
        Reason.ALERT_ONLY: "this is for your information",
    }
)

OUTCOMES: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.HEALED: "{did}: it works again",
        Outcome.DONE: "{did}",
        Outcome.FAILED: "Tried to {to}: it did not help",
        Outcome.REFUSED: "Did not {to}: a safety rule said no",
        Outcome.SUPERSEDED: "Did not {to}: the trouble was already gone",
        Outcome.UNDONE: "Began to {to}, then put everything back",
    }
)

COPIES = frozenset({Rung.SNAPSHOT, Rung.BACKUP})
NO_COPY = "No backup was taken"
PAIRING = frozenset({Rung.PAIR_AGAIN, Rung.RELINK, Rung.RESET})
BEGIN_AGAIN = "With the company's phone at hand begin again: press Relink, or run `baileykeep relink COMPANY`."

REFUSED_LOGIN = "WhatsApp refused this login. Only if the phone still lists the device can a backup bring it back."

SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {
        Severity.INFO: "for information",
        Severity.WARNING: "warning",
        Severity.CRITICAL: "critical",
        Severity.EMERGENCY: "an emergency",
    }
)


def duration(seconds: float) -> str:
    """Rounded down for people: "45 s", "15 min", "2 h 5 min", "3 days 4 h"."""
    left = max(0, int(seconds))
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min"
    if left < 86400:
        return _two(left // 3600, "h", left % 3600 // 60, "min")
    days = left // 86400
    return _two(days, "day" if days == 1 else "days", left % 86400 // 3600, "h")


def _two(big: int, unit: str, small: int, small_unit: str) -> str:
    return f"{big} {unit} {small} {small_unit}" if small else f"{big} {unit}"


def fill(template: str, detail: Detail) -> str:
    """The template with values from `detail`; empty unless all are there. Keys in `_s` become durations."""
    names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    if any(detail.get(name) is None for name in names):
        return ""
    return template.format(**{name: _value(name, detail[name]) for name in names})


def _value(name: str, value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return duration(value) if name.endswith("_s") else f"{value:.0f}"
    return " ".join(str(value).split())[:200]


def who(incident: Incident, name: str) -> str:
    """How people call the subject: "Acme (997441)", "Gateway main", "This host"."""
    subject = incident.subject
    if subject.scope is Scope.HOST:
        return "This host"
    label = name if name in ("", subject.id) else f"{name} ({subject.id})"
    label = label or subject.id
    return f"Gateway {label}" if subject.scope is Scope.GATEWAY else label


def what(incident: Incident) -> str:
    """What is wrong, with its numbers: "disconnected for 15 min"."""
    words = WORDS[incident.cause]
    return words.phrase + fill(words.extra, incident.detail)


def meaning(incident: Incident) -> str:
    """What the cause means. A login that was refused is not always one that was removed."""
    refused = incident.cause is Cause.LOGGED_OUT and not incident.detail.get("device_removed")
    return REFUSED_LOGIN if refused else WORDS[incident.cause].what_it_means


def headline(incident: Incident, name: str) -> str:
    """The one line that must be enough: "Acme (997441): disconnected for 15 min"."""
    if incident.closed_at is None:
        return f"{who(incident, name)}: {what(incident)}"
    return f"{who(incident, name)}: over after {duration(lasted_s(incident))}"


def lasted_s(incident: Incident) -> float:
    """How long it was wrong, in seconds: a session that is down is told of only after a while, and all of it counts."""
    since = incident.detail.get("since")
    began_at = min(incident.opened_at, since) if isinstance(since, int | float) else incident.opened_at
    return (incident.closed_at or incident.updated_at) - began_at


def what_to_do(incident: Incident, left: str = "") -> str:
    """The next thing a human should do; empty once the incident is closed.

    `left` takes the place of the usual advice where the gateway cannot do what that leads to.
    """
    if incident.closed_at is not None:
        return ""
    approval = incident.approval
    running = [attempt for attempt in incident.attempts if attempt.outcome is None]
    if running and running[-1].rung in PAIRING:
        return "Have the company's phone at hand and scan the QR code as soon as it comes."
    if running:
        return f"Wait. {RUNGS[running[-1].rung].doing} now."
    if _works_again(incident):
        return "Nothing now. It is watched whether it lasts."
    if approval is not None and approval.state == "open":
        return f"Say yes or no: may Baileykeep {RUNGS[approval.rung].to}?{_also(approval.others)}"
    if _begins_again(incident):
        return _for_subject(BEGIN_AGAIN, incident.subject)
    return _for_subject(left or _seen_to(incident) or WORDS[incident.cause].what_to_do, incident.subject)


def _seen_to(incident: Incident) -> str:
    """What takes the place of the usual advice where a maintenance window will do it."""
    window = incident.detail.get("window")
    return f"Nothing. It is cleaned in its maintenance window ({window})." if window else ""


def _begins_again(incident: Incident) -> bool:
    """Whether a pairing came to nothing: no reconnect helps where no login is left."""
    last = incident.attempts[-1] if incident.attempts else None
    if last is not None and last.rung in PAIRING and last.outcome in IN_VAIN:
        return True
    outcomes = [a.outcome for a in incident.attempts if a.rung in PAIRING or a.outcome is Outcome.HEALED]
    return incident.cause is Cause.DISCONNECTED and bool(outcomes) and outcomes[-1] is Outcome.FAILED


def _works_again(incident: Incident) -> bool:
    """Whether the last thing that happened is a repair that was seen to help; of Bad MACs only messages will tell."""
    last = incident.attempts[-1] if incident.attempts else None
    if last is None or last.outcome is not Outcome.HEALED or last.cause is not incident.cause:
        return False
    waits = incident.hold is None or incident.hold.startswith(Reason.TOO_EARLY)
    counts = incident.cause is not Cause.BAD_MAC and last.begun_at >= incident.fresh_since
    return waits and counts and not incident.needs_human


def _for_subject(text: str, subject: Subject) -> str:
    """Commands named in a text, with this subject in place of COMPANY."""
    if subject.scope is Scope.GATEWAY:
        return text.replace("explain COMPANY", "events").replace("COMPANY", f"--gateway {subject.id}")
    return text.replace("COMPANY", subject.id) if subject.scope is Scope.COMPANY else text


def why_held(reason: Reason) -> str:
    """The reason as the second half of a sentence, without a full stop."""
    return REASONS[reason]


def why_not(decision: Decision) -> str:
    """The same of a decision, naming what is missing where it tells."""
    missing = decision.detail.get("why")
    return f"{REASONS[decision.reason]}: {missing}" if missing else REASONS[decision.reason]


def to_do(rung: Rung) -> str:
    """ "reconnect", as in "decided to reconnect"."""
    return RUNGS[rung].to


def did(rung: Rung) -> str:
    """ "Reconnected"."""
    return RUNGS[rung].did


def line_opened(incident: Incident) -> str:
    """The first line of a story."""
    return _sentence(what(incident))


def line_changed(incident: Incident) -> str:
    """The cause turned out to be another one, or its numbers moved enough to tell."""
    return _sentence(f"now {what(incident)}")


def line_decision(decision: Decision, incident: Incident) -> str:
    """What was decided and why; empty for a decision that nobody needs to read."""
    reason, rung = REASONS[decision.reason], decision.rung
    if decision.verb is Verb.NONE:
        return ""
    if decision.verb is Verb.HUMAN or rung is None:
        return _human_or_hold(decision)
    words = RUNGS[rung]
    if decision.reason is Reason.OBSERVING:
        return f"Would have {words.done}, but {reason}."
    if decision.verb is Verb.ACT:
        return _sentence(f"going to {words.to}: {reason}")
    if decision.verb is Verb.ASK:
        return f"Asking whether to {words.to}: {reason}.{_also(str(decision.detail.get('others', '')))}"
    return f"Not going to {words.to} now: {reason}.{_until(decision, incident)}"


def _also(others: str) -> str:
    return f" It also stops {others}." if others else ""


def _human_or_hold(decision: Decision) -> str:
    reason = REASONS[decision.reason]
    if decision.verb is Verb.HUMAN:
        return f"A human is needed: {reason}."
    return f"Doing nothing now: {reason}."


def _until(decision: Decision, incident: Incident) -> str:
    if decision.until is None or decision.until - incident.updated_at < 1:
        return ""
    return f" Looking again in {duration(decision.until - incident.updated_at)}."


def line_begun(rung: Rung, operator: str | None = None) -> str:
    """An action starts, by itself or by an operator's wish."""
    return f"{RUNGS[rung].doing}, asked for by {operator}." if operator else f"{RUNGS[rung].doing}."


def line_ended(attempt: Attempt) -> str:
    """How an action ended, with its note. An attempt without an outcome is told as still running."""
    words = RUNGS[attempt.rung]
    if attempt.outcome is None:
        return f"{words.doing}."
    in_vain = attempt.outcome in IN_VAIN and attempt.rung in COPIES
    text = NO_COPY if in_vain else OUTCOMES[attempt.outcome].format(did=words.did, to=words.to)
    note = " ".join(attempt.note.split()).rstrip(".")
    return f"{text} ({note})." if note else f"{text}."


def line_approval_reminded(approval: Approval) -> str:
    """The question was repeated."""
    return f"No answer yet: reminded of the question whether to {RUNGS[approval.rung].to}."


def line_approval_escalated(approval: Approval) -> str:
    """The question went to the second contact."""
    return f"Still no answer: asked the second contact whether to {RUNGS[approval.rung].to}."


def line_approval_answered(approval: Approval) -> str:
    """How the question ended; empty while it is open."""
    to, by = RUNGS[approval.rung].to, f" by {approval.operator}" if approval.operator else ""
    texts = {
        "approved": f"Approved{by}: {to}.",
        "rejected": f"Rejected{by}: will not {to}.",
        "expired": f"Nobody answered in time: will not {to}.",
    }
    return texts.get(approval.state, "")


def line_acked(operator: str) -> str:
    """Somebody has seen it."""
    return f"Acknowledged by {operator}."


def line_closed(incident: Incident) -> str:
    """The last line of a story, with how long it took."""
    took = duration(lasted_s(incident))
    closing = " ".join(incident.closing.split()).rstrip(".") or "over"
    return _sentence(f"{closing}, after {took}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
