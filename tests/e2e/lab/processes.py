"""The lab's Node processes: started, asked, ended. Nothing of them outlives the test.

Each has a pipe of ours as its standard input and ends when that is closed, so not even a kill leaves it behind. In a
process group of its own it does not hear Ctrl-C: whoever started it ends it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.lab.node import LAB, modules, node, pinned

START_WITHIN_S = 60.0
CALL_WITHIN_S = 30.0
LOOK_EVERY_S = 0.05

Json = dict[str, Any]


async def until(wanted: Callable[[], Any], within_s: float, what: str, about: object = "") -> Any:
    """Ask an (async) question until its answer is true, and return that.

    When it is late, AssertionError names `what`, and shows what `about` looks like then.
    """
    began = time.monotonic()
    while True:
        found = wanted()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() - began < within_s, f"not within {within_s:g} s: {what}\n{about}"
        await asyncio.sleep(LOOK_EVERY_S)


class Refused(AssertionError):
    """A process of the lab did not do what it was told; `status` is the one of HTTP."""

    def __init__(self, status: int, text: str):
        super().__init__(f"{status}: {text}")
        self.status = status


class Client:
    """JSON over HTTP, over a fresh connection each time: the other side may be killed at any moment."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None):
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, trust_env=False, timeout=CALL_WITHIN_S, limits=fresh
        )

    async def get(self, path: str) -> Json:
        """Ask."""
        return self._read(await self._http.get(path))

    async def post(self, path: str, **body: Any) -> Json:
        """Tell."""
        return self._read(await self._http.post(path, json=body))

    def _read(self, reply: httpx.Response) -> Json:
        if reply.status_code != 200:
            raise Refused(reply.status_code, reply.text)
        found: Json = reply.json()
        return found

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


async def ended(process: asyncio.subprocess.Process | None, number: signal.Signals = signal.SIGKILL) -> None:
    """End a process that may have ended by itself, and wait until it is gone."""
    if process is not None and process.returncode is None:
        process.send_signal(number)
        await process.wait()


@dataclass(slots=True)
class WhatsAppProcess:
    """The stand-in WhatsApp. `log` gets one line of JSON for each event."""

    log: Path
    process: asyncio.subprocess.Process | None = None
    socket: str = ""
    _client: Client | None = None

    async def start(self) -> None:
        """Spawn it and learn where it listens."""
        words = [str(node()), str(LAB / "whatsapp" / "main.mjs"), str(pinned("7")), str(pinned("6"))]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, process_group=0
            )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), START_WITHIN_S)
        assert line, f"the stand-in WhatsApp ended at once:\n{self.log.read_text()[-2000:]}"
        addresses = json.loads(line)
        self.socket = addresses["socket"]
        self._client = Client(addresses["control"])

    @property
    def client(self) -> Client:
        """Its control port."""
        assert self._client is not None
        return self._client

    def events(self, event: str) -> list[Json]:
        """What it logged so far of one kind."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    async def stop(self) -> None:
        """End it."""
        await ended(self.process)
        if self._client is not None:
            await self._client.aclose()


@dataclass(slots=True)
class GatewayProcess:
    """The gateway on real Baileys. `stop` and `start` again keep its address, as a process manager would."""

    root: Path
    companies: tuple[str, ...]
    whatsapp: str
    generation: str = "7"
    secret: str = "lab-secret"
    options: Mapping[str, Any] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    url: str = ""
    port: int = 0
    _client: Client | None = None

    @property
    def out(self) -> Path:
        """What it prints: pino's records and, between them, what libsignal says with `console.log`."""
        return self.root / "logs" / "gateway-out.log"

    @property
    def err(self) -> Path:
        """What goes to standard error: libsignal's failures, which name no company."""
        return self.root / "logs" / "gateway-error.log"

    def folder(self, company: str) -> Path:
        """A company's auth folder."""
        return self.root / "storage" / "whatsapp" / f"business_{company}" / "auth"

    async def start(self) -> None:
        """Spawn it; returns when it answers and has begun to open the sessions that have a login."""
        ready = self.root / "ready.json"
        ready.unlink(missing_ok=True)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            "root": str(self.root), "companies": list(self.companies), "secret": self.secret, "port": self.port,
            "whatsapp": self.whatsapp, "modules": str(modules(self.generation)), "ready": str(ready), **self.options,
        }  # fmt: skip
        words = [str(node()), str(LAB / "gateway" / "main.mjs"), json.dumps(settings)]
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.PIPE, stdout=out, stderr=err, process_group=0
            )
        await until(lambda: ready.exists() or not self.alive, START_WITHIN_S, "the gateway listens")
        assert ready.exists(), f"the gateway ended at once:\n{self.err.read_text()[-2000:]}"
        self.url = json.loads(ready.read_text())["url"]
        self.port = int(self.url.rpartition(":")[2])
        self._client = self._client or Client(self.url, {"X-Internal-Secret": self.secret})

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.returncode is None

    @property
    def client(self) -> Client:
        """Its API, with the secret."""
        assert self._client is not None
        return self._client

    def records(self, company: str) -> list[Json]:
        """The JSON lines of the log that bear a company's name."""
        lines = [json.loads(line) for line in self.out.read_text().splitlines() if line.startswith('{"level"')]
        return [line for line in lines if line.get("companyId") == company]

    def asked(self, company: str) -> list[str]:
        """What was asked of a company's session so far: start, stop, reset, pairingCode."""
        return [record["act"] for record in self.records(company) if record["msg"] == "asked"]

    async def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the process; folders and logs stay."""
        await ended(self.process, number)

    async def aclose(self) -> None:
        """End it for good."""
        await self.stop()
        if self._client is not None:
            await self._client.aclose()
