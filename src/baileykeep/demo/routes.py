"""The HTTP side of the stand-in: three gateways' dialects at once, as the field writes them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.types import Receive, Scope, Send

from baileykeep.demo.session import Busy, Session, State

PREFIXES = ("company_", "business_")
Answer = dict[str, Any]
Verb = Callable[[Session], Answer]


class Host(Protocol):
    """What the routes need of the stand-in."""

    sessions: dict[str, Session]
    internal_secret: str
    api_key: str

    def record(self, company: str, verb: str) -> None:
        """Note that this was asked of that company (`*` for all)."""

    async def gate(self) -> int | None:
        """Wait while the server hangs; an HTTP error status when it refuses everybody."""


def build_app(host: Host) -> Gate:
    """An app that answers all dialects from one set of sessions."""
    app = FastAPI(openapi_url=None)
    for router in (_ai_admin(host), _internal_secret(host), _api_key(host)):
        app.include_router(router)
    return Gate(app, host)


class Gate:
    """In front of the app: lets requests wait, or turns them all away."""

    def __init__(self, app: FastAPI, host: Host):
        self._app, self._host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = await self._host.gate()
        answer = _error(status, "unauthorized") if status else self._app
        await answer(scope, receive, send)


def find(host: Host, ident: str) -> Session | None:
    """The session of a company, also under the name its folder has (`company_7`, `business_7`)."""
    plain = next((ident.removeprefix(p) for p in PREFIXES if ident.startswith(p)), ident)
    return host.sessions.get(ident) or host.sessions.get(plain)


def _do(host: Host, ident: str, verb: str, action: Verb) -> JSONResponse:
    session = find(host, ident)
    if session is None:
        return _error(404, "session not found")
    host.record(session.company, verb)
    try:
        return JSONResponse({"success": True, **action(session)})
    except Busy as busy:
        return _error(409, str(busy))


def _error(status: int, text: str) -> JSONResponse:
    return JSONResponse({"success": False, "error": text}, status)


async def _body(request: Request) -> Answer:
    """The JSON object that was sent; an empty one when it is none."""
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _matches(request: Request, header: str, secret: str) -> bool:
    return hmac.compare_digest(request.headers.get(header, "").encode(), secret.encode())


def _reopen(session: Session) -> Answer:
    session.close()
    session.open()
    return {}


def _closed(session: Session) -> Answer:
    session.close()
    return {}


def _relinked(session: Session) -> Answer:
    session.wipe()
    session.open()
    return {}


def _initialized(session: Session) -> Answer:
    """Open what is there; while a QR is out, the same one is given again."""
    session.open(0)
    return {"qr": session.qr}


# -- ai-admin


def _ai_admin_status(session: Session) -> Answer:
    shown = session.shown
    return {"connected": shown is State.CONNECTED, "state": str(shown), "hasQR": shown is State.WAITING_QR}


def _ai_admin(host: Host) -> APIRouter:
    router = APIRouter()
    sessions = "/api/whatsapp/sessions"

    @router.get("/webhook/whatsapp/baileys/status/{ident}")
    async def webhook_status(ident: str) -> JSONResponse:
        return _do(host, ident, "status", lambda s: {"companyId": s.company, "status": _ai_admin_status(s)})

    @router.get(f"{sessions}/{{ident}}/status")
    async def status(ident: str) -> JSONResponse:
        return _do(host, ident, "status", lambda s: {"companyId": s.company, "status": _ai_admin_status(s)})

    @router.get(sessions)
    async def status_all() -> JSONResponse:
        host.record("*", "status_all")
        rows = [{"companyId": s.company, **_ai_admin_status(s)} for s in host.sessions.values()]
        return JSONResponse({"success": True, "sessions": rows})

    @router.post(f"{sessions}/{{ident}}/reconnect")
    async def reconnect(ident: str) -> JSONResponse:
        return _do(host, ident, "reconnect", _reopen)

    @router.post(f"{sessions}/{{ident}}/disconnect")
    async def disconnect(ident: str) -> JSONResponse:
        return _do(host, ident, "stop", _closed)

    @router.post(f"{sessions}/{{ident}}/initialize")
    async def initialize(ident: str) -> JSONResponse:
        return _do(host, ident, "initialize", _initialized)

    @router.post(f"{sessions}/{{ident}}/pairing-code")
    async def pairing_code(ident: str, request: Request) -> JSONResponse:
        phone = str((await _body(request)).get("phoneNumber", ""))
        if not phone.isdigit():
            return _error(400, "phoneNumber is missing")
        return _do(host, ident, "pairing_code", lambda s: {"code": s.request_code(phone)})

    @router.get("/whatsapp-connect.html")
    async def page(company: str) -> HTMLResponse:
        found = find(host, company)
        return HTMLResponse(f"<pre>{(found and found.qr) or 'no QR'}</pre>", 200 if found else 404)

    return router


# -- multi-tenant with X-Internal-Secret


def _tenant_status(session: Session) -> Answer:
    shown = session.shown
    return {
        "connected": shown is State.CONNECTED,
        "authPaired": session.paired,
        "hasSocket": shown is not State.NOT_STARTED,
        "hasQR": shown is State.WAITING_QR,
        "sessionState": str(shown),
    }


def _started(session: Session) -> Answer:
    session.open()
    return {}


def _internal_secret(host: Host) -> APIRouter:
    router = APIRouter(prefix="/whatsapp/{tenant}")

    def guarded(request: Request, tenant: str, verb: str, action: Verb) -> JSONResponse:
        if not _matches(request, "x-internal-secret", host.internal_secret):
            return _error(401, "unauthorized")
        return _do(host, tenant, verb, action)

    @router.get("/status")
    async def status(tenant: str, request: Request) -> JSONResponse:
        return guarded(request, tenant, "status", _tenant_status)

    @router.get("/qr")
    async def qr(tenant: str, request: Request) -> JSONResponse:
        return guarded(request, tenant, "qr", lambda s: {"qr": s.qr})

    @router.post("/start")
    async def start(tenant: str, request: Request) -> JSONResponse:
        force = (await _body(request)).get("forceRelink") is True
        return guarded(request, tenant, "relink" if force else "start", _relinked if force else _started)

    @router.post("/stop")
    async def stop(tenant: str, request: Request) -> JSONResponse:
        return guarded(request, tenant, "stop", _closed)

    @router.post("/reset")
    async def reset(tenant: str, request: Request) -> JSONResponse:
        return guarded(request, tenant, "reset", _relinked)

    return router


# -- x-api-key server

API_KEY_STATES = {
    State.CONNECTED: "connected",
    State.NOT_STARTED: "disconnected",
    State.WAITING_QR: "qr_required",
    State.CONNECTING: "restoring",
}


def _organization_status(session: Session) -> Answer:
    return {"organization_id": session.company, "status": API_KEY_STATES[session.shown]}


def _api_key(host: Host) -> APIRouter:
    router = APIRouter(prefix="/api")

    def guarded(request: Request, ident: str, verb: str, action: Verb) -> JSONResponse:
        if not _matches(request, "x-api-key", host.api_key):
            return _error(401, "unauthorized")
        return _do(host, ident, verb, action)

    @router.get("/sessions/{ident}/status")
    async def status(ident: str, request: Request) -> JSONResponse:
        return guarded(request, ident, "status", _organization_status)

    @router.post("/clear-corrupted-session")
    async def clear(request: Request) -> JSONResponse:
        ident = str((await _body(request)).get("organization_id", ""))
        return guarded(request, ident, "reset", _relinked)

    return router
