"""The stand-in gateway with its logins in a database: it reads them once, and goes on with what it has in memory."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baileykeep.demo.standin import LOOKING, StandIn
from baileykeep.stores.postgres.spec import Spec
from baileykeep.stores.postgres.store import PostgresStore
from tests.databases import drop, fresh, put, store_of, tables

CLEAR = "clear_cache"
DIALECT = f"""
base = "ai-admin"
cannot.{CLEAR} = false
[calls.{CLEAR}]
method = "DELETE"
path = "/cache/{{id}}"
"""
"""The stand-in's own dialect: ai-admin, and a call that makes it forget what it has in memory."""


class RowsStandIn(StandIn):
    """Its folders are its memory: what is written there goes to the tables before anybody hears of it, and what lies in
    the tables is read only when a session is opened whose memory was cleared."""

    opening: ClassVar[frozenset[str]] = frozenset(
        {"start", "initialize", "reconnect", "relink", "reset", "pairing_code"}
    )

    def __init__(self, root: Path, **given: Any):
        super().__init__(root, **given)
        self._database: AbstractContextManager[Spec] = fresh()
        self.spec = self._database.__enter__()
        self._known: dict[str, dict[str, tuple[int, int]]] = {}
        self._cleared: set[str] = set()

    def store(self, company: str) -> PostgresStore:
        """The company's rows, as another process sees them."""
        return store_of(self.spec, company, self._row(company))

    def names(self, company: str) -> set[str]:
        """What lies in the tables for a company."""
        return {file.name for file in self.store(company).listing().files}

    def app(self) -> ASGIApp:
        routes = FastAPI(openapi_url=None)
        routes.delete("/cache/{company}")(self.clear)
        routes.mount("/", super().app())
        return _Written(routes, self)

    async def clear(self, company: str) -> dict[str, bool]:
        """The call that forgets."""
        self.record(company, CLEAR)
        shutil.rmtree(self.folder(company), ignore_errors=True)
        self._known[company] = {}
        self._cleared.add(company)
        return {"success": True}

    def record(self, company: str, verb: str) -> None:
        super().record(company, verb)
        if verb not in LOOKING and verb in self.opening and company in self._cleared:
            self._cleared.discard(company)
            self._read(company)

    def write_all(self) -> None:
        """Everything that changed in memory goes to the tables."""
        with tables(self.spec) as connection:
            for company in self.sessions.keys() - self._cleared:
                known, now = self._known.get(company, {}), self._stamps(company)
                for name in known.keys() - now.keys():
                    drop(connection, self._row(company), name)
                for name in (n for n in now if known.get(n) != now[n]):
                    path = self.folder(company) / name
                    drop(connection, self._row(company), name)
                    put(connection, self._row(company), name, path.read_text(), path.stat().st_mtime)
                self._known[company] = now

    def _read(self, company: str) -> None:
        folder, store = self.folder(company), self.store(company)
        folder.mkdir(parents=True)
        files = store.listing().files
        for name, data in store.read_all([file.name for file in files]).items():
            (folder / name).write_bytes(data)
        for file in files:
            os.utime(folder / file.name, (file.mtime, file.mtime))
        self._known[company] = self._stamps(company)

    def _stamps(self, company: str) -> dict[str, tuple[int, int]]:
        folder = self.folder(company)
        found = folder.iterdir() if folder.exists() else ()
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in found}

    @staticmethod
    def _row(company: str) -> str:
        return f"company_{company}"

    async def __aexit__(self, *exc: Any) -> None:
        try:
            await super().__aexit__(*exc)
        finally:
            self._database.__exit__(None, None, None)


class _Written:
    """Before an answer goes out, what it tells of is in the tables."""

    def __init__(self, app: ASGIApp, gateway: RowsStandIn):
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def written(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._gateway.write_all()
            await send(message)

        await self._app(scope, receive, written)
