"""What counts of a story that has several notices waiting, and what groups make of such stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Severity
from baileykeep.rules.outbox import Lane, compacted, merged, plan
from tests.stories import START, Story
from tests.unit.rules.test_outbox import LIMITS, group_of, ids, numbered, opened, unseen

DAY_S = 86_400.0


def by_time(*groups: Sequence[Notice]) -> list[Notice]:
    """As they were posted, of several stories."""
    return numbered(sorted((notice for group in groups for notice in group), key=lambda notice: notice.at))


def two_notices(opened_at: float, edited_at: float, ident: str = "i1") -> list[Notice]:
    story = Story(ident, who=ident[1:])
    return numbered(story.open(opened_at), story.line(edited_at, "Reconnecting."))


# --- what of a story still counts -------------------------------------------------------------------------------


def test_of_two_questions_only_the_open_one_is_repeated() -> None:
    story = Story()
    _ = story.open(START)
    first, second = numbered(story.ask(START + 1), story.ask(START + 2))
    assert first.data["reply"].startswith("Your answer is needed.")
    said = merged([first, replace(second, data={**second.data, "reply": "Asked anew."})]).data["reply"]
    assert said == "Asked anew."


def test_what_was_kept_quiet_at_night_is_not_kept_for_later() -> None:
    story = Story()
    _ = story.open(START, Severity.INFO)
    worse = [replace(notice, sound=False) for notice in story.line(START + 1, "Worse.", severity=Severity.WARNING)]
    kept, covered = compacted(numbered(worse, story.line(START + 2, "Reconnecting.")))
    assert ([notice.id for notice in kept], covered) == ([2], (1,))


# --- when and in which order ------------------------------------------------------------------------------------


def test_a_story_that_was_put_off_stays_so_whatever_happened_since() -> None:
    first, second = two_notices(START, START + 50)
    found = plan(Lane(), [replace(first, not_before=START + 100), second], START + 60, LIMITS)
    assert (found.deliveries, found.wake_at) == ((), START + 100)


def test_a_new_story_waits_from_its_first_notice_on() -> None:
    waiting = two_notices(START, START + 1.5)
    found = plan(Lane(), waiting, START + 1.6, LIMITS)
    assert (found.deliveries, found.wake_at) == ((), START + LIMITS.settle_s)
    assert ids(plan(Lane(), waiting, START + LIMITS.settle_s, LIMITS)) == [(1, 2)]


def test_what_sounds_goes_before_what_is_worse_and_silent() -> None:
    loud, silent = Story("loud", who="1"), Story("silent", who="2")
    _ = (loud.open(START, Severity.INFO), silent.open(START, Severity.EMERGENCY))
    waiting = numbered(silent.line(START + 1, "x"), loud.line(START + 2, "y", severity=Severity.WARNING))
    assert ids(plan(Lane(), waiting, START + 3, LIMITS)) == [(2,), (1,)]


def test_among_equals_the_story_that_began_earlier_goes_first() -> None:
    waiting = by_time(two_notices(START, START + 90, "i1"), Story("i2", who="2").open(START + 40))
    assert ids(plan(Lane(), waiting, START + 100, LIMITS)) == [(1, 3), (2,)]


# --- groups ---------------------------------------------------------------------------------------------------------


def test_a_flood_is_made_of_beginnings_and_named_after_the_first_whatever_happened_since() -> None:
    """All begin within seconds; the first of them moves on last."""
    stories = [two_notices(START + n, START + 500 - 60 * n, f"i{n}") for n in range(5)]
    waiting = by_time(*stories)
    (delivery,) = plan(Lane(), waiting[::-1], START + 1000, LIMITS).deliveries
    assert delivery.flood is not None
    assert (delivery.flood.key, delivery.flood.opened_at, delivery.flood.last_at) == (
        f"flood:{stories[0][0].key}", START, START + 4,
    )  # fmt: skip
    assert [member.at for member in delivery.flood.members] == [START + n for n in range(5)]
    apart = by_time(*(two_notices(START + 60 * n, START + 1000 + n, f"i{n}") for n in range(5)))
    assert [found.flood for found in plan(Lane(), apart, START + 2000, LIMITS).deliveries] == [None] * 5


def test_a_run_that_begins_while_a_flood_lasts_belongs_to_it_to_its_end() -> None:
    _, lane = group_of(5)
    last_at = lane.floods[0].last_at
    late = [Story(f"late{n}", who=f"7{n}").open(last_at + 28 + n) for n in range(6)]
    (delivery,) = plan(lane, numbered(*late), last_at + 60, LIMITS).deliveries
    assert delivery.flood is not None
    assert delivery.flood.key == lane.floods[0].key
    assert len(delivery.flood.members) == 11


def test_a_group_speaks_for_its_newest_notice_and_sounds_if_anything_in_it_does() -> None:
    _, waiting = opened(6)
    silent = [replace(notice, sound=notice.id == 3) for notice in waiting]
    (delivery,) = plan(Lane(), silent, START + 10, LIMITS).deliveries
    assert delivery.notices[0].sound
    assert delivery.notices[0].id == waiting[-1].id
    none = [replace(notice, sound=False) for notice in waiting]
    assert not plan(Lane(), none, START + 10, LIMITS).deliveries[0].notices[0].sound


def test_a_question_leaves_a_group_that_could_not_be_delivered_yet() -> None:
    stories, waiting = opened(6)
    (group,) = plan(Lane(), waiting, START + 10, LIMITS).deliveries
    assert group.flood is not None
    asked = numbered(waiting, stories[0].ask(START + 11))
    again, own = plan(Lane(floods=(group.flood,)), asked, START + 12, LIMITS).deliveries
    assert again.ids == (2, 3, 4, 5, 6)
    assert own.notices[-1].data["approval"]["state"] == "open"


# --- what nobody heard of in time ------------------------------------------------------------------------------------


def test_a_story_that_people_know_of_ends_in_its_own_message() -> None:
    stories = [Story(f"i{n}", who=f"{n}") for n in range(6)]
    for n, story in enumerate(stories):
        _ = story.open(START + 60 * n)
    waiting = numbered(*(story.close(START + 400) for story in stories))
    found = plan(Lane(), waiting, START + DAY_S, LIMITS)
    assert [(delivery.flood, delivery.ids) for delivery in found.deliveries] == [(None, (n,)) for n in range(1, 7)]


@pytest.mark.parametrize(("late_s", "grouped"), [(-0.1, False), (0, True)])
def test_only_what_waited_for_long_is_told_as_unseen(late_s: float, grouped: bool) -> None:
    """Counted from the beginning of each, though it ended just now; the last of five decides."""
    now = START + 4 * 60 + LIMITS.missed_after_s + late_s
    made = []
    for n in range(5):
        story = Story(f"i{n}", who=f"{n}")
        made += [story.open(START + n * 60), story.close(now - 3)]
    found = plan(Lane(), by_time(*made), now, LIMITS)
    assert [delivery.flood is not None for delivery in found.deliveries] == ([True] if grouped else [False] * 5)


def test_what_was_unseen_is_named_after_the_first_of_it() -> None:
    waiting = unseen(6)
    (delivery,) = plan(Lane(), waiting, START + DAY_S, LIMITS).deliveries
    assert delivery.flood is not None
    assert (delivery.flood.key, delivery.flood.opened_at) == (f"missed:{waiting[0].key}", START)


def test_an_unseen_story_that_was_put_off_goes_with_its_group() -> None:
    waiting, later = unseen(6), START + DAY_S
    (first,) = plan(Lane(), waiting, later, LIMITS).deliveries
    assert first.flood is not None
    put_off = [replace(waiting[0], not_before=later + 60), *waiting[1:]]
    for lane in (Lane(), Lane(floods=(first.flood,))):
        (again,) = plan(lane, put_off, later + 10, LIMITS).deliveries
        assert again.ids == first.ids
