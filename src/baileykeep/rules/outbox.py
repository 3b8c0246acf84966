"""What is worth delivering of the notices that wait: one story becomes its newest state, a flood one message.

A lane is one address in one channel. Pure: the courier asks for a `Plan`, carries it out, and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Severity
from baileykeep.rules import flood
from baileykeep.rules.flood import Flood
from baileykeep.rules.notify import QUESTIONS, Why

PER_ROUND = 20
"""Deliveries of one lane until its notices are looked at afresh."""

MAX_WAIT_S = 3600.0
"""No wait is longer; one that seems so was noted before the clock was set back, and is over."""

_RISE = frozenset({Why.OPENED, Why.SEVERITY})


@dataclass(frozen=True, slots=True)
class Delivery:
    """Notices of one story to hand to the channel together; `ids` are settled when that worked.

    With `flood` set the notice is a grouped one, made up here, and what it stands for counts as covered.
    """

    notices: tuple[Notice, ...]
    ids: tuple[int, ...]
    flood: Flood | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do in one lane now. `covered` need no delivery at all; `wake_at` is when to plan again."""

    deliveries: tuple[Delivery, ...] = ()
    covered: tuple[int, ...] = ()
    wake_at: float | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """What the courier knows of a lane: its floods, and when it sent the last first messages of single stories."""

    floods: tuple[Flood, ...] = ()
    recent: tuple[float, ...] = ()


def compacted(story: Sequence[Notice]) -> tuple[tuple[Notice, ...], tuple[int, ...]]:
    """(what to keep, ids that say nothing more) of one story's notices in order.

    Kept are the newest state, the first notice (it tells that the story is new), and the last sounding one of
    each kind that still matters.
    """
    oldest, newest = story[0], story[-1]
    kept = {newest.id: newest}
    if oldest.data.get("first"):
        kept[oldest.id] = oldest
    for kinds in (_RISE, QUESTIONS, frozenset({Why.HUMAN})):
        loud = [notice for notice in story if notice.sound and _why(notice) in kinds and _matters(notice, newest)]
        kept.update({notice.id: notice for notice in loud[-1:]})
    covered = tuple(notice.id for notice in story if notice.id not in kept)
    return tuple(notice for notice in story if notice.id in kept), covered


def merged(kept: Sequence[Notice]) -> Notice:
    """Several notices of one story as one: the newest state, sounding if anything in it still should."""
    newest = kept[-1]
    loud = [notice for notice in kept if notice.sound and _matters(notice, newest)]
    replies = [str(notice.data.get("reply") or "") for notice in kept if notice in loud or notice is newest]
    first = any(notice.data.get("first") for notice in kept)
    said = "\n".join(dict.fromkeys(reply for reply in replies if reply))
    return replace(newest, sound=bool(loud), data={**newest.data, "first": first, "reply": said})


def _why(notice: Notice) -> Why:
    return Why(notice.data.get("why", ""))


def _matters(notice: Notice, newest: Notice) -> bool:
    """Whether what made a notice sound is still so in the newest state of its story."""
    if newest.data.get("closed"):
        return False
    why = _why(notice)
    if why is Why.HUMAN:
        return bool(newest.data.get("needs_human"))
    if why in QUESTIONS:  # then the notice shows one
        return _question(notice) == _question(newest)
    return newest.severity.rank >= notice.severity.rank


def _question(notice: Notice) -> object:
    """The open question a notice shows, None without one."""
    approval = notice.data.get("approval")
    return approval["revision"] if approval and approval["state"] == "open" else None


@dataclass(frozen=True, slots=True)
class _Story:
    kept: tuple[Notice, ...]
    now: Notice

    @property
    def fresh(self) -> bool:
        return bool(self.now.data.get("first"))

    def put_off(self, now: float) -> bool:
        """Whether a failed delivery is to be tried later."""
        return 0 < self.kept[0].not_before - now <= MAX_WAIT_S

    @property
    def alone(self) -> bool:
        """Must be told in a message of its own: buttons of a question do not fit into a list."""
        return _question(self.now) is not None or self.now.incident is None


def plan(lane: Lane, waiting: Sequence[Notice], now: float, limits: NotifyLimits) -> Plan:
    """What to deliver in a lane now, of all notices that wait there, oldest first."""
    stories, covered = _stories(waiting)
    unseen = _unseen(stories, now, limits)
    due = [story for story in stories if story.now.key in unseen or not story.put_off(now)]
    grouped, singles = _grouped(lane, due, unseen, now, limits)
    ready = [story for story in singles if _settled(story, now, limits)]
    ready.sort(key=lambda story: (not story.now.sound, -story.now.severity.rank, story.kept[0].id))
    deliveries = [*grouped, *(Delivery(s.kept, tuple(n.id for n in s.kept)) for s in ready)]
    waits = [story.kept[0].not_before for story in stories if story.put_off(now)]
    waits += [story.kept[0].at + limits.settle_s for story in singles if not _settled(story, now, limits)]
    return Plan(tuple(deliveries[:PER_ROUND]), covered, min(waits, default=None))


def _stories(waiting: Iterable[Notice]) -> tuple[list[_Story], tuple[int, ...]]:
    by_key: dict[str, list[Notice]] = {}
    for notice in waiting:
        by_key.setdefault(notice.key, []).append(notice)
    stories: list[_Story] = []
    covered: list[int] = []
    for story in by_key.values():
        kept, gone = compacted(story)
        stories.append(_Story(kept, merged(kept)))
        covered += gone
    return stories, tuple(covered)


def _settled(story: _Story, now: float, limits: NotifyLimits) -> bool:
    """A new story waits a moment for others to join it, unless it is too urgent; a clock set back does not hold."""
    if not story.fresh or story.alone or story.now.severity is Severity.EMERGENCY:
        return True
    return not 0 <= now - story.kept[0].at < limits.settle_s


@dataclass(slots=True)
class _Change:
    """What happens to one flood in this plan."""

    group: Flood
    joined: list[_Story] = field(default_factory=list)
    touched: list[Notice] = field(default_factory=list)

    def join(self, story: _Story) -> None:
        self.group = flood.with_member(self.group, story.now, story.kept[0].at)
        self.joined.append(story)
        self.touched.append(story.now)

    def leave(self, story: _Story) -> None:
        self.group = flood.without(self.group, story.now.key)
        self.touched.append(story.now)

    def delivery(self, now: float) -> Delivery:
        newest = max(self.touched, key=lambda notice: notice.id)
        loud = any(story.now.sound for story in self.joined)
        ids = tuple(notice.id for story in self.joined for notice in story.kept)
        return Delivery((flood.notice_of(self.group, newest, now, loud=loud),), ids, self.group)


def _grouped(
    lane: Lane, stories: Sequence[_Story], unseen: Mapping[str, _Story], now: float, limits: NotifyLimits
) -> tuple[list[Delivery], list[_Story]]:
    """Deliveries of grouped messages, and the stories that get a message of their own."""
    changes = {group.key: _Change(group) for group in lane.floods}
    singles: list[_Story] = []
    loose: list[_Story] = []
    for story in stories:
        home = flood.home_of(lane.floods, story.now.key)
        if home is None:
            (loose if story.fresh and not story.alone else singles).append(story)
        elif _leaves(story):
            changes[home.key].leave(story)
            singles.append(story)
        else:
            changes[home.key].join(story)
    _gather_unseen(lane, unseen, changes)
    loose = [story for story in loose if story.now.key not in unseen]
    gathered = _flooding(lane, loose, changes, limits)
    singles += [story for story in loose if story.now.key not in gathered]
    return [change.delivery(now) for change in changes.values() if change.touched], singles


def _leaves(story: _Story) -> bool:
    """Whether a grouped story now needs a message of its own: it got worse or asks something."""
    return story.alone or (story.now.sound and not story.fresh)


def _unseen(stories: Sequence[_Story], now: float, limits: NotifyLimits) -> Mapping[str, _Story]:
    """What is over, and nobody heard of in time, so much that one message must do for all of it; by key."""
    late = [s for s in stories if s.fresh and s.now.data.get("closed") and now - s.kept[0].at >= limits.missed_after_s]
    return {story.now.key: story for story in late} if len(late) >= limits.flood_companies else {}


def _gather_unseen(lane: Lane, unseen: Mapping[str, _Story], changes: dict[str, _Change]) -> None:
    """Let them join their group, except those that already have one."""
    homeless = [story for key, story in unseen.items() if flood.home_of(lane.floods, key) is None]
    if not homeless:
        return
    group = flood.missed(lane.floods, homeless[0].now, homeless[0].kept[0].at)
    change = changes.setdefault(group.key, _Change(group))
    for story in homeless:
        change.join(story)


def _flooding(lane: Lane, loose: Sequence[_Story], changes: dict[str, _Change], limits: NotifyLimits) -> set[str]:
    """Let new stories that came too fast join a flood, one that still runs or a new one; returns their keys."""
    times = [story.kept[0].at for story in loose]
    gathered: set[str] = set()
    for run in flood.runs(times, (*lane.recent, *flood.times(lane.floods)), limits):
        group = flood.running(lane.floods, times[run[0]], limits)
        if group is None:
            start = times[run[0]]
            earlier = sum(abs(start - at) <= limits.flood_window_s for at in lane.recent)
            group = flood.opened(loose[run[0]].now, start, earlier)
        change = changes.setdefault(group.key, _Change(group))
        for index in run:
            change.join(loose[index])
            gathered.add(loose[index].now.key)
    return gathered
