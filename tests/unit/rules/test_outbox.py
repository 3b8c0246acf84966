from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.model.incident import ApprovalState
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Severity
from baileykeep.rules import flood
from baileykeep.rules.outbox import Lane, Plan, compacted, merged, plan
from tests.stories import START, Story

LIMITS = NotifyLimits()


def numbered(*groups: Sequence[Notice]) -> list[Notice]:
    """As the outbox would give them: with ids, of the first contact only."""
    flat = [notice for group in groups for notice in group if notice.data["to"] == "100"]
    return [replace(notice, id=index) for index, notice in enumerate(flat, 1)]


def opened(count: int, gap_s: float = 1.0, severity: Severity = Severity.WARNING) -> tuple[list[Story], list[Notice]]:
    stories = [Story(f"i{n}", who=f"{n}") for n in range(count)]
    return stories, numbered(*(story.open(START + n * gap_s, severity) for n, story in enumerate(stories)))


def ids(found: Plan) -> list[tuple[int, ...]]:
    return [delivery.ids for delivery in found.deliveries]


def test_one_notice_is_kept_as_it_is() -> None:
    waiting = numbered(Story().open(START))
    assert compacted(waiting) == (tuple(waiting), ())
    assert merged(waiting) == waiting[0]


def test_silent_edits_become_the_newest_one() -> None:
    story = Story()
    _ = story.open(START)
    waiting = numbered(*(story.line(START + n, f"line {n}") for n in range(5)))
    kept, covered = compacted(waiting)
    assert (kept, covered) == ((waiting[-1],), (1, 2, 3, 4))
    assert len(merged(kept).data["story"]) == 6


def test_a_story_that_was_never_told_is_new_and_sounds_with_its_newest_state() -> None:
    story = Story()
    waiting = numbered(story.open(START), story.line(START + 1, "Reconnecting."), story.line(START + 2, "Waiting."))
    kept, covered = compacted(waiting)
    assert covered == (2,)
    one = merged(kept)
    assert (one.id, one.sound, one.data["first"]) == (3, True, True)
    assert len(one.data["story"]) == 3


def test_all_reasons_to_sound_that_still_hold_are_said_once() -> None:
    story = Story()
    _ = story.open(START)
    waiting = numbered(
        story.line(START + 1, "Worse.", severity=Severity.CRITICAL),
        story.line(START + 2, "Help.", needs_human=True),
        story.ask(START + 3),
        story.clock(START + 603, reminded_at=START + 603),
        story.line(START + 700, "Still down."),
    )
    kept, covered = compacted(waiting)
    assert covered == (3,)
    one = merged(kept)
    assert one.sound
    said = one.data["reply"].splitlines()
    assert [line.split(".")[0] for line in said] == ["Now critical", "A human is needed", "No answer yet, 20 min left"]


def test_what_no_longer_holds_makes_no_sound() -> None:
    story = Story()
    _ = story.open(START)
    waiting = numbered(
        story.line(START + 1, "Worse.", severity=Severity.EMERGENCY),
        story.ask(START + 2),
        story.clock(START + 3, state=ApprovalState.REJECTED),
        story.line(START + 4, "Better.", severity=Severity.WARNING),
    )
    kept, covered = compacted(waiting)
    assert ([n.id for n in kept], covered) == ([4], (1, 2, 3))
    assert not merged(kept).sound


def test_a_story_that_ended_meanwhile_is_told_silently_and_whole() -> None:
    story = Story()
    waiting = numbered(story.open(START), story.line(START + 1, "Help.", needs_human=True), story.close(START + 900))
    kept, _ = compacted(waiting)
    one = merged(kept)
    assert (one.sound, one.data["closed"], one.data["first"]) == (False, True, True)
    assert one.data["reply"] == "Resolved. Acme (1): over after 15 min"
    assert len(one.data["story"]) == 3


@given(st.lists(st.sampled_from(["line", "worse", "better", "human", "ask", "close"]), min_size=1, max_size=12))
def test_compacting_never_loses_the_newest_state_and_is_stable(steps: list[str]) -> None:
    story = Story()
    made = [story.open(START)]
    for number, step in enumerate(steps, 1):
        at = START + number
        if step == "ask":
            made.append(story.ask(at))
        elif step == "close":
            made.append(story.close(at))
        else:
            change: dict[str, dict[str, object]] = {
                "line": {},
                "worse": {"severity": Severity.CRITICAL},
                "better": {"severity": Severity.WARNING},
                "human": {"needs_human": True},
            }
            made.append(story.line(at, step, **change[step]))
    waiting = numbered(*made)
    kept, covered = compacted(waiting)
    assert kept[-1] == waiting[-1]
    assert len(kept) <= 5
    assert sorted([*covered, *(n.id for n in kept)]) == [n.id for n in waiting]
    assert compacted(kept) == (kept, ())
    assert merged(kept).sound == merged(waiting).sound


def test_a_new_story_waits_a_moment_for_company_unless_it_is_an_emergency() -> None:
    _, waiting = opened(1)
    early = plan(Lane(), waiting, START + 1, LIMITS)
    assert (early.deliveries, early.wake_at) == ((), START + LIMITS.settle_s)
    assert ids(plan(Lane(), waiting, START + 2, LIMITS)) == [(1,)]
    assert ids(plan(Lane(), waiting, START - 3600, LIMITS)) == [(1,)]
    _, urgent = opened(1, severity=Severity.EMERGENCY)
    assert ids(plan(Lane(), urgent, START, LIMITS)) == [(1,)]


def test_what_was_put_off_waits_and_a_clock_set_back_does_not_hold_it() -> None:
    _, waiting = opened(1)
    later = [replace(waiting[0], not_before=START + 60)]
    found = plan(Lane(), later, START + 30, LIMITS)
    assert (found.deliveries, found.wake_at) == ((), START + 60)
    assert ids(plan(Lane(), later, START + 60, LIMITS)) == [(1,)]
    assert ids(plan(Lane(), later, START - 86400, LIMITS)) == [(1,)]


def test_the_loudest_goes_first() -> None:
    calm, loud = Story("calm", who="1"), Story("loud", who="2")
    _ = (calm.open(START), loud.open(START))
    waiting = numbered(
        calm.line(START + 1, "x"), loud.line(START + 2, "y", severity=Severity.CRITICAL), calm.line(START + 3, "z")
    )
    found = plan(Lane(), waiting, START + 4, LIMITS)
    assert ids(found) == [(2,), (3,)]
    assert found.covered == (1,)


def test_a_round_is_bounded() -> None:
    _, waiting = opened(50, gap_s=60)
    assert len(plan(Lane(), waiting, START + 5000, LIMITS).deliveries) == 20


@pytest.mark.parametrize(("count", "gap_s", "messages"), [(4, 1, 4), (5, 1, 1), (5, 7.5, 1), (5, 7.6, 5), (60, 1, 1)])
def test_a_flood_is_five_new_incidents_within_thirty_seconds(count: int, gap_s: float, messages: int) -> None:
    _, waiting = opened(count, gap_s)
    found = plan(Lane(), waiting, START + 1000, LIMITS)
    assert len(found.deliveries) == messages
    assert sorted(i for delivery in found.deliveries for i in delivery.ids) == [n.id for n in waiting]


def test_the_grouped_message_names_all_and_sounds_once() -> None:
    _, waiting = opened(6)
    (delivery,) = plan(Lane(), waiting, START + 10, LIMITS).deliveries
    (one,) = delivery.notices
    assert one.sound
    assert one.incident is None
    assert one.data["first"] is True
    assert one.data["headline"] == "6 incidents at once"
    assert one.data["members"][0]["text"] == "Acme (0): disconnected for 10 min"
    assert one.data["buttons"] == []


def group_of(count: int) -> tuple[list[Story], Lane]:
    stories, waiting = opened(count)
    (delivery,) = plan(Lane(), waiting, START + 10, LIMITS).deliveries
    assert delivery.flood is not None
    return stories, Lane(floods=(flood.told(delivery.flood),))


def test_until_it_was_delivered_a_grouped_message_stays_new_and_loud() -> None:
    _, waiting = opened(6)
    (first,) = plan(Lane(), waiting, START + 10, LIMITS).deliveries
    assert first.flood is not None
    (again,) = plan(Lane(floods=(first.flood,)), waiting, START + 20, LIMITS).deliveries
    assert again.notices[0].sound
    assert again.notices[0].key == first.notices[0].key
    assert again.ids == first.ids


def test_later_ones_join_silently_and_louder_ones_once_more_aloud() -> None:
    _, lane = group_of(5)
    late = Story("late", who="77")
    (delivery,) = plan(lane, numbered(late.open(START + 20)), START + 20, LIMITS).deliveries
    assert (delivery.notices[0].key, delivery.notices[0].sound) == (lane.floods[0].key, False)
    assert len(delivery.notices[0].data["members"]) == 6
    loud = Story("loud", who="78")
    (delivery,) = plan(lane, numbered(loud.open(START + 20, Severity.CRITICAL)), START + 20, LIMITS).deliveries
    assert delivery.notices[0].sound
    assert delivery.notices[0].data["reply"] == "Now critical: 6 incidents at once"
    calm = Story("calm", who="79")
    assert plan(lane, numbered(calm.open(START + 35)), START + 40, LIMITS).deliveries[0].flood is None


def test_edits_of_grouped_stories_edit_the_group() -> None:
    stories, lane = group_of(5)
    waiting = numbered(stories[0].close(START + 60), stories[1].line(START + 61, "Reconnecting."))
    (delivery,) = plan(lane, waiting, START + 62, LIMITS).deliveries
    assert delivery.ids == (1, 2)
    assert [member["closed"] for member in delivery.notices[0].data["members"]] == [True, False, False, False, False]
    assert not delivery.notices[0].sound
    assert delivery.notices[0].data["headline"] == "5 incidents at once, 4 still open"


def test_a_grouped_story_that_gets_worse_or_asks_gets_its_own_message() -> None:
    stories, lane = group_of(5)
    waiting = numbered(
        stories[0].line(START + 60, "Worse.", severity=Severity.CRITICAL),
        stories[1].ask(START + 61),
        stories[2].line(START + 62, "Reconnecting."),
    )
    group, *own = plan(lane, waiting, START + 63, LIMITS).deliveries
    assert group.ids == (3,)
    assert [member["own"] for member in group.notices[0].data["members"]] == [True, True, False, False, False]
    assert sorted(delivery.ids for delivery in own) == [(1,), (2,)]
    assert group.flood is not None
    after = Lane(floods=(group.flood,))
    later = numbered(stories[0].line(START + 90, "Reconnecting."))
    (single,) = plan(after, later, START + 91, LIMITS).deliveries
    assert single.flood is None


def test_a_question_is_never_grouped() -> None:
    stories, waiting = opened(6)
    waiting = numbered(waiting, stories[5].ask(START + 8))
    found = plan(Lane(), waiting, START + 10, LIMITS)
    assert [len(delivery.ids) for delivery in found.deliveries] == [5, 2]
    assert found.deliveries[1].notices[-1].data["approval"]["state"] == "open"


def test_after_singles_the_fifth_in_the_window_starts_the_group() -> None:
    _, waiting = opened(1)
    recent = tuple(START - n for n in range(4, 0, -1))
    (delivery,) = plan(Lane(recent=recent), waiting, START + 5, LIMITS).deliveries
    assert delivery.notices[0].data["headline"] == "1 more incident"
    (single,) = plan(Lane(recent=recent[1:]), waiting, START + 5, LIMITS).deliveries
    assert single.flood is None


def unseen(count: int, gap_s: float = 600.0) -> list[Notice]:
    """Incidents that came and went, one after the other, without a message."""
    stories = [Story(f"i{n}", who=f"{n}") for n in range(count)]
    made = []
    for number, story in enumerate(stories):
        at = START + number * gap_s
        made += [story.open(at), story.close(at + 60)]
    return numbered(*made)


@pytest.mark.parametrize(("count", "messages"), [(4, 4), (5, 1), (40, 1)])
def test_what_came_and_went_while_nobody_could_be_told_is_one_silent_message(count: int, messages: int) -> None:
    waiting = unseen(count)
    found = plan(Lane(), waiting, waiting[-1].at + LIMITS.missed_after_s, LIMITS)
    assert len(found.deliveries) == messages
    assert sorted(i for d in found.deliveries for i in d.ids) == [notice.id for notice in waiting]
    if messages == 1:
        (notice,) = found.deliveries[0].notices
        assert (notice.sound, notice.data["closed"], notice.data["timed"]) == (False, True, True)
        assert notice.data["headline"] == f"{count} incidents came and went unseen"
        assert [line["at"] for line in notice.data["members"]] == [START + n * 600 for n in range(count)]
        assert notice.data["members"][0]["text"] == "Acme (0): over after 1 min (Disconnected)"


def test_what_is_still_open_after_an_outage_gets_its_own_message() -> None:
    closed, story = unseen(5), Story("open", who="9")
    waiting = [*closed, replace(story.open(START)[0], id=99)]
    found = plan(Lane(), waiting, START + 24 * 3600, LIMITS)
    assert sorted(len(delivery.ids) for delivery in found.deliveries) == [1, 10]


def test_an_unseen_group_that_could_not_be_delivered_is_tried_again_with_what_came_since() -> None:
    waiting, later = unseen(10), START + 24 * 3600
    first = plan(Lane(), waiting[:10], later, LIMITS).deliveries[0]
    assert first.flood is not None
    again = plan(Lane(floods=(first.flood,)), waiting, later, LIMITS).deliveries
    assert [len(delivery.ids) for delivery in again] == [20]
    assert again[0].notices[0].key == first.notices[0].key
    told = Lane(floods=(flood.told(first.flood),))
    assert plan(told, waiting[10:], later, LIMITS).deliveries[0].notices[0].key != first.notices[0].key


def test_a_new_incident_does_not_join_what_was_unseen() -> None:
    group = plan(Lane(), unseen(5), START + 24 * 3600, LIMITS).deliveries[0].flood
    assert group is not None
    waiting = numbered(Story("new", who="9").open(START + 10))
    assert plan(Lane(floods=(flood.told(group),)), waiting, START + 20, LIMITS).deliveries[0].flood is None


def test_a_flood_is_over_when_nothing_in_it_can_change() -> None:
    stories, lane = group_of(5)
    waiting = numbered(*(story.close(START + 60) for story in stories))
    (delivery,) = plan(lane, waiting, START + 62, LIMITS).deliveries
    assert delivery.flood is not None
    assert delivery.flood.over
    assert delivery.notices[0].data["closed"]
    assert delivery.notices[0].data["headline"] == "5 incidents at once, all over"
