"""Stopping a session for sure, starting it again, and proving both. Every action that touches files goes through here.

What is stopped is started again whatever happens in between: `while_stopped` shields the start from cancellation.
With one exception: over damaged creds a gateway would mint a new identity, so there the session stays closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from baileykeep.actions.base import Result, Site
from baileykeep.actions.stillness import LOOK_EVERY_S, after, is_stopped, look, status
from baileykeep.model.errors import BaileykeepError, Refused, StoreError
from baileykeep.model.evidence import CredsLooked, Looked, StillBefore
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.rules.creds_guard import DAMAGED
from baileykeep.stores.base import AuthStore

SHORTEST_LOOK_S = 0.5
"""A session that need hold for less than the usual time between two looks is looked at sooner, but not without end."""

NOT_TO_OPEN = DAMAGED | {CredsState.UNREADABLE}
START_TRIES = 3
TORN_READS = 3
LEFT_CLOSED = "left_closed"
"""The step that stands for a start which would have destroyed a login."""

QUIET_TRIES = 3
"""A folder that changes under every try is not touched."""

CHANGED = "changed"
Change = Callable[[str], Awaitable[str]]
"""The work on a stopped session, given the token of the folder as it lay still; returns a note for the story."""


def store_of(site: Site) -> AuthStore:
    """The company's auth store, or Refused for a gateway that keeps its auth where we cannot see it."""
    if site.store is None:
        raise Refused("this gateway's auth files are not watched", code="cannot_do")
    return site.store


async def while_stopped(site: Site, change: Change, *, start: Callable[[], Awaitable[None]] | None = None) -> str:
    """Stop, prove it, change, and start again whatever happened. Returns the change's note."""
    await anyio.to_thread.run_sync(store_of(site).check_writable)
    with site.vault.acting(store_of(site)):
        return await _between(site, change, start)


async def _between(site: Site, change: Change, start: Callable[[], Awaitable[None]] | None) -> str:
    check_can_stop(site)
    stopping = False
    try:
        async with site.steps.step("stop"):
            stopping = True
            await stop(site)
        return await change(await proved_stopped(site))
    finally:
        if stopping:
            with anyio.CancelScope(shield=True):
                await start_safely(site, start or (lambda: start_again(site)))


async def start_safely(site: Site, start: Callable[[], Awaitable[None]]) -> None:
    """Start what was stopped, unless its creds are damaged: a closed session keeps a login that can be put back."""
    damaged = await creds_damaged(site)
    async with site.steps.step(LEFT_CLOSED if damaged else "start", whatever_happens=True):
        if not damaged:
            if site.stops_session:
                await persistently(site, lambda: forget_cached(site))
            await start()


async def creds_damaged(site: Site) -> bool:
    """Whether the creds are empty, zeroed, torn or not to be read, and stay so for a moment.

    A gateway takes all of these for missing ones: a start would mint a new identity.
    """
    damaged = await _stay_damaged(site)
    site.steps.witness(CredsLooked(damaged))
    return damaged


async def _stay_damaged(site: Site) -> bool:
    for _ in range(TORN_READS if site.store is not None else 0):
        if await _creds_state(site) not in NOT_TO_OPEN:
            return False
        await site.clock.sleep(site.limits.poll.torn_reread_s)
    return site.store is not None


async def settled_creds(site: Site) -> Creds:
    """The creds as they lie there, read again where they are just half written."""
    for _ in range(TORN_READS):
        creds = await anyio.to_thread.run_sync(store_of(site).creds)
        if creds.state not in NOT_TO_OPEN:
            break
        await site.clock.sleep(site.limits.poll.torn_reread_s)
    return creds


async def _creds_state(site: Site) -> CredsState:
    try:
        return (await anyio.to_thread.run_sync(store_of(site).creds)).state
    except StoreError:
        return CredsState.UNREADABLE


async def verified(site: Site, note: str, within_s: float | None = None) -> Result:
    """The result of an action that should leave the session connected and paired, steadily."""
    async with site.steps.step("verify") as seen:
        healed = await verify(site, within_s)
        seen["healed"] = healed
    return Result(Outcome.HEALED if healed else Outcome.FAILED, note)


def check_can_stop(site: Site) -> None:
    """Raise Refused where this session cannot be stopped, or not without stopping others."""
    by_process = site.process is not None and site.process.can_act and (site.alone or site.may_stop_others)
    if site.stops_session or by_process:
        return
    if site.process_only:
        raise Refused(
            "this gateway keeps credentials in memory and has no call to forget them: only its stopped process is safe,"
            " and that may not be stopped here",
            next_step="give its process a manager and approve the stop, or give its dialect a clear_cache call",
            code="cannot_stop",
        )
    raise Refused("this session cannot be stopped without stopping others", code="cannot_stop")


async def stop(site: Site) -> None:
    """Close this session: through the gateway, else its process when nobody else lives on it."""
    site.pairing.closing()
    forget_words(site, None)
    if site.stops_session:
        await site.gateway.stop(site.company)
        await forget_cached(site)
    elif site.process is not None:
        await site.process.stop()
    site.pairing.closing()  # a look from before the stop may just have come in


def forget_words(site: Site, company: str | None) -> None:
    """What a gateway said before a session, or (None) its whole process, comes up anew says nothing of what follows."""
    if site.ear is not None:
        site.ear.forget(company)


async def forget_cached(site: Site) -> None:
    """Make a gateway that keeps credentials in memory forget them: what lies in the store counts from now on."""
    if site.cached and site.gateway.capabilities.clear_cache:
        await site.gateway.clear_cache(site.company)


async def start_again(site: Site) -> None:
    """Open the session with its stored login; a failing start is tried a few times before it is an error."""
    await persistently(site, lambda: _start_once(site))


async def persistently(site: Site, start: Callable[[], Awaitable[None]]) -> None:
    """Try a start a few times before its failure is an error."""
    for left in reversed(range(START_TRIES)):
        try:
            await start()
        except BaileykeepError:
            if not left:
                raise
            await site.clock.sleep(LOOK_EVERY_S)
        else:
            return


async def _start_once(site: Site) -> None:
    if site.stops_session or not (site.process and site.process.can_act):
        await open_session(site)
    else:
        await site.process.start()


async def open_session(site: Site) -> None:
    """Ask the gateway for a connection, by whichever call it has."""
    if site.gateway.capabilities.start:
        await site.gateway.start(site.company)
    else:
        await site.gateway.reconnect(site.company)


async def proved_stopped(site: Site) -> str:
    """`prove_stopped` as a step of the action."""
    async with site.steps.step("prove_stopped"):
        return await prove_stopped(site)


async def prove_stopped(site: Site) -> str:
    """Return once two looks apart found the session stopped and the folder was quiet all the time between.

    Returns the token of the folder as it lies there. Looks that were taken before the action count, if what they
    found is still so.

    Raises Refused when that does not come about in time: an unproved stop must not be built upon.
    """
    clock, limits = site.clock, site.limits.ladder
    deadline = clock.monotonic() + limits.stop_within_s
    row = site.earlier.take()
    if row is not None:
        site.steps.witness(StillBefore(row.since_s, row.looked_s, row.token))
    while clock.monotonic() < deadline:
        seen = await look(site, store_of(site))
        site.steps.witness(Looked(seen.stopped, token=seen.token))
        row = after(row, seen, clock.monotonic())
        if row is not None and row.proves(limits):
            return row.token
        await clock.sleep(LOOK_EVERY_S)
    raise Refused("the session could not be proved stopped", code="unknown_state")


async def while_quiet(site: Site, token: str, change: Change) -> str:
    """Make a change that needs the folder to be what it was; proved anew, and tried again, when something wrote there.

    The change raises `Refused` with code `changed` before it touched anything.
    """
    for _ in range(QUIET_TRIES):
        try:
            return await change(token)
        except Refused as refused:
            if refused.code != CHANGED:
                raise
        token = await proved_stopped(site)
    raise Refused("the folder keeps changing although the session is stopped", code="session_running")


async def look_once_more(site: Site, token: str) -> None:
    """Just before the first change: raise `Refused` unless it is still stopped and the folder lies as it did."""
    if not await is_stopped(site):
        site.steps.witness(Looked(stopped=False))
        raise Refused("the session came back by itself", code="session_running")
    seen = (await anyio.to_thread.run_sync(store_of(site).listing)).token
    site.steps.witness(Looked(stopped=True, token=seen))
    if seen != token:
        raise Refused("the folder changed although the session is stopped", code=CHANGED)


async def verify(site: Site, within_s: float | None = None) -> bool:
    """Whether the session becomes connected and paired in time, and stays so for the steady period."""
    clock, limits = site.clock, site.limits.ladder
    look_every_s = max(SHORTEST_LOOK_S, min(LOOK_EVERY_S, limits.steady_s))
    deadline = clock.monotonic() + (within_s if within_s is not None else limits.verify_within_s)
    steady_since: float | None = None
    while True:
        good = await connected_and_paired(site)
        now = clock.monotonic()
        site.steps.witness(Looked(stopped=False, open=good))
        steady_since = (steady_since if steady_since is not None else clock.monotonic()) if good else None
        if steady_since is not None and now - steady_since >= limits.steady_s:
            return True
        if steady_since is None and now >= deadline:
            return False
        await clock.sleep(look_every_s)


async def connected_and_paired(site: Site) -> bool:
    """One look; where the gateway does not tell about pairing, the creds on disk do."""
    seen = site.ear.status(site.company) if site.ear is not None else await status(site)
    if seen.state is not ConnState.CONNECTED:
        return False
    if seen.paired is not None or site.store is None:
        return seen.paired is not False
    return (await anyio.to_thread.run_sync(site.store.creds)).paired
