"""The configuration of the lab for people: what a real one looks like, with a minute made a second."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.lab.node import put_dialect
from tests.e2e.lab.people import Company
from tests.e2e.lab.processes import GatewayProcess

NAMES = {"1": "Salon Rosa", "2": "City Clinic", "3": "Corner Shop"}

SHORT: Mapping[tuple[str, str], str | int] = {
    ("disconnect", "warn_after"): "10s",
    ("disconnect", "act_after"): "15s",
    ("disconnect", "startup_grace"): "2s",
    ("disconnect", "gateway_dead_after"): "5s",
    ("disconnect", "phantom_after"): "5s",
    ("disconnect", "flap_window"): "1m",
    ("ladder", "verify_within"): "30s",
    ("ladder", "steady"): "2s",
    ("ladder", "settle"): "10s",
    ("ladder", "reconnect_cooldown"): "10s",
    ("ladder", "replaced_cooldown"): "10s",
    ("ladder", "restart_backoff"): "10s",
    ("ladder", "daily_budget"): 1000,
    ("cleanup", "cooldown"): "10s",
    ("bad_mac", "window"): "8s",
    ("bad_mac", "daily_target"): 1000,
    ("bad_mac", "hourly_alert"): 1000,
    ("brake", "window"): "5s",
    ("brake", "tell_after"): "5s",
    ("brake", "lift_after"): "1m",
    ("brake", "stagger"): "5s",
    ("relink", "scan_within"): "1m",
    ("poll", "connection"): "1s",
    ("poll", "connection_down"): "500ms",
    ("poll", "rescan"): "2s",
    ("poll", "torn_reread"): "100ms",
    ("poll", "network"): "2s",
    ("poll", "disk"): "10s",
    ("notify", "settle"): "200ms",
}
"""What is shorter (or more) than in a real installation: section and key of `[limits.*]`, and the value here."""

INSTALLATION = """\
mode = "act"
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.main]
dialect = "lab"
url = "{gateway.url}"
secret = "{gateway.secret}"
sessions = "{gateway.root}/storage/whatsapp/business_{{company}}/auth"
logs = [
  {{ path = "{gateway.out}", company_field = "companyId" }},
  {{ path = "{gateway.err}" }},
]

[http]
listen = "127.0.0.1:{http.port}"
token = "{http.token}"

[network]
online = ["{probe}"]
whatsapp = ["{probe}"]
"""

TELEGRAM = """
[telegram]
token_env = "TELEGRAM_TOKEN"
api_url = {api}
chats = [{chat}]
users = [{users}]
"""

COMPANY = """\
name = "{name}"
phone = "{phone}"
"""


@dataclass(frozen=True, slots=True)
class Http:
    """Where the daemon serves HTTP, and the bearer token that it asks for."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def write(
    root: Path,
    gateway: GatewayProcess,
    companies: Sequence[Company],
    probe: str,
    http: Http,
    environ: Mapping[str, str],
) -> Path:
    """Write the files that the daemon reads; returns their folder."""
    config = root / "config"
    (config / "companies").mkdir(parents=True)
    put_dialect(config)
    main = config / "baileykeep.toml"
    main.touch(mode=0o600)
    text = INSTALLATION.format(root=root, gateway=gateway, http=http, probe=probe)
    main.write_text(text + telegram(environ) + limits())
    for company in companies:
        text = COMPANY.format(name=NAMES[company.ident], phone=company.phone)
        (config / "companies" / f"{company.ident}.toml").write_text(text)
    return config


def telegram(environ: Mapping[str, str]) -> str:
    """The bot that tells and is obeyed, where the environment names one. Raises ValueError when half of it is there."""
    token, chat = environ.get("TELEGRAM_TOKEN"), environ.get("TELEGRAM_CHAT")
    if not token and not chat:
        return ""
    if not token or not chat:
        missing = "TELEGRAM_CHAT" if token else "TELEGRAM_TOKEN"
        raise ValueError(f"{missing} is missing: for a bot, set TELEGRAM_TOKEN and TELEGRAM_CHAT; for none, neither")
    users = environ.get("TELEGRAM_USER") or ("" if chat.startswith("-") else chat)
    api = json.dumps(environ.get("TELEGRAM_API_URL", "https://api.telegram.org"))
    for name, value in (("TELEGRAM_CHAT", chat), ("TELEGRAM_USER", users or "0")):
        if not value.removeprefix("-").isdigit():
            raise ValueError(f"{name} must be a number, such as 11111111, and not {value!r}")
    return TELEGRAM.format(api=api, chat=chat, users=users)


def limits() -> str:
    """The tables of what is shorter here."""
    lines: list[str] = []
    for (section, key), value in SHORT.items():
        head = f"[limits.{section}]"
        if head not in lines:
            lines += ["", head]
        lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
