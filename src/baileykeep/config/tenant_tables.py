"""The shape of `[tenant]`: how companies themselves are told of their WhatsApp, all of them or one."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from baileykeep.config.fields import SLOT, FilePath, Flag, Kind, Secret, SecretUrl, Table, Text, Zone

SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes, as Standard Webhooks asks."""

NEW_KEY = "make one: echo whsec_$(openssl rand -base64 32)"
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,32}://\S+")


def _lines(value: object) -> object:
    """A list is as good as several lines."""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value


def _page(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError('must be an address such as "https://wa.example.com/connect?company={company}"')
    return text


Services = Annotated[SecretStr, BeforeValidator(_lines), Kind("secret addresses")]
Page = Annotated[str, AfterValidator(_page), Kind("address, may hold {company}")]


class TenantTable(Table):
    """How a company's own people are told. In `baileykeep.toml` for all companies, in a company's file for that one."""

    webhook: SecretUrl | None = Field(default=None, description="where signed messages go; may hold {company}")
    webhook_secret: Secret | None = Field(default=None, description="key that signs them: whsec_ and base64")
    webhook_secret_file: FilePath | None = Field(default=None, description="file that holds the key")
    webhook_secret_env: Text | None = Field(default=None, description="environment variable that holds the key")
    webhook_plain: Flag = Field(default=False, description="true: http is good enough outside this machine, too")
    channels: Services | None = Field(
        default=None, description="email and other services as apprise writes them, one or several"
    )
    channels_file: FilePath | None = Field(default=None, description="file that holds them, one a line")
    channels_env: Text | None = Field(default=None, description="environment variable that holds them")
    scan_url: Page | None = Field(default=None, description="page on which the company finds its QR code")
    timezone: Zone | None = Field(default=None, description="for times in messages; the installation's when not given")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.webhook is not None and not self.webhook_plain and _in_the_clear(self.webhook.get_secret_value()):
            raise ValueError("has a webhook over http to another machine: use https, or set webhook_plain = true")
        return self


def _of_a_cloud(url: str) -> bool:
    try:
        return ip_address(urlsplit(url).hostname or "").is_link_local
    except ValueError:
        return False


def _in_the_clear(url: str) -> bool:
    parts = urlsplit(url.replace(SLOT, "x"))
    try:
        here = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        here = parts.hostname == "localhost"
    return parts.scheme == "http" and not here


def faults(table: TenantTable) -> Iterator[tuple[str, str, str]]:
    """(key, what is wrong, remedy) of a table whose secrets are in place; nothing secret is in it."""
    if table.webhook is not None and table.webhook_secret is None:
        yield "webhook", "has no key beside it, so nobody could tell that it is ours", NEW_KEY
    if table.webhook is not None and _of_a_cloud(table.webhook.get_secret_value()):
        yield "webhook", "is on an address where clouds keep their credentials", "write the receiver's own address"
    if table.webhook_secret is not None and not _is_key(table.webhook_secret.get_secret_value()):
        yield "webhook_secret", f'is not "whsec_" and {SHORTEST_KEY} to {LONGEST_KEY} bytes in base64', NEW_KEY
    services = table.channels.get_secret_value().split() if table.channels is not None else []
    for number, text in enumerate(services, 1):
        if not ADDRESS.fullmatch(text):
            yield (
                "channels",
                f"has at place {number} no address of a service",
                'write it like "mailtos://user:pass@host"',
            )


def _is_key(text: str) -> bool:
    try:
        return SHORTEST_KEY <= len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) <= LONGEST_KEY
    except (binascii.Error, ValueError):
        return False
