"""What `doctor` asks of others: the gateways, their process managers, Telegram. It never changes anything there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import anyio

from baileykeep.cli.checks import FAIL, OK, WARN, Check, named
from baileykeep.cli.words import count, human, plain
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BaileykeepError

if TYPE_CHECKING:
    from baileykeep.app.sites import Door
    from baileykeep.config import Settings

TELEGRAM_TIMEOUT_S = 5.0


def gateways(settings: Settings) -> Iterator[Check]:
    """Each gateway's HTTP side and its process."""
    for name in settings.gateways:
        yield from anyio.run(_gateway, name, settings)


async def _gateway(name: str, settings: Settings) -> list[Check]:
    from baileykeep.app.parts import make_door

    try:
        door = make_door(SystemClock())(name, settings)
    except BaileykeepError as error:
        return [_failed(name, error)]
    try:
        return [await _http(name, door, settings), await _process(name, door)]
    finally:
        await door.gateway.aclose()


async def _http(name: str, door: Door, settings: Settings) -> Check:
    from baileykeep.config.discover import placements

    placed, _ = placements(settings)
    idents = [ident for ident, place in placed.items() if place.gateway == name]
    try:
        if door.gateway.capabilities.bulk_status:
            found = await door.gateway.status_all()
            return Check(f"gateway {name}", OK, f"{door.url} answers and knows {count(len(found), 'session')}")
        if not idents:
            return Check(f"gateway {name}", WARN, "there is no company to ask it about")
        status = await door.gateway.status(idents[0])
    except BaileykeepError as error:
        return _failed(name, error)
    return Check(f"gateway {name}", OK, f"{door.url} answers: {idents[0]} is {human(status.state)}")


def _failed(name: str, error: BaileykeepError) -> Check:
    return Check(f"gateway {name}", FAIL, error.cause.removeprefix(f"gateway {name}: "), error.next_step)


async def _process(name: str, door: Door) -> Check:
    if door.process is None or not door.process.can_act:
        return Check(f"process of {name}", WARN, "no process manager is configured: a dead gateway stays dead")
    try:
        status = await door.process.status()
    except BaileykeepError as error:
        return named(f"process of {name}", FAIL, error)
    state = FAIL if status.state == "unknown" else OK if status.state == "running" else WARN
    return Check(
        f"process of {name}", state, f"{door.process.kind} says {human(status.state)} {status.detail}".rstrip()
    )


def telegram(settings: Settings) -> Check:
    """Whether the bot's token is good; sends nothing to anybody."""
    import httpx

    table = settings.installation.telegram
    if table.token is None:
        return Check(
            "telegram", WARN, "not configured: nobody is told when something happens", "set telegram.token_file"
        )
    try:
        answer = httpx.get(f"{table.api_url}/bot{table.token.get_secret_value()}/getMe", timeout=TELEGRAM_TIMEOUT_S)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        # Not the error's own text: it holds the address, and with it the token.
        return Check("telegram", FAIL, f"no answer ({type(error).__name__})", "can this host reach api_url?")
    if not body.get("ok"):
        return Check("telegram", FAIL, f"the token was refused ({answer.status_code})", "ask @BotFather for a new one")
    people = count(len(table.chats), "chat")
    return Check("telegram", OK, f"@{plain(body['result'].get('username', '?'))} answers; tells {people}")
