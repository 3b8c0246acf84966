"""The table in each `docs/gateways/<dialect>.md` that says what can be done with that gateway, and what cannot."""

from __future__ import annotations

from baileykeep.gateways.dialect import CAPABILITIES, Call, Dialect, dialect_names, load_dialect
from tests.docs.markdown import table

BEGIN, END = "<!-- can:begin -->", "<!-- can:end -->"
FOLDER = "gateways"
MEANING = {
    "status": "tell one session's state",
    "bulk_status": "tell all sessions at once",
    "reconnect": "open a new connection with the stored login",
    "stop": "close one session and keep its login",
    "start": "open a session",
    "reset": "forget a login and start over",
    "force_relink": "start with a new QR",
    "qr": "hand out the QR",
    "pairing_code": "hand out a pairing code",
    "clear_cache": "forget cached credentials",
}


def pages() -> list[str]:
    """The page of each shipped dialect, below `docs/`."""
    return [f"{FOLDER}/{name}.md" for name in dialect_names() if load_dialect(name).status is not None]


def filled(page: str, dialect: str) -> str:
    """The page with the table as it should be."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{can(load_dialect(dialect))}\n{END}{rest.partition(END)[2]}"


def can(dialect: Dialect) -> str:
    """Each capability with its call, or with why there is none."""
    rows = []
    for name in CAPABILITIES:
        call = dialect.call(name)
        rows.append((MEANING[name], f"yes: {_call(call)}" if call else f"no: {dialect.why_not(name)}"))
    webhook = dialect.calls.webhook
    found = f"yes: {_call(webhook)}" if webhook else "no: no call for it is known"
    return table(("can it", "call, or why not"), [*rows, ("tell its webhook settings", found)])


def _call(call: Call) -> str:
    return f"`{call.method} {call.path}`"
