"""Pairing over HTTP: begin it, answer what the ladder asks, and see what a phone must scan or type.

What is to be scanned is a login: it needs the token even from this machine, and nobody on the way may keep it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from baileykeep.api.bodies import EndLogin, Relink, Reply
from baileykeep.api.guard import error_body
from baileykeep.channels.qr_image import png
from baileykeep.model.errors import GatewayError

PICTURE = "image/png"
NOT_KEPT = {"Cache-Control": "no-store"}

Ask = Callable[..., Awaitable[JSONResponse]]
"""(request, command, arguments, status=…) -> the answer or the error as every route gives it."""

Call = Callable[..., Awaitable[Mapping[str, Any] | JSONResponse]]
"""(request, command, arguments) -> the bare answer, or the error as a response."""


def add_pairing_routes(app: FastAPI, ask: Ask, call: Call) -> None:
    """All of them."""
    _add_acts(app, ask)
    _add_looks(app, ask, call)
    for verb in ("approve", "reject"):
        _add_answer(app, ask, verb)


def _add_acts(app: FastAPI, ask: Ask) -> None:
    @app.post("/api/companies/{company}/relink")
    async def relink(request: Request, company: str, body: Relink | None = None) -> JSONResponse:
        given = _given(body or Relink())
        command = "pairing_code" if given.pop("by") == "code" else "relink"
        return await ask(request, command, {"company": company, **given}, status=202)

    @app.post("/api/companies/{company}/reset")
    async def reset(request: Request, company: str, body: EndLogin | None = None) -> JSONResponse:
        return await ask(request, "reset", {"company": company, **_given(body)}, status=202)


def _add_looks(app: FastAPI, ask: Ask, call: Call) -> None:
    @app.get("/api/companies/{company}/pairing")
    async def pairing(request: Request, company: str) -> Response:
        if PICTURE in request.headers.get("accept", ""):
            return _picture(await call(request, "qr", {"company": company}))
        answer = await ask(request, "qr", {"company": company})
        answer.headers.update(NOT_KEPT)
        return answer

    @app.get("/api/actions/{action}")
    async def action_detail(request: Request, action: str) -> JSONResponse:
        return await ask(request, "action", {"action": action})


def _picture(found: Mapping[str, Any] | JSONResponse) -> Response:
    if isinstance(found, Response):
        return found
    if not found["qr"]:
        return Response(status_code=204, headers=NOT_KEPT)
    try:
        return Response(png(found["qr"]), media_type=PICTURE, headers=NOT_KEPT)
    except GatewayError as error:
        return JSONResponse(error_body(error), status_code=502, headers=NOT_KEPT)


def _add_answer(app: FastAPI, ask: Ask, verb: str) -> None:
    @app.post(f"/api/incidents/{{incident}}/{verb}")
    async def answer(request: Request, incident: str, body: Reply | None = None) -> JSONResponse:
        return await ask(request, verb, {"incident": incident, **_given(body)})


def _given(body: BaseModel | None) -> dict[str, Any]:
    return body.model_dump(exclude_none=True) if body is not None else {}
