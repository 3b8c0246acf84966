"""What comes in by webhook, from the address it was sent to until it is a fact like that of a poll."""

from __future__ import annotations

import structlog

from baileykeep.app.sites import Sites
from baileykeep.clock import Clock
from baileykeep.gateways.hearing import Taken
from baileykeep.model.facts import Fact, ProcessSeen, ProcessState
from baileykeep.watchers.base import Emit
from baileykeep.watchers.connection import seen

log = structlog.get_logger(__name__)

LOG_EVERY_S = 60.0
DOWN = frozenset({ProcessState.STOPPED, ProcessState.ERRORED})
REFUSED = frozenset({Taken.FORGED, Taken.TORN, Taken.UNKNOWN_COMPANY, Taken.OLD})


class Hooks:
    """Implements `api.hooks.Hears`."""

    def __init__(self, sites: Sites, emit: Emit, clock: Clock):
        self._sites = sites
        self._emit = emit
        self._clock = clock
        self._logged: dict[tuple[str, Taken], float] = {}

    def take(self, gateway: str, company: str | None, raw: bytes) -> Taken:
        """Hear one webhook. A gateway that is not known is told the same as one with a wrong token."""
        door = self._sites.doors.get(gateway)
        if door is None or door.ear is None:
            return Taken.FORGED
        known = frozenset(self._sites.companies(gateway))
        taken, ident = door.ear.take(raw, company, known.__contains__)
        if ident is not None:
            self._emit(seen(ident, door.ear.status(ident), self._clock.now()))
        elif taken in REFUSED:
            self._note(gateway, taken)
        return taken

    def _note(self, gateway: str, taken: Taken) -> None:
        """Once a minute at the most, and never what was in it."""
        now_s = self._clock.monotonic()
        if now_s - self._logged.get((gateway, taken), float("-inf")) >= LOG_EVERY_S:
            self._logged[gateway, taken] = now_s
            log.warning("webhook_refused", gateway=gateway, why=taken.value)

    def notice(self, fact: Fact) -> None:
        """A process that is down has nothing to say, and what it said before is over."""
        if isinstance(fact, ProcessSeen) and fact.state in DOWN:
            door = self._sites.doors.get(fact.gateway)
            if door is not None and door.ear is not None:
                door.ear.forget()
