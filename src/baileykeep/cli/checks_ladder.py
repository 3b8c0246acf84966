"""What all of it means for the ladder: which rungs each gateway's companies have, and why the others are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import anyio

from baileykeep.cli.checks import OK, WARN, Check
from baileykeep.cli.words import count
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.incident import Rung
from baileykeep.rules import lacks
from baileykeep.rules.words import RUNGS

if TYPE_CHECKING:
    from baileykeep.app.sites import Sites
    from baileykeep.config import Settings
    from baileykeep.rules.case import Can

LADDER = (Rung.RESTART_PROCESS, Rung.RECONNECT, Rung.REPAIR_SESSIONS, Rung.CLEANUP, Rung.RELINK, Rung.RESET)
WITH_OTHERS = "a session is stopped only with its process, and others with it: a human is asked first"
WITH_PROCESS = "a session is stopped with its process"
BY_CALL = "one session is stopped at a time"


def ladder(settings: Settings) -> Iterator[Check]:
    """A line for each gateway, or for each kind of company on it where they differ."""
    try:
        sites = anyio.run(_sites, settings)
    except BaileykeepError:
        return  # told by the gateway's own line
    for name in settings.gateways:
        abilities: dict[Can, list[str]] = {}
        for ident in sites.companies(name):
            abilities.setdefault(_can(sites, ident), []).append(ident)
        for can, companies in abilities.items():
            whom = f" for {_whom(companies)}" if len(abilities) > 1 else ""
            yield _line(f"ladder of {name}{whom}", can)


def _whom(companies: list[str]) -> str:
    return f"company {companies[0]}" if len(companies) == 1 else f"{count(len(companies), 'company', 'companies')}"


async def _sites(settings: Settings) -> Sites:
    """The companies as the daemon would see them; nothing is asked of any gateway."""
    from baileykeep.app.parts import make_door
    from baileykeep.app.sites import Sites
    from baileykeep.backups.vault import Vault

    clock = SystemClock()
    sites = Sites(settings, clock, Vault(settings.installation.backups_dir), make_door(clock))
    await sites.look_around()
    await sites.aclose()
    return sites


def _can(sites: Sites, ident: str) -> Can:
    from baileykeep.model.symptoms import company

    return sites.members()[company(ident)].can


def _line(name: str, can: Can) -> Check:
    able = [RUNGS[rung].to for rung in LADDER if not lacks.why(can.lacks, rung)]
    missing = " ".join(lacks.lines(can.lacks, LADDER))
    if not able:
        return Check(name, WARN, f"it can only alert. {missing}", "see docs/gateways.md for what a gateway must offer")
    stops = "" if can.lacks.stop or can.lacks.files else f"; {_stops(can)}"
    scan = f" {lacks.OWN_PAGE}" if can.lacks.qr else ""
    return Check(name, OK, f"it can {', '.join(able)}{stops}. {missing}{scan}".strip())


def _stops(can: Can) -> str:
    if not can.by_process:
        return BY_CALL
    return WITH_OTHERS if can.stop_others else WITH_PROCESS
