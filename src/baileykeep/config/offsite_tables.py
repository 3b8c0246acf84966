"""The `[offsite]` table: where sealed copies go, for whose keys, and how many stay there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from baileykeep.config.fields import SLOT, FilePath, Flag, Kind, Seconds, Secret, Table, Text, Url, listed

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9/._=@+-]*")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")


def _to(text: str) -> str:
    parts = urlsplit(text)
    if not text.isprintable() or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must not carry a password, a query or a fragment; keys go into access_key_id and secret")
    if not (_is_folder(parts) or _is_bucket(parts)):
        raise ValueError('must be a place such as "file:///mnt/nas/baileykeep" or "s3://bucket/prefix"')
    return text.rstrip("/")


def _is_folder(parts: SplitResult) -> bool:
    return parts.scheme == "file" and not parts.netloc and parts.path.strip("/") != ""


def _is_bucket(parts: SplitResult) -> bool:
    words = parts.path.split("/")
    good = _PREFIX.fullmatch(parts.path) and not {".", ".."} & set(words) and "//" not in parts.path
    return parts.scheme == "s3" and bool(_BUCKET.fullmatch(parts.netloc)) and bool(good)


def _recipients(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each one must be a public key. What was given is repeated in no message: it may be a private one."""
    if values:
        from baileykeep.backups.offsite.seal import recipient

        for value in values:
            recipient(value)
    return values


def _retention(value: object) -> object:
    if value == "keep":
        return value
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError('must be a number of copies, at least 1, or "keep" to remove nothing there')
    return number


Destination = Annotated[str, AfterValidator(_to), Kind("file:// or s3:// address")]
Recipients = Annotated[
    tuple[str, ...], BeforeValidator(listed), AfterValidator(_recipients), Kind("list of public keys")
]
Retention = Annotated[int | Literal["keep"], BeforeValidator(_retention), Kind('whole number or "keep"')]


class OffsiteTable(Table):
    """Copies off this host, sealed with age. Without `to` none is sent."""

    to: Destination | None = Field(
        default=None, description="a folder on another disk (`file:///mnt/nas/baileykeep`) or `s3://bucket/prefix`"
    )
    recipients: Recipients = Field(
        default=(), description="public keys that copies are sealed for: age1… or ssh-ed25519 …; any one opens them"
    )
    retention: Retention = Field(
        default=10, description='newest logins kept there per company, and as many set-asides; "keep" removes nothing'
    )
    every: Annotated[Seconds, Field(ge=1)] = Field(
        default=600.0, description="between two looks at what is to be sent, and the first pause after a failure"
    )
    alert_after: Annotated[Seconds, Field(ge=60)] = Field(
        default=86_400.0, description="a copy that has not left this host for so long is an alert"
    )
    endpoint: Url | None = Field(default=None, description="an S3-compatible store; Amazon's when not given")
    region: Text = Field(default="us-east-1", description="region of the bucket")
    access_key_id: Text | None = Field(
        default=None, description="key of the store; with neither key nor secret this machine's own role is used"
    )
    secret: Secret | None = Field(default=None, description="its secret; better from secret_file or secret_env")
    secret_file: FilePath | None = Field(default=None, description="file that holds the secret")
    secret_env: Text | None = Field(default=None, description="environment variable that holds the secret")
    timeout: Annotated[Seconds, Field(ge=1)] = Field(default=60.0, description="each request must end within this")
    allow_http: Flag = Field(default=False, description="allow an endpoint without TLS that is not on this host")
    same_disk: Flag = Field(default=False, description="allow a folder on the disk of the backups: only to try it out")


Fault = tuple[str, str, str]
"""Key, reason, remedy."""


def faults(table: OffsiteTable, backups_dir: Path, sessions: Iterable[str]) -> Iterator[Fault]:
    """What is wrong between the keys of the table, and with the folders around it."""
    if table.to is None:
        if table.recipients:
            yield "recipients", "are given, but nowhere to send copies to", "add offsite.to"
        return
    if not table.recipients:
        yield (
            "recipients",
            "is empty, so copies could not be sealed",
            "add the public key of `baileykeep offsite keygen`",
        )
    if table.to.startswith("s3:"):
        yield from _about_store(table)
    else:
        yield from _about_folder(table.to, backups_dir, sessions)


def _about_store(table: OffsiteTable) -> Iterator[Fault]:
    if (table.access_key_id is None) != (table.secret is None):
        missing = "access_key_id" if table.access_key_id is None else "secret"
        yield missing, "is missing beside the other half of the key", f"add offsite.{missing}, or remove both"
    parts = urlsplit(table.endpoint or "")
    if parts.scheme == "http" and not table.allow_http and not _LOOPBACK.fullmatch(parts.hostname or ""):
        yield (
            "endpoint",
            "has no TLS, so others can read and change what is sent",
            "use https, or set allow_http = true",
        )


def _about_folder(to: str, backups_dir: Path, sessions: Iterable[str]) -> Iterator[Fault]:
    from baileykeep.backups.offsite.directory import path_of

    place, backups = os.path.normpath(path_of(to)), os.path.normpath(backups_dir)
    if _inside(place, backups) or _inside(backups, place):
        yield "to", "and backups_dir lie in each other", "name a folder on another disk"
    for template in sessions:
        logins = os.path.normpath(os.path.dirname(template.partition(SLOT)[0]) or "/")
        if logins != "/" and _inside(place, logins):
            yield "to", f"lies among the logins in {logins}", "name a folder on another disk"


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
