"""`guard`: right before a gateway starts, make sure that it will not mint a new identity over a damaged login.

Baileys reads a broken `creds.json` as a missing one. A process manager restarts within milliseconds, so this hangs in
front of the start (ExecStartPre, a wrapper script); it needs no daemon and never waits for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from baileykeep.app.socket_client import SOCKET_NAME, DaemonClient
from baileykeep.cli.options import ACT, Company, Config, Json
from baileykeep.cli.output import line, print_json
from baileykeep.clock import SystemClock
from baileykeep.model.errors import BackupError, BaileykeepError, Refused

if TYPE_CHECKING:
    from baileykeep.backups.vault import Vault
    from baileykeep.model.inventory import Creds
    from baileykeep.rules.creds_guard import History
    from baileykeep.stores.base import AuthStore

REREAD_S = 0.1
REREADS = 4
DAEMON_TIMEOUT_S = 2.0


def register(app: typer.Typer) -> None:
    """Add `guard` to the command line."""
    app.command(rich_help_panel=ACT)(guard)


def guard(company: Company, json: Json = False, config: Config = None) -> None:
    """Before the gateway starts: are the creds whole? If not, put the last good copy back."""
    from baileykeep.backups.vault import Vault
    from baileykeep.cli.local import find
    from baileykeep.cli.offline import open_store

    local = find(config, company)
    if local.folder is not None and not local.folder.is_dir():
        _say("ok", f"{company} has no folder yet: nothing to guard", json)
        return
    store = open_store(local.folder, local.known)
    if not store.exists():
        _say("ok", f"{company} has no rows yet: nothing to guard", json)
        return
    history = told_by(DaemonClient(local.state_dir / SOCKET_NAME, timeout_s=DAEMON_TIMEOUT_S), company)
    result, text = protect(Vault(local.backups), store, history)
    _say(result, f"{company}: {text}", json)


def told_by(client: DaemonClient, company: str) -> History:
    """What a running daemon knows against putting a copy back; nothing where none runs or answers in time.

    Its "connected" is not asked for: it may be older than the crash that brought us here.
    """
    from baileykeep.model.incident import Cause
    from baileykeep.rules.creds_guard import History

    try:
        view = client.call("company", {"company": company})
    except BaileykeepError:
        return History(stopped=True)
    causes = {incident["cause"] for incident in view["incidents"]}
    return History(
        qr=view["connection"]["state"] == "waiting_qr", logged_out=Cause.LOGGED_OUT.value in causes, stopped=True
    )


def protect(
    vault: Vault, store: AuthStore, history: History, *, pause: Callable[[float], None] = time.sleep
) -> tuple[str, str]:
    """(word, sentence) of what was found and done; `pause` waits before a torn file is read again.

    Raises `BackupError` when the creds are damaged and there is no good copy, `Refused` when a human must decide.
    """
    from baileykeep.backups.good_creds import good_creds, put_good_creds
    from baileykeep.rules.creds_guard import Verdict, judge

    creds = settled(store, pause)
    found = judge(good_creds(vault, store.company), creds, history)
    if found.verdict is Verdict.ALERT:
        raise BackupError(found.reason, next_step=_next_step(creds), code="creds_damaged", permanent=True)
    if found.verdict is Verdict.ASK:
        raise Refused(found.reason, next_step=_next_step(creds), code="creds_unsure")
    if found.verdict is not Verdict.RESTORE:
        return "ok", found.reason
    with vault.acting(store):
        put_good_creds(vault, store, SystemClock().now())
    return "put_back", f"{found.reason}, so that copy was put back"


def settled(store: AuthStore, pause: Callable[[float], None] = time.sleep) -> Creds:
    """The creds, read again for a moment while they look torn: somebody may just be writing them."""
    from baileykeep.rules.creds_guard import DAMAGED

    creds = store.creds()
    for _ in range(REREADS):
        if creds.state not in DAMAGED:
            break
        pause(REREAD_S)
        creds = store.creds()
    return creds


def _next_step(creds: Creds) -> str:
    from baileykeep.model.inventory import CredsState

    if creds.state is CredsState.UNREADABLE:
        return "check owner and mode of creds.json; Baileys takes an unreadable login for a missing one"
    if creds.state is CredsState.WHOLE:
        return "if somebody paired anew, just start the gateway; if not, `baileykeep backup restore`"
    return "before the gateway starts: `baileykeep backup restore`; it would mint a new identity and show a QR"


def _say(result: str, text: str, as_json: bool) -> None:
    if as_json:
        print_json({"result": result, "text": text})
    else:
        line(text)
