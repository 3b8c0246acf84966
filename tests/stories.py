"""Incidents and their notices as the engine makes them, for tests of what people are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.lowlevel

from baileykeep.clock import VirtualClock
from baileykeep.model.incident import Approval, Cause, Incident, Rung, StoryLine, Topic
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import Severity, company
from baileykeep.rules.notify import Contact, Routes, notices

START = 1_800_000_000.0


def incident(ident: str = "i1", *, at: float = START, who: str = "997441", **more: object) -> Incident:
    """A company that was just found down."""
    made = Incident(
        id=ident,
        subject=company(who),
        topic=Topic.HEALTH,
        cause=Cause.DISCONNECTED,
        severity=Severity.WARNING,
        opened_at=at,
        updated_at=at,
        detail={"down_s": 600},
        story=(StoryLine(at, "Disconnected for 10 min."),),
    )
    return replace(made, **more)  # type: ignore[arg-type]


class Story:
    """One incident that moves on; each step gives the notices that the engine would post for it."""

    def __init__(self, ident: str = "i1", *, to: str = "100", second: str = "200", name: str = "Acme", who: str = "1"):
        self._routes = Routes((Contact("telegram", to),), (Contact("telegram", second),))
        self._name = name
        self.ident = ident
        self.who = who
        self.incident: Incident | None = None

    def open(self, at: float, severity: Severity = Severity.WARNING) -> tuple[Notice, ...]:
        return self._become(incident(self.ident, at=at, who=self.who, severity=severity), at)

    def line(self, at: float, text: str, **more: object) -> tuple[Notice, ...]:
        """Something happened; `more` changes other fields of the incident."""
        before = self._now()
        return self._become(replace(before, story=(*before.story, StoryLine(at, text)), **more), at)  # type: ignore[arg-type]

    def ask(self, at: float) -> tuple[Notice, ...]:
        return self.line(at, "Asked for approval.", approval=Approval(Rung.RELINK, self._now().revision + 1, at))

    def clock(self, at: float, **more: object) -> tuple[Notice, ...]:
        """The question's clock went on: `reminded_at`, `escalated_at`, `state`."""
        approval = self._now().approval
        assert approval is not None
        return self.line(at, f"Question: {', '.join(more)}.", approval=replace(approval, **more))  # type: ignore[arg-type]

    def close(self, at: float) -> tuple[Notice, ...]:
        return self.line(at, "Healthy again.", closed_at=at, closing="healthy again")

    def _now(self) -> Incident:
        assert self.incident is not None
        return self.incident

    def _become(self, after: Incident, at: float) -> tuple[Notice, ...]:
        after = replace(after, updated_at=at, revision=(self.incident.revision + 1) if self.incident else 1)
        told = notices(self.incident, after, name=self._name, routes=self._routes, now=at)
        self.incident = after
        return told


async def settle(busy: Callable[[], bool] = lambda: False) -> None:
    """Let every task run until it waits for time or for the network, and the network be quiet."""
    calm = 0
    while calm < 3:
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.0005)
        calm = 0 if busy() else calm + 1


async def advance(clock: VirtualClock, seconds: float, busy: Callable[[], bool] = lambda: False) -> None:
    """Let decision time pass, waking sleepers one instant at a time and letting their work finish between."""
    end = clock.monotonic() + seconds
    await settle(busy)
    while (wake := clock.next_wake()) is not None and wake <= end:
        clock.step_to(wake)
        await settle(busy)
    clock.step_to(end)
    await settle(busy)


async def advance_until(
    clock: VirtualClock, wanted: Callable[[], bool], busy: Callable[[], bool] = lambda: False, most_s: float = 3600
) -> None:
    """The same until something holds; fails when it does not within `most_s` of decision time."""
    end = clock.monotonic() + most_s
    await settle(busy)
    while not wanted():
        wake = clock.next_wake()
        assert wake is not None, "nobody waits for anything"
        assert wake <= end, f"not within {most_s} s"
        clock.step_to(wake)
        await settle(busy)
