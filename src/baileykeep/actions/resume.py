"""After a crash: an action that was begun and has no outcome is looked at again, then finished or undone.

Nothing is repeated blindly. A session that was stopped by the dead daemon is started again in every case.
"""

from __future__ import annotations

import anyio.to_thread

from baileykeep.actions.base import Action, Order, Result, Site
from baileykeep.actions.relink import start_fresh
from baileykeep.actions.session import connected_and_paired, is_stopped, start_again, store_of, verified
from baileykeep.backups.restore import put_back
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import Refused
from baileykeep.model.incident import Outcome

SET_ASIDE = "set_aside"


async def resume(
    site: Site, order: Order, action: Action, steps: dict[str, bool], *, begun_at: float, relinking: bool
) -> Result:
    """Finish or undo. `steps` are the names of the steps begun before the crash, True where they also ended."""
    if not steps:
        return Result(Outcome.SUPERSEDED, "Nothing had been done before the restart.")
    if await connected_and_paired(site):
        return await verified(site, "Finished by itself while the daemon was away.")
    if relinking and SET_ASIDE in steps:
        return await _finish_relink(site, order, begun_at)
    try:
        result = await action(site, order)
    except Refused as refused:
        result = Result(Outcome.REFUSED, refused.cause)
    if result.outcome in (Outcome.SUPERSEDED, Outcome.REFUSED):
        return await _start_what_was_stopped(site, result.note)
    return result


async def _start_what_was_stopped(site: Site, note: str) -> Result:
    if await is_stopped(site):
        async with site.steps.step("start", whatever_happens=True):
            await start_again(site)
    return await verified(site, note)


async def _finish_relink(site: Site, order: Order, begun_at: float) -> Result:
    """The login was (perhaps half) set aside: a dead one is relinked, any other goes back."""
    if not order.proved_dead:
        async with site.steps.step("put_back"):
            await anyio.to_thread.run_sync(_put_back, site, begun_at)
        return await _start_what_was_stopped(site, "The old login is back in place.")
    async with site.steps.step("start", whatever_happens=True):
        await start_fresh(site)
    return await verified(site, "Login set aside; scan the new QR.", site.limits.relink.scan_within_s)


def _put_back(site: Site, begun_at: float) -> None:
    """Put this action's own set-aside back; one of an earlier relink is another story's."""
    copies = site.vault.list(site.company)
    asides = [b for b in copies if b.kind is BackupKind.ASIDE and b.whole and b.created_at >= begun_at]
    if asides:
        put_back(site.vault, store_of(site), asides[-1].name, site.clock.now())
