"""What `doctor` asks of the gateways and their process managers. It never changes anything there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import anyio

from baileykeep.cli.checks import FAIL, OK, WARN, Check, named
from baileykeep.cli.words import count, human
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BaileykeepError
from baileykeep.rules.crowd import some

if TYPE_CHECKING:
    from baileykeep.app.sites import Door
    from baileykeep.config import Settings
    from baileykeep.config.discover import Placement, Survey


def gateways(settings: Settings, found: Survey) -> Iterator[Check]:
    """Each gateway's HTTP side and its process."""
    for name in settings.gateways:
        yield from anyio.run(_gateway, name, settings, found)


async def _gateway(name: str, settings: Settings, found: Survey) -> list[Check]:
    from baileykeep.app.parts import make_door

    placed = [place for place in found.placed.values() if place.gateway == name]
    try:
        door = make_door(SystemClock())(name, settings)
    except BaileykeepError as error:
        return [_failed(name, error)]
    try:
        return [
            await _http(name, door, placed),
            await _process(name, door, settings, found),
            *await _lost(name, door, placed),
        ]
    finally:
        await door.gateway.aclose()


async def _http(name: str, door: Door, placed: Sequence[Placement]) -> Check:
    try:
        if door.ear is not None:
            return await _alive(name, door)
        if door.gateway.capabilities.bulk_status:
            found = await door.gateway.status_all()
            return Check(f"gateway {name}", OK, f"{door.url} answers and knows {count(len(found), 'session')}")
        if not placed:
            return Check(f"gateway {name}", WARN, "there is no company to ask it about")
        status = await door.gateway.status(placed[0].company)
    except BaileykeepError as error:
        return _failed(name, error)
    return Check(f"gateway {name}", OK, f"{door.url} answers: {placed[0].company} is {human(status.state)}")


async def _alive(name: str, door: Door) -> Check:
    """A gateway that cannot be asked for sessions; whether its webhooks arrive only a daemon can tell."""
    where = f"its webhooks must go to /hooks/{name}/COMPANY of the daemon"
    if door.alive is None:
        return Check(f"gateway {name}", WARN, f"nothing tells whether it answers; {where}")
    await door.alive()
    return Check(f"gateway {name}", OK, f"{door.url} answers; {where}")


def _failed(name: str, error: BaileykeepError) -> Check:
    return Check(f"gateway {name}", FAIL, error.cause.removeprefix(f"gateway {name}: "), error.next_step)


async def _process(name: str, door: Door, settings: Settings, found: Survey) -> Check:
    if door.process is None or not door.process.can_act:
        return Check(f"process of {name}", WARN, "no process manager is configured: a dead gateway stays dead")
    try:
        status = await door.process.status()
    except BaileykeepError as error:
        return named(f"process of {name}", FAIL, error)
    state = FAIL if status.state == "unknown" else OK if status.state == "running" else WARN
    said = f"{door.process.kind} says {human(status.state)} {status.detail}".rstrip()
    return Check(f"process of {name}", state, said + _carried(name, settings, found))


def _carried(name: str, settings: Settings, found: Survey) -> str:
    """Whom a stop of the process stops, and by which gateways it is named."""
    from baileykeep.app.carried import carried
    from baileykeep.app.parts import make_process

    processes = {other: make_process(table.process) for other, table in settings.gateways.items()}
    crew = carried(processes, found.lodgers, found.blind)[name]
    others = sorted(crew.gateways - {name})
    shared = f"; gateway {some(others)} may be on it, too" if others else ""
    more = " and maybe others, for a folder could not be listed" if crew.blind else ""
    return f"; it carries {crew.told(lambda ident: settings.company(ident).label) or 'no company'}{more}{shared}"


async def _lost(name: str, door: Door, placed: Sequence[Placement]) -> list[Check]:
    """A line where logins go with the container that holds them."""
    from baileykeep.processes.docker_mounts import at_risk

    folders = {place.company: place.folder for place in placed if place.folder is not None}
    try:
        lost = await at_risk(door.process, folders)
    except BaileykeepError:
        return []  # told by the process's own line
    if not lost:
        return []
    text = f"{some(lost)}: the login lies in the container's own layer and is lost with the next deploy"
    return [Check(f"process of {name}", WARN, text, "mount the sessions folder as a volume; see docs/processes.md")]
