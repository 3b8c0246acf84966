"""The demo from its first to its last line: real daemon, real files, and time that runs faster."""

from __future__ import annotations

import io
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio
from anyio.abc import TaskGroup
from rich.console import Console
from rich.live import Live
from rich.text import Text

from baileykeep.clock import FastClock
from baileykeep.demo.scenario import TROUBLES, Trouble
from baileykeep.demo.screen import Ending, Picture, Result, Row, last_screen, screen, styled
from baileykeep.demo.stage import Stage, open_stage
from baileykeep.model.decisions import Reason
from baileykeep.rules import words
from baileykeep.telemetry import configure

LOOK_EVERY_S = 0.2
BEHIND_S = 0.3
"""Real seconds that the story is told late, so that everything has found its place in it."""

LAST_LOOKS = 5
"""Looks after the last healing, so that the final picture shows everything at rest."""

LEAD_S = 10.0

HELD = {
    Reason.TOO_EARLY: "its gateway still has time",
    Reason.WAIT_FOR_WINDOW: "no maintenance window now",
    Reason.OTHER_INCIDENT: "another incident is open",
    Reason.NEIGHBOUR_FAILED: "a neighbour did not come back from one",
    Reason.STARTING_UP: "it has only just started",
}
"""Reasons in few words, for one column; the feed below gives them in full."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`factor` seconds of the demo pass in one real second; after `within_s` real seconds it gives up."""

    factor: float
    within_s: float


FAST = Pace(60, 48)
CALM = Pace(16, 240)


class Shown(Protocol):
    """How a running demo is shown."""

    def show(self, picture: Picture) -> None:
        """The newest moment."""

    def close(self) -> None:
        """Nothing more comes."""


class PlainShow:
    """Each line once, as it comes."""

    def __init__(self, console: Console):
        self._console = console
        self._told = 0

    def show(self, picture: Picture) -> None:
        for line in picture.lines[self._told :]:
            for part in styled(line, self._console.width):
                self._console.print(part)
        self._told = len(picture.lines)

    def close(self) -> None:
        pass


class LiveShow:
    """The screen, redrawn in place; when it closes, the whole story is left in the terminal's history."""

    def __init__(self, console: Console):
        self._console = console
        self._last: Picture | None = None
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._live.start()

    def show(self, picture: Picture) -> None:
        self._last = picture
        size = self._console.size
        self._live.update(screen(picture, size.width, size.height - 1), refresh=True)

    def close(self) -> None:
        self._live.stop()
        if self._last is not None:
            PlainShow(self._console).show(self._last)


def main(*, fast: bool) -> int:
    """Run the demo on this terminal; the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, emoji=False, markup=False)
    with tempfile.TemporaryDirectory(prefix="baileykeep-demo-") as folder, _quiet(Path(folder) / "demo.log"):
        curtain = anyio.run(play, Path(folder), FAST if fast else CALM, TROUBLES, console)
        if curtain is None:
            console.print("Stopped. Nothing is left behind.")
        return curtain.tell(console) if curtain is not None else 1


@contextmanager
def _quiet(path: Path) -> Iterator[None]:
    """The daemon's own log goes to a file while the show is on; what it complained of is told at the end."""
    with path.open("w+") as log:
        configure("warning", json=False, stream=log)
        yield
        configure("warning")
        log.seek(0)
        sys.stderr.writelines(log.readlines()[-20:])


@dataclass(frozen=True, slots=True)
class Curtain:
    """How it ended."""

    rows: Sequence[Row]
    ending: Ending

    def tell(self, console: Console) -> int:
        """The last screen; the exit code."""
        console.print(Text(), last_screen(self.rows, self.ending))
        return 0 if self.ending.all_healed else 1


async def play(root: Path, pace: Pace, troubles: Sequence[Trouble], console: Console) -> Curtain | None:
    """Show it all; None when Ctrl-C or SIGTERM ended it early. All that it writes is in `root`."""
    curtain = None
    async with anyio.create_task_group() as group:
        group.start_soon(_end_on_signal, group)
        curtain = await _play(root, pace, troubles, console)
        group.cancel_scope.cancel()
    return curtain


async def _end_on_signal(group: TaskGroup) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            group.cancel_scope.cancel()
            return


async def _play(root: Path, pace: Pace, troubles: Sequence[Trouble], console: Console) -> Curtain:
    began, clock = time.monotonic(), FastClock(pace.factor)
    shown: Shown = LiveShow(console) if console.is_terminal else PlainShow(console)
    if not console.is_terminal:
        console.print(f"Baileykeep demo: the real daemon on a stand-in gateway, time × {pace.factor:.0f}.\n")
    try:
        async with open_stage(root, clock, troubles) as stage:
            with anyio.move_on_after(pace.within_s - (time.monotonic() - began)):
                async with anyio.create_task_group() as group:
                    for trouble in troubles:
                        group.start_soon(_trouble, stage, trouble)
                    await _watch(stage, pace, shown)
                    group.cancel_scope.cancel()
            await stage.look()
            shown.show(picture(stage, pace))
            return Curtain(picture(stage, pace).rows, await _ending(stage, time.monotonic() - began))
    finally:
        shown.close()


async def _trouble(stage: Stage, trouble: Trouble) -> None:
    await stage.clock.sleep(LEAD_S + trouble.after_s)
    await trouble.happen(stage, trouble.company)


async def _watch(stage: Stage, pace: Pace, shown: Shown) -> None:
    """Show what happens until everything is healed and at rest."""
    left = LAST_LOOKS
    while left:
        await stage.look(BEHIND_S * pace.factor)
        shown.show(picture(stage, pace))
        left -= stage.all_healed
        await anyio.sleep(LOOK_EVERY_S)


# --- what is shown --------------------------------------------------------------------------------------------


def picture(stage: Stage, pace: Pace) -> Picture:
    """This moment."""
    rows = [_row(stage, trouble) for trouble in stage.troubles]
    return Picture(stage.clock.now(), pace.factor, rows, tuple(stage.feed.lines))


def _row(stage: Stage, trouble: Trouble) -> Row:
    view = stage.view(trouble.company)
    files, connection = view["files"], view["connection"]
    state = connection["state"].replace("_", " ")
    if state == "disconnected":
        state = f"down {words.duration(connection['down_s'])}"
    level = files["level"] if files else ""
    counted = files["counted"] if files else None
    return Row(trouble.name, view["health"], state, counted, level, _doing(stage, trouble.company))


def _doing(stage: Stage, ident: str) -> str:
    """The step that runs, else the reason why nothing is done, else that all is well."""
    if ident in stage.feed.steps:
        return stage.feed.steps[ident]
    if stage.waits(ident):
        return f"Held: its gateway has {words.duration(stage.daemon.settings.limits.disconnect.warn_after_s)} first"
    incident = stage.incident(ident)
    if incident is not None and incident.hold:
        reason = Reason(incident.hold.partition(":")[0])
        return f"Held: {HELD.get(reason) or words.why_held(reason)}"
    return "–"


# --- what came of it ------------------------------------------------------------------------------------------


async def _ending(stage: Stage, real_s: float) -> Ending:
    backups, good = await stage.good_backups()
    return Ending(
        results=[_result(stage, trouble) for trouble in stage.troubles],
        story_s=stage.clock.now() - stage.began_at,
        real_s=real_s,
        backups=backups,
        backups_good=good,
        messages=len(stage.messages.stories),
        sounded=stage.messages.sounded,
    )


def _result(stage: Stage, trouble: Trouble) -> Result:
    before, after = stage.folders[trouble.company], stage.folder_after(trouble.company)
    healed_at = stage.healed_at.get(trouble.company)
    return Result(
        name=trouble.name,
        trouble=trouble.heals,
        healed=healed_at is not None,
        did=words.did(trouble.rung) if healed_at is not None else "No step helped",
        took_s=(healed_at or 0.0) - stage.struck_at(trouble),
        gone=len(before.names - after.names),
        left=len(after.names),
        same_login=before.identity == after.identity,
    )
