"""After a crash: an action that was begun and has no outcome is looked at again, then finished or undone.

Nothing is repeated blindly. A session that was stopped by the dead daemon is started again in every case.
"""

from __future__ import annotations

from dataclasses import dataclass

import anyio.to_thread

from baileykeep.actions.base import Action, Order, Result, Site
from baileykeep.actions.relink import back_again, start_fresh, wait_for_scan
from baileykeep.actions.session import connected_and_paired, process_is_down, start_again, status, verified
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.evidence import Looked
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome

STOP, SET_ASIDE = "stop", "set_aside"
CHANGING = frozenset({"remove", SET_ASIDE, "restore_creds", "restore"})
"""The steps that are what an action is for; what comes before them only makes ready."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the dead daemon had got to: the steps that it began, in order, since when, and whether it is a relink."""

    steps: tuple[str, ...]
    begun_at: float
    relinking: bool

    @property
    def only_made_ready(self) -> bool:
        """Whether it was to change files and had not come to that."""
        return STOP in self.steps and not CHANGING & set(self.steps)

    @property
    def owes_start(self) -> bool:
        """Whether a session was stopped after it was last started."""
        moves = [step for step in self.steps if step in ("stop", "start")]
        return bool(moves) and moves[-1] == "stop"


async def resume(site: Site, order: Order, action: Action, past: Past) -> Result:
    """Finish or undo what was begun."""
    if not past.steps:
        return Result(Outcome.SUPERSEDED, "Nothing had been done before the restart.")
    up = await connected_and_paired(site)
    site.steps.witness(Looked(stopped=False, open=up))
    if up and past.only_made_ready:
        return Result(Outcome.SUPERSEDED, "Nothing had been changed before the restart.")
    if up:
        return await verified(site, "Finished by itself while the daemon was away.")
    if past.relinking and SET_ASIDE in past.steps:
        return await _finish_relink(site, order, past)
    result = await _again(site, order, action)
    return result if result.outcome is Outcome.HEALED else await _start_what_was_stopped(site, result, past)


async def _again(site: Site, order: Order, action: Action) -> Result:
    """The same action from its beginning: each step looks at the world before it does anything."""
    try:
        return await action(site, order)
    except Refused as refused:
        return Result(Outcome.REFUSED, refused.cause)
    except BaileykeepError as error:
        return Result(Outcome.FAILED, error.cause)


async def _start_what_was_stopped(site: Site, so_far: Result, past: Past) -> Result:
    """A session that the dead daemon had stopped is started even where nobody knows its state just now.

    One that it never stopped is not for us to open: its login may just have been refused for good.
    """
    if STOP not in past.steps:
        return so_far
    seen = await status(site)
    running = seen.state not in (ConnState.DISCONNECTED, ConnState.UNKNOWN)
    site.steps.witness(Looked(stopped=False, running=running))
    if running or (seen.state is ConnState.UNKNOWN and not past.owes_start and not await process_is_down(site)):
        return so_far
    async with site.steps.step("start", whatever_happens=True):
        await start_again(site)
    return await verified(site, so_far.note)


async def _finish_relink(site: Site, order: Order, past: Past) -> Result:
    """The login was (perhaps half) set aside: a dead one is relinked, any other goes back."""
    if order.proved_dead:
        async with site.steps.step("start", whatever_happens=True):
            await start_fresh(site)
        return await wait_for_scan(site, "Login set aside; scan the new QR.")
    try:
        aside = await anyio.to_thread.run_sync(_own_aside, site, past.begun_at)
        if aside is not None:
            return await back_again(site, aside, "The old login is back in place.")
    except BaileykeepError as error:
        return await _start_what_was_stopped(site, Result(Outcome.FAILED, error.cause), past)
    return await _start_what_was_stopped(site, Result(Outcome.UNDONE, "The old login was still in place."), past)


def _own_aside(site: Site, begun_at: float) -> str | None:
    """This action's own set-aside; one of an earlier relink is another story's."""
    copies = site.vault.list(site.company)
    asides = [b for b in copies if b.kind is BackupKind.ASIDE and b.whole and b.created_at >= begun_at]
    return asides[-1].name if asides else None
