"""The story of the demo as it is told: from the journal's entries to lines that a person reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from baileykeep.model import codec
from baileykeep.model.decisions import Reason
from baileykeep.model.incident import Incident, Outcome, Rung, StoryLine
from baileykeep.model.limits import Limits
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Scope, SymptomKind
from baileykeep.rules import words, words_steps
from baileykeep.rules.disconnect import Phase

HOLDS_WORTH_TELLING = frozenset({Reason.TOO_EARLY, Reason.STARTING_UP})
"""Quiet holds that are no part of an incident's own story but explain to a visitor why nothing happens yet."""

SAID_ALREADY = frozenset({"reconnect", "snapshot", "restore_creds", "restart_process"})
"""Steps that say the same as the line of the action they belong to."""


class Verb(StrEnum):
    """Who speaks, or what kind of thing happened. BREAKS: the demo does harm. CHECKS: the demo looks for itself."""

    BREAKS = "breaks"
    SAW = "saw"
    HOLDS = "holds"
    DOES = "does"
    FAILED = "failed"
    HEALED = "healed"
    OVER = "over"
    CHECKS = "checks"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the feed; `who` is a company's name, or empty."""

    at: float
    who: str
    verb: Verb
    text: str


Told = tuple[float, Verb, str]


class Feed:
    """Grows as the journal does. `name` maps a company's id to its name; `lines` is what was told so far."""

    def __init__(self, name: Callable[[str], str], limits: Limits):
        self.lines: list[Line] = []
        self.steps: dict[str, str] = {}
        self._name = name
        self._limits = limits
        self._waiting: list[Line] = []
        self._seen = 0
        self._told: dict[str, tuple[StoryLine, ...]] = {}

    def say(self, at: float, company: str, verb: Verb, text: str) -> None:
        """A line of the demo's own."""
        self._waiting.append(Line(at, self._name(company), verb, text))

    def fold(self, entries: Iterable[Entry], until: float = math.inf) -> None:
        """Take up journal entries, oldest first, those that were taken before left out; then tell what waited.

        What is newer than `until` waits on: an entry may be written a little after it was true, and a story is told
        in the order in which it happened.
        """
        for entry in entries:
            if entry.id > self._seen:
                self._seen = entry.id
                who = self._name(entry.subject.id) if entry.subject.scope is Scope.COMPANY else ""
                self._waiting += [Line(at, who, verb, text) for at, verb, text in self._read(entry)]
        waiting = sorted(self._waiting, key=lambda line: line.at)
        self.lines += [line for line in waiting if line.at <= until]
        self._waiting = [line for line in waiting if line.at > until]

    def _read(self, entry: Entry) -> Iterator[Told]:
        if entry.kind is EntryKind.INCIDENT:
            yield from self._story(codec.decode(Incident, entry.data["incident"]))
        elif entry.kind is EntryKind.DECISION:
            yield from _hold(entry)
        elif entry.kind is EntryKind.STEP_BEGUN:
            yield from self._step(entry)
        elif entry.kind is EntryKind.ACTION_ENDED:
            self.steps.pop(entry.subject.id, None)
        elif entry.kind is EntryKind.SYMPTOM:
            yield from self._symptom(entry)

    def _story(self, incident: Incident) -> Iterator[Told]:
        told = self._told.get(incident.id, ())
        self._told[incident.id] = incident.story
        for line in incident.story:
            if line not in told:
                yield line.at, _verb(incident, line), line.text

    def _step(self, entry: Entry) -> Iterator[Told]:
        name, files = entry.data["step"], entry.data.get("files")
        text = f"{words_steps.step(name)} ({files})" if files else words_steps.step(name)
        self.steps[entry.subject.id] = words_steps.step(name)
        if name not in SAID_ALREADY:
            yield entry.at, Verb.DOES, f"· {text}"

    def _symptom(self, entry: Entry) -> Iterator[Told]:
        """A session that dropped by itself; one that an action stopped is no news."""
        detail = entry.data.get("detail", {})
        dropped = entry.data["kind"] == SymptomKind.DOWN and detail.get("phase") == Phase.WAITING
        if dropped and entry.subject.id not in self.steps:
            wait = words.duration(self._limits.disconnect.warn_after_s)
            yield entry.at, Verb.SAW, "Connection lost."
            yield entry.at, Verb.HOLDS, f"Waiting {wait} for the gateway's own reconnect."


def _hold(entry: Entry) -> Iterator[Told]:
    reason, rung, cause = entry.data["reason"], entry.data.get("rung"), entry.data.get("cause")
    waits_for_reconnect = reason == Reason.TOO_EARLY and cause != "disconnected"
    if reason in HOLDS_WORTH_TELLING and rung and not waits_for_reconnect:
        yield entry.at, Verb.HOLDS, f"Not going to {words.RUNGS[Rung(rung)].to} yet: {words.why_held(Reason(reason))}."


def _verb(incident: Incident, line: StoryLine) -> Verb:
    """What kind of thing a line of a story tells; the story itself is plain text."""
    for attempt in incident.attempts:
        if line.text == words.line_begun(attempt.rung, attempt.operator):
            return Verb.DOES
        if attempt.outcome is not None and line.text == words.line_ended(attempt):
            return Verb.HEALED if attempt.outcome in (Outcome.HEALED, Outcome.DONE) else Verb.FAILED
    if incident.closed_at is not None and line is incident.story[-1]:
        return Verb.OVER
    reason = (incident.hold or "").partition(":")[0]
    return Verb.HOLDS if reason and words.why_held(Reason(reason)) in line.text else Verb.SAW
