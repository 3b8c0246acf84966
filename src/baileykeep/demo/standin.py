"""A gateway that behaves like one on Baileys, without Node: real folders, a real growing log, real HTTP."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from starlette.types import ASGIApp

from baileykeep.api.embed import serve
from baileykeep.demo.folders import Shape, make_folder
from baileykeep.demo.logs import GatewayLog
from baileykeep.demo.routes import build_app
from baileykeep.demo.session import Session, World

SETTLED_POOL = {6: 25, 7: 807}
LOOKING = frozenset({"status", "status_all", "qr"})
FRESH = Shape()
LAYOUT = "baileys_sessions/company_{company}"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that reached a session: `at` on the stand-in's clock, company `*` for all of them.

    Verbs: status status_all qr · reconnect stop start initialize relink reset pairing_code.
    """

    at: float
    company: str
    verb: str


class StandIn:
    """One gateway process with a session per company, serving on 127.0.0.1 while its context is open.

    Folders lie under `root` as `layout` says, both logs in `root/logs`. File times and log times come from
    `clock`; its own delays (`connect_s`) are real. It speaks all three dialects at once.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], float] = time.time,
        seed: int = 1,
        connect_s: float = 0.05,
        layout: str = LAYOUT,
        company_field: str | None = "companyId",
        port: int = 0,
    ):
        self.root, self.layout = root, layout
        self.internal_secret, self.api_key = "stand-in-secret", "stand-in-key"
        self.sessions: dict[str, Session] = {}
        self.calls: list[Call] = []
        self.refuses_with: int | None = None
        rng = random.Random(seed)  # noqa: S311 - made-up keys, the same in every run
        self.log = GatewayLog(root / "logs", clock, rng, company_field)
        self._world = World(self.log, clock, rng, self._later, connect_s)
        self._timers: set[asyncio.TimerHandle] = set()
        self._free = asyncio.Event()
        self._free.set()
        self._port = port
        self._server: AbstractAsyncContextManager[str] | None = None

    # -- companies

    def add(self, company: str, shape: Shape = FRESH, *, phone: str | None = None, paired: bool = True) -> Session:
        """A company whose session is open at once, with a folder of this shape; one that exists is taken as it is.

        Not `paired`, it starts without a folder and waits for a QR. `phone` is made up when it is not given.
        """
        phone = phone or f"49151{len(self.sessions) + 1:08d}"
        folder = self.folder(company)
        if paired and not folder.exists():
            make_folder(folder, shape, phone=phone, now=self._world.clock(), rng=self._world.rng)
        session = Session(company, folder, shape.generation, phone, self._world)
        session.on_server = SETTLED_POOL[shape.generation] if (folder / "creds.json").exists() else 0
        self.sessions[company] = session
        session.open(0)
        return session

    def __getitem__(self, company: str) -> Session:
        return self.sessions[company]

    def folder(self, company: str) -> Path:
        """Where this company's auth folder is."""
        return self.root / self.layout.format(company=company)

    def asked(self, company: str | None = None) -> list[str]:
        """The verbs that changed something, in order, of one company or of all."""
        return [c.verb for c in self.calls if c.verb not in LOOKING and company in (None, c.company)]

    def restart(self, companies: Iterable[str] | None = None) -> None:
        """What a process manager's restart does: every session closes and opens from its folder."""
        for company in companies or self.sessions:
            self.sessions[company].close()
            self.sessions[company].open()

    # -- the server

    @property
    def url(self) -> str:
        """The base URL, the same after a `refuse` and `come_back`."""
        return f"http://127.0.0.1:{self._port}"

    def app(self) -> ASGIApp:
        """What it serves."""
        return build_app(self)

    async def come_back(self) -> None:
        """Listen; harmless when it does."""
        if self._server is None:
            server = serve(self.app(), port=self._port)
            self._port = int((await server.__aenter__()).rpartition(":")[2])
            self._server = server

    async def refuse(self) -> None:
        """Stop listening: connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            await server.__aexit__(None, None, None)

    def hang(self) -> None:
        """Accept requests and never answer."""
        self._free.clear()

    def unhang(self) -> None:
        """Answer again, those that waited too."""
        self._free.set()

    def unauthorized(self, status: int | None = 401) -> None:
        """Answer everybody with this status; None ends it."""
        self.refuses_with = status

    async def gate(self) -> int | None:
        """See `routes.Host`."""
        await self._free.wait()
        return self.refuses_with

    def record(self, company: str, verb: str) -> None:
        """See `routes.Host`."""
        self.calls.append(Call(self._world.clock(), company, verb))

    async def __aenter__(self) -> StandIn:
        await self.come_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unhang()
        await self.refuse()
        for timer in self._timers:
            timer.cancel()
        self.log.close()

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        if seconds <= 0:
            return step()
        self._timers = {t for t in self._timers if not t.cancelled() and t.when() > asyncio.get_running_loop().time()}
        self._timers.add(asyncio.get_running_loop().call_later(seconds, step))
        return None


if __name__ == "__main__":
    from baileykeep.demo.process import main

    main()
