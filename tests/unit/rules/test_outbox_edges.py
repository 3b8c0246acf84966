"""The outbox to the letter: waits, order, and what of a story still counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.symptoms import Severity
from baileykeep.rules.outbox import Lane, compacted, merged, plan
from tests.stories import START, Story
from tests.unit.rules.test_outbox import LIMITS, group_of, ids, numbered, opened


@pytest.mark.parametrize(
    ("wait_s", "put_off"), [(-1, False), (0, False), (0.5, True), (60, True), (3600, True), (3601, False)]
)
def test_how_long_a_failed_delivery_is_put_off(wait_s: float, put_off: bool) -> None:
    _, waiting = opened(1)
    now = START + 100
    found = plan(Lane(), [replace(waiting[0], not_before=now + wait_s)], now, LIMITS)
    assert (found.deliveries == ()) is put_off
    assert found.wake_at == (now + wait_s if put_off else None)


@pytest.mark.parametrize(("after_s", "sent"), [(-0.5, True), (0, False), (0.5, False), (1.9, False), (2, True)])
def test_how_long_a_new_story_waits_for_others(after_s: float, sent: bool) -> None:
    _, waiting = opened(1)
    found = plan(Lane(), waiting, START + after_s, LIMITS)
    assert bool(found.deliveries) is sent
    assert found.wake_at == (None if sent else START + LIMITS.settle_s)


def test_the_order_of_messages_is_sound_then_severity_then_age() -> None:
    stories = [Story(f"i{n}", who=f"{n}") for n in range(5)]
    for story in stories:
        _ = story.open(START)
    waiting = numbered(
        stories[0].line(START + 1, "x"),
        stories[1].line(START + 1, "x", severity=Severity.CRITICAL),
        stories[2].line(START + 1, "x", severity=Severity.EMERGENCY),
        stories[3].line(START + 1, "x", severity=Severity.CRITICAL),
        stories[4].line(START + 1, "x"),
    )
    assert ids(plan(Lane(), waiting, START + 2, LIMITS)) == [(3,), (2,), (4,), (1,), (5,)]


@pytest.mark.parametrize(("gap_s", "earlier"), [(30, 1), (30.5, 0)])
def test_which_single_stories_count_as_earlier(gap_s: float, earlier: int) -> None:
    _, waiting = opened(5)
    found = plan(Lane(recent=(START - gap_s,)), waiting, START + 10, LIMITS)
    assert found.deliveries[0].flood is not None
    assert found.deliveries[0].flood.earlier == earlier


def test_a_call_for_a_human_counts_while_one_is_needed() -> None:
    story = Story()
    _ = story.open(START)
    waiting = numbered(story.line(START + 1, "Help.", needs_human=True), story.line(START + 2, "x", needs_human=False))
    kept, covered = compacted(waiting)
    assert ([n.id for n in kept], covered, merged(kept).sound) == ([2], (1,), False)


def test_a_question_counts_while_it_is_the_one_that_is_open() -> None:
    story = Story()
    _ = story.open(START)
    waiting = numbered(story.ask(START + 1), story.line(START + 2, "x", approval=None))
    assert not merged(compacted(waiting)[0]).sound
    other = Story("i2")
    _ = other.open(START)
    waiting = numbered(
        other.ask(START + 1), other.line(START + 2, "x"), other.ask(START + 3), other.line(START + 4, "y")
    )
    kept, covered = compacted(waiting)
    assert ([n.id for n in kept], covered) == ([3, 4], (1, 2))


def test_a_notice_that_says_not_why_is_delivered_like_any_other() -> None:
    (notice,) = numbered(Story().open(START))
    bare = replace(notice, data={"to": "100"})
    assert merged([bare]).sound
    assert ids(plan(Lane(), [bare], START, LIMITS)) == [(1,)]


def test_a_silent_reply_is_said_once_and_an_old_one_not_at_all() -> None:
    first = numbered(Story().open(START))[0]
    worse = replace(first, id=2, data={**first.data, "first": False, "why": "severity", "reply": "Now critical."})
    over = replace(first, id=3, sound=False, data={**first.data, "why": "", "reply": "Resolved.", "closed": True})
    assert merged([worse, over]).data["reply"] == "Resolved."
    same = replace(worse, id=4)
    assert merged([worse, same]).data["reply"] == "Now critical."
    bare = replace(worse, id=5, data={**worse.data, "reply": None})
    assert merged([worse, bare]).data["reply"] == "Now critical."
    assert merged([bare]).data["reply"] == ""


def test_what_has_no_incident_stands_alone_and_waits_for_nobody() -> None:
    (notice,) = numbered(Story().open(START))
    several = [replace(notice, id=n, key=f"k{n}", incident=None) for n in range(1, 7)]
    assert len(plan(Lane(), several, START, LIMITS).deliveries) == 6


def test_the_next_look_is_at_the_first_of_all_waits() -> None:
    _, waiting = opened(3, gap_s=40)
    later = [replace(notice, not_before=START + 500 + 10 * notice.id) for notice in waiting]
    assert plan(Lane(), later, START + 400, LIMITS).wake_at == START + 510


def test_among_equals_the_older_goes_first() -> None:
    _, waiting = opened(3, gap_s=40)
    assert ids(plan(Lane(), waiting[::-1], START + 1000, LIMITS)) == [(1,), (2,), (3,)]


def test_a_story_that_leaves_its_group_edits_the_group() -> None:
    stories, lane = group_of(5)
    waiting = numbered(stories[0].line(START + 60, "Worse.", severity=Severity.CRITICAL))
    group, own = plan(lane, waiting, START + 63, LIMITS).deliveries
    assert (group.ids, own.ids) == ((), (1,))
    assert [line["own"] for line in group.notices[0].data["members"]] == [True, False, False, False, False]
