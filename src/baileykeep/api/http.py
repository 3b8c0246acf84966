"""The HTTP side of the control service: health for machines, state for tools, a few acts behind a token.

Without a configured token only GET is answered, and only to this machine. `/healthz` and `/readyz` are open to all
who can connect; `/metrics` is open to this machine and needs the token from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import baileykeep
from baileykeep.api.base import Control
from baileykeep.api.bodies import Cleanup, ClearCorrupted, Nothing, Pause
from baileykeep.api.guard import Guard, error_body, loopback
from baileykeep.api.hooks import Hears, add_hook_routes
from baileykeep.api.pairing import add_pairing_routes
from baileykeep.model.errors import BaileykeepError, ConfigError, GatewayError, ProcessError, Refused, UsageError

log = structlog.get_logger(__name__)

Metrics = Callable[[], bytes]
Ready = Callable[[], tuple[bool, dict[str, Any]]]


def check_listen(host: str, token: str | None) -> None:
    """Raise `ConfigError` when `host` is reachable from elsewhere and no token protects it."""
    if not token and not loopback(host):
        raise ConfigError(
            f"http listens on {host or 'all addresses'} without a token",
            next_step="set http.token (or token_file), or listen on 127.0.0.1",
        )


def make_app(
    control: Control, *, token: str | None, metrics: Metrics, ready: Ready, hears: Hears | None = None
) -> FastAPI:
    """The ASGI application. `metrics` is the Prometheus text, `ready` whether the first look at everything is done."""
    app = FastAPI(title="Baileykeep", version=baileykeep.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    _add_machine_routes(app, metrics, ready)
    _add_read_routes(app, control)
    _add_action_routes(app, control)
    add_pairing_routes(app, partial(_answer, control), partial(_called, control))
    _add_gateway_routes(app, control)
    if hears is not None:
        add_hook_routes(app, hears)
    app.add_middleware(Guard, token=token)
    return app


def _add_machine_routes(app: FastAPI, metrics: Metrics, ready: Ready) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive", "version": baileykeep.__version__}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        is_ready, detail = ready()
        return JSONResponse({"ready": is_ready, **detail}, status_code=200 if is_ready else 503)

    @app.get("/metrics")
    async def prometheus() -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_read_routes(app: FastAPI, control: Control) -> None:
    @app.get("/api/companies")
    async def companies(request: Request) -> JSONResponse:
        return await _answer(control, request, "overview", {}, only=("now", "companies"))

    @app.get("/api/companies/{company}")
    async def company_detail(request: Request, company: str) -> JSONResponse:
        return await _answer(control, request, "company", {"company": company})

    @app.get("/api/incidents")
    async def incidents(request: Request) -> JSONResponse:
        return await _answer(control, request, "incidents", {})


def _add_action_routes(app: FastAPI, control: Control) -> None:
    def simple(verb: str, status: int) -> None:
        @app.post(f"/api/companies/{{company}}/{verb}")
        async def act(request: Request, company: str, body: Nothing | None = None) -> JSONResponse:
            return await _answer(control, request, verb, {"company": company}, status=status)

    simple("reconnect", 202)
    simple("backup", 202)
    simple("resume", 200)

    @app.post("/api/companies/{company}/cleanup")
    async def cleanup(request: Request, company: str, body: Cleanup | None = None) -> JSONResponse:
        return await _answer(control, request, "cleanup", _args(company, body), status=202)

    @app.post("/api/companies/{company}/pause")
    async def pause(request: Request, company: str, body: Pause | None = None) -> JSONResponse:
        return await _answer(control, request, "pause", _args(company, body or Pause()))


def _add_gateway_routes(app: FastAPI, control: Control) -> None:
    @app.post("/api/clear-corrupted-session")
    async def clear_corrupted(request: Request, body: ClearCorrupted) -> JSONResponse:
        args = {"company": str(body.organization_id)}
        return await _answer(control, request, "clear_corrupted", args, status=202)


def _args(company: str, body: Cleanup | Pause | None) -> dict[str, Any]:
    return {"company": company, **(body.model_dump(exclude_none=True) if body else {})}


async def _answer(
    control: Control,
    request: Request,
    command: str,
    args: Mapping[str, Any],
    *,
    status: int = 200,
    only: tuple[str, ...] = (),
) -> JSONResponse:
    answer = await _called(control, request, command, args)
    if isinstance(answer, JSONResponse):
        return answer
    shown = {name: answer[name] for name in only} if only else dict(answer)
    return JSONResponse(shown, status_code=status)


async def _called(
    control: Control, request: Request, command: str, args: Mapping[str, Any]
) -> Mapping[str, Any] | JSONResponse:
    """The control service's answer, or its error as the response to give."""
    operator = f"http:{request.client.host if request.client else 'unknown'}"
    try:
        return await control.call(command, args, operator)
    except BaileykeepError as error:
        return JSONResponse(error_body(error), status_code=status_of(error))
    except Exception:
        log.exception("http_command_failed", command=command)
        failed = BaileykeepError("the daemon failed at this request", next_step="see its log", code="internal")
        return JSONResponse(error_body(failed), status_code=500)


def status_of(error: BaileykeepError) -> int:
    """The HTTP status for an expected error."""
    if isinstance(error, Refused):
        return 409
    if isinstance(error, UsageError):
        return 404 if error.code.startswith("unknown_") else 400
    return 502 if isinstance(error, GatewayError | ProcessError) else 500


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for this class only)
    found = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"][1:])
    cause = f"{where}: {found['msg']}" if where else str(found["msg"])
    return JSONResponse(error_body(UsageError(cause, next_step="correct the request's body")), status_code=400)


async def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for this class only)
    shown = BaileykeepError(str(error.detail).lower(), code="not_found" if error.status_code == 404 else "usage")
    return JSONResponse(error_body(shown), status_code=error.status_code, headers=error.headers)
