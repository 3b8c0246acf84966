"""The journal's entries as the sentences that people read in `events`."""

from __future__ import annotations

from typing import Any

from baileykeep.model import codec
from baileykeep.model.decisions import Decision, Verb
from baileykeep.model.incident import Attempt
from baileykeep.model.overview import StepView
from baileykeep.model.records import Entry, EntryKind
from baileykeep.rules import words, words_steps

TOLD = (
    EntryKind.INCIDENT, EntryKind.DECISION, EntryKind.ACTION_BEGUN, EntryKind.STEP_BEGUN, EntryKind.ACTION_ENDED,
    EntryKind.OPERATOR, EntryKind.CONFIG, EntryKind.DAEMON_STARTED, EntryKind.DAEMON_STOPPED, EntryKind.SYMPTOM,
    EntryKind.BREACH, EntryKind.PAIRING, EntryKind.PHONE_MISMATCH, EntryKind.WEBHOOK,
)  # fmt: skip
"""The kinds of entries that tell something to people."""


def event(entry: Entry) -> dict[str, Any]:
    """One entry as `events` shows it."""
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "subject": str(entry.subject),
        "company": entry.subject.id if entry.subject.scope == "company" else None,
        "incident": entry.incident,
        "operator": entry.operator,
        "text": _text(entry),
    }


def step(entry: Entry) -> StepView:
    """One step of an action, or what was said in the middle of one, as `action` shows it."""
    name = str(entry.data.get("step") or entry.kind.value)
    return {"at": entry.at, "name": name, "text": str(entry.data.get("text") or words_steps.step(name))}


def _text(entry: Entry) -> str:
    data = entry.data
    if entry.kind is EntryKind.SYMPTOM:
        return f"{data.get('kind', '')} {'seen' if data.get('active') else 'over'}"
    if entry.kind is EntryKind.DECISION:
        return _decision(codec.decode(Decision, data))
    if entry.kind is EntryKind.STEP_BEGUN:
        return f"{words_steps.step(str(data.get('step')))}."
    if entry.kind in (EntryKind.ACTION_BEGUN, EntryKind.ACTION_ENDED):
        attempt = codec.decode(Attempt, data["attempt"])
        return words.line_ended(attempt) if attempt.outcome else words.line_begun(attempt.rung, attempt.operator)
    return str(data.get("text") or data.get("step") or "")


def _decision(decision: Decision) -> str:
    what = f" {words.to_do(decision.rung)}" if decision.rung is not None else ""
    verbs = {
        Verb.ACT: f"Decided to{what}",
        Verb.ASK: f"Asking whether to{what}",
        Verb.HOLD: f"Waiting to{what}" if what else "Waiting",
        Verb.HUMAN: "A human is needed",
        Verb.NONE: "Nothing to do",
    }
    return f"{verbs[decision.verb]}: {words.why_held(decision.reason)}."
