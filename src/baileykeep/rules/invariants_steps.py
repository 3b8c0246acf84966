"""Promises about the steps of an action and about its end. Each answers with what is wrong, or with an empty text."""

from __future__ import annotations

from baileykeep.model.evidence import Ended, Evidence, Removing, StepBegun
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import Limits
from baileykeep.rules.watch import NEVER, Act, Watch, proved_stopped

HARMLESS = frozenset({"prove_stopped", "backup", "snapshot", "verify", "wait_for_scan", "start", "left_closed"})
ON_SESSION = frozenset({"stop", "reconnect", "restart_process", "reset"})
ON_FILES = frozenset({"remove", "set_aside", "clear_pairing", "put_back", "restore", "restore_creds"})
"""Every step of every action is of one of these kinds; one that is not known counts as a change of files."""

MUST_COME = frozenset({"start", "left_closed", "wait_for_scan"})
SEEN_LATELY_S = 60.0
LOOK_LASTS_S = 300.0


def intent_before_effect(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """Every effect belongs to an action whose intent is in the journal, and so is the step itself; only what must
    come whatever happens, the start of what was stopped, does without."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, StepBegun):
        return ""
    if act is None or act.action != evidence.action:
        return f"the step {sight.name} belongs to no action that was begun"
    if not act.intended:
        return f"the step {sight.name} comes before the intent is in the journal"
    if sight.must_come:
        return "" if sight.name in MUST_COME else f"the step {sight.name} may not do without the journal"
    return "" if sight.journaled else f"the step {sight.name} is not in the journal"


def looked_again_before_acting(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """Just before its first effect an action looks at the symptom again, and does nothing when it is gone."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, StepBegun) or sight.name in HARMLESS or act is None or act.manual or _undoes(act):
        return ""
    if act.wrong_s is None:
        return f"the step {sight.name} comes without a look at the symptom, or although it is gone"
    first = all(step in HARMLESS for step in act.steps)
    stale = first and evidence.mono_s - act.wrong_s > LOOK_LASTS_S
    return f"the step {sight.name} comes long after the look at the symptom" if stale else ""


def _undoes(act: Act) -> bool:
    """Whether this life of the action only finishes or takes back what an earlier daemon had set aside."""
    return "set_aside" in act.past


def nothing_repeated_blindly(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """An action without an outcome is looked into before anything is done again, and a process is not restarted
    twice for one decision."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, StepBegun) or sight.name in HARMLESS or act is None or not act.resumed:
        return ""
    if sight.name == "restart_process" and sight.name in act.past:
        return "the process was restarted for this decision before"
    return f"the step {sight.name} comes without a look at the session" if act.looked_s == NEVER else ""


def stopped_before_files_change(watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """Files of a login change only while its session is proved stopped: looks far enough apart found it not
    connected and the folder unchanged, and the last look was a moment ago."""
    sight, act = evidence.sight, watch.act
    changes = isinstance(sight, StepBegun) and sight.name not in HARMLESS | ON_SESSION
    if act is None or not (changes or isinstance(sight, Removing)):
        return ""
    if not act.stopped:
        return "the session is connected, or nobody knows"
    if not proved_stopped(act, limits.ladder):
        return "the stop is not proved"
    return "the last look at the session is too old" if evidence.mono_s - act.looked_s > SEEN_LATELY_S else ""


def healed_means_verified(watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """Healed is said only of what was seen connected and paired, steadily, since it was done."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, Ended) or sight.attempt.outcome is not Outcome.HEALED or act is None:
        return ""
    if act.rung is Rung.RESTART_PROCESS:
        return "" if "verify" in act.steps else "the process was not looked at again"
    steady = act.open_since_s is not None and act.looked_s - act.open_since_s >= limits.ladder.steady_s
    return "" if steady else "it was not seen steady"


def damaged_creds_are_not_opened(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """No session is opened over creds that were just seen damaged: its gateway would replace the login by a new one."""
    sight, act = evidence.sight, watch.act
    opens = isinstance(sight, StepBegun) and sight.name in ("start", "reconnect")
    return "the creds are damaged" if opens and act is not None and act.creds_damaged else ""


def session_started_again(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """An action that stopped a session does not end before that session was started again, or left closed because
    its creds are damaged and a start would replace the login."""
    ended, act = isinstance(evidence.sight, Ended), watch.act
    return "the session was stopped and not started" if ended and act is not None and act.owes_start else ""
