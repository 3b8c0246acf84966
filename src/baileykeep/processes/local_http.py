"""Asking a manager that answers over HTTP, mostly on a unix socket: one deadline for all of it, and bounded output."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx

from baileykeep.model.errors import ProcessError

ANSWER_BYTES = 4 << 20
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a manager called `who` listens: on `socket`, else at the address `url`. `remedy` is for a shut door."""

    who: str
    url: str
    remedy: str
    socket: Path | None = None
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The place in an error."""
        return str(self.socket or self.url)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` may hold secrets and never shows."""

    code: int
    body: bytes = field(repr=False)


async def ask(
    door: Door, method: str, path: str, *, timeout_s: float, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """One answer in full. Raises `ProcessError` where nobody answers, not in time, or without end.

    The deadline is for the whole answer: one that comes byte by byte is late, too.
    """
    try:
        with anyio.fail_after(timeout_s):
            return await _asked(door, method, path, body, headers or {})
    except TimeoutError as error:
        raise ProcessError(f"{door.who} did not answer within {timeout_s:g} s", next_step="does it hang?") from error
    except httpx.ConnectError as error:
        raise _shut(door, error) from error
    except httpx.TimeoutException as error:
        raise ProcessError(f"{door.who} at {door.place} took no connection") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProcessError(f"{door.who} broke off its answer ({type(error).__name__})") from error


async def _asked(door: Door, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    uds = str(door.socket) if door.socket is not None else None
    transport = httpx.AsyncHTTPTransport(uds=uds, verify=_tls(door.url), trust_env=False)
    sent = {"Accept-Encoding": "identity", "Connection": "close", **headers}
    async with (
        httpx.AsyncClient(transport=transport, base_url=door.url, timeout=timeout, trust_env=False) as client,
        client.stream(method, path, content=body, headers=sent, auth=door.login) as answer,
    ):
        read = bytearray()
        async for chunk in answer.aiter_raw():
            read += chunk
            if len(read) > ANSWER_BYTES:
                raise ProcessError(f"{door.who} wrote more than {ANSWER_BYTES >> 20} MiB")
        return Answer(answer.status_code, bytes(read))


def _tls(url: str) -> ssl.SSLContext:
    """Reading all certificates of the system takes longer than the answer, so only where there is TLS."""
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _shut(door: Door, error: BaseException) -> ProcessError:
    reason = _os_error(error)
    if isinstance(reason, PermissionError):
        return ProcessError(f"{door.who}: this user may not use {door.place}", next_step=door.remedy)
    if isinstance(reason, FileNotFoundError):
        return ProcessError(f"{door.who}: there is no {door.place}", next_step="does it run, and is this its socket?")
    return ProcessError(f"{door.who}: nobody listens at {door.place}", next_step="does it run?")


def _os_error(error: BaseException | None) -> OSError | None:
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def words_of(raw: object, most: int = 200) -> str:
    """What a manager said, as one short printable line."""
    return "".join(c if c.isprintable() else " " for c in str(raw)).strip()[:most]
