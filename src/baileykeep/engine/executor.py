"""Runs one action a company at a time; every step is journaled before its effect and after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog

from baileykeep.actions.base import Action, Order, Result, Site
from baileykeep.actions.clean import SET_ASIDE, cleanup, repair_sessions
from baileykeep.actions.guard import backup, restore_backup, restore_creds
from baileykeep.actions.reconnect import reconnect, restart_process, verify_restart
from baileykeep.actions.relink import RESET, pair_again, relink, reset, snapshot
from baileykeep.actions.resume import Past, resume
from baileykeep.actions.webhook import all_watched, watched
from baileykeep.clock import Clock
from baileykeep.engine.ledger import Running
from baileykeep.engine.monitor import Monitor
from baileykeep.engine.roster import Roster
from baileykeep.journal.base import Journal
from baileykeep.model import codec
from baileykeep.model.errors import BaileykeepError, JournalError, Refused
from baileykeep.model.evidence import LookedAgain, Sight, StepBegun
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import Scope
from baileykeep.rules import words_pairing

log = structlog.get_logger(__name__)

ACTIONS: Mapping[Rung, Action] = {
    Rung.SNAPSHOT: snapshot,
    Rung.RECONNECT: reconnect,
    Rung.RESTART_PROCESS: restart_process,
    Rung.RESTORE_CREDS: restore_creds,
    Rung.REPAIR_SESSIONS: repair_sessions,
    Rung.CLEANUP: cleanup,
    Rung.PAIR_AGAIN: pair_again,
    Rung.RELINK: relink,
    Rung.RESET: reset,
    Rung.BACKUP: backup,
    Rung.RESTORE: restore_backup,
}
"""What each rung does."""

LOCKED = "locked"
"""Somebody else works on this company just now: nothing is used up by waiting for them."""

COPYING = frozenset({Rung.SNAPSHOT, Rung.BACKUP})
"""They stop nothing and change nothing, so after a crash they are simply made anew."""

RELINKING = frozenset({Rung.RELINK, Rung.PAIR_AGAIN, Rung.RESET})

STEPS_LOOKED_AT = 200
READ_AGAIN_S = 5.0

StillWrong = Callable[[], Awaitable[bool]]


class JournaledSteps:
    """The steps of one action, in the journal."""

    def __init__(self, journal: Journal, clock: Clock, running: Running, monitor: Monitor):
        self._journal = journal
        self._clock = clock
        self._running = running
        self._monitor = monitor
        self.begun = False

    def witness(self, sight: Sight) -> None:
        """Show the safety monitor what is about to happen; see `actions.base.Steps`."""
        self._monitor.witness(self._running.subject, self._running.attempt.action_id, sight)

    @asynccontextmanager
    async def step(self, name: str, *, whatever_happens: bool = False, **detail: Any) -> AsyncIterator[dict[str, Any]]:
        """Journal, then do, then journal again; see `actions.base.Steps`."""
        journaled = await self._note(EntryKind.STEP_BEGUN, name, detail, optional=whatever_happens)
        self.witness(StepBegun(name, journaled, must_come=whatever_happens))
        self.begun = True
        seen: dict[str, Any] = {}
        try:
            yield seen
        except BaileykeepError as error:
            await self._note(EntryKind.STEP_ENDED, name, {"error": error.cause}, optional=True)
            raise
        await self._note(EntryKind.STEP_ENDED, name, seen, optional=True)

    async def _note(self, kind: EntryKind, name: str, detail: Mapping[str, Any], *, optional: bool) -> bool:
        running = self._running
        data = {"step": name, **codec.encode(detail)}
        entry = Entry(
            self._clock.now(), kind, running.subject, running.incident, running.attempt.action_id,
            running.attempt.operator, data,
        )  # fmt: skip
        try:
            await self._journal.write((entry,))
        except JournalError as error:
            if not optional:
                raise
            log.warning("step_not_journaled", step=name, subject=str(running.subject), error=error.cause)
            return False
        return True


class Executor:
    """Turns a begun action into a result; whatever goes wrong becomes an outcome, never an exception."""

    def __init__(self, journal: Journal, clock: Clock, roster: Roster, monitor: Monitor):
        self._journal = journal
        self._clock = clock
        self._roster = roster
        self._monitor = monitor

    async def run(self, running: Running, still_wrong: StillWrong) -> Result:
        """Do what was begun."""

        async def work(site: Site) -> Result:
            return await ACTIONS[running.attempt.rung](site, codec.decode(Order, running.order))

        return await self._guarded(running, work, still_wrong)

    async def resume(self, running: Running, still_wrong: StillWrong) -> Result:
        """Finish or undo what a dead daemon had begun."""
        rung = running.attempt.rung
        past = await self._past_of(running)
        self._monitor.resumed(running, past.steps)

        async def work(site: Site) -> Result:
            if rung is Rung.RESTART_PROCESS:
                return await verify_restart(site)
            if rung in COPYING:
                return await ACTIONS[rung](site, codec.decode(Order, running.order))
            return await resume(site, codec.decode(Order, running.order), ACTIONS[rung], past)

        result = await self._guarded(running, work, still_wrong)
        if past.aside is not None and result.outcome is Outcome.FAILED and result.untouched:
            return replace(result, note=words_pairing.still_aside(past.aside, result.note))
        return result

    async def _past_of(self, running: Running) -> Past:
        """The steps that were begun, in order, found by the action's id whatever the wall clock did since."""
        while True:
            try:
                entries = await self._journal.entries(
                    subject=running.subject, kinds=(EntryKind.STEP_BEGUN,), limit=STEPS_LOOKED_AT, newest_first=True
                )
            except JournalError as error:
                log.warning("steps_not_readable", subject=str(running.subject), error=error.cause)
                await self._clock.sleep(READ_AGAIN_S)
            else:
                begun = [entry.data for entry in reversed(entries) if entry.action == running.attempt.action_id]
                return _past(running, begun)

    async def _guarded(
        self, running: Running, work: Callable[[Site], Awaitable[Result]], still_wrong: StillWrong
    ) -> Result:
        steps = JournaledSteps(self._journal, self._clock, running, self._monitor)

        async def look_again() -> bool:
            wrong = await still_wrong()
            steps.witness(LookedAgain(wrong))
            return wrong

        try:
            site = self._roster.site(
                running.subject,
                steps,
                look_again,
                by_human=running.attempt.operator is not None,
            )
            self._monitor.uses(running.subject, site.limits)
            return await self._watched(running, site, work)
        except Refused as refused:
            return Result(Outcome.REFUSED, _sentence(refused), untouched=refused.code == LOCKED and not steps.begun)
        except BaileykeepError as error:
            log.warning("action_failed", subject=str(running.subject), rung=running.attempt.rung, error=error.cause)
            return Result(Outcome.FAILED, _sentence(error), untouched=not steps.begun)
        except Exception as error:
            log.exception("action_crashed", subject=str(running.subject), rung=running.attempt.rung, error=repr(error))
            return Result(Outcome.FAILED, f"Internal error ({type(error).__name__}), see the daemon's log.")

    async def _watched(self, running: Running, site: Site, work: Callable[[Site], Awaitable[Result]]) -> Result:
        """The work, with a look at the gateway's webhook settings before and after it where it may change them."""
        if running.attempt.rung in COPYING:
            return await work(site)
        if running.subject.scope is not Scope.GATEWAY:
            return await watched(site, work)
        members = self._roster.members().values()
        ids = [m.subject.id for m in members if m.gateway == running.subject.id and m.subject.scope is Scope.COMPANY]
        return await all_watched(site, work, ids)


def _past(running: Running, begun: Sequence[Mapping[str, Any]]) -> Past:
    pairs = running.attempt.rung in RELINKING
    return Past(
        tuple(data["step"] for data in begun),
        aside=_last(begun, SET_ASIDE, "aside") if pairs else None,
        kept=_last(begun, RESET, "backup"),
        wish=pairs and running.manual,
    )


def _last(begun: Sequence[Mapping[str, Any]], step: str, key: str) -> str | None:
    return next((data[key] for data in reversed(begun) if data["step"] == step and key in data), None)


def _sentence(error: BaileykeepError) -> str:
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
