"""Waiting for a phone: a QR is kept out until somebody scans it, a scan in vain is said, a wrong phone is sent away.

A row of QRs lasts under three minutes and a failed scan ends it, while a human may need ten: so the session is opened
again as often as that takes. Who wants a pairing code instead gets one in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import anyio
import anyio.to_thread

from baileykeep.actions.base import Result, Site
from baileykeep.actions.clean import all_aside
from baileykeep.actions.session import (
    open_session,
    persistently,
    start_again,
    stop,
    store_of,
    verify,
    while_quiet,
    while_stopped,
)
from baileykeep.actions.stillness import is_stopped, status
from baileykeep.gateways.base import SessionStatus
from baileykeep.model.backup import CLEARED_FOR
from baileykeep.model.errors import BaileykeepError, GatewayError, StoreError
from baileykeep.model.evidence import Looked
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import TELL_OF_LOGIN, Creds
from baileykeep.model.records import EntryKind
from baileykeep.rules import words_pairing as words

LOOK_EVERY_S = 2.0
"""A QR lives 20 s, and whoever scanned it waits: this is looked at more often than other things."""

REOPEN_AFTER_S = 10.0
"""Closed without a QR for so long, a session is opened again; a restart of its own takes a second or two."""

REOPEN_EVERY_S = 30.0
CLOSES_WITHIN_S = 10.0
"""A session that shows a QR gets so long to close before a pairing code is asked for."""

CLEARED = "clear_pairing"
"""The step in which a login of a wrong phone, or what a pairing left unfinished, goes out of the folder."""

MOST_CLEARED = 5
"""So often in one action: whoever needs more has another problem than a slip of the hand."""

AGAIN_S = 180.0
"""Whoever linked the wrong phone is there, and gets at least so long for the right one."""


class _Turn(Enum):
    """What a look comes to."""

    GO_ON = "go on"
    PAIRED = "paired"
    GIVEN_UP = "given up"


@dataclass(slots=True)
class _Wait:
    """One row of looks, in seconds that never jump. `old` is the identity of the login that was set aside, which is
    no new one when it comes back by itself; `clear` says why the folder must be cleared before it can go on. `tells`:
    this gateway says more than connected and disconnected, which is also what it says while people scan."""

    until: float
    old: str | None
    goes_back: bool
    opened_at: float
    owed_since: float
    tells: bool = False
    qr_seen: bool = False
    named: bool = False
    closed_since: float | None = None
    known_scans: int = 0
    told_scans: int = 0
    failure: str = ""
    clear: str = ""


async def wait_for_scan(site: Site, note: str, old: str | None = None, *, goes_back: bool = False) -> Result:
    """Whether somebody pairs in time, with the company's own phone. `old` is whose login was set aside.

    Where it `goes_back` when nobody pairs, it does so before the daemon ends; else the next daemon waits on.
    """
    until = site.clock.monotonic() + site.limits.relink.scan_within_s
    if not site.gateway.capabilities.qr:
        await site.pairing.tell(words.OWN_PAGE)
    for _ in range(MOST_CLEARED):
        async with site.steps.step("wait_for_scan", whatever_happens=True) as seen:
            wait = _wait(site, until, old, goes_back=goes_back)
            seen["paired"] = paired = await _paired(site, wait)
        if paired:
            return Result(Outcome.HEALED, "Paired anew.")
        if not wait.clear:
            return Result(Outcome.FAILED, f"{wait.failure or _nobody(site, wait)} {note}".rstrip())
        if await wrong_phone(site):
            until = max(until, site.clock.monotonic() + AGAIN_S)
        await clear(site, wait.clear)
    return Result(Outcome.FAILED, f"{words.TOO_OFTEN} {note}".rstrip())


def _wait(site: Site, until: float, old: str | None, *, goes_back: bool) -> _Wait:
    now, failed = site.clock.monotonic(), site.pairing.failed_scan()
    scans = failed.count if failed is not None else 0
    return _Wait(until, old, goes_back, opened_at=now, owed_since=now, known_scans=scans, told_scans=scans)


def _nobody(site: Site, wait: _Wait) -> str:
    return words.nobody(site.limits.relink.scan_within_s, tried=wait.told_scans != wait.known_scans)


async def _paired(site: Site, wait: _Wait) -> bool:
    """Keep something to scan out until a phone is paired; then watch that it opens and stays."""
    with site.pairing.waiting():
        while (turn := await _turn(site, wait)) is _Turn.GO_ON:
            await site.clock.sleep(LOOK_EVERY_S)
        wait.clear = wait.clear if turn is _Turn.GIVEN_UP else await wrong_phone(site)
    if turn is _Turn.GIVEN_UP or wait.clear:
        return False
    wait.failure = words.NOT_OPENED
    if not await verify(site):
        return False
    wait.clear = await wrong_phone(site)
    return not wait.clear


async def creds_of(site: Site) -> Creds | None:
    """The creds as they lie there; None where they cannot be seen."""
    if site.store is None:
        return None
    try:
        return await anyio.to_thread.run_sync(site.store.creds)
    except StoreError:
        return None


async def _new_login(site: Site, old: str | None) -> bool:
    """Whether a paired login lies there that is not the one which was set aside: paired counts once it is saved."""
    creds = await creds_of(site)
    return creds is not None and creds.paired and creds.identity != old


async def wrong_phone(site: Site) -> str:
    """What to say when it is another phone than the company's; empty when it is the right one, or nobody can tell."""
    creds = await creds_of(site)
    found, wanted = creds.phone if creds is not None and creds.paired else None, site.phone
    return words.wrong_phone(found, wanted) if found and wanted and found != wanted else ""


async def _turn(site: Site, wait: _Wait) -> _Turn:
    """One look: is it paired, and if not, is there something to scan or to type?"""
    phone = await _wished(site)
    if phone is not None:
        await _switch_to_code(site, wait, phone)
    seen = await status(site)
    site.steps.witness(Looked(stopped=False, running=seen.state is not ConnState.DISCONNECTED))
    wait.tells = wait.tells or _says_more(site, seen)
    linked = await _new_login(site, wait.old)
    if linked and seen.state is ConnState.CONNECTED and seen.paired is not False:
        return _Turn.PAIRED
    if site.clock.monotonic() >= wait.until:
        return _Turn.PAIRED if linked else _Turn.GIVEN_UP
    if wait.goes_back and not linked and site.pairing.ending():
        wait.failure = words.ENDING
        return _Turn.GIVEN_UP
    await _say_failed_scan(site, wait)
    if site.pairing.code_over():
        return _code_over(site, wait, linked=linked)
    if linked or not (await site.pairing.look() or seen.has_qr):
        return await _nothing_out(site, wait, seen, linked=linked)
    wait.qr_seen, wait.failure, wait.closed_since = True, "", None
    return _Turn.GO_ON


async def _wished(site: Site) -> str | None:
    """The phone that somebody wants a code for; one that came into the company's file meanwhile must wait."""
    phone = site.pairing.wanted_code()
    if phone is None or site.phone in (None, phone):
        return phone
    await site.pairing.tell(words.PHONE_CHANGED)
    return None


def _code_over(site: Site, wait: _Wait, *, linked: bool) -> _Turn:
    """What a code that nobody typed left is cleared; one that was typed in the last moment left a login."""
    site.pairing.offer(None)
    if linked:
        return _Turn.PAIRED
    wait.clear = words.CODE_OVER
    return _Turn.GIVEN_UP


async def _say_failed_scan(site: Site, wait: _Wait) -> None:
    failed = site.pairing.failed_scan()
    if failed is not None and failed.count != wait.told_scans:
        wait.told_scans = failed.count
        await site.pairing.tell(words.scan_failed(failed.code))


async def _nothing_out(site: Site, wait: _Wait, seen: SessionStatus, *, linked: bool) -> _Turn:
    """No QR: somebody scanned it, it is on its way, its row is over, or it never comes."""
    now, patience_s = site.clock.monotonic(), site.limits.disconnect.no_qr_after_s
    if wait.qr_seen and linked:
        return _Turn.PAIRED
    if seen.state is ConnState.CONNECTED and seen.paired is not False:
        wait.failure = words.NOT_SAVED
        return _Turn.GO_ON
    if not wait.qr_seen and wait.tells and _owes_qr(site, seen) and now - wait.owed_since >= patience_s:
        return await _never_came(site, wait, linked=linked)
    if seen.state is not ConnState.DISCONNECTED or not wait.tells:
        wait.closed_since = None
        return _Turn.GO_ON
    wait.closed_since = now if wait.closed_since is None else wait.closed_since
    if now - wait.closed_since < REOPEN_AFTER_S or now - wait.opened_at < REOPEN_EVERY_S:
        return _Turn.GO_ON
    return _Turn.PAIRED if linked else await _over(site, wait)


async def _over(site: Site, wait: _Wait) -> _Turn:
    """Closed for good, so it is opened again; over what a pairing left unfinished it would be refused."""
    creds = await creds_of(site)
    if creds is not None and creds.half_paired:
        wait.clear = words.NEVER_FINISHED
        return _Turn.GIVEN_UP
    await _open_again(site, wait)
    return _Turn.GO_ON


async def _never_came(site: Site, wait: _Wait, *, linked: bool) -> _Turn:
    """A start without a QR is named, tried once more, and then given up."""
    if linked:
        return _Turn.PAIRED
    wait.failure = words.no_qr(site.limits.disconnect.no_qr_after_s)
    if wait.named:
        return _Turn.GIVEN_UP
    wait.named, wait.owed_since = True, site.clock.monotonic()
    await site.pairing.tell(wait.failure)
    await _open_again(site, wait)
    return _Turn.GO_ON


def _says_more(site: Site, seen: SessionStatus) -> bool:
    more = seen.paired is not None or seen.has_qr or seen.state in (ConnState.CONNECTING, ConnState.WAITING_QR)
    return site.gateway.capabilities.qr or more


def _owes_qr(site: Site, seen: SessionStatus) -> bool:
    """Whether this gateway answers, and would tell of a QR."""
    told = seen.state in (ConnState.CONNECTING, ConnState.DISCONNECTED)
    return told or (site.gateway.capabilities.qr and seen.state is not ConnState.UNKNOWN)


async def _open_again(site: Site, wait: _Wait) -> None:
    """A failing start is tried again at the next turn."""
    wait.opened_at, wait.closed_since = site.clock.monotonic(), None
    try:
        async with site.steps.step("start", whatever_happens=True):
            await open_session(site)
    except GatewayError:
        return


async def start_fresh(site: Site) -> None:
    """Open the session without a login, so that it offers a code where one is wished for, and else a QR.

    A process that was stopped for it is started first: only then is there anybody to ask.
    """
    by_gateway = site.stops_session
    if not by_gateway:
        await start_again(site)
    phone = await _wished(site)
    code = phone is not None and await _code_came(site, phone)
    if by_gateway and not code:
        await persistently(site, lambda: _start_once(site))


async def _start_once(site: Site) -> None:
    """Nothing is forced where a login may lie: somebody may just have paired it, and a gateway would forget it."""
    creds = await creds_of(site)
    none = creds is not None and creds.state in TELL_OF_LOGIN and not creds.paired
    if site.gateway.capabilities.force_relink and none:
        await site.gateway.start(site.company, force_relink=True)
    else:
        await open_session(site)


async def _code_came(site: Site, phone: str) -> bool:
    """Ask for a code, which opens the session; without one in time, say why."""
    try:
        with anyio.fail_after(site.limits.relink.pairing_code_timeout_s):
            site.pairing.offer(await site.gateway.pairing_code(site.company, phone))
    except (BaileykeepError, TimeoutError) as error:
        await _tell_no_code(site, error)
        return False
    return True


async def _tell_no_code(site: Site, error: BaileykeepError | TimeoutError) -> None:
    cause = error.cause if isinstance(error, BaileykeepError) else "no answer in time"
    await site.pairing.tell(words.no_code(cause.rpartition(": ")[2]))


async def _switch_to_code(site: Site, wait: _Wait, phone: str) -> None:
    """Close the session that shows a QR, which would block the request, and open it with a code.

    What was scanned in the very moment is opened, and no code asked for. A process is not stopped for it.
    """
    if not site.stops_session:
        await _code_came(site, phone)
        return
    try:
        async with site.steps.step("stop"):
            await stop(site)
    except BaileykeepError as error:
        await _tell_no_code(site, error)
        return
    try:
        await _until_closed(site)
    finally:
        with anyio.CancelScope(shield=True):
            async with site.steps.step("start", whatever_happens=True):
                wait.opened_at, wait.closed_since = site.clock.monotonic(), None
                await _open_with_code(site, wait, phone)


async def _open_with_code(site: Site, wait: _Wait, phone: str) -> None:
    if await _new_login(site, wait.old) or not await _code_came(site, phone):
        await persistently(site, lambda: _start_once(site))


async def _until_closed(site: Site) -> None:
    deadline = site.clock.monotonic() + CLOSES_WITHIN_S
    while site.clock.monotonic() < deadline and not await is_stopped(site):
        await site.clock.sleep(LOOK_EVERY_S)


async def clear(site: Site, why: str) -> None:
    """Back up and clear what should not be there, say so, and start fresh. A login that was paired rightly stays."""
    await anyio.to_thread.run_sync(store_of(site).make)
    mismatch = bool(await wrong_phone(site))
    await site.pairing.tell(why, EntryKind.PHONE_MISMATCH if mismatch else EntryKind.PAIRING)

    async def change(token: str) -> str:
        creds = await creds_of(site)
        if creds is not None and creds.paired and not await wrong_phone(site):
            return ""
        return await while_quiet(site, token, lambda still: all_aside(site, still, CLEARED_FOR, step=CLEARED))

    await while_stopped(site, change, start=lambda: start_fresh(site))
