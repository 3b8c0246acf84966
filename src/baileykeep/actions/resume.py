"""After a crash: an action that was begun and has no outcome is looked at again, then finished or undone.

Nothing is repeated blindly. A session that was stopped by the dead daemon is started again in every case.
"""

from __future__ import annotations

from dataclasses import dataclass

import anyio.to_thread

from baileykeep.actions.base import Action, Order, Result, Site
from baileykeep.actions.clean import SET_ASIDE
from baileykeep.actions.guard import RESTORE
from baileykeep.actions.pairing import start_fresh, wait_for_scan
from baileykeep.actions.relink import BACK, PUT_BACK, back_again
from baileykeep.actions.session import (
    LEFT_CLOSED,
    connected_and_paired,
    start_again,
    start_safely,
    store_of,
    verified,
)
from baileykeep.actions.stillness import process_is_down, status
from baileykeep.backups.archive import Manifest
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.evidence import Looked
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import CredsState

STOP = "stop"
CHANGING = frozenset({"remove", SET_ASIDE, "restore_creds", RESTORE})
"""The steps that are what an action is for; what comes before them only makes ready."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the dead daemon had got to: the steps that it began, in order, and under which name it set a login aside."""

    steps: tuple[str, ...]
    aside: str | None = None

    @property
    def only_made_ready(self) -> bool:
        """Whether it was to change files and had not come to that."""
        return STOP in self.steps and not CHANGING & set(self.steps)

    @property
    def owes_start(self) -> bool:
        """Whether a session was stopped after it was last started."""
        moves = [step for step in self.steps if step in ("stop", "start", LEFT_CLOSED)]
        return bool(moves) and moves[-1] == "stop"


async def resume(site: Site, order: Order, action: Action, past: Past) -> Result:
    """Finish or undo what was begun."""
    if not past.steps:
        return Result(Outcome.SUPERSEDED, "Nothing had been done before the restart.")
    up = await connected_and_paired(site)
    site.steps.witness(Looked(stopped=False, open=up))
    missing = past.aside is not None and await _is_missing(site, past)
    if past.aside is not None and missing and not order.proved_dead:
        return await back_again(site, past.aside, BACK)
    if up and past.only_made_ready:
        return Result(Outcome.SUPERSEDED, "Nothing had been changed before the restart.")
    if up and RESTORE not in past.steps:
        return await verified(site, "Finished by itself while the daemon was away.")
    if past.aside is not None and not missing and not order.proved_dead:
        return await _start_what_was_stopped(site, Result(Outcome.UNDONE, "A login is in place."), past)
    if missing and not await anyio.to_thread.run_sync(_old_login_there, site, past):
        return await _go_on_relinking(site)
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
    await start_safely(site, lambda: start_again(site))
    started = await verified(site, so_far.note)
    return so_far if past.only_made_ready and started.outcome is Outcome.HEALED else started


async def _go_on_relinking(site: Site) -> Result:
    async with site.steps.step("start", whatever_happens=True):
        await start_fresh(site)
    return await wait_for_scan(site, "Login set aside; scan the new QR.")


async def _is_missing(site: Site, past: Past) -> bool:
    """Whether files of the set-aside are not in the folder. What cannot be looked at yet is tried again by who asks."""
    try:
        return await anyio.to_thread.run_sync(_misses, site, past)
    except BaileykeepError:
        return True


def _misses(site: Site, past: Past) -> bool:
    """A login that was paired since misses nothing, and neither does one whose creds are back: they come last."""
    found, store = _aside(site, past), store_of(site)
    creds = store.creds()
    if found is None:
        return creds.state is CredsState.MISSING
    if creds.identity != found.identity:
        return not creds.paired
    if PUT_BACK in past.steps:
        return False
    return not {file.name for file in found.files} <= {file.name for file in store.listing().files}


def _old_login_there(site: Site, past: Past) -> bool:
    """Whether the set-aside stopped half way: the creds, which go last, are still there."""
    found = _aside(site, past)
    return found is not None and store_of(site).creds().identity == found.identity


def _aside(site: Site, past: Past) -> Manifest | None:
    """None where the daemon died before the copy was whole: then nothing had left the folder."""
    if past.aside is None or past.aside not in site.vault.shelf.names(site.company):
        return None
    return site.vault.load(site.company, past.aside)[1]
