"""When the wall clock is set, whoever remembers moments moves them along, and the journal learns it as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from baileykeep.clock import Clock, ClockMark, WatchedClock
from baileykeep.model import codec
from baileykeep.model.symptoms import HOST

log = structlog.get_logger(__name__)

Memories = Mapping[tuple[str, str], Any]

DRAWER = "clock"


class RemembersMoments(Protocol):
    """Somebody who keeps moments to count from."""

    def clock_was_set(self, by_s: float, now: float) -> None:
        """Move every moment by so many seconds; `now` is what the clock shows since."""

    def moved(self) -> Memories:
        """All that it keeps in the journal itself, to be stored again after such a move."""


class Moves:
    """One per daemon. Its `clock` is the one to ask: it notices by itself that it was set."""

    def __init__(self, clock: Clock):
        self.clock = WatchedClock(clock, self._was_set)
        self._members: list[RemembersMoments] = []
        self._made = self._stored = 0

    def join(self, member: RemembersMoments) -> None:
        """Hear of every move from now on."""
        self._members.append(member)

    def _was_set(self, by_s: float, now: float) -> None:
        log.warning("clock_was_set", by_s=round(by_s, 1))
        self._made += 1
        for member in self._members:
            member.clock_was_set(by_s, now)

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
