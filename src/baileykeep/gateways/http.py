"""A gateway behind HTTP, speaking one dialect.

Every call has a timeout, a cap on the size of its answer, and a clear error; only calls that may be sent twice are
sent again. Keys, QR texts and pairing codes never show in an error or a `repr`.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import anyio
import httpx

from baileykeep.clock import Clock, SystemClock
from baileykeep.gateways.answers import Reader, failure, parse, search, secret_text
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.gateways.dialect import PLACEHOLDER, Ask, Call, Dialect
from baileykeep.gateways.hearing import Ear
from baileykeep.model.errors import ConfigError, GatewayError, UsageError
from baileykeep.model.facts import ConnState, Problem

CONNECTIONS = 8
KEEPALIVE_S = 4.0
"""Below the five seconds after which Node closes an idle connection, so that no call is sent into a closing one."""
BACKOFF_S = (0.1, 0.4)
ANSWER_BYTES = 1 << 20
BULK_BYTES = 8 << 20
CUT_SHORT = re.compile(r"closed|disconnected")
WORTH_REPEATING = frozenset({Problem.REFUSED, Problem.SERVER_ERROR})


@dataclass(frozen=True, slots=True)
class GatewaySpec:
    """One gateway of the installation. `key` is secret; `id_template` replaces the dialect's."""

    name: str
    url: str
    key: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    id_template: str | None = None
    connect_timeout_s: float = 5
    read_timeout_s: float = 10
    pairing_code_timeout_s: float = 20


class HttpGateway:
    """Implements `gateways.base.Gateway`; one client with few connections, kept alive.

    The constructor raises `ConfigError` for a URL, key or CA file that cannot work. `clock` is only waited on between
    two attempts of one call; timeouts are real time.
    """

    capabilities: Capabilities

    def __init__(self, spec: GatewaySpec, dialect: Dialect, clock: Clock | None = None, ear: Ear | None = None):
        self.name = spec.name
        self.capabilities = dialect.capabilities
        self._spec = spec
        self._dialect = dialect
        self._clock = clock or SystemClock()
        self._reader = Reader(dialect, spec.key)
        self._base = _checked_url(spec)
        self._template = spec.id_template or dialect.id
        self._ear = ear
        self.can_tell_life = dialect.alive is not None
        self._held: dict[str, tuple[float, str | None]] = {}
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **_auth_header(spec, dialect)},
            limits=httpx.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_S
            ),
            verify=_tls_context(spec),
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"HttpGateway({self.name!r}, {self._dialect.name!r})"

    async def status(self, company: str) -> SessionStatus:
        """See `Gateway.status`. A 404 that is no JSON is a wrong address, not an unknown session: NOT_FOUND."""
        call = self._dialect.status
        if call is None:
            raise self._not_supported("status")
        try:
            data = await self._json(call, company)
        except _UnknownSessionError:
            return SessionStatus(ConnState.DISCONNECTED)
        return self._reader.status(data, self._where(call))

    async def alive(self) -> None:
        """Return when the gateway answers and takes the key, whatever it says."""
        call = self._dialect.alive
        if call is None:
            raise self._not_supported("status")
        await self._repeated(call, self._request(call, None, "", None), ANSWER_BYTES)

    async def status_all(self) -> Mapping[str, SessionStatus]:
        """See `Gateway.status_all`; a session whose state word is unknown comes as UNKNOWN."""
        bulk = self._dialect.bulk
        if bulk is None:
            raise self._not_supported("bulk_status")
        data = await self._json(bulk, None, cap=BULK_BYTES)
        return self._reader.bulk(data, bulk.id or self._template, self._where(bulk))

    async def reconnect(self, company: str) -> None:
        """See `Gateway.reconnect`."""
        await self._do("reconnect", company)

    async def stop(self, company: str) -> None:
        """See `Gateway.stop`."""
        self._held.pop(company, None)
        await self._do("stop", company)

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        """See `Gateway.start`."""
        self._held.pop(company, None)
        call = self._dialect.calls.force_relink if force_relink else self._dialect.calls.start
        data = await self._do("force_relink" if force_relink else "start", company)
        if call is not None and call.qr is not None:
            where = self._where(call)
            self._hold(company, secret_text(search(call.qr, data, where), where))

    async def reset(self, company: str) -> None:
        """See `Gateway.reset`."""
        self._held.pop(company, None)
        await self._do("reset", company)

    async def clear_cache(self, company: str) -> None:
        """See `Gateway.clear_cache`."""
        await self._do("clear_cache", company)

    async def qr(self, company: str) -> str | None:
        """See `Gateway.qr`. Where asking is not free (`hold_s`), the last answer is handed out again for a while."""
        ask = self._dialect.calls.qr
        if ask is None and self.capabilities.qr:
            return self._ear.qr(company) if self._ear is not None else None
        if ask is None:
            raise self._not_supported("qr")
        asked_at, text = self._held.get(company, (float("-inf"), None))
        if text is not None and self._clock.monotonic() - asked_at < ask.hold_s:
            return text
        text = await self._ask(ask, company)
        self._hold(company, text)
        return text

    async def pairing_code(self, company: str, phone: str) -> str:
        """See `Gateway.pairing_code`."""
        ask = self._dialect.calls.pairing_code
        if ask is None:
            raise self._not_supported("pairing_code")
        if not re.fullmatch(r"[0-9]{7,15}", phone):
            raise UsageError("the phone for a pairing code must be 7 to 15 digits", next_step="give it as 4915…")
        code = await self._ask(ask, company, phone, self._spec.pairing_code_timeout_s)
        if code is None:
            raise failure(Problem.BAD_ANSWER, f"{self._where(ask)}: the answer holds no pairing code")
        return code

    async def aclose(self) -> None:
        """See `Gateway.aclose`."""
        await self._client.aclose()

    def _hold(self, company: str, text: str | None) -> None:
        self._held[company] = (self._clock.monotonic(), text)

    async def _do(self, capability: str, company: str) -> Any:
        call = self._dialect.call(capability)
        if call is None:
            raise self._not_supported(capability)
        try:
            return await self._json(call, company, empty_ok=True)
        except _UnknownSessionError as error:
            raise failure(Problem.NOT_FOUND, f"{self._where(call)}: the gateway does not know this session") from error

    async def _ask(self, ask: Ask, company: str, phone: str = "", timeout_s: float | None = None) -> str | None:
        where = self._where(ask)
        try:
            data = await self._json(ask, company, phone, timeout_s=timeout_s)
        except _UnknownSessionError as error:
            raise failure(Problem.NOT_FOUND, f"{where}: the gateway does not know this session") from error
        return secret_text(search(ask.answer, data, where), where)

    async def _json(
        self,
        call: Call,
        company: str | None,
        phone: str = "",
        *,
        cap: int = ANSWER_BYTES,
        empty_ok: bool = False,
        timeout_s: float | None = None,
    ) -> Any:
        """The checked answer of a call. `empty_ok`: nothing or plain words are an answer, too."""
        request = self._request(call, company, phone, timeout_s)
        raw, kind = await self._repeated(call, request, cap)
        where = self._where(call)
        if empty_ok and (not raw.strip() or kind.startswith("text/plain")):
            return None
        data = parse(raw, where)
        self._reader.refuse_failures(data, call.failed, where)
        return data

    def _request(self, call: Call, company: str | None, phone: str, timeout_s: float | None) -> httpx.Request:
        values = {} if company is None else self._values(company, phone)
        url = self._base + _filled(call.path, {k: quote(v, safe="") for k, v in values.items()})
        headers = {name: _filled(text, values) for name, text in call.headers.items()}
        timeout = httpx.Timeout(
            call.timeout_s or timeout_s or self._spec.read_timeout_s, connect=self._spec.connect_timeout_s
        )
        body = None if call.body is None else _filled_tree(call.body, values)
        return self._client.build_request(call.method, url, json=body, headers=headers, timeout=timeout)

    def _values(self, company: str, phone: str) -> dict[str, str]:
        ident = self._template.replace("{company}", company)
        if not company.isprintable() or company.strip() != company or ident in ("", ".", ".."):
            raise failure(Problem.NOT_FOUND, "a company's id must be plain text and no path", permanent=True)
        return {"company": company, "id": ident, "phone": phone}

    async def _repeated(self, call: Call, request: httpx.Request, cap: int) -> tuple[bytes, str]:
        for pause_s in BACKOFF_S if call.repeatable else ():
            try:
                return await self._once(call, request, cap)
            except GatewayError as error:
                if error.code not in WORTH_REPEATING:
                    raise
            await self._clock.sleep(pause_s)
        return await self._once(call, request, cap)

    async def _once(self, call: Call, request: httpx.Request, cap: int) -> tuple[bytes, str]:
        """One attempt. The deadline covers the whole of it, so an answer that drips does not hold us for ever."""
        where = self._where(call)
        timeout = request.extensions["timeout"]
        try:
            with anyio.fail_after(timeout["connect"] + timeout["read"]):
                response = await self._client.send(request, stream=True)
                try:
                    raw = await _capped(response, cap, where)
                finally:
                    with anyio.CancelScope(shield=True):
                        await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _translated(error, where) from error
        _check_status(response, raw, where, self._reader)
        return raw, response.headers.get("content-type", "")

    def _where(self, call: Call) -> str:
        """The call as people may see it: neither the key nor the company's id is in it."""
        return f"gateway {self.name}: {call.method} {call.path.partition('?')[0]}"

    def _not_supported(self, capability: str) -> GatewayError:
        words = self._dialect.why_not(capability)
        return failure(Problem.NOT_SUPPORTED, f"gateway {self.name}: cannot {capability}: {words}", permanent=True)


class _UnknownSessionError(GatewayError):
    """A 404 with a JSON body: the endpoint is there, the session is not."""

    code = Problem.NOT_FOUND.value


def _checked_url(spec: GatewaySpec) -> str:
    try:
        url = httpx.URL(spec.url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"gateway {spec.name}: url is no URL", next_step='write "http://host:port"') from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(f"gateway {spec.name}: url must be http or https", next_step='write "http://host:port"')
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(
            f"gateway {spec.name}: url must hold neither a password nor a query", next_step="put the secret into `key`"
        )
    return str(url).rstrip("/")


def _auth_header(spec: GatewaySpec, dialect: Dialect) -> dict[str, str]:
    if dialect.auth is None:
        return {}
    if not spec.key:
        if dialect.auth.required:
            raise ConfigError(
                f"gateway {spec.name}: the dialect {dialect.name} needs a key for its header {dialect.auth.header}",
                next_step="set `key` or `key_file`",
            )
        return {}
    if not spec.key.isascii() or not spec.key.isprintable():
        raise ConfigError(f"gateway {spec.name}: the key holds characters that no header can carry")
    return {dialect.auth.header: dialect.auth.value.replace("{key}", spec.key)}


def _tls_context(spec: GatewaySpec) -> ssl.SSLContext:
    unusable = ConfigError(f"gateway {spec.name}: ca_file {spec.ca_file} cannot be used", next_step="give a PEM file")
    if spec.ca_file is not None and not os.path.isfile(spec.ca_file):  # a pipe would be waited for
        raise unusable
    try:
        return ssl.create_default_context(cafile=spec.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise unusable from error


def _filled(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def _filled_tree(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _filled(value, values)
    if isinstance(value, dict):
        return {key: _filled_tree(item, values) for key, item in value.items()}
    return [_filled_tree(item, values) for item in value] if isinstance(value, list) else value


async def _capped(response: httpx.Response, cap: int, where: str) -> bytes:
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > cap:
            raise failure(Problem.BAD_ANSWER, f"{where}: the answer is larger than {cap >> 20} MiB")
    return bytes(raw)


def _check_status(response: httpx.Response, raw: bytes, where: str, reader: Reader) -> None:
    code = response.status_code
    if 200 <= code < 300:
        return
    if code in (401, 403):
        raise failure(Problem.UNAUTHORIZED, f"{where}: {code}, the gateway refuses the key", "check the gateway's key")
    if code == 404:
        if raw.lstrip()[:1] == b"{":
            raise _UnknownSessionError(f"{where}: 404")
        raise failure(Problem.NOT_FOUND, f"{where}: 404, nothing is there", "check the gateway's URL and its dialect")
    words = reader.words(raw)
    problem = Problem.SERVER_ERROR if code >= 500 else Problem.BAD_ANSWER
    raise failure(problem, f"{where}: {code}{words and ': ' + words}")


def _translated(error: Exception, where: str) -> GatewayError:
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
