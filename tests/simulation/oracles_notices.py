"""Every notice reaches people at least once, each story in order, and none over and over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from baileykeep.model.records import Notice, NoticeState

if TYPE_CHECKING:
    from tests.simulation.oracles import Oracles

OFTEN = 6
"""So often one and the same notice may come: once, and again after crashes at the wrong moment."""

OUTBOX = 4000


class Notices:
    """What was posted, what arrived, and what was ticked off."""

    def __init__(self, oracles: Oracles):
        self._oracles = oracles
        self._arrived: Counter[int] = Counter()
        self._last: dict[tuple[str, str], int] = {}
        self._grouped_upto: dict[str, int] = {}
        self.posted_count = 0
        self.messages = 0

    def posted(self, notices: Sequence[Notice]) -> None:
        """They are in the durable outbox now."""
        self.posted_count += len(notices)

    def delivered(self, address: str, notices: Sequence[Notice]) -> None:
        """One call to the channel that worked."""
        self.messages += 1
        for notice in notices:
            if notice.id == 0 or notice.incident is None:
                self._grouped_upto[address] = self._oracles.world.journal._last_notice
                continue
            self._one(address, notice)

    def _one(self, address: str, notice: Notice) -> None:
        story = (address, str(notice.incident))
        again = self._arrived[notice.id]
        self._arrived[notice.id] += 1
        if again >= OFTEN:
            self._oracles.breach(str(notice.subject.id), f"notice {notice.id} arrived {again + 1} times")
        if not again and notice.id < self._last.get(story, 0):
            self._oracles.breach(str(notice.subject.id), f"notice {notice.id} arrived after a newer one of its story")
        self._last[story] = max(self._last.get(story, 0), notice.id)

    def marked(self, ids: Sequence[int]) -> None:
        """They count as sent from now on."""
        newest = max(ids, default=0)
        if newest and not self._arrived[newest]:
            self._oracles.breach("host", f"notice {newest} is marked as sent and never arrived")

    def at_rest(self) -> None:
        """Long after the last outage nothing waits any more, and what was given up was given up for a reason."""
        world = self._oracles.world
        notices = list(world.journal._notices.values())
        waiting = [n for n in notices if n.state is NoticeState.PENDING and world.wall - n.at > 1800.0]
        if waiting:
            self._oracles.breach("host", f"{len(waiting)} notices wait, the oldest is {waiting[0].id}")
        for notice in notices:
            address = str(notice.data.get("to", ""))
            told = self._last.get((address, str(notice.incident)), 0) >= notice.id
            grouped = self._grouped_upto.get(address, 0) >= notice.id
            if notice.state is NoticeState.DEAD:
                self._oracles.breach("host", f"notice {notice.id} was given up")
            if notice.state in (NoticeState.SENT, NoticeState.COVERED) and not (told or grouped):
                self._oracles.breach("host", f"notice {notice.id} is {notice.state} and nobody was told")
        if len(notices) > OUTBOX:
            self._oracles.breach("host", f"the outbox holds {len(notices)} notices")
