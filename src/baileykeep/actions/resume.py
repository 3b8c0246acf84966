"""After a crash: an action that was begun and has no outcome is looked at again, then finished or undone.

Nothing is repeated blindly. A session that was stopped by the dead daemon is started again in every case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import anyio.to_thread

from baileykeep.actions.base import Action, Order, Result, Site
from baileykeep.actions.clean import SET_ASIDE
from baileykeep.actions.guard import RESTORE
from baileykeep.actions.pairing import start_fresh, wait_for_scan, wrong_phone
from baileykeep.actions.relink import BACK, PUT_BACK, RESET, back_again
from baileykeep.actions.session import (
    LEFT_CLOSED,
    connected_and_paired,
    settled_creds,
    start_again,
    start_safely,
    store_of,
    verified,
    verify,
)
from baileykeep.actions.stillness import process_is_down, status
from baileykeep.backups.archive import Manifest
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.evidence import Looked
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.rules import words_pairing

STOP, WAITED = "stop", "wait_for_scan"
CHANGING = frozenset({"remove", SET_ASIDE, "restore_creds", RESTORE})
"""The steps that are what an action is for; what comes before them only makes ready."""


UP_AGAIN = "Finished by itself while the daemon was away."
ASK_AGAIN = "The daemon was restarted before the login was touched: ask again if it is still wanted."
IN_PLACE = Result(Outcome.UNDONE, "A login is in place.")


class Lies(Enum):
    """What lies in the folder of a login that was to be set aside."""

    OLD = "all of the old login"
    PARTS = "a part of the old login, with its creds"
    NOTHING = "no login"
    NEW = "a new login"
    WRONG = "a new login of another phone than the company's"
    UNSEEN = "nobody can tell"


@dataclass(frozen=True, slots=True)
class Past:
    """What the dead daemon had got to: the steps that it began, in order.

    `aside` is under which name it set a login aside, `kept` its copy from before the gateway's own reset. `wish`: an
    operator asked for a new login, and may think otherwise by now.
    """

    steps: tuple[str, ...]
    aside: str | None = None
    kept: str | None = None
    wish: bool = False

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
    if past.aside is not None or WAITED in past.steps:
        done = await _resume_pairing(site, past, up=up, keep=not order.proved_dead)
        if done is not None:
            return done
    elif RESET in past.steps:
        return await _after_reset(site, past)
    elif past.wish:
        return await _start_what_was_stopped(site, Result(Outcome.UNDONE, ASK_AGAIN), past)
    if up and past.only_made_ready:
        return Result(Outcome.SUPERSEDED, "Nothing had been changed before the restart.")
    if up and RESTORE not in past.steps:
        return await verified(site, UP_AGAIN)
    result = await _again(site, order, action)
    return result if result.outcome is Outcome.HEALED else await _start_what_was_stopped(site, result, past)


async def _resume_pairing(site: Site, past: Past, *, up: bool, keep: bool) -> Result | None:
    """A login had been set aside, or was to be, or a scan was waited for; None where the action must begin anew.
    `keep`: the old login may still live."""
    lies = await _what_lies(site, past)
    if lies is Lies.OLD and (past.wish or (keep and not up)):
        return await _start_what_was_stopped(site, IN_PLACE, past)
    if keep and past.aside is not None and lies not in (Lies.OLD, Lies.NEW):
        return await back_again(site, past.aside, BACK)
    if up and lies in (Lies.OLD, Lies.NEW):
        return await verified(site, UP_AGAIN)
    if lies is Lies.NEW:
        return await _paired_meanwhile(site, past)
    if lies is Lies.WRONG:
        return await wait_for_scan(site, "")
    if lies is Lies.UNSEEN and past.wish:
        return await _start_what_was_stopped(site, Result(Outcome.FAILED, words_pairing.cannot_tell(past.aside)), past)
    return await _go_on_relinking(site) if lies is Lies.NOTHING else None


async def _after_reset(site: Site, past: Past) -> Result:
    """The gateway was asked to forget the login, or was about to be: it is not asked again, for somebody may have
    paired since. A human is told what became of it."""
    async with site.steps.step("verify") as seen:
        seen["healed"] = healed = await verify(site, site.limits.relink.scan_within_s)
    if not healed:
        return Result(Outcome.FAILED, words_pairing.RESET_UNSURE)
    same = await _same_as_before(site, past)
    if same is False:
        return Result(Outcome.HEALED, UP_AGAIN)
    return IN_PLACE if same else Result(Outcome.UNDONE, words_pairing.RESET_UNSURE)


async def _same_as_before(site: Site, past: Past) -> bool | None:
    """Whether the login is the one from before the reset; None where nobody can tell."""
    if site.store is None or past.kept is None:
        return None
    try:
        creds, kept = await anyio.to_thread.run_sync(lambda: (store_of(site).creds(), _aside(site, past.kept or "")))
    except BaileykeepError:
        return None
    return creds.identity == kept.identity if kept is not None else None


async def _paired_meanwhile(site: Site, past: Past) -> Result:
    """A phone was linked while the daemon was away, and the session is not open yet."""
    so_far = Result(Outcome.FAILED, words_pairing.NOT_OPENED)
    result = await _start_what_was_stopped(site, so_far, past)
    return result if result is not so_far else await verified(site, UP_AGAIN)


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
    nothing_done = past.only_made_ready or past.wish
    return so_far if nothing_done and started.outcome is Outcome.HEALED else started


async def _go_on_relinking(site: Site) -> Result:
    await start_safely(site, lambda: start_fresh(site))
    return await wait_for_scan(site, "Login set aside; scan the new QR.")


async def _what_lies(site: Site, past: Past) -> Lies:
    """What lies in the folder. What cannot be looked at yet is tried again by who asks."""
    try:
        lies = await anyio.to_thread.run_sync(_compared, site, past, await settled_creds(site))
    except BaileykeepError:
        return Lies.UNSEEN
    return Lies.WRONG if lies is Lies.NEW and await wrong_phone(site) else lies


def _compared(site: Site, past: Past, creds: Creds) -> Lies:
    """A login that was paired since misses nothing, and neither does one whose creds are back: they come last."""
    store = store_of(site)
    if past.aside is None:
        return Lies.NEW if creds.paired else Lies.NOTHING
    found = _aside(site, past.aside)
    if found is None:
        return Lies.NOTHING if creds.state is CredsState.MISSING else Lies.OLD
    if creds.identity != found.identity:
        return Lies.NEW if creds.paired else Lies.NOTHING
    whole = PUT_BACK in past.steps or {f.name for f in found.files} <= {f.name for f in store.listing().files}
    return Lies.OLD if whole else Lies.PARTS


def _aside(site: Site, name: str) -> Manifest | None:
    """None where the daemon died before the copy was whole: then nothing had left the folder."""
    if name not in site.vault.shelf.names(site.company):
        return None
    return site.vault.load(site.company, name)[1]
