"""What a daemon that is killed must not lose: the line of a log that it had read and not yet drawn its lesson from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from baileykeep.app.log_files import POSITIONS, LogFiles
from baileykeep.app.sites import Sites
from baileykeep.clock import VirtualClock
from baileykeep.journal.memory import MemoryJournal
from baileykeep.logs.attribution import Attribution
from baileykeep.model.facts import Fact
from baileykeep.watchers.log_tail import LogFile


class OneFile(LogFiles):
    """Follows one file, whatever is configured."""

    path: Path

    def _files(self) -> Iterator[LogFile]:
        yield LogFile(self.path, "main", Attribution(company="1"))


@pytest.mark.asyncio
async def test_a_position_is_stored_only_after_what_was_read_before_it(tmp_path: Path) -> None:
    journal, clock, kept, can_keep = MemoryJournal(), VirtualClock(), list[Any](), False

    async def keep() -> bool:
        kept.append((await journal.recall(POSITIONS)).copy())
        return can_keep

    facts = list[Fact]()
    logs = OneFile(cast(Sites, None), facts.append, clock, journal, keep)
    logs.path = tmp_path / "out.log"
    logs.path.write_text("hello\n")
    async with anyio.create_task_group() as group:
        group.start_soon(logs.run)
        with anyio.fail_after(5):
            while not kept:
                clock.step_to(clock.monotonic() + 1.0)
                await anyio.sleep(0.01)
                await logs.save()
        assert await journal.recall(POSITIONS) == {}, "nothing was kept, so the lines are read again"
        can_keep = True
        await logs.save()
        group.cancel_scope.cancel()
    assert kept[-1] == {}
    assert await journal.recall(POSITIONS) != {}
