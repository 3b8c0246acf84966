"""Putting creds or whole backups back."""

from __future__ import annotations

import anyio.to_thread

from baileykeep.actions.base import Order, Result, Site
from baileykeep.actions.session import look_once_more, store_of, verified, while_quiet, while_stopped
from baileykeep.backups.good_creds import put_good_creds
from baileykeep.backups.restore import put_back, restore
from baileykeep.model.backup import BackupKind, RestoreMode
from baileykeep.model.errors import Refused
from baileykeep.model.incident import Outcome

RESTORE = "restore"
"""The step in which a backup is put back."""


async def restore_creds(site: Site, order: Order) -> Result:
    """Put the last good copy of damaged creds back, with ids that no pre-key on disk has yet."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)

    async def change(token: str) -> str:
        return await while_quiet(site, token, put)

    async def put(token: str) -> str:
        store = store_of(site)
        await look_once_more(site, token)
        async with site.steps.step("restore_creds"):
            await anyio.to_thread.run_sync(
                lambda: put_good_creds(site.vault, store, site.clock.now(), human=order.operator is not None)
            )
        return "The last good creds are back in place."

    return await verified(site, await while_stopped(site, change))


async def restore_backup(site: Site, order: Order) -> Result:
    """Put a backup back by an operator's wish, the newest where none was named; what it replaces is backed up first."""
    name = order.backup
    if name is None:
        name = await anyio.to_thread.run_sync(_newest, site)
    await anyio.to_thread.run_sync(site.vault.verify, site.company, name)
    await anyio.to_thread.run_sync(store_of(site).make)

    async def change(token: str) -> str:
        return await while_quiet(site, token, put)

    async def put(token: str) -> str:
        await look_once_more(site, token)
        async with site.steps.step(RESTORE, backup=name, mode=order.mode):
            await anyio.to_thread.run_sync(_restore, site, name, RestoreMode(order.mode))
        return f"{name}, {order.mode} mode"

    return await verified(site, await while_stopped(site, change))


def _newest(site: Site) -> str:
    newest = site.vault.newest(site.company, now=site.clock.now())
    if newest is None:
        raise Refused("there is no backup of a paired login", code="cannot_do")
    return newest.name


def _restore(site: Site, name: str, mode: RestoreMode) -> None:
    """A backup by its mode; a set-aside comes back as it went."""
    store, now = store_of(site), site.clock.now()
    found = site.vault.verify(site.company, name)
    if found.kind is BackupKind.ASIDE:
        put_back(site.vault, store, name, now, site.steps.witness)
        return
    opened = site.last_up_at is not None and site.last_up_at > found.created_at
    restore(site.vault, store, name, mode, now, opened_since=opened)


async def backup(site: Site, order: Order) -> Result:
    """A backup by hand: cold when the session happens to be stopped, hot otherwise."""
    kind = BackupKind.MANUAL if order.operator else BackupKind.HOT
    async with site.steps.step("backup") as done:
        made = await anyio.to_thread.run_sync(site.vault.create, store_of(site), kind, site.clock.now())
        done["backup"] = made.name
    return Result(Outcome.DONE, f"{made.name}, {made.files} files", {"backup": made.name})
