"""When the wall clock is set, whoever remembers moments moves them along, and the journal learns it as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from baileykeep.clock import Clock, ClockMark, WatchedClock
from baileykeep.model import codec
from baileykeep.model.facts import Fact
from baileykeep.model.symptoms import HOST

log = structlog.get_logger(__name__)

Memories = Mapping[tuple[str, str], Any]

DRAWER = "clock"


LATE_S = 60.0
"""A fact that was noted before the clock was set is told within this: lines of a log wait for each other."""


class RemembersMoments(Protocol):
    """Somebody who keeps moments to count from."""

    def clock_was_set(self, by_s: float, now: float) -> None:
        """Move every moment by so many seconds; `now` is what the clock shows since."""

    def moved(self) -> Memories:
        """All that it keeps in the journal itself, to be stored again after such a move."""


@dataclass(frozen=True, slots=True)
class _Set:
    """The clock was set by `by_s` when it showed `before`, and `mono_s` never jumps."""

    before: float
    by_s: float
    mono_s: float

    def moved(self, at: float, mono_s: float) -> float:
        """A moment as the clock shows it since, where it can only have been noted before."""
        now = self.before + self.by_s + mono_s - self.mono_s
        early = self.by_s > 0 and at <= self.before
        late = self.by_s < 0 and at > now
        return at + self.by_s if early or late else at


class Moves:
    """One per daemon. Its `clock` is the one to ask: it notices by itself that it was set."""

    def __init__(self, clock: Clock):
        self.clock = WatchedClock(clock, self._was_set)
        self._members: list[RemembersMoments] = []
        self._sets: tuple[_Set, ...] = ()
        self._made = self._stored = 0

    def join(self, member: RemembersMoments) -> None:
        """Hear of every move from now on."""
        self._members.append(member)

    def _was_set(self, by_s: float, now: float) -> None:
        log.warning("clock_was_set", by_s=round(by_s, 1))
        self._made += 1
        self._sets = (*self._sets, _Set(now - by_s, by_s, self.clock.monotonic()))
        for member in self._members:
            member.clock_was_set(by_s, now)

    def restamped(self, fact: Fact) -> Fact:
        """The fact as if it had been noted by the clock as it is now; most were."""
        self.clock.now()
        if not self._sets:
            return fact
        mono_s, at = self.clock.monotonic(), fact.at
        self._sets = tuple(one for one in self._sets if mono_s - one.mono_s <= LATE_S)
        for one in self._sets:
            at = one.moved(at, mono_s)
        return fact if at == fact.at else replace(fact, at=at)

    @property
    def unsaved(self) -> bool:
        """Whether the journal does not know of the last move yet."""
        return self._made > self._stored

    def memories(self) -> tuple[int, Memories]:
        """What to store in one transaction, and the number to pass to `stored` after that."""
        mark = {(str(HOST), DRAWER): codec.encode(self.clock.mark)}
        if not self.unsaved:
            return self._made, mark
        moved = [member.moved() for member in self._members]
        return self._made, {**mark, **{key: value for memories in moved for key, value in memories.items()}}

    def stored(self, number: int) -> None:
        """The journal knows of all moves up to this one."""
        self._stored = number

    def load(self, saved: Mapping[str, Any]) -> None:
        """Compare the clock with what an earlier daemon kept; call it when all have loaded what they remember."""
        mark = saved.get(str(HOST))
        if mark is not None:
            self.clock.recall(codec.decode(ClockMark, mark))
