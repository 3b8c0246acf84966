"""The last rung: set the whole login aside and pair anew. What was not proved dead goes back when nobody scans."""

from __future__ import annotations

import contextlib

import anyio.to_thread

from baileykeep.actions.base import Order, Result, Site
from baileykeep.actions.clean import all_aside
from baileykeep.actions.pairing import clear, start_fresh, wait_for_scan, wrong_phone
from baileykeep.actions.session import (
    look_once_more,
    settled_creds,
    start_again,
    store_of,
    verified,
    verify,
    while_quiet,
    while_stopped,
)
from baileykeep.backups.restore import put_back
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import BackupError, BaileykeepError, Refused
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import Creds
from baileykeep.model.records import EntryKind
from baileykeep.rules import words_pairing

RESET = "reset"
"""The step in which the gateway itself forgets a login; its detail names the copy from just before."""

PUT_BACK = "put_back"
"""The step in which a login comes back; its creds come last."""

BACK = "The old login is back in place."

BACK_TRIES, BACK_EVERY_S = 20, 60.0
OPENS_WITHIN_S = 30.0
"""A login that lives is open seconds after its start."""

OTHER_LOGIN = "other_login"
HOPELESS = frozenset({"cannot_stop", "backup_damaged", "breach"})
"""Why a login cannot go back, whatever time does."""


async def snapshot(site: Site, _order: Order) -> Result:
    """A copy of what is there, before anybody (a gateway that wipes on 401, say) changes it."""
    store = store_of(site)
    if not await anyio.to_thread.run_sync(store.exists):
        return Result(Outcome.FAILED, "the auth folder is gone")
    async with site.steps.step("snapshot") as done:
        backup = await anyio.to_thread.run_sync(site.vault.create, store, BackupKind.HOT, site.clock.now())
        done["backup"] = backup.name
    await site.still_wrong()  # what lies there decides whom to ask: nobody for half a login
    return Result(Outcome.DONE, backup.name)


async def relink(site: Site, order: Order) -> Result:
    """Close the socket, set the whole folder aside after a verified backup, start fresh, wait for the scan."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    await anyio.to_thread.run_sync(store_of(site).make)
    judged = await _judged(site)
    aside: list[str] = []
    old: list[str | None] = []

    async def change(token: str) -> str:
        creds = await anyio.to_thread.run_sync(store_of(site).creds)
        if creds.paired and creds.identity != judged:
            raise Refused(words_pairing.LINKED_MEANWHILE, code="login_alive")
        other = _other_phone(site, creds)
        aside.append(await while_quiet(site, token, lambda still: all_aside(site, still, "relink")))
        old.append(creds.identity)
        if other:
            await site.pairing.tell(other, EntryKind.PHONE_MISMATCH)
        return "The old login is set aside." if aside[0] else ""

    async def start() -> None:
        await (start_fresh(site) if aside else start_again(site))

    keep = not order.proved_dead
    try:
        note = await while_stopped(site, change, start=start)
        result = await wait_for_scan(site, "" if keep else note, old[0], goes_back=keep and bool(aside[0]))
    except BaileykeepError as error:
        if not (any(aside) and keep):
            raise
        return await back_again(site, aside[0], f"{error.cause}. {BACK}")
    if result.outcome is Outcome.FAILED and any(aside) and keep:
        return await back_again(site, aside[0], f"{result.note} {BACK}")
    return result


async def _judged(site: Site) -> str | None:
    """Whose login this is about; None where none lies there. One that somebody pairs from now on is another."""
    creds = await settled_creds(site)
    return creds.identity if creds.paired else None


def _other_phone(site: Site, creds: Creds) -> str:
    """What to say when the login that lies there is of another phone than the company's."""
    found, wanted = creds.phone, site.phone
    return words_pairing.other_phone_stored(found, wanted) if found and wanted and found != wanted else ""


async def pair_again(site: Site, order: Order) -> Result:
    """A folder that never was paired blocks every login: set it aside and offer a QR."""
    creds = await anyio.to_thread.run_sync(store_of(site).creds)
    if creds.paired:
        raise Refused("this folder is paired; it is not a half-paired one", code="session_running")
    return await relink(site, Order(operator=order.operator, proved_dead=True))


async def back_again(site: Site, aside: str, note: str) -> Result:
    """The old login may still live: it goes back, while the session that waited for a scan is stopped.

    Nothing else brings it back, so it is tried for as long as a disk or a gateway may need to recover; after that
    a human must, by the name of the set-aside.
    """

    async def change(token: str) -> str:
        return await while_quiet(site, token, put)

    async def put(token: str) -> str:
        await look_once_more(site, token)
        async with site.steps.step(PUT_BACK, aside=aside):
            await anyio.to_thread.run_sync(
                put_back, site.vault, store_of(site), aside, site.clock.now(), site.steps.witness
            )
        return note

    for left in reversed(range(BACK_TRIES)):
        try:
            await anyio.to_thread.run_sync(store_of(site).make)
            said = await while_stopped(site, change)
        except BaileykeepError as error:
            if error.code == OTHER_LOGIN and not await _is_wrong_and_cleared(site):
                return await _paired_after_all(site, aside)
            if not left or error.code in HOPELESS:
                return Result(Outcome.FAILED, words_pairing.still_aside(aside, error.cause))
            if left == BACK_TRIES - 1 and error.code != OTHER_LOGIN:
                await site.pairing.tell(words_pairing.not_back_yet(error.cause, BACK_EVERY_S))
            await site.clock.sleep(BACK_EVERY_S)
        else:
            return Result(Outcome.UNDONE, await _with_how_it_opened(site, said))
    raise AssertionError("the last try returns")


async def _with_how_it_opened(site: Site, note: str) -> str:
    """A login that was not proved dead need not live. It is no repair, so it is only looked at, and not for long."""
    return note if await verify(site, OPENS_WITHIN_S) else f"{note} It does not open so far."


async def _is_wrong_and_cleared(site: Site) -> bool:
    """Whether what somebody paired at the last moment is another phone's; then it is cleared, as far as that goes."""
    wrong = await wrong_phone(site)
    if wrong:
        with contextlib.suppress(BaileykeepError):
            await clear(site, wrong)
    return bool(wrong)


async def _paired_after_all(site: Site, aside: str) -> Result:
    """Somebody paired while the old login was to go back: nothing is put over that."""
    async with site.steps.step("verify") as seen:
        seen["healed"] = healed = await verify(site)
    if healed:
        return Result(Outcome.HEALED, "Paired anew.")
    return Result(Outcome.FAILED, words_pairing.still_aside(aside, words_pairing.NOT_OPENED))


async def reset(site: Site, order: Order) -> Result:
    """The operator's escape hatch: whatever the folder holds is set aside and a fresh login is offered."""
    if site.store is None or not site.stops_session:
        return await _gateway_reset(site)
    return await relink(site, Order(operator=order.operator, proved_dead=True))


async def _gateway_reset(site: Site) -> Result:
    if not site.gateway.capabilities.reset:
        raise Refused("this gateway has no reset and its files cannot be set aside", code="cannot_do")
    async with site.steps.step(RESET, backup=await _copy_before(site)):
        await site.gateway.reset(site.company)
    return await verified(site, "Reset by the gateway.", site.limits.relink.scan_within_s)


async def _copy_before(site: Site) -> str | None:
    """The name of a copy of what the gateway is about to forget; None where its files are out of reach."""
    if site.store is None:
        return None
    try:
        return (await anyio.to_thread.run_sync(site.vault.create, site.store, BackupKind.HOT, site.clock.now())).name
    except BackupError as error:
        raise Refused(f"no backup could be taken before the reset: {error.cause}", code="cannot_do") from error
