"""Grouped messages by themselves: who belongs to one, what it says, and when it sounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import HOST, Severity, company
from baileykeep.rules import flood
from baileykeep.rules.flood import Flood, Member

AT = 1_800_000_000.0
LIMITS = NotifyLimits()


def notice(number: int, severity: Severity = Severity.WARNING, **data: object) -> Notice:
    return Notice(
        at=AT + number, channel="telegram", key=f"i{number}@100", incident=f"i{number}", subject=company(str(number)),
        severity=severity, sound=True, data={"to": "100", "headline": f"c{number}: down", "first": True, **data},
        id=number,
    )  # fmt: skip


def member(number: int, severity: Severity = Severity.WARNING, **more: bool) -> Member:
    return Member(f"i{number}@100", AT + number, f"c{number}: down", severity, **more)


def group(*members: Member, **more: object) -> Flood:
    return replace(Flood("flood:i0@100", AT, AT, members=members), **more)  # type: ignore[arg-type]


def test_a_flood_is_named_after_its_first_story() -> None:
    assert flood.opened(notice(3), AT, 2) == Flood("flood:i3@100", AT, AT, 2)


def test_a_member_is_added_once_and_then_renewed_in_its_place() -> None:
    first = flood.with_member(group(), notice(1), AT + 1)
    assert first == group(member(1), last_at=AT + 1)
    both = flood.with_member(first, notice(2, Severity.CRITICAL), AT - 5)
    assert both == group(member(1), replace(member(2, Severity.CRITICAL), at=AT - 5), last_at=AT + 1)
    closed = flood.with_member(both, notice(1, closed=True), AT + 1)
    assert closed.members == (member(1, closed=True), *both.members[1:])
    assert flood.with_member(group(), replace(notice(1), data={}), AT).members[0].headline == ""


def test_who_left_is_marked_and_only_they() -> None:
    left = flood.without(group(member(1), member(2)), "i1@100")
    assert left.members == (member(1, own=True), member(2))
    assert flood.home_of([left], "i1@100") is None
    assert flood.home_of([left], "i2@100") == left
    assert flood.home_of([group(), left], "i2@100") == left
    assert flood.home_of([], "i2@100") is None


def test_a_flood_is_as_bad_as_its_worst_open_member() -> None:
    worst = group(
        member(1), member(2, Severity.CRITICAL), member(3, Severity.EMERGENCY, closed=True),
        member(4, Severity.EMERGENCY, own=True), member(5, Severity.INFO),
    )  # fmt: skip
    assert worst.severity is Severity.CRITICAL
    assert group(member(1, closed=True)).severity is Severity.INFO
    assert not worst.over
    assert group(member(1, closed=True), member(2, own=True)).over
    assert not group(member(1, closed=True), member(2)).over


@pytest.mark.parametrize(
    ("at", "belongs"), [(-30.1, False), (-30, True), (0, True), (10, True), (40, True), (40.1, False)]
)
def test_a_flood_runs_for_half_a_minute_around_its_members(at: float, belongs: bool) -> None:
    running = group(member(1), last_at=AT + 10)
    assert flood.running([running], AT + at, LIMITS) == (running if belongs else None)
    assert flood.running([group(member(1), last_at=AT + 10, missed=True)], AT + at, LIMITS) is None


def test_the_newest_flood_is_joined() -> None:
    older, newer = group(member(1)), group(member(2), key="flood:x")
    assert flood.running([older, newer], AT, LIMITS) == newer


def test_the_times_of_floods() -> None:
    assert flood.times([group(member(1), member(2)), group(member(3))]) == (AT + 1, AT + 2, AT + 3)
    assert flood.times([group(member(1), missed=True)]) == ()


@pytest.mark.parametrize(
    ("candidates", "others", "runs"),
    [
        ((0, 1, 2, 3), (), []),
        ((0, 1, 2, 3, 4), (), [[0, 1, 2, 3, 4]]),
        ((0, 10, 20, 25, 30), (), [[0, 1, 2, 3, 4]]),
        ((0, 10, 20, 25, 30.1), (), []),
        ((0, 40, 41, 42, 43, 44), (), [[1, 2, 3, 4, 5]]),
        ((0, 1, 2, 3, 4, 40), (), [[0, 1, 2, 3, 4]]),
        ((0, 1, 2, 3, 4, 34), (), [[0, 1, 2, 3, 4]]),
        ((0, 1, 2, 3, 4, 100, 101, 102, 103, 104), (), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]),
        ((0, 1, 2, 3, 4, 34, 35, 36, 37, 38), (), [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]),
        ((0, 1, 2, 3, 4, 34.1, 35, 36, 37, 38), (), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]),
        ((5,), (1, 2, 3, 4), [[0]]),
        ((5,), (2, 3, 4), []),
        ((0, 60), (1, 2, 3, 4, 61, 62, 63), [[0]]),
        ((5, 5, 5), (5, 5), [[0, 1, 2]]),
        ((), (1, 2, 3, 4, 5), []),
        ((50,), (0, 1, 2, 3, 4), []),
        ((*range(0, 3000, 100), 3000, 3001, 3002, 3003, 3004), (), [[30, 31, 32, 33, 34]]),
    ],
)
def test_which_come_too_fast(candidates: tuple[float, ...], others: tuple[float, ...], runs: list[list[int]]) -> None:
    assert flood.runs(candidates, others, LIMITS) == runs


def test_the_grouped_notice_is_whole() -> None:
    first = flood.notice_of(group(member(1), member(2, Severity.CRITICAL)), notice(2), AT + 9, loud=True)
    assert first == Notice(
        at=AT + 9, channel="telegram", key="flood:i0@100", incident=None, subject=HOST, severity=Severity.CRITICAL,
        sound=True, id=2,
        data={
            "to": "100", "first": True, "why": "opened", "reply": "", "headline": "2 incidents at once",
            "title": first.data["title"], "meaning": first.data["meaning"], "severity": "critical", "story": [],
            "members": [
                {"at": AT + 1, "text": "c1: down", "severity": "warning", "closed": False, "own": False},
                {"at": AT + 2, "text": "c2: down", "severity": "critical", "closed": False, "own": False},
            ],
            "timed": False, "what_to_do": first.data["what_to_do"], "buttons": [], "needs_human": False,
            "closed": False, "approval": None,
        },
    )  # fmt: skip
    assert first.data["what_to_do"]
    assert flood.notice_of(group(member(1)), replace(notice(1), data={}), AT, loud=True).data["to"] == ""


@pytest.mark.parametrize(
    ("sounded", "now", "loud", "sounds", "why"),
    [
        (None, Severity.WARNING, True, True, "opened"),
        (None, Severity.WARNING, False, False, "opened"),
        (Severity.WARNING, Severity.WARNING, True, False, ""),
        (Severity.WARNING, Severity.CRITICAL, True, True, "severity"),
        (Severity.WARNING, Severity.CRITICAL, False, False, ""),
        (Severity.CRITICAL, Severity.WARNING, True, False, ""),
        (Severity.INFO, Severity.WARNING, True, True, "severity"),
        (Severity.CRITICAL, Severity.EMERGENCY, True, True, "severity"),
    ],
)
def test_it_sounds_when_something_loud_makes_it_worse(
    sounded: Severity | None, now: Severity, loud: bool, sounds: bool, why: str
) -> None:
    made = flood.notice_of(group(member(1, now), sounded=sounded), notice(1), AT, loud=loud)
    assert (made.sound, made.data["why"], made.data["first"]) == (sounds, why, sounded is None)
    reply = f"Now {now.value}: 1 incident at once" if why == "severity" else ""
    assert made.data["reply"] == reply


@pytest.mark.parametrize(
    ("before", "members", "after"),
    [
        (None, (member(1),), Severity.WARNING),
        (None, (member(1, closed=True),), Severity.INFO),
        (Severity.CRITICAL, (member(1),), Severity.CRITICAL),
        (Severity.WARNING, (member(1, Severity.CRITICAL),), Severity.CRITICAL),
        (Severity.WARNING, (member(1, Severity.EMERGENCY),), Severity.EMERGENCY),
        (Severity.INFO, (member(1, Severity.CRITICAL),), Severity.CRITICAL),
    ],
)
def test_what_was_told_is_the_worst_so_far(
    before: Severity | None, members: tuple[Member, ...], after: Severity
) -> None:
    assert flood.told(group(*members, sounded=before)).sounded is after


@pytest.mark.parametrize(
    ("made", "headline", "closed"),
    [
        (group(member(1)), "1 incident at once", False),
        (group(member(1), member(2)), "2 incidents at once", False),
        (group(member(1), member(2), earlier=3), "2 more incidents", False),
        (group(member(1), earlier=1), "1 more incident", False),
        (group(member(1, closed=True), member(2)), "2 incidents at once, 1 still open", False),
        (group(member(1, closed=True), member(2, own=True)), "2 incidents at once, 1 still open", False),
        (group(member(1, closed=True), member(2, closed=True)), "2 incidents at once, all over", True),
        (group(member(1, closed=True), missed=True), "1 incident came and went unseen", True),
    ],
)
def test_the_headline_counts(made: Flood, headline: str, closed: bool) -> None:
    told = flood.notice_of(made, notice(1), AT, loud=False)
    assert (told.data["headline"], told.data["closed"]) == (headline, closed)
    assert (told.data["what_to_do"] == "") is closed
    assert told.data["timed"] is made.missed
    assert ("They were over before" in told.data["meaning"]) is made.missed
    assert ("They began within seconds" in told.data["meaning"]) is not made.missed


def test_what_nobody_was_told_in_time_waits_in_one_group_until_it_is_told() -> None:
    fresh = flood.missed([], notice(4), AT + 4)
    assert fresh == Flood("missed:i4@100", AT + 4, AT + 4, missed=True)
    for others in ([group(member(1)), fresh], [fresh, group(member(1))]):
        assert flood.missed(others, notice(5), AT + 5) == fresh
    delivered = flood.told(fresh)
    assert flood.missed([delivered], notice(5), AT + 5).key == "missed:i5@100"
    newer = replace(fresh, key="missed:newer")
    assert flood.missed([fresh, newer], notice(5), AT + 5) == newer
    named = flood.with_member(fresh, notice(5, title="Disconnected", closed=True), AT + 5)
    assert named.members[0].headline == "c5: down (Disconnected)"
    assert flood.with_member(fresh, notice(5), AT + 5).members[0].headline == "c5: down ()"
