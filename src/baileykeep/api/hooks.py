"""Where gateways send their webhooks. Each must carry its gateway's token; the daemon's own token is for people.

Gateways repeat what is not answered with success, so whatever is genuine but no news is thanked for and dropped.
"""

from __future__ import annotations

from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from baileykeep.api.guard import error_body
from baileykeep.gateways.hearing import LARGEST, Taken
from baileykeep.model.errors import BaileykeepError

TOO_LARGE = "it is too large to be news of a connection"
STATUS = {Taken.FORGED: 401, Taken.TORN: 400}


class Hears(Protocol):
    """Who listens to gateways."""

    def take(self, gateway: str, company: str | None, raw: bytes) -> Taken:
        """Hear one webhook of a gateway, about the company that its address names."""


def add_hook_routes(app: FastAPI, hears: Hears) -> None:
    """`/hooks/GATEWAY/COMPANY`, and `/hooks/GATEWAY` for gateways that name the session in what they send."""

    @app.post("/hooks/{gateway}/{company}")
    async def of_company(request: Request, gateway: str, company: str) -> JSONResponse:
        return await _heard(request, hears, gateway, company)

    @app.post("/hooks/{gateway}")
    async def of_gateway(request: Request, gateway: str) -> JSONResponse:
        return await _heard(request, hears, gateway, None)


async def _heard(request: Request, hears: Hears, gateway: str, company: str | None) -> JSONResponse:
    raw = await _body(request)
    if raw is None:
        return JSONResponse({"taken": False, "why": TOO_LARGE}, status_code=202)
    taken = hears.take(gateway, company, raw)
    if taken in STATUS:
        refused = BaileykeepError(f"not heard: {taken.value}", next_step="see docs/gateways", code="webhook")
        return JSONResponse(error_body(refused), status_code=STATUS[taken])
    why = {} if taken is Taken.TAKEN else {"why": taken.value}
    return JSONResponse({"taken": taken is Taken.TAKEN, **why}, status_code=202)


async def _body(request: Request) -> bytes | None:
    """What was sent; None as soon as it is too much."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and len(length) < 20 and int(length) > LARGEST:
        return None
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST:
            return None
    return bytes(raw)
