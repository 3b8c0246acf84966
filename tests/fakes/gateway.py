"""A gateway without HTTP: sessions are what a test says they are."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import anyio.lowlevel

from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem

UP = SessionStatus(ConnState.CONNECTED, paired=True)
DOWN = SessionStatus(ConnState.DISCONNECTED)


class FakeGateway:
    """`problem` fails every call, `bulk_problem` the bulk call, `problems` and `hanging` single companies."""

    def __init__(self, sessions: Mapping[str, SessionStatus], *, bulk: bool = False):
        self.name = "gw"
        self.capabilities = Capabilities(bulk_status=bulk)
        self.sessions = dict(sessions)
        self.problem: Problem | None = None
        self.bulk_problem: Problem | None = None
        self.problems: dict[str, Problem] = {}
        self.hanging: set[str] = set()
        self.released = anyio.Event()
        self.asked: list[str] = []
        self.bulk_asked = 0
        self.in_flight = 0
        self.most_in_flight = 0

    async def status(self, company: str) -> SessionStatus:
        self.asked.append(company)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if company in self.hanging:
                await self.released.wait()
            await anyio.lowlevel.checkpoint()
            self._refuse(self.problem or self.problems.get(company))
            return self.sessions.get(company, DOWN)
        finally:
            self.in_flight -= 1

    async def status_all(self) -> Mapping[str, SessionStatus]:
        self.bulk_asked += 1
        await anyio.lowlevel.checkpoint()
        self._refuse(self.problem or self.bulk_problem)
        return dict(self.sessions)

    def _refuse(self, problem: Problem | None) -> None:
        if problem is not None:
            raise GatewayError(f"gateway gw: {problem}", code=problem.value)

    async def reconnect(self, company: str) -> None:
        raise AssertionError("a watcher only looks")

    async def stop(self, company: str) -> None:
        raise AssertionError("a watcher only looks")

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        raise AssertionError("a watcher only looks")

    async def reset(self, company: str) -> None:
        raise AssertionError("a watcher only looks")

    async def qr(self, company: str) -> str | None:
        raise AssertionError("a watcher only looks")

    async def pairing_code(self, company: str, phone: str) -> str:
        raise AssertionError("a watcher only looks")

    async def clear_cache(self, company: str) -> None:
        raise AssertionError("a watcher only looks")

    async def aclose(self) -> None:
        """Nothing to close."""
