"""A gateway behind HTTP, speaking one dialect.

Every call has a timeout, a cap on the size of its answer, and a clear error; only calls that may be sent twice are
sent again. Keys, QR texts and pairing codes never show in an error or a `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import anyio
import httpx

from baileykeep.clock import Clock, SystemClock
from baileykeep.gateways.answers import (
    Reader,
    ReportedFailureError,
    UnknownSessionError,
    failure,
    parse,
    qr_text,
    search,
    secret_text,
)
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.gateways.dialect import Ask, Call, Dialect, Start
from baileykeep.gateways.hearing import Ear
from baileykeep.gateways.keys import auth_header, check_key, unsendable
from baileykeep.gateways.transport import capped, checked_url, filled, filled_tree, tls_context, translated
from baileykeep.model.errors import GatewayError, UsageError
from baileykeep.model.facts import ConnState, Problem
from baileykeep.model.webhook import WebhookSetting

CONNECTIONS = 8
KEEPALIVE_S = 4.0
"""Below the five seconds after which Node closes an idle connection, so that no call is sent into a closing one."""
BACKOFF_S = (0.1, 0.4)
ANSWER_BYTES = 1 << 20
BULK_BYTES = 8 << 20
WORTH_REPEATING = frozenset({Problem.REFUSED, Problem.SERVER_ERROR})


@dataclass(frozen=True, slots=True)
class GatewaySpec:
    """One gateway of the installation. `id_template` replaces the dialect's.

    `key` is secret, and so are `keys`: by company, where the gateway gives each session one of its own.
    """

    name: str
    url: str
    key: str | None = field(default=None, repr=False)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None
    id_template: str | None = None
    connect_timeout_s: float = 5
    read_timeout_s: float = 10
    pairing_code_timeout_s: float = 20


class HttpGateway:
    """Implements `gateways.base.Gateway` and `TellsWebhook`; one client with few connections, kept alive.

    The constructor raises `ConfigError` for a URL, key or CA file that cannot work. `clock` is only waited on between
    two attempts of one call; timeouts are real time.
    """

    capabilities: Capabilities

    def __init__(self, spec: GatewaySpec, dialect: Dialect, clock: Clock | None = None, ear: Ear | None = None):
        check_key(spec.name, dialect, spec.key)
        self.name = spec.name
        self.capabilities = dialect.capabilities
        self._spec = spec
        self._dialect = dialect
        self._clock = clock or SystemClock()
        self._reader = Reader(dialect, spec.key, *spec.keys.values())
        self._base = checked_url(spec.name, spec.url)
        self._template = spec.id_template or dialect.id
        self._ear = ear
        self.can_tell_life = dialect.alive is not None
        self._held: dict[str, tuple[float, str | None]] = {}
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            limits=httpx.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_S
            ),
            verify=tls_context(spec.name, spec.ca_file, self._base),
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"HttpGateway({self.name!r}, {self._dialect.name!r})"

    async def status(self, company: str) -> SessionStatus:
        """See `Gateway.status`. A 404 of a router is a wrong address, not an unknown session: NOT_FOUND."""
        call = self._dialect.status
        if call is None:
            raise self._not_supported("status")
        try:
            data = await self._json(call, company)
        except UnknownSessionError:
            return SessionStatus(ConnState.DISCONNECTED)
        return self._reader.status(data, self._where(call))

    async def alive(self) -> None:
        """Return when the gateway answers and takes the key, whatever it says."""
        call = self._dialect.alive
        if call is None:
            raise self._not_supported("status")
        await self._repeated(call, self._request(call, {}, {}, None), ANSWER_BYTES)

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
        """See `Gateway.stop`. What the gateway proves not to know is stopped; nothing else that it refuses is."""
        self._held.pop(company, None)
        try:
            await self._do("stop", company)
        except UnknownSessionError as error:
            if not error.proved:
                raise

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        """See `Gateway.start`."""
        self._held.pop(company, None)
        call = self._dialect.calls.force_relink if force_relink else self._dialect.calls.start
        data = await self._do("force_relink" if force_relink else "start", company)
        if call is not None and call.qr is not None:
            self._hold(company, self._qr_of_start(call, data))

    def _qr_of_start(self, call: Start, data: Any) -> str | None:
        """The session is started whatever its answer holds; what is no QR is asked for by the call for it."""
        where = self._where(call)
        try:
            return qr_text(search(call.qr, data, where), where)
        except GatewayError:
            return None

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
        text = qr_text(await self._ask(ask, company), self._where(ask))
        self._hold(company, text)
        return text

    async def webhook_settings(self, company: str) -> tuple[WebhookSetting, ...] | None:
        """See `TellsWebhook.webhook_settings`."""
        call = self._dialect.calls.webhook
        if call is None:
            return None
        where = self._where(call)
        return self._reader.webhook(search(call.settings, await self._json(call, company), where), where)

    async def pairing_code(self, company: str, phone: str) -> str:
        """See `Gateway.pairing_code`."""
        ask = self._dialect.calls.pairing_code
        if ask is None:
            raise self._not_supported("pairing_code")
        if not re.fullmatch(r"[0-9]{7,15}", phone):
            raise UsageError("the phone for a pairing code must be 7 to 15 digits", next_step="give it as 4915…")
        where = self._where(ask)
        code = secret_text(await self._ask(ask, company, phone, self._spec.pairing_code_timeout_s), where)
        if code is None:
            raise failure(Problem.BAD_ANSWER, f"{where}: the answer holds no pairing code")
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
        except ReportedFailureError:
            if call.otherwise is None:
                raise
        return await self._json(call.otherwise, company, empty_ok=True)

    async def _ask(self, ask: Ask, company: str, phone: str = "", timeout_s: float | None = None) -> Any:
        if ask.first is not None:
            await self._json(ask.first, company, empty_ok=True)
        data = await self._json(ask, company, phone, timeout_s=timeout_s)
        return search(ask.answer, data, self._where(ask))

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
        values = {} if company is None else self._values(company, phone)
        carried = await self._carried(call, company) if company is not None and call.carry else {}
        request = self._request(call, values, carried, timeout_s)
        raw, kind = await self._repeated(call, request, cap)
        where = self._where(call)
        if empty_ok and (not raw.strip() or kind.startswith("text/plain")):
            return None
        data = parse(raw, where)
        self._reader.refuse_failures(data, call.failed, where)
        self._reader.refuse_others(data, call.about, values.get("id", ""), where)
        return data

    async def _carried(self, call: Call, company: str) -> dict[str, Any]:
        """What the call would replace and must hand back as it is; without it nothing is sent."""
        webhook = self._dialect.calls.webhook
        assert webhook is not None  # noqa: S101  # the dialect was checked
        where, found = self._where(webhook), {}
        data = await self._json(webhook, company)
        for name, expression in call.carry.items():
            found[name] = search(expression, data, where)
            if found[name] is None:
                raise failure(Problem.BAD_ANSWER, f"{where}: it does not tell what {call.path} would replace")
        return found

    def _request(
        self, call: Call, values: Mapping[str, str], carried: Mapping[str, Any], timeout_s: float | None
    ) -> httpx.Request:
        url = self._base + filled(call.path, {k: quote(v, safe="") for k, v in values.items()})
        headers = {
            **auth_header(self._dialect.auth, self._key(call, values.get("company", ""))),
            **{name: _sendable(filled(text, values)) for name, text in call.headers.items()},
        }
        timeout = httpx.Timeout(
            call.timeout_s or timeout_s or self._spec.read_timeout_s, connect=self._spec.connect_timeout_s
        )
        body = None if call.body is None and not carried else {**filled_tree(call.body or {}, values), **carried}
        return self._client.build_request(call.method, url, json=body, headers=headers, timeout=timeout)

    def _key(self, call: Call, company: str) -> str | None:
        """The company's own key, else the gateway's; never that of all where each session has one of its own.

        What is wrong with one company's key is no trouble of the others.
        """
        own, auth = self._spec.keys.get(company), self._dialect.auth
        problem = unsendable(self._dialect, own) if own else ""
        if own is None and auth is not None and auth.per_company:
            problem = "there is none"
        if problem:
            where = f"{self._where(call)}: this company's own key: {problem}"
            raise failure(Problem.UNAUTHORIZED, where, "set `secret_file` in the company's file")
        return own or self._spec.key

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
                    raw = await capped(response, cap, where)
                finally:
                    with anyio.CancelScope(shield=True):
                        await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise translated(error, where) from error
        self._reader.refuse_status(response.status_code, raw, where)
        return raw, response.headers.get("content-type", "")

    def _where(self, call: Call) -> str:
        """The call as people may see it: neither the key nor the company's id is in it."""
        return f"gateway {self.name}: {call.method} {call.path.partition('?')[0]}"

    def _not_supported(self, capability: str) -> GatewayError:
        words = self._dialect.why_not(capability)
        return failure(Problem.NOT_SUPPORTED, f"gateway {self.name}: cannot {capability}: {words}", permanent=True)


def _sendable(text: str) -> str:
    """A header's value; what no header can carry is written as in a URL."""
    return text if text.isascii() else quote(text, safe=" /:;,@=+")
