"""Sessions are looked at while somebody is asked about them, and only then; what was seen makes a later proof short."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
import structlog

from baileykeep.actions import stillness
from baileykeep.actions.base import Site
from baileykeep.actions.session import prove_stopped
from baileykeep.actions.stillness import At, Earlier, Look, Row
from baileykeep.clock import VirtualClock
from baileykeep.engine.lookout import Lookout
from baileykeep.model.errors import StoreError
from baileykeep.model.evidence import Looked, Sight, StillBefore
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Approval, ApprovalState, Cause, Incident, Rung, Topic
from baileykeep.model.limits import LadderLimits
from baileykeep.model.symptoms import Severity, gateway
from tests.fakes.virtual_time import settled
from tests.unit.engine.installation import ACME, Installation

pytestmark = pytest.mark.asyncio

ASKED = Incident(
    "i1", ACME, Topic.HEALTH, Cause.LOGGED_OUT, Severity.CRITICAL, 0.0, 0.0, approval=Approval(Rung.RELINK, 1, 0.0)
)
ANSWERED = replace(ASKED, approval=replace(Approval(Rung.RELINK, 1, 0.0), state=ApprovalState.APPROVED))


@dataclass
class Told:
    """What a lookout sees: the stories, and what each look finds."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    stories: tuple[Incident, ...] = ()
    finds: Look | StoreError | None = field(default_factory=lambda: Look(True, "t1"))
    looked_at: list[str] = field(default_factory=list)

    async def look(self, ident: str) -> Look | None:
        self.looked_at.append(ident)
        if isinstance(self.finds, StoreError):
            raise self.finds
        return self.finds

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        await settled()
        while (wake := self.clock.next_wake()) is not None and wake <= end:
            self.clock.step_to(wake)
            await settled()
        self.clock.step_to(end)


@asynccontextmanager
async def lookout(of: Told) -> AsyncIterator[Lookout]:
    async with anyio.create_task_group() as group:
        made = Lookout(lambda: of.stories, of.look, of.clock)
        group.start_soon(made.run)
        await settled()
        yield made
        group.cancel_scope.cancel()


@pytest.mark.parametrize("stories", [
    (), (ANSWERED,), (replace(ASKED, approval=None),), (replace(ASKED, subject=gateway("main")),),
])  # fmt: skip
async def test_nobody_is_looked_at_while_no_question_stands(stories: tuple[Incident, ...]) -> None:
    of = Told(stories=stories)
    async with lookout(of) as made:
        made.nudge()
        await of.pass_time(60)
        assert of.looked_at == []
        assert of.clock.next_wake() is None
        assert made.row("acme") is None


async def test_looks_begin_with_the_question_and_end_with_the_answer_but_what_was_seen_stays() -> None:
    of = Told()
    async with lookout(of) as made:
        of.stories = (ASKED,)
        began_s = of.clock.monotonic()
        made.nudge()
        await of.pass_time(12)
        assert made.row("acme") == Row(began_s, began_s + 10, "t1")
        of.stories = (ANSWERED,)
        await of.pass_time(60)
        assert of.looked_at == ["acme"] * 3
        assert made.row("acme") == Row(began_s, began_s + 10, "t1")


@pytest.mark.parametrize("finds", [Look(False, "t1"), None, StoreError("the folder is gone")])
async def test_a_look_that_finds_it_running_or_nothing_ends_the_row(finds: Look | StoreError | None) -> None:
    of = Told(stories=(ASKED,))
    async with lookout(of) as made:
        await of.pass_time(7)
        assert made.row("acme") is not None
        of.finds = finds
        await of.pass_time(5)
        assert made.row("acme") is None
        of.finds = Look(True, "t1")
        await of.pass_time(5)
        assert made.row("acme") == Row(of.clock.monotonic() - 2, of.clock.monotonic() - 2, "t1")


async def test_a_folder_that_is_gone_is_logged_once_until_it_is_there_again() -> None:
    of = Told(stories=(ASKED,), finds=StoreError("the folder is gone"))
    with structlog.testing.capture_logs() as logs:
        async with lookout(of):
            await of.pass_time(22)
            of.finds = Look(True, "t1")
            await of.pass_time(5)
            of.finds = StoreError("the folder is gone")
            await of.pass_time(10)
    assert [line["event"] for line in logs] == ["not_looked_at"] * 2


@pytest.mark.parametrize(("look", "at_s", "since_s"), [
    (Look(True, "t1"), 30.0, 0.0),
    (Look(True, "t1"), 30.1, 30.1),
    (Look(True, "t2"), 5.0, 5.0),
])  # fmt: skip
async def test_a_row_is_of_one_folder_as_it_lies_and_of_looks_close_together(
    look: Look, at_s: float, since_s: float
) -> None:
    assert stillness.after(Row(0.0, 0.0, "t1"), look, at_s) == Row(since_s, at_s, look.token)
    assert stillness.after(Row(0.0, 0.0, "t1"), replace(look, stopped=False), at_s) is None


async def test_a_row_proves_what_both_limits_ask_for() -> None:
    row = Row(0.0, 10.0, "t1")
    assert row.proves(LadderLimits())
    assert not row.proves(LadderLimits(quiet_folder_s=11))
    assert not row.proves(LadderLimits(stopped_gap_s=11))


class Heard:
    """Steps of which only the sights matter."""

    def __init__(self) -> None:
        self.sights: list[Sight] = []

    def step(self, name: str, *, whatever_happens: bool = False, **detail: object) -> object:
        raise AssertionError("no step is begun here")

    def witness(self, sight: Sight) -> None:
        self.sights.append(sight)


async def stopped_and_seen(on: Installation) -> tuple[Row, Site, Heard]:
    """A stopped session with a row of looks that just ended, and what an action on it is given."""
    on.sessions.states["acme"] = ConnState.DISCONNECTED
    seen = await stillness.look(At("acme", on.sessions, None), on.store("acme"))
    row = Row(on.clock.monotonic() - 20, on.clock.monotonic() - 5, seen.token)
    heard = Heard()

    async def wrong() -> bool:
        return True

    site = on.site(ACME, heard, wrong, by_human=False)  # type: ignore[arg-type]
    return row, replace(site, earlier=Earlier(row)), heard


async def test_a_stop_that_was_seen_before_is_proved_by_one_more_look(tmp_path: Path) -> None:
    row, site, heard = await stopped_and_seen(Installation(tmp_path))
    began_s = site.clock.monotonic()
    assert await prove_stopped(site) == row.token
    assert site.clock.monotonic() == began_s
    assert heard.sights == [StillBefore(row.since_s, row.looked_s, row.token), Looked(True, token=row.token)]


@pytest.mark.parametrize("how", ["written", "long ago", "used"])
async def test_what_was_seen_before_counts_once_and_only_while_it_is_still_so(tmp_path: Path, how: str) -> None:
    on = Installation(tmp_path)
    row, site, _ = await stopped_and_seen(on)
    if how == "written":
        (on.folders["acme"] / "tctoken-1.json").write_text("{}")
    elif how == "used":
        await prove_stopped(site)
    else:
        site = replace(site, earlier=Earlier(replace(row, looked_s=row.looked_s - 26)))
    proved: list[float] = []

    async def prove() -> None:
        await prove_stopped(site)
        proved.append(site.clock.monotonic())

    began_s = site.clock.monotonic()
    async with anyio.create_task_group() as group:
        group.start_soon(prove)
        await on.pass_time(9)
        assert proved == []
        await on.pass_time(3)
    assert proved == [began_s + 10]
