"""The stand-in as a process of its own, with a second port on which somebody breaks things."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from baileykeep.api.embed import serve
from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Busy, Heals, Session
from baileykeep.demo.standin import StandIn
from baileykeep.model.errors import BaileykeepError

Query = Mapping[str, str]


def _drop(session: Session, query: Query) -> None:
    session.drop(int(query.get("code", "428")), Heals(query.get("heals", "itself")), int(query.get("below", "0")))


def _bad_mac(session: Session, query: Query) -> int:
    return session.bad_mac(query["contacts"].split(","), int(query.get("count", "5")))


KNOBS: dict[str, Callable[[Session, Query], Any]] = {
    "drop": _drop,
    "bad_mac": _bad_mac,
    "device_removed": lambda s, q: s.device_removed(),
    "replaced": lambda s, q: s.replaced(Heals(q.get("heals", "never"))),
    "cure": lambda s, q: s.cure(),
    "scan": lambda s, q: s.scan(q.get("phone")),
    "fail_scan": lambda s, q: s.fail_scan(int(q.get("code", "408"))),
    "message": lambda s, q: s.message(q["contact"]),
    "grow": lambda s, q: s.grow(int(q.get("count", "1"))),
    "write_activity": lambda s, q: s.write_activity(),
}
"""What can be done to one company: `POST /control/<knob>?company=…` with these further parameters."""

SERVER_KNOBS: dict[str, Callable[[StandIn, Query], Any]] = {
    "hang": lambda g, q: g.hang(),
    "unhang": lambda g, q: g.unhang(),
    "unauthorized": lambda g, q: g.unauthorized(int(q.get("status", "401")) or None),
    "restart": lambda g, q: g.restart(),
}
"""What can be done to the whole gateway; `refuse` and `come_back` besides."""


def control_app(gateway: StandIn) -> FastAPI:
    """`POST /control/<knob>`, `GET /control/state` and `GET /control/calls`."""
    app = FastAPI(openapi_url=None)

    @app.get("/control/state")
    async def state() -> dict[str, Any]:
        return {name: _shown(session) for name, session in gateway.sessions.items()}

    @app.get("/control/calls")
    async def calls() -> list[dict[str, Any]]:
        return [{"at": c.at, "company": c.company, "verb": c.verb} for c in gateway.calls]

    @app.post("/control/refuse")
    async def refuse() -> dict[str, Any]:
        await gateway.refuse()
        return {"done": None}

    @app.post("/control/come_back")
    async def come_back() -> dict[str, Any]:
        await gateway.come_back()
        return {"done": None}

    @app.post("/control/{knob}")
    async def turn(knob: str, request: Request) -> JSONResponse:
        try:
            return JSONResponse({"done": _turn(gateway, knob, request.query_params)})
        except (KeyError, ValueError, Busy) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return app


def _turn(gateway: StandIn, knob: str, query: Query) -> Any:
    if knob in SERVER_KNOBS:
        return SERVER_KNOBS[knob](gateway, query)
    return KNOBS[knob](gateway[query["company"]], query)


def _shown(session: Session) -> dict[str, Any]:
    return {"state": session.state, "paired": session.paired, "qr": session.qr, "folder": str(session.folder)}


async def run(args: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT; the first line on stdout is JSON and tells where everything is."""
    gateway = StandIn(Path(args.root), port=args.port, connect_s=args.connect_s)
    shape = Shape.counting(args.counted, args.reclaimable, generation=args.generation)
    for number in range(1, args.companies + 1):
        gateway.add(str(number), shape)
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with gateway, serve(control_app(gateway), port=args.control_port) as control:
            print(json.dumps(_addresses(gateway, control)), flush=True)
            async for _ in signals:
                break


def _addresses(gateway: StandIn, control: str) -> dict[str, Any]:
    return {
        "url": gateway.url,
        "control": control,
        "stdout_log": str(gateway.log.stdout),
        "stderr_log": str(gateway.log.stderr),
        "folders": {name: str(session.folder) for name, session in gateway.sessions.items()},
        "internal_secret": gateway.internal_secret,
        "api_key": gateway.api_key,
    }


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("standin", description="a gateway that behaves like one on Baileys")
    parser.add_argument("--root", required=True, help="where folders and logs are written; existing ones are kept")
    parser.add_argument("--companies", type=int, default=3)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--control-port", type=int, default=0, help="where it is told what to break")
    parser.add_argument("--generation", type=int, choices=(6, 7), default=7)
    parser.add_argument("--counted", type=int, default=60, help="counted files per company")
    parser.add_argument("--reclaimable", type=int, default=10, help="how many of them are old sessions")
    parser.add_argument("--connect-s", type=float, default=0.05, help="real seconds that a connect takes")
    return parser.parse_args(argv)


def main() -> None:
    """The process: exit 1 with the reason on stderr when it cannot listen."""
    try:
        anyio.run(run, parse())
    except BaileykeepError as error:
        raise SystemExit(str(error)) from error
