"""Below one call: the address, the certificates, the size of an answer, and what can go wrong on the way."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from baileykeep.gateways.answers import failure
from baileykeep.gateways.dialect import PLACEHOLDER
from baileykeep.model.errors import ConfigError, GatewayError
from baileykeep.model.facts import Problem

CUT_SHORT = re.compile(r"closed|disconnected")


def checked_url(name: str, text: str) -> str:
    """The base of all paths; raises `ConfigError` for what is no address of a gateway."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigError(f"gateway {name}: url is no URL", next_step='write "http://host:port"') from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(f"gateway {name}: url must be http or https", next_step='write "http://host:port"')
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(
            f"gateway {name}: url must hold neither a password nor a query", next_step="put the secret into `key`"
        )
    return str(url).rstrip("/")


def tls_context(name: str, ca_file: str | None, base: str) -> ssl.SSLContext:
    """The system's certificates, or exactly those in `ca_file`; for a plain address none, which are slow to read."""
    unusable = ConfigError(f"gateway {name}: ca_file {ca_file} cannot be used", next_step="give a PEM file")
    if ca_file is not None and not os.path.isfile(ca_file):  # a pipe would be waited for
        raise unusable
    if ca_file is None and not base.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise unusable from error


def filled(template: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled in; those without a value stay."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def filled_tree(value: Any, values: Mapping[str, str]) -> Any:
    """The same for every text in a body."""
    if isinstance(value, str):
        return filled(value, values)
    if isinstance(value, dict):
        return {key: filled_tree(item, values) for key, item in value.items()}
    return [filled_tree(item, values) for item in value] if isinstance(value, list) else value


async def capped(response: httpx.Response, cap: int, where: str) -> bytes:
    """The whole answer; BAD_ANSWER as soon as it is larger than `cap` bytes."""
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > cap:
            raise failure(Problem.BAD_ANSWER, f"{where}: the answer is larger than {cap >> 20} MiB")
    return bytes(raw)


def translated(error: Exception, where: str) -> GatewayError:
    """Our word for what went wrong below HTTP; the library's own text could hold anything and is left out."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return failure(Problem.TIMEOUT, f"{where}: no answer in time")
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return failure(Problem.TLS, f"{where}: no secure connection", "check https, the certificate and `ca_file`")
    if isinstance(error, httpx.RemoteProtocolError) and not CUT_SHORT.search(str(error)):
        return failure(Problem.BAD_ANSWER, f"{where}: the answer is no HTTP", "check the gateway's URL")
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | OSError):
        how = "no connection" if isinstance(error, httpx.ConnectError) else "the connection was dropped"
        return failure(Problem.REFUSED, f"{where}: {how}", "is the gateway running, and is the URL right?")
    return failure(Problem.BAD_ANSWER, f"{where}: the call could not be made ({type(error).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
