"""The shape of `[tenants]`: how the companies themselves are told of their connection."""

from __future__ import annotations

import base64
import binascii
from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from baileykeep.config.fields import FilePath, Flag, Kind, Seconds, Secret, SecretUrl, Table, Text, Whole, Zone

SECRET_BYTES = range(24, 65)


def fault_in_secret(secret: str) -> str:
    """What is wrong with a signing secret, "" for a good one; never quotes it."""
    if not secret.startswith("whsec_"):
        return "does not begin with whsec_"
    try:
        size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        return "is not base64 after whsec_"
    return "" if size in SECRET_BYTES else f"holds {size} bytes, and 24 to 64 are needed"


def fault_in_url(url: str) -> str:
    """Why an address may not be called, "" for a good one; never quotes it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.username or parts.password:
        return "carries a password, which the signature makes needless"
    if _address(host, "is_link_local"):
        return "is on a link-local address, where clouds keep their credentials"
    if parts.scheme == "https" or host == "localhost" or _address(host, "is_loopback"):
        return ""
    return "is plain http to another machine; use https"


def _address(host: str, what: str) -> bool:
    try:
        return bool(getattr(ip_address(host), what))
    except ValueError:
        return False


def _scan_url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or not text.isprintable() or " " in text:
        raise ValueError('must be an address such as "https://admin.example/whatsapp-connect.html?company={company}"')
    return text


ScanUrl = Annotated[str, AfterValidator(_scan_url), Kind("address, may hold {company}")]
Wait = Annotated[Seconds, Field(ge=0, le=3600)]


class TenantsTable(Table):
    """Telling the companies themselves, by signed calls to a webhook of yours."""

    url: SecretUrl | None = Field(default=None, description="your webhook; https, or http on this machine only")
    url_file: FilePath | None = Field(default=None, description="file that holds its address")
    url_env: Text | None = Field(default=None, description="environment variable that holds its address")
    secret: Secret | None = Field(default=None, description="signs each call: whsec_ and base64 of 24 to 64 bytes")
    secret_file: FilePath | None = Field(default=None, description="file that holds the secret")
    secret_env: Text | None = Field(default=None, description="environment variable that holds the secret")
    scan_url: ScanUrl | None = Field(default=None, description="page where a company scans a new code")
    after: Wait = Field(default=900.0, description="an outage is told when it has lasted this long")
    settle: Wait = Field(default=120.0, description="a recovery is told when it has held this long")
    daily: Annotated[Whole, Field(ge=1, le=100)] = Field(
        default=6, description="outages are told up to so many messages a day for each company"
    )

    @model_validator(mode="after")
    def _signed(self) -> Self:
        has_url = self.url or self.url_file or self.url_env
        if has_url and not (self.secret or self.secret_file or self.secret_env):
            raise ValueError("has a url but no secret: add secret_file")
        return self


class CompanyTenant(Table):
    """How this company's own people are told of their connection."""

    tell: Flag = Field(default=True, description="false: tell them nothing")
    timezone: Zone | None = Field(default=None, description="zone of times in texts for them; else the installation's")
    scan_url: ScanUrl | None = Field(default=None, description="page where it scans a new code; else tenants.scan_url")
