"""Backup and smart cleanup, and the repair of single sessions. Nothing goes without a verified cold backup."""

from __future__ import annotations

import anyio.to_thread

from baileykeep.actions.base import Order, Result, Site
from baileykeep.actions.session import look_once_more, store_of, verified, while_quiet, while_stopped
from baileykeep.backups.aside import set_aside
from baileykeep.backups.cleaning import carry_out
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import Refused
from baileykeep.model.evidence import BackedUp, Planned
from baileykeep.model.incident import Outcome
from baileykeep.model.inventory import Category, CleanupPlan
from baileykeep.rules import cleanup as rules
from baileykeep.rules import naming

SET_ASIDE = "set_aside"
"""The step in which files of a login leave its folder; its detail names the copy."""


async def cleanup(site: Site, order: Order) -> Result:
    """Stop, back up, remove what the plan says, start, verify. Without a plan worth it nothing is stopped."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    await anyio.to_thread.run_sync(_plan, site, order)
    offset_s = _offset_s(site)

    async def change(token: str) -> str:
        return await while_quiet(site, token, remove)

    async def remove(token: str) -> str:
        return await _remove_by_plan(site, order, token, offset_s)

    return await verified(site, await while_stopped(site, change))


def _offset_s(site: Site) -> float:
    """How far the wall clock is from the one that never jumps."""
    return site.clock.now() - site.clock.monotonic()


def _plan(site: Site, order: Order) -> tuple[CleanupPlan, Planned]:
    """A plan from a fresh listing, or Refused when it would not reach what was asked for."""
    store, now = store_of(site), site.clock.now()
    listing = store.listing()
    plan = rules.plan(
        listing,
        store.creds(),
        site.pool,
        site.limits,
        now=now,
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
    names = tuple(removal.name for removal in plan.remove)
    return plan, Planned(names, listing.files, plan.token, now, site.last_up_at, order.force)


async def cold_backup(site: Site) -> str:
    """A backup of the stopped session, read again and compared. Returns its name."""
    store = store_of(site)
    async with site.steps.step("backup") as done:
        backup = await anyio.to_thread.run_sync(site.vault.create, store, BackupKind.COLD, site.clock.now())
        done["backup"] = backup.name
    site.steps.witness(BackedUp(backup))
    return backup.name


async def _remove_by_plan(site: Site, order: Order, token: str, offset_s: float) -> str:
    """Back up, plan and remove from one and the same listing."""
    backup = await cold_backup(site)
    plan, planned = await anyio.to_thread.run_sync(_plan, site, order)
    site.steps.witness(planned)
    await look_once_more(site, token)
    if abs(_offset_s(site) - offset_s) > site.limits.ladder.clock_jump_s:
        raise Refused("the clock jumped meanwhile, so file ages cannot be trusted", code="clock_jumped")
    async with site.steps.step("remove", files=len(plan.remove), backup=backup):
        await anyio.to_thread.run_sync(carry_out, site.vault, store_of(site), plan, backup, site.steps.witness)
    return f"{len(plan.remove)} files removed, backup {backup} kept."


async def repair_sessions(site: Site, order: Order) -> Result:
    """Set the named contacts' session files aside, only those; the next message builds new ones."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    if not await anyio.to_thread.run_sync(_broken, site, order):
        raise Refused("the failing contacts have no session file here", code="cannot_do")

    async def change(token: str) -> str:
        return await while_quiet(site, token, lambda still: _set_aside(site, order, still))

    return await verified(site, await while_stopped(site, change))


async def _set_aside(site: Site, order: Order, token: str) -> str:
    broken = await anyio.to_thread.run_sync(_broken, site, order)
    await aside_step(site, token, broken, "bad_mac")
    return f"{len(broken)} session files set aside."


async def aside_step(
    site: Site, token: str, names: tuple[str, ...] | None, reason: str, *, step: str = SET_ASIDE
) -> str:
    """Set named files (None: everything that is Baileys' own) aside as one step; returns the set-aside's name.

    The name is written down before the first file goes: after a crash nobody has to guess which copy is whose.
    What is no login to be put back goes in a `step` of another name.
    """
    store, now = store_of(site), site.clock.now()
    listing = await anyio.to_thread.run_sync(store.listing)
    ours = tuple(file.name for file in listing.files if file.category is not Category.OTHER)
    going = ours if names is None else names
    site.steps.witness(Planned(going, listing.files, listing.token, now))
    await look_once_more(site, token)
    name = await anyio.to_thread.run_sync(site.vault.shelf.fresh_name, site.company, BackupKind.ASIDE, now)
    witness = site.steps.witness
    async with site.steps.step(step, files=len(going), aside=name):
        await anyio.to_thread.run_sync(
            lambda: set_aside(site.vault, store, names, now, reason, token=token, witness=witness, name=name)
        )
    return name


async def all_aside(site: Site, token: str, reason: str, *, step: str = SET_ASIDE) -> str:
    """Set a whole folder aside; the name of the set-aside, empty where nothing of Baileys' own lies there."""
    listing = await anyio.to_thread.run_sync(store_of(site).listing)
    if all(file.category is Category.OTHER for file in listing.files):
        return ""
    return await aside_step(site, token, None, reason, step=step)


def _broken(site: Site, order: Order) -> tuple[str, ...]:
    """The session files of the named contact devices, with their LID/PN twins, that are really there."""
    store = store_of(site)
    present = {entry.name for entry in store.listing().files}
    wanted: set[str] = set()
    for address in site.real(order.addresses, present):
        for form in (address, *naming.twin_addresses(address, store.lid_of, store.phone_of)):
            name = naming.session_file(form)
            if name in present:
                wanted.add(name)
    return tuple(sorted(wanted))
