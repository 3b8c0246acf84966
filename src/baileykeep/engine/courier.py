"""The courier: takes notices from the journal's outbox to people, at least once, in order per incident.

Each lane (one address in one channel) is served by itself, so that a dead or slow one holds up nobody else:
1. read what waits, and let `rules.outbox` say what of it is worth delivering now;
2. hand it to the channel, and mark it sent only after that;
3. when the channel cannot, wait (as long as it asks, else ever longer) and plan afresh: by then a story may have
   moved on, and people get its newest state instead of a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.abc
import structlog

from baileykeep.channels.base import Channel
from baileykeep.clock import Clock
from baileykeep.engine.moves import Memories
from baileykeep.journal.base import Journal
from baileykeep.model.codec import decode, encode
from baileykeep.model.errors import ChannelError, JournalError
from baileykeep.model.limits import DAY, NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.rules.flood import Flood, told
from baileykeep.rules.outbox import MAX_WAIT_S, Delivery, Lane, Plan, plan

log = structlog.get_logger()

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 300.0
"""Between two tries of a lane that fails: doubled from the first to the longest."""

LOOK_AGAIN_S = 30.0
"""The outbox is read this often even when nobody nudges: another process may have posted."""

GIVE_UP_S = 7 * DAY
"""What nobody could be told for so long is given up, so that a chat that is gone for good fills no journal."""

BUG_TRIES = 3
"""A notice that crashes its channel is given up after so many tries."""

PAGE = 500
"""Notices read at once; more only when all of these must wait."""

Address = tuple[str, str]
"""A lane: (channel name, address in it)."""

TOLD_AFTER = 8
"""A lane that failed so often in a row, which takes some ten minutes, is worth telling of."""

Observer = Callable[[str, Notice, str], None]
"""Hears of a channel's newest notice that it was taken, or why not: given up, or failing for a while."""


def _nobody(_channel: str, _notice: Notice, _problem: str) -> None:
    """Who asks for nothing."""


@dataclass(slots=True)
class _LaneState:
    lane: Lane = field(default_factory=Lane)
    failures: int = 0
    blocked_until: float = 0.0
    busy: bool = False


class Courier:
    """Runs until cancelled. `limits` may be replaced while it runs."""

    def __init__(self, journal: Journal, channels: Mapping[str, Channel], clock: Clock, limits: NotifyLimits):
        self._journal = journal
        self._channels = channels
        self._clock = clock
        self.limits = limits
        self.observer: Observer = _nobody
        self._lanes: dict[Address, _LaneState] = {}
        self._nudged = anyio.Event()
        self._loaded = False
        self._move_s = 0.0

    def nudge(self) -> None:
        """Say that something new may wait."""
        self._nudged.set()

    def clock_was_set(self, by_s: float, _now: float) -> None:
        """What was put off waits as long as before; the journal learns it before anything else is delivered."""
        self._move_s += by_s
        self.nudge()

    def moved(self) -> Memories:
        """Notices have a table of their own."""
        return {}

    async def run(self) -> None:
        """Deliver for ever. A journal that cannot be used is logged and tried again."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._nudged = anyio.Event()
                await self._sleep(await self._look(tasks))

    async def _look(self, tasks: anyio.abc.TaskGroup) -> float:
        """Start every lane that has something to deliver; returns how long nothing more will be due."""
        try:
            await self._load()
            await self._move()
            return await self._start_lanes(tasks)
        except JournalError as error:
            log.warning("outbox_unreadable", error=str(error), code=error.code)
            return LOOK_AGAIN_S

    async def _move(self) -> None:
        """Only once, although every lane may come here: whoever is first takes it on."""
        by_s, self._move_s = self._move_s, 0.0
        if not by_s:
            return
        try:
            await self._journal.notices_moved(by_s)
        except JournalError:
            self._move_s += by_s
            raise

    async def _sleep(self, seconds: float) -> None:
        """Until the time is over or somebody nudges."""
        async with anyio.create_task_group() as waiting:

            async def timer() -> None:
                await self._clock.sleep(seconds)
                waiting.cancel_scope.cancel()

            waiting.start_soon(timer)
            await self._nudged.wait()
            waiting.cancel_scope.cancel()

    async def _load(self) -> None:
        """Floods that were running before a restart go on."""
        if self._loaded:
            return
        for place, stored in (await self._journal.recall("floods")).items():
            channel, _, address = place.partition("|")
            floods = tuple(decode(Flood, item) for item in stored)
            self._lanes.setdefault((channel, address), _LaneState()).lane = Lane(floods=floods)
        self._loaded = True

    async def _start_lanes(self, tasks: anyio.abc.TaskGroup) -> float:
        page = PAGE
        while True:
            busy = frozenset(address for address, state in self._lanes.items() if state.busy)
            waiting = await self._journal.pending_notices(self._clock.now(), page)
            started, wait_s = await self._start(tasks, waiting, busy)
            if started or len(waiting) < page:
                return wait_s
            page *= 2

    async def _start(
        self, tasks: anyio.abc.TaskGroup, waiting: Sequence[Notice], busy: Collection[Address]
    ) -> tuple[bool, float]:
        """`busy` lanes were so when the outbox was read: what they delivered meanwhile may stand among `waiting`."""
        started, wait_s = False, LOOK_AGAIN_S
        covered: list[int] = []
        for address, notices in _by_lane(waiting).items():
            state = self._lanes.setdefault(address, _LaneState())
            if address in busy:
                continue
            due = plan(state.lane, notices, self._clock.now(), self.limits)
            covered += due.covered
            barred_s = state.blocked_until - self._clock.monotonic()
            if barred_s > 0:
                wait_s = min(wait_s, barred_s)
            elif due.deliveries:
                state.busy = started = True
                tasks.start_soon(self._serve, address, state, due)
            elif due.wake_at is not None:
                wait_s = min(wait_s, max(0.05, due.wake_at - self._clock.now()))
        if covered:
            await self._journal.notices_covered(covered, self._clock.now())
        return started, wait_s

    async def _serve(self, address: Address, state: _LaneState, due: Plan) -> None:
        """Carry a lane's plan out, up to the first delivery that the channel cannot make."""
        try:
            for delivery in due.deliveries:
                if not await self._hand_over(address, state, delivery):
                    break
        except JournalError as error:
            log.warning("outbox_unwritable", channel=address[0], error=str(error), code=error.code)
            state.blocked_until = self._clock.monotonic() + LOOK_AGAIN_S
        finally:
            state.busy = False
            self.nudge()

    async def _hand_over(self, address: Address, state: _LaneState, delivery: Delivery) -> bool:
        """One delivery; false when the lane must rest before the next one."""
        channel = self._channels.get(address[0])
        try:
            if channel is None:
                raise ChannelError(f"there is no channel {address[0]}", permanent=True)  # noqa: TRY301
            if delivery.flood is not None:
                await self._keep_flood(address, state, delivery.flood)
            await channel.deliver(delivery.notices)
        except ChannelError as error:
            return await self._failed(address, state, delivery, error)
        except JournalError:
            raise
        except Exception as error:
            # A bug in one channel must not silence the others.
            log.exception("channel_crashed", channel=address[0], key=delivery.notices[-1].key)
            return await self._crashed(address, state, delivery, error)
        await self._delivered(address, state, delivery)
        return True

    async def _delivered(self, address: Address, state: _LaneState, delivery: Delivery) -> None:
        now = self._clock.now()
        if delivery.flood is None:
            await self._journal.notice_sent(delivery.ids, now)
            opened = [notice.at for notice in delivery.notices if notice.data.get("first")]
            state.lane = _with_recent(state.lane, opened[:1], self.limits)
        else:
            await self._journal.notices_covered(delivery.ids, now)
            await self._keep_flood(address, state, told(delivery.flood))
        if state.failures:
            log.info("lane_recovered", channel=address[0], after_failures=state.failures)
        state.failures = 0
        self.observer(address[0], delivery.notices[-1], "")

    async def _failed(self, address: Address, state: _LaneState, delivery: Delivery, error: ChannelError) -> bool:
        """A permanent failure, or one for a week, ends these notices; any other bars the whole lane for a while."""
        if error.permanent or self._clock.now() - _oldest_at(delivery) > GIVE_UP_S:
            log.error("notice_undeliverable", channel=address[0], key=delivery.notices[-1].key, error=str(error))
            await self._bury(delivery, str(error))
            self.observer(address[0], delivery.notices[-1], error.cause)
            return True
        state.failures += 1
        if state.failures >= TOLD_AFTER:
            self.observer(address[0], delivery.notices[-1], error.cause)
        wait_s = min(FIRST_WAIT_S * 2 ** min(state.failures - 1, 10), LONGEST_WAIT_S)
        if error.retry_after_s is not None:
            wait_s = min(max(error.retry_after_s, 0.1), MAX_WAIT_S)
        if state.failures == 1:
            log.warning("lane_failing", channel=address[0], error=str(error), retry_in_s=round(wait_s, 1))
        state.blocked_until = self._clock.monotonic() + wait_s
        await self._note(delivery, str(error), self._clock.now() + wait_s)
        return False

    async def _crashed(self, address: Address, state: _LaneState, delivery: Delivery, error: Exception) -> bool:
        text = f"{type(error).__name__} in the channel"
        if delivery.notices[0].attempts + 1 >= BUG_TRIES:
            await self._bury(delivery, text)
            self.observer(address[0], delivery.notices[-1], text)
            return True
        return await self._failed(address, state, delivery, ChannelError(text))

    async def _bury(self, delivery: Delivery, error: str) -> None:
        for ident in delivery.ids:
            await self._journal.notice_failed(ident, not_before=self._clock.now(), error=error, dead=True)

    async def _note(self, delivery: Delivery, error: str, not_before: float) -> None:
        await self._move()
        for ident in delivery.ids[:1]:
            await self._journal.notice_failed(ident, not_before=not_before, error=error)

    async def _keep_flood(self, address: Address, state: _LaneState, flood: Flood) -> None:
        """Before its message goes out: after a crash the stories in it must find their way back to it."""
        others = [
            group for group in state.lane.floods if group.key != flood.key and not _spent(group, flood, self.limits)
        ]
        state.lane = Lane((*others, flood), state.lane.recent)
        place = ("|".join(address), "floods")
        await self._journal.remember({place: [encode(group) for group in state.lane.floods]})


def _oldest_at(delivery: Delivery) -> float:
    return delivery.notices[0].at if delivery.flood is None else delivery.flood.opened_at


def _by_lane(waiting: Sequence[Notice]) -> dict[Address, list[Notice]]:
    lanes: dict[Address, list[Notice]] = {}
    for notice in waiting:
        lanes.setdefault((notice.channel, str(notice.data.get("to", ""))), []).append(notice)
    return lanes


def _with_recent(lane: Lane, opened: Sequence[float], limits: NotifyLimits) -> Lane:
    return Lane(lane.floods, (*lane.recent, *opened)[-limits.flood_companies :])


def _spent(group: Flood, newer: Flood, limits: NotifyLimits) -> bool:
    return group.over and group.last_at + limits.flood_window_s < newer.opened_at
