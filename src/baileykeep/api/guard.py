"""Who may ask what over HTTP. One place in front of all routes, so that a new route is closed by default."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from baileykeep.model.errors import BaileykeepError

MAX_BODY_BYTES = 64 * 1024
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
LOCAL_PATHS = frozenset({"/metrics"})
SECRETS = "/pairing"
"""What ends so tells a login to whoever reads it: never without the token."""

HOOKS = "/hooks/"
READS = frozenset({"GET", "HEAD"})


def loopback(host: str) -> bool:
    """Whether an address or `localhost` can only mean this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def error_body(error: BaileykeepError) -> dict[str, str]:
    """An error as every route tells it."""
    return {"code": error.code, "cause": error.cause, "next_step": error.next_step}


class Guard:
    """ASGI middleware. With a token: bearer or x-api-key. Without one: GET from this machine only, and no secrets."""

    def __init__(self, app: ASGIApp, token: str | None):
        self._app = app
        self._token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if _is_hook(scope):
            return None
        if _too_long(headers):
            return _refuse(413, "too_large", f"a request has at most {MAX_BODY_BYTES} bytes", "send less")
        if scope["path"] in OPEN_PATHS:
            return None
        local = loopback((scope.get("client") or ("", 0))[0])
        if self._token is None:
            return self._without_token(scope, local and _names_this_machine(headers))
        if (scope["path"] in LOCAL_PATHS and local) or self._token_given(headers):
            return None
        return _refuse(
            401,
            "unauthorized",
            "this needs the configured token",
            "send it as `Authorization: Bearer …` or `x-api-key: …`",
            {"WWW-Authenticate": "Bearer"},
        )

    def _without_token(self, scope: Scope, local: bool) -> JSONResponse | None:
        if not local:
            return _refuse(403, "not_local", "without a token only this machine is answered", "set http.token")
        if scope["path"].rstrip("/").endswith(SECRETS):
            return _refuse(403, "secret", "what a phone scans is not shown without a token", "set http.token")
        if scope.get("method", "GET") not in READS:
            return _refuse(403, "read_only", "without a token nothing can be changed over HTTP", "set http.token")
        return None

    def _token_given(self, headers: Headers) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        offered = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Compared even when nothing was offered, so that timing tells nothing.
        return hmac.compare_digest(offered.encode("latin-1"), self._token or b"") and bool(self._token)


def _is_hook(scope: Scope) -> bool:
    """What gateways send carries a token of its own, and is measured where it is read."""
    return scope.get("method") == "POST" and str(scope["path"]).startswith(HOOKS)


def _names_this_machine(headers: Headers) -> bool:
    """Against pages in a browser that make some foreign name resolve to 127.0.0.1."""
    host = headers.get("host", "")
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return loopback(name)


def _too_long(headers: Headers) -> bool:
    """Encoded bodies have no length; nobody needs them here."""
    length = headers.get("content-length", "0")
    whole = length.isascii() and length.isdigit() and len(length) < 20
    return "transfer-encoding" in headers or not whole or int(length) > MAX_BODY_BYTES


def _refuse(
    status: int, code: str, cause: str, next_step: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    body = error_body(BaileykeepError(cause, next_step=next_step, code=code))
    return JSONResponse(body, status_code=status, headers=headers)
