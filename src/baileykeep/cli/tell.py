"""`tell`: one test message to a company's own people, through each of their channels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import typer

from baileykeep.cli.installation import config_dir
from baileykeep.cli.options import PREPARE, Company, Config, Json
from baileykeep.cli.output import line, print_json
from baileykeep.model.errors import ChannelError, UsageError

if TYPE_CHECKING:
    from baileykeep.channels.base import Channel
    from baileykeep.config import Settings
    from baileykeep.model.records import Notice

CALLED = {"webhook": "webhook", "apprise": "channel"}


def register(app: typer.Typer) -> None:
    """Add `tell` to the command line."""
    app.command(rich_help_panel=PREPARE)(tell)


def tell(company: Company, config: Config = None, json: Json = False) -> None:
    """Send one test message to a company's own people, and say for each of their channels what became of it."""
    from baileykeep.config import load

    settings = load(config_dir(config))
    notices = _notices(settings, company)
    answers = anyio.run(_deliver, settings, notices)
    if json:
        print_json({"company": company, "channels": answers})
    else:
        for answer in answers:
            line(f"{answer['channel']}: {answer['problem'] or 'took the test message'}")
    raise typer.Exit(1 if any(answer["problem"] for answer in answers) else 0)


def _notices(settings: Settings, ident: str) -> list[Notice]:
    """The same message that a change of state would make, but for its kind."""
    from baileykeep.app.channels import tenant
    from baileykeep.engine.tenants import notice
    from baileykeep.model import symptoms
    from baileykeep.rules.tenant_words import TEST
    from baileykeep.rules.tenants import Condition, Message, Seen

    found = tenant(settings, ident)
    if found is None:
        raise UsageError(
            f"nobody of company {ident} is told anything",
            next_step=f"add a [tenant] table with webhook or channels to companies/{ident}.toml",
        )
    now = time.time()
    message = Message(Seen(Condition.CONNECTED, now), now, Condition.CONNECTED)
    made = [notice(symptoms.company(ident), found, to, message, f"t{int(now * 1000):x}", now) for to in found.contacts]
    return [replace(one, data={**one.data, "kind": TEST}) for one in made]


async def _deliver(settings: Settings, notices: Sequence[Notice]) -> list[dict[str, Any]]:
    from baileykeep.app.channels import tenant_channels
    from baileykeep.clock import SystemClock

    channels = tenant_channels(settings, SystemClock())
    try:
        return [await _answer(channels[notice.channel], notice) for notice in notices]
    finally:
        for channel in channels.values():
            await channel.aclose()


async def _answer(channel: Channel, notice: Notice) -> dict[str, Any]:
    _, _, number = str(notice.data["to"]).rpartition("#") if channel.name == "apprise" else ("", "", "")
    name = f"{CALLED[channel.name]} {number}".rstrip()
    try:
        await channel.deliver([notice])
    except ChannelError as error:
        return {"channel": name, "problem": str(error)}
    return {"channel": name, "problem": None}
