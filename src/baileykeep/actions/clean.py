"""Backup and smart cleanup, and the repair of single sessions. Nothing goes without a verified cold backup."""

from __future__ import annotations

import anyio.to_thread

from baileykeep.actions.base import Order, Result, Site
from baileykeep.actions.session import look_once_more, store_of, verified, while_stopped
from baileykeep.backups.aside import set_aside
from baileykeep.backups.cleaning import carry_out
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import Refused
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import CleanupPlan
from baileykeep.rules import cleanup as rules
from baileykeep.rules import naming

CHANGED = "changed"
PLAN_TRIES = 3
"""A folder that changes under every plan is not touched."""


async def cleanup(site: Site, order: Order) -> Result:
    """Stop, back up, remove what the plan says, start, verify. Without a plan worth it nothing is stopped."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    await anyio.to_thread.run_sync(_plan, site, order)

    async def change() -> str:
        backup, removed = await _remove_by_plan(site, order)
        return f"{removed} files removed, backup {backup} kept."

    return await verified(site, await while_stopped(site, change))


def _plan(site: Site, order: Order) -> CleanupPlan:
    """A plan from a fresh listing, or Refused when it would not reach what was asked for."""
    store = store_of(site)
    listing = store.listing()
    plan = rules.plan(
        listing,
        store.creds(),
        site.pool,
        site.limits,
        now=site.clock.now(),
        reference=rules.reference_of(listing, site.last_up_at),
        policy=order.policy,
        force=order.force,
        baileys=site.baileys,
    )
    if not plan.remove:
        raise Refused("a cleanup would free nothing", code="nothing_reclaimable")
    if order.target is not None and plan.counted_after >= order.target:
        raise Refused(
            f"a cleanup would leave {plan.counted_after} counted files, not under {order.target}",
            code="not_enough_reclaimable",
        )
    return plan


async def cold_backup(site: Site) -> str:
    """A backup of the stopped session, read again and compared. Returns its name."""
    store = store_of(site)
    async with site.steps.step("backup") as done:
        backup = await anyio.to_thread.run_sync(site.vault.create, store, BackupKind.COLD, site.clock.now())
        done["backup"] = backup.name
    return backup.name


async def _remove_by_plan(site: Site, order: Order) -> tuple[str, int]:
    """Back up, plan and remove from one and the same listing; start over when the folder changed in between."""
    for _ in range(PLAN_TRIES):
        backup = await cold_backup(site)
        plan = await anyio.to_thread.run_sync(_plan, site, order)
        if await look_once_more(site, plan.token) and await _carried_out(site, plan, backup):
            return backup, len(plan.remove)
    raise Refused("the folder keeps changing although the session is stopped", code="session_running")


async def _carried_out(site: Site, plan: CleanupPlan, backup: str) -> bool:
    """Remove by the plan; False when the folder changed before the first removal, so that all starts over."""
    try:
        async with site.steps.step("remove", files=len(plan.remove), backup=backup):
            await anyio.to_thread.run_sync(carry_out, site.vault, store_of(site), plan, backup)
    except Refused as refused:
        if refused.code != CHANGED:
            raise
        return False
    return True


async def repair_sessions(site: Site, order: Order) -> Result:
    """Set the named contacts' session files aside, only those; the next message builds new ones."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    if not await anyio.to_thread.run_sync(_broken, site, order):
        raise Refused("the failing contacts have no session file here", code="cannot_do")

    async def change() -> str:
        return await _set_aside(site, order)

    return await verified(site, await while_stopped(site, change))


async def _set_aside(site: Site, order: Order) -> str:
    store = store_of(site)
    for _ in range(PLAN_TRIES):
        token = (await anyio.to_thread.run_sync(store.listing)).token
        broken = await anyio.to_thread.run_sync(_broken, site, order)
        if await look_once_more(site, token):
            async with site.steps.step("set_aside", files=len(broken)) as done:
                done["aside"] = await anyio.to_thread.run_sync(
                    set_aside, site.vault, store, broken, site.clock.now(), "bad_mac"
                )
            return f"{len(broken)} session files set aside."
    raise Refused("the folder keeps changing although the session is stopped", code="session_running")


def _broken(site: Site, order: Order) -> tuple[str, ...]:
    """The session files of the named contact devices, with their LID/PN twins, that are really there."""
    store = store_of(site)
    present = {entry.name for entry in store.listing().files}
    wanted: set[str] = set()
    for address in order.addresses:
        for form in (address, *naming.twin_addresses(address, store.lid_of, store.phone_of)):
            name = naming.session_file(form)
            if name in present:
                wanted.add(name)
    return tuple(sorted(wanted))
