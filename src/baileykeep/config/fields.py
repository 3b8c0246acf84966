"""The kinds of values a configuration key can have, each with the word the reference uses for it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, SecretStr

from baileykeep.config.units import parse_duration
from baileykeep.rules.tongues import TONGUES

COMPANY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a company may be called: safe as a folder name, in a URL and in a label."""

LONGEST_S = 100 * 366 * 86_400.0
"""No duration is longer than a century: times computed from it must stay times."""

SLOT = "{company}"
"""The place for the company's id in templates."""


_HOST = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}")


class Table(BaseModel):
    """A table of the configuration: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the reference calls this kind of value; carried in the field's annotation."""

    name: str


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic only turns ValueError into a finding
    return value


def listed(value: object) -> object:
    """A list for what was written as one text, so that one value, and a list in a variable, are both understood."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return tomllib.loads(f"value = {value}")["value"]
        except (ValueError, RecursionError) as error:
            raise ValueError("must be a list such as [1, 2]") from error
    return [value]


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _names_a_place(parts):
        raise ValueError('must be an address such as "http://127.0.0.1:3000"')
    if parts.username or parts.password:
        raise ValueError("must not carry a password; use the secret keys")
    return text.rstrip("/")


def _names_a_place(parts: SplitResult) -> bool:
    """A host and a port that a connection can be made to; urlsplit takes nearly anything for them."""
    try:
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return port_ok and bool(_HOST.fullmatch(parts.hostname or "")) and parts.geturl().isprintable()


def _secret_url(secret: SecretStr) -> SecretStr:
    parts = urlsplit(secret.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname or not _names_a_place(parts):
        raise ValueError('must be an address such as "https://hc-ping.com/…"')
    return secret


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or int(port) > 65_535:
        raise ValueError('must be host and port such as "127.0.0.1:8420"')
    return text


def _path(path: Path) -> Path:
    _legible(str(path))
    try:
        path.expanduser()
    except RuntimeError as error:
        raise ValueError("begins with the home of a user who is not known here") from error
    return path


def _legible(text: str) -> str:
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("must not hold control characters")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f'is "{name}", which this machine does not know as a time zone') from error
    return name


def _language(code: str) -> str:
    if code not in TONGUES:
        raise ValueError(f'is "{code}", but there are only {", ".join(TONGUES)}')
    return code


def _phone(value: object) -> str:
    digits = re.sub(r"[\s()/.-]", "", str(value)).removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise ValueError("must be 7 to 15 digits with the country code")
    return digits


def _sessions(template: str) -> str:
    if template.count(SLOT) != 1:
        raise ValueError(f"must name {SLOT} exactly once")
    if not template.startswith("/"):
        raise ValueError("must be an absolute path")
    return _legible(template).rstrip("/")


def _company_template(template: str) -> str:
    if template.count(SLOT) != 1:
        raise ValueError(f"must name {SLOT} exactly once")
    return template


def _log_path(template: str) -> str:
    if template.count(SLOT) > 1 or not template.startswith("/"):
        raise ValueError(f"must be an absolute path, with {SLOT} at most once")
    return _legible(template)


def _company_regex(pattern: str) -> str:
    try:
        names = re.compile(pattern).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    if "company" not in names:
        raise ValueError('must have a group called "company", such as "(?P<company>[0-9]+)"')
    return pattern


Whole = Annotated[int, BeforeValidator(_no_bool), Kind("whole number")]
Number = Annotated[FiniteFloat, BeforeValidator(_no_bool), Kind("number")]
Seconds = Annotated[FiniteFloat, BeforeValidator(parse_duration), Field(le=LONGEST_S), Kind("duration")]
Flag = Annotated[bool, Kind("true or false")]
Text = Annotated[str, Kind("text")]
Secret = Annotated[SecretStr, Kind("secret text")]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url), Kind("secret address")]
FilePath = Annotated[Path, AfterValidator(_path), Kind("path")]
Url = Annotated[str, AfterValidator(_url), Kind("address")]
Address = Annotated[str, AfterValidator(_address), Kind("host:port")]
Zone = Annotated[str, AfterValidator(_zone), Kind("IANA time zone")]
Phone = Annotated[str, BeforeValidator(_phone), Kind("phone number, digits")]
Language = Annotated[str, AfterValidator(_language), Kind("two-letter language")]
SessionsTemplate = Annotated[str, AfterValidator(_sessions), Kind("path template")]
CompanyTemplate = Annotated[str, AfterValidator(_company_template), Kind("template")]
LogPath = Annotated[str, AfterValidator(_log_path), Kind("path, may hold {company}")]
CompanyRegex = Annotated[str, AfterValidator(_company_regex), Kind("regular expression")]
Templates = Annotated[tuple[SessionsTemplate, ...], BeforeValidator(listed), Kind("path template, or a list")]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(listed), Field(min_length=1), Kind("list of host:port")]
Ids = Annotated[tuple[Whole, ...], BeforeValidator(listed), Kind("list of numeric ids")]


def kind_of(annotation: Any, metadata: list[Any]) -> str | None:
    """The name of the first `Kind` in a field's metadata, or anywhere in its annotation."""
    for item in metadata:
        if isinstance(item, Kind):
            return item.name
    for argument in getattr(annotation, "__metadata__", ()):
        if isinstance(argument, Kind):
            return argument.name
    for argument in getattr(annotation, "__args__", ()):
        found = kind_of(argument, [])
        if found:
            return found
    return None
