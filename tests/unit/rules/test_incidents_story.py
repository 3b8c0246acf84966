"""How a story moves, to the letter: revisions, times, and what counts as said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import Approval, Cause, Rung, StoryLine
from baileykeep.model.symptoms import Severity
from baileykeep.rules.incidents import KEEP_FIRST, KEEP_LAST, decided, found, told
from baileykeep.rules.view import Finding
from tests.unit.rules.cases import NOW
from tests.unit.rules.test_incidents import ASK, DOWN, HUMAN, asked, story, texts


def test_every_line_carries_its_time_and_every_change_a_new_revision() -> None:
    incident = story()
    assert (incident.revision, incident.updated_at, incident.opened_at) == (2, NOW, NOW)
    line = told(incident, "News.", NOW + 5)
    assert (line.updated_at, line.story[-1]) == (NOW + 5, StoryLine(NOW + 5, "News."))
    worse = found(incident, Finding(Cause.DISCONNECTED, Severity.CRITICAL, DOWN.detail), NOW + 7)
    assert (worse.updated_at, worse.revision) == (NOW + 7, incident.revision + 1)


def test_the_story_is_cut_only_beyond_its_bound() -> None:
    incident = replace(story(), story=())
    for n in range(KEEP_FIRST + KEEP_LAST):
        incident = told(incident, f"Line {n}.", NOW + n)
        assert texts(incident) == [f"Line {k}." for k in range(n + 1)]
    longer = told(incident, "One more.", NOW + 99)
    left_out = f"Line {KEEP_FIRST}."
    assert [text for text in texts(incident) if text not in texts(longer)] == [left_out]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Severity.INFO, Severity.CRITICAL),
        (Severity.WARNING, Severity.CRITICAL),
        (Severity.CRITICAL, Severity.CRITICAL),
        (Severity.EMERGENCY, Severity.EMERGENCY),
    ],
)
@pytest.mark.parametrize("decision", [ASK, HUMAN])
def test_a_question_and_a_call_are_at_least_critical(decision: Decision, before: Severity, after: Severity) -> None:
    incident = replace(story(), severity=before, hold="cooldown:reconnect")
    moved = decided(incident, decision, NOW + 1)
    assert (moved.severity, moved.hold) == (after, None)


def test_a_question_has_a_revision_of_its_own_even_when_the_words_are_the_same() -> None:
    once = asked()
    assert once.approval == Approval(Rung.RELINK, once.revision, NOW + 1, cause=Cause.DISCONNECTED)
    assert once.revision == story().revision + 1
    expired = replace(once, approval=None)
    again = decided(expired, ASK, NOW + 2)
    assert texts(again) == texts(once)
    assert again.revision == once.revision + 1
    assert again.approval == Approval(Rung.RELINK, again.revision, NOW + 2, cause=Cause.DISCONNECTED)


def test_a_hold_is_told_unless_it_says_nothing_new() -> None:
    cooldown = Decision(Verb.HOLD, Reason.COOLDOWN, Rung.RECONNECT)
    held = decided(story(), cooldown, NOW + 1)
    assert held.hold == "cooldown:reconnect"
    assert len(held.story) == 2
    assert decided(held, cooldown, NOW + 2) is held
    nothing_left = Decision(Verb.HOLD, Reason.NO_RUNG_LEFT)
    assert len(decided(story(), nothing_left, NOW + 1).story) == 2
    assert decided(story(), nothing_left, NOW + 1).hold == "no_rung_left:"
    in_hand = replace(story(), needs_human=True)
    assert len(decided(in_hand, nothing_left, NOW + 1).story) == 1
    assert len(decided(in_hand, cooldown, NOW + 1).story) == 2


def test_a_story_that_needs_somebody_is_handed_over_once() -> None:
    handed = decided(replace(story(), hold="x"), HUMAN, NOW + 1)
    assert (handed.needs_human, handed.hold, handed.severity) == (True, None, Severity.CRITICAL)
    assert decided(handed, HUMAN, NOW + 2) is handed
