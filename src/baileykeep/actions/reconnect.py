"""The mildest repairs: a new connection with the stored login, or a new process for a gateway that is down."""

from __future__ import annotations

from baileykeep.actions.base import Order, Result, Site
from baileykeep.actions.session import creds_damaged, forget_words, open_session, verified
from baileykeep.actions.stillness import LOOK_EVERY_S
from baileykeep.model.errors import GatewayError, ProcessError, Refused
from baileykeep.model.incident import Outcome


async def reconnect(site: Site, _order: Order) -> Result:
    """Ask for a new connection and verify it. Touches no file."""
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    if await creds_damaged(site):
        raise Refused(
            "creds.json is damaged, and a new connection would replace the login by a new one",
            next_step="put the good copy or a backup back first",
            code="creds_damaged",
        )
    async with site.steps.step("reconnect"):
        forget_words(site, site.company)
        if site.gateway.capabilities.reconnect:
            await site.gateway.reconnect(site.company)
        else:
            await open_session(site)
    return await verified(site, "")


async def restart_process(site: Site, _order: Order) -> Result:
    """Restart the gateway's process and wait until its HTTP side answers."""
    if site.process is None or not site.process.can_act:
        raise Refused("no process manager is configured for this gateway", code="cannot_do")
    if not await site.still_wrong():
        return Result(Outcome.SUPERSEDED)
    async with site.steps.step("restart_process"):
        forget_words(site, None)
        await site.process.restart()
    return await verify_restart(site)


async def verify_restart(site: Site) -> Result:
    """Whether the gateway's HTTP side answers again in time."""
    async with site.steps.step("verify"):
        answers = await _answers_in_time(site)
    return Result(Outcome.HEALED if answers else Outcome.FAILED)


async def _answers_in_time(site: Site) -> bool:
    deadline = site.clock.monotonic() + site.limits.ladder.verify_within_s
    while site.clock.monotonic() < deadline:
        try:
            await (site.alive() if site.alive is not None else site.gateway.status(site.company))
        except (GatewayError, ProcessError):
            await site.clock.sleep(LOOK_EVERY_S)
        else:
            return True
    return False
