"""A look at a gateway's webhook settings around a repair. Nothing is ever written back: a human is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace

import anyio

from baileykeep.actions.base import Result, Site
from baileykeep.actions.stillness import LOOK_EVERY_S
from baileykeep.gateways.base import TellsWebhook
from baileykeep.model.errors import BaileykeepError, GatewayError
from baileykeep.model.records import EntryKind
from baileykeep.model.webhook import WebhookSetting
from baileykeep.rules.webhook import of_many, what_changed

LOOK_WITHIN_S = 5.0
"""Real seconds for one look: a repair does not wait long for what is only told."""

LOOKS = 6
"""A gateway that has just opened a session may not have loaded its settings yet: they are looked at again."""

Work = Callable[[Site], Awaitable[Result]]
Settings = tuple[WebhookSetting, ...]


async def watched(site: Site, work: Work) -> Result:
    """The work on one session; a change of its settings becomes a line in its story and in the journal."""
    before = await _read(site, (site.company,))
    try:
        result = await work(site)
    except BaileykeepError:
        await _tell(site, before)
        raise
    await _tell(site, before)
    return result


async def _tell(site: Site, before: Mapping[str, Settings]) -> None:
    for text in (await _changes(site, before)).values():
        await site.pairing.tell(text, EntryKind.WEBHOOK)


async def all_watched(site: Site, work: Work, companies: Iterable[str]) -> Result:
    """The work on a whole gateway; what changed goes into the note on how it ended."""
    before = await _read(site, companies)
    result = await work(site)
    return replace(result, note=f"{result.note} {of_many(await _changes(site, before))}".strip())


async def _changes(site: Site, before: Mapping[str, Settings]) -> dict[str, str]:
    """What changed, by company, and stays so; nothing about what cannot be read any more."""
    changed: dict[str, str] = {}
    for left in reversed(range(LOOKS)):
        now = await _read(site, changed or before)
        texts = {company: what_changed(before[company], after) for company, after in now.items()}
        changed = {company: text for company, text in texts.items() if text}
        if not changed or not left:
            break
        await site.clock.sleep(LOOK_EVERY_S)
    return changed


async def _read(site: Site, companies: Iterable[str]) -> dict[str, Settings]:
    """The settings of each company, up to the first that cannot be had: a gateway that is down is asked once."""
    found: dict[str, Settings] = {}
    for company in companies:
        settings = await _settings(site, company)
        if settings is None:
            break
        found[company] = settings
    return found


async def _settings(site: Site, company: str) -> Settings | None:
    """None where the gateway does not tell, or does not answer just now."""
    if not isinstance(site.gateway, TellsWebhook):
        return None
    with anyio.move_on_after(LOOK_WITHIN_S):
        try:
            return await site.gateway.webhook_settings(company)
        except GatewayError:
            return None
    return None
