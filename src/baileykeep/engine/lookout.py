"""While humans are asked whether a login may be touched, its session is looked at: a yes need not wait for the proof.

That a session is stopped is proved by looks of many seconds, and somebody stands there with a phone. So they are taken
before the answer, as long as the question stands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import anyio
import structlog

from baileykeep.actions.stillness import LOOK_EVERY_S, Look, Row, after
from baileykeep.clock import Clock
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.incident import ApprovalState, Incident
from baileykeep.model.symptoms import Scope

log = structlog.get_logger(__name__)

Looks = Callable[[str], Awaitable[Look | None]]
"""One look at a company; None for one whose files are not watched."""


class Lookout:
    """One per daemon. `run` looks until cancelled; it sleeps while no question stands."""

    def __init__(self, stories: Callable[[], Iterable[Incident]], look: Looks, clock: Clock):
        self._stories = stories
        self._look = look
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._problems: set[str] = set()
        self._asked = anyio.Event()

    def row(self, ident: str) -> Row | None:
        """The looks in a row that found it stopped; whoever uses it minds how long ago the last one was."""
        return self._rows.get(ident)

    def nudge(self) -> None:
        """A question may stand."""
        self._asked.set()

    async def run(self) -> None:
        """Look every few seconds at each company about which somebody is asked."""
        while True:
            self._asked = anyio.Event()
            asked = self._idents()
            if not asked:
                await self._asked.wait()
                continue
            async with anyio.create_task_group() as group:
                for ident in asked:
                    group.start_soon(self._look_at, ident)
            await self._clock.sleep(LOOK_EVERY_S)

    def _idents(self) -> frozenset[str]:
        return frozenset(
            story.subject.id
            for story in self._stories()
            if story.subject.scope is Scope.COMPANY
            and story.approval is not None
            and story.approval.state is ApprovalState.OPEN
        )

    async def _look_at(self, ident: str) -> None:
        try:
            seen = await self._look(ident)
        except BaileykeepError as error:
            self._note_problem(ident, error)
            seen = None
        else:
            self._problems.discard(ident)
        row = after(self._rows.get(ident), seen, self._clock.monotonic()) if seen is not None else None
        if row is None:
            self._rows.pop(ident, None)
        else:
            self._rows[ident] = row

    def _note_problem(self, ident: str, error: BaileykeepError) -> None:
        """Logged once: a folder that is gone may stay so for as long as the question stands."""
        if ident not in self._problems:
            log.info("not_looked_at", company=ident, error=error.cause)
        self._problems.add(ident)
