"""The rungs by hand: `reconnect`, `reset`, `relink`; each goes through the running daemon."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from baileykeep.app.socket_client import DaemonClient
from baileykeep.cli.installation import daemon
from baileykeep.cli.options import Company, Config, Json, NoWait, Yes
from baileykeep.cli.output import can_ask, interactive, print_json
from baileykeep.cli.progress import POLL_S, follow, report_begun, run_action
from baileykeep.cli.words import plain
from baileykeep.model.errors import BaileykeepError, Refused, UsageError

ReplaceLogin = Annotated[
    bool, typer.Option("--replace-login", help="Agree to ending a login that was seen open within a day.")
]
PrintQr = Annotated[bool, typer.Option("--print-qr", help="Print the QR although this is no terminal.")]


def reconnect(company: Company, no_wait: NoWait = False, json: Json = False, config: Config = None) -> None:
    """Ask the gateway for a new connection with the stored login. Changes no files."""
    raise typer.Exit(run_action(daemon(config), "reconnect", {"company": company}, as_json=json, wait=not no_wait))


def reset(
    company: Company,
    replace_login: ReplaceLogin = False,
    print_qr: PrintQr = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Escape hatch: back up, set the whole folder aside, start fresh. Somebody must scan a QR afterwards."""
    _check_qr(print_qr, json)
    client = daemon(config)
    ends = f"This ends the login of {company}: somebody must pair it again by phone."
    confirm(f"{ends}{_others(client, company, yes)} Go on?", yes)
    args = _ending(company, replace_login)
    raise typer.Exit(_by_qr(client, "reset", args, print_qr=print_qr, as_json=json, wait=not no_wait))


def relink(
    company: Company,
    pairing_code: Annotated[
        bool, typer.Option("--pairing-code", help="Pair with a code typed on the phone instead of a QR.")
    ] = False,
    phone: Annotated[
        str | None, typer.Option("--phone", metavar="N", help="Digits with country code; must be this company's own.")
    ] = None,
    replace_login: ReplaceLogin = False,
    print_qr: PrintQr = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Pair anew: back up, set the folder aside, show the new QR here until somebody scanned it."""
    if phone and not pairing_code:
        raise UsageError("--phone goes with --pairing-code")
    _check_qr(print_qr, json)
    client = daemon(config)
    confirm(f"This ends the present login of {company}.{_others(client, company, yes)} Go on?", yes)
    args = _ending(company, replace_login)
    if pairing_code:
        raise typer.Exit(_by_code(client, {**args, **({"phone": _digits(phone)} if phone else {})}, json, not no_wait))
    raise typer.Exit(_by_qr(client, "relink", args, print_qr=print_qr, as_json=json, wait=not no_wait))


def _ending(company: str, replace_login: bool) -> dict[str, Any]:
    return {"company": company, **({"replace_login": True} if replace_login else {})}


def _others(client: DaemonClient, company: str, yes: bool) -> str:
    """What else stops, for whoever is about to be asked."""
    view = client.call("company", {"company": company}) if not yes and can_ask() else {}
    if not view.get("stops_others"):
        return ""
    return (
        f" The gateway's process is stopped for it, and with it {plain(view.get('others') or 'every company on it')}."
    )


def confirm(question: str, yes: bool) -> None:
    """Ask before a login ends. Raises `Refused` where nobody can answer and --yes was not given."""
    if yes:
        return
    if not can_ask():
        raise Refused(
            "this ends a login, and nobody is here to be asked", next_step="add --yes to agree", code="not_confirmed"
        )
    typer.confirm(question, abort=True)


def _check_qr(print_qr: bool, as_json: bool) -> None:
    if print_qr and as_json:
        raise UsageError("--print-qr does not go with --json")


def _by_qr(
    client: DaemonClient, command: str, args: dict[str, Any], *, print_qr: bool, as_json: bool, wait: bool
) -> int:
    if not wait or as_json or not (interactive() or print_qr):
        return run_action(client, command, args, as_json=as_json, wait=wait)
    from baileykeep.cli.qr import QrPanel

    begun = client.call(command, args)
    panel = QrPanel(client, args["company"])
    return follow(client, begun["action"], as_json=False, between=panel.refresh)


def _by_code(client: DaemonClient, args: dict[str, Any], as_json: bool, wait: bool) -> int:
    from baileykeep.cli.qr import QrPanel

    begun = client.call("pairing_code", args)
    if as_json:
        print_json({"action": begun["action"], "code": _code(client, args["company"], begun["action"])})
        return 0
    if not wait:
        report_begun(begun, as_json)
        return 0
    panel = QrPanel(client, args["company"], pictures=interactive())
    return follow(client, begun["action"], as_json=False, between=panel.refresh)


def _code(client: DaemonClient, company: str, action: str) -> str:
    """The code, once it came. Raises `BaileykeepError` when the action ends without one."""
    while True:
        found = client.call("qr", {"company": company})["code"]
        if found:
            return str(found)
        view = client.call("action", {"action": action})
        if view["state"] == "ended":
            raise BaileykeepError("no pairing code came", next_step=view["note"], code="no_code")
        time.sleep(POLL_S * 5)


def _digits(phone: str) -> str:
    digits = "".join(c for c in phone if c.isdigit())
    if not 7 <= len(digits) <= 15:
        raise UsageError("--phone takes 7 to 15 digits with the country code, such as 4915112345678")
    return digits
