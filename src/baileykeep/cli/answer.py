"""Hands off, hands on, and answers to the ladder: `pause`, `resume`, `ack`, `approve`, `reject`, `forget`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from baileykeep.app.socket_client import DaemonClient
from baileykeep.cli.installation import daemon
from baileykeep.cli.options import Company, Config, Json, MaybeCompany
from baileykeep.cli.output import line, print_json
from baileykeep.cli.words import human, is_duration, plain, seconds, span
from baileykeep.model.errors import UsageError

DEFAULT_PAUSE_S = 3600.0
MAX_PAUSE_S = 7 * 86400.0

Gateway = Annotated[
    str | None, typer.Option("--gateway", metavar="G", help="All companies of this gateway.", show_default=False)
]
Target = Annotated[str, typer.Argument(metavar="COMPANY|INCIDENT", help="A company's id, or an incident's.")]
Revision = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", help="The revision you read; an older one is void.", show_default=False),
]


def pause(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMPANY] [DURATION]", help="For how long, such as 20m; an hour when left out."),
    ] = None,
    gateway: Gateway = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Begin no new action for a while: for a company, a gateway or all. Watching and telling go on."""
    company, length_s = who_and_how_long(words or [])
    args = {**_scope(company, gateway), "seconds": length_s}
    answer = daemon(config).call("pause", args)
    _say(answer, json, f"paused {_named(company, gateway)} for {span(length_s)}")


def who_and_how_long(words: list[str]) -> tuple[str | None, float]:
    """`acme 20m`, `acme`, `20m` or nothing. Raises `UsageError`."""
    if len(words) > 2:
        raise UsageError("pause takes a company and a duration, nothing more")
    length = words[-1] if words and (len(words) == 2 or is_duration(words[0])) else None
    company = words[0] if words and (len(words) == 2 or length is None) else None
    length_s = seconds(length) if length else DEFAULT_PAUSE_S
    if not 0 < length_s <= MAX_PAUSE_S:
        raise UsageError("a pause lasts at most 7 days", next_step="to leave a company alone for good, disable it")
    return company, length_s


def resume(company: MaybeCompany = None, gateway: Gateway = None, json: Json = False, config: Config = None) -> None:
    """End a pause; for a company or gateway also the hold that a failed safety check left."""
    answer = daemon(config).call("resume", _scope(company, gateway))
    released = "; the hold after a failed safety check is lifted" if answer.get("was_breached") else ""
    _say(answer, json, f"resumed {_named(company, gateway)}{released}")


def ack(target: Target, json: Json = False, config: Config = None) -> None:
    """I have seen it: no more reminders for this incident."""
    client = daemon(config)
    answer = client.call("ack", which(client.call("overview"), target))
    _say(answer, json, f"acknowledged {plain(target)}")


def approve(target: Target, revision: Revision = None, json: Json = False, config: Config = None) -> None:
    """Yes to what the ladder asks, such as a relink."""
    _reply("approve", "approved", target, revision, json, daemon(config))


def reject(target: Target, revision: Revision = None, json: Json = False, config: Config = None) -> None:
    """No to what the ladder asks; it will not be done."""
    _reply("reject", "rejected", target, revision, json, daemon(config))


def forget(company: Company, json: Json = False, config: Config = None) -> None:
    """Stop asking about a company whose folder is gone. Its backups stay; should the folder return, so does it."""
    answer = daemon(config).call("forget", {"company": company})
    _say(answer, json, f"forgot {plain(company)}; its backups stay")


def _reply(verb: str, done: str, target: str, revision: int | None, json: bool, client: DaemonClient) -> None:
    overview = client.call("overview")
    args = which(overview, target)
    approval = _approval(overview, target)
    if revision is None and approval is not None:
        revision = approval["revision"]
    answer = client.call(verb, {**args, **({"revision": revision} if revision is not None else {})})
    asked = f" {human(approval['rung'])} of" if approval else ""
    _say(answer, json, f"{done}{asked} {plain(target)}")


def which(overview: Mapping[str, Any], target: str) -> dict[str, str]:
    """Whether a word names an open incident or a company. Raises `UsageError` when neither."""
    if any(incident["id"] == target for incident, _ in _incidents(overview)):
        return {"incident": target}
    if any(view["id"] == target for view in overview["companies"]):
        return {"company": target}
    raise UsageError(
        f"no company and no open incident is called {target!r}",
        next_step="`baileykeep health` lists them",
        code="unknown_company",
    )


def _approval(overview: Mapping[str, Any], target: str) -> Mapping[str, Any] | None:
    for incident, company in _incidents(overview):
        if target in (incident["id"], company) and incident["approval"]:
            approval: Mapping[str, Any] = incident["approval"]
            return approval
    return None


def _incidents(overview: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    own = [(incident, view["id"]) for view in overview["companies"] for incident in view["incidents"]]
    return own + [(incident, "") for incident in overview.get("incidents", [])]


def _scope(company: str | None, gateway: str | None) -> dict[str, str]:
    if company and gateway:
        raise UsageError("name a company or a gateway, not both")
    return {"company": company} if company else {"gateway": gateway} if gateway else {}


def _named(company: str | None, gateway: str | None) -> str:
    return plain(company) if company else f"gateway {plain(gateway)}" if gateway else "everything"


def _say(answer: Mapping[str, Any], as_json: bool, text: str) -> None:
    if as_json:
        print_json(answer)
    else:
        line(text)
