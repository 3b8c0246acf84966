"""From the journal to the lines of the demo: each thing once, in order, by what it is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from baileykeep.demo.feed import Feed, Line, Verb
from baileykeep.model import codec
from baileykeep.model.decisions import Decision, Reason
from baileykeep.model.decisions import Verb as Deciding
from baileykeep.model.incident import Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.limits import Limits
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind, company
from baileykeep.rules import incidents
from baileykeep.rules.view import Finding

AT = 1_800_000_000.0
ACME = company("7")
_ids = itertools.count(1)


def feed() -> Feed:
    return Feed({"7": "Acme"}.__getitem__, Limits())


def entry(kind: EntryKind, at: float = AT, **data: Any) -> Entry:
    return Entry(at, kind, ACME, data=data, id=next(_ids))


def of_symptom(symptom: Symptom) -> Entry:
    return Entry(AT, EntryKind.SYMPTOM, ACME, data=codec.encode(symptom), id=next(_ids))


def told(incident: Incident) -> Entry:
    return entry(EntryKind.INCIDENT, incident.updated_at, incident=codec.encode(incident))


def dropped(phase: str = "waiting") -> Entry:
    symptom = Symptom(ACME, SymptomKind.DOWN, AT, severity=Severity.INFO, detail={"phase": phase, "down_s": 0})
    return of_symptom(symptom)


def held(reason: Reason, cause: Cause = Cause.DISCONNECTED) -> Entry:
    decision = Decision(Deciding.HOLD, reason, Rung.RECONNECT)
    return entry(EntryKind.DECISION, **codec.encode(decision), cause=cause.value)


def lines(*entries: Entry) -> list[tuple[str, str]]:
    made = feed()
    made.fold(entries)
    return [(line.verb.value, line.text) for line in made.lines]


def test_a_whole_repair_reads_as_a_story() -> None:
    finding = Finding(Cause.DISCONNECTED, Severity.WARNING, {"down_s": 600})
    opened = incidents.opened(finding, ACME, "i1", AT)
    attempt = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT + 300, "a1")
    begun = incidents.begun(opened, attempt, AT + 300)
    ended = incidents.ended(begun, replace(attempt, ended_at=AT + 340, outcome=Outcome.HEALED), AT + 340)
    closed = incidents.closed(ended, "healed", AT + 341)
    assert opened.topic is Topic.HEALTH
    assert lines(told(opened), told(begun), told(ended), told(closed)) == [
        ("saw", "Disconnected for 10 min."),
        ("does", "Reconnecting."),
        ("healed", "Reconnected: it works again."),
        ("over", "Healed, after 5 min."),
    ]


def test_two_lines_written_at_once_are_both_told_and_none_twice() -> None:
    opened = incidents.opened(Finding(Cause.DISCONNECTED, Severity.WARNING, {}), ACME, "i1", AT)
    attempt = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT, "a1", AT, Outcome.FAILED)
    both = incidents.ended(incidents.begun(opened, attempt, AT), attempt, AT)
    made, last = feed(), told(both)
    made.fold([told(opened), last])
    made.fold([last, told(both)])
    assert [line.verb for line in made.lines] == [Verb.SAW, Verb.DOES, Verb.FAILED]


def test_a_hold_is_told_with_its_reason() -> None:
    hold = Decision(Deciding.HOLD, Reason.WAIT_FOR_WINDOW, Rung.CLEANUP)
    opened = incidents.opened(Finding(Cause.FILES_CRITICAL, Severity.WARNING, {"counted": 160}), ACME, "i1", AT)
    assert lines(told(incidents.decided(opened, hold, AT)))[1] == (
        "holds",
        "Not going to back up and clean the folder now: it waits for the maintenance window.",
    )


def test_a_drop_waits_for_the_gateways_own_reconnect() -> None:
    assert lines(dropped()) == [
        ("saw", "Connection lost."),
        ("holds", "Waiting 10 min for the gateway's own reconnect."),
    ]
    assert lines(dropped("warned")) == []


def test_a_stop_of_our_own_is_no_drop() -> None:
    stop = entry(EntryKind.STEP_BEGUN, step="stop")
    assert lines(stop, dropped()) == [("does", "· Stopping the session")]
    assert ("saw", "Connection lost.") in lines(stop, entry(EntryKind.ACTION_ENDED), dropped())


def test_quiet_holds_are_told_once_where_they_explain_something() -> None:
    assert lines(held(Reason.TOO_EARLY)) == [
        ("holds", "Not going to reconnect yet: the gateway still has time to recover by itself."),
    ]
    assert lines(held(Reason.ACTION_RUNNING)) == []
    assert lines(held(Reason.TOO_EARLY, Cause.FILES_CRITICAL)) == []


def test_steps_carry_their_numbers() -> None:
    assert lines(entry(EntryKind.STEP_BEGUN, step="remove", files=68)) == [("does", "· Removing old files (68)")]


def test_what_is_written_late_still_finds_its_place() -> None:
    made = feed()
    made.say(AT + 9, "7", Verb.BREAKS, "later")
    made.fold([], until=AT + 5)
    assert made.lines == []
    made.fold([entry(EntryKind.STEP_BEGUN, AT + 8, step="start")], until=AT + 10)
    assert made.lines == [
        Line(AT + 8, "Acme", Verb.DOES, "· Starting the session"),
        Line(AT + 9, "Acme", Verb.BREAKS, "later"),
    ]
