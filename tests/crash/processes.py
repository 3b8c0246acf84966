"""Everything here is a process of its own: the daemon, the gateway, and the kernel's word on whether they live."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

REPO = Path(__file__).resolve().parents[2]
START_WITHIN_S = 180.0
"""A machine that is busy with other things needs seconds for the imports alone."""


def environment() -> dict[str, str]:
    """What the processes of a crash test run with: this working copy, and no colours."""
    return {**os.environ, "PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}", "NO_COLOR": "1"}


@dataclass(slots=True)
class Running:
    """One daemon process; `ended` is done when it is gone, with its exit code (negative: the signal)."""

    pid: int
    ended: asyncio.Future[int]

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self.ended.done()


@dataclass(slots=True)
class Zygote:
    """See `tests.crash.zygote`: it starts daemons in a moment instead of seconds."""

    process: asyncio.subprocess.Process | None = None

    async def spawn(self, words: list[str], output: Path) -> Running:
        """A daemon; the one before must have ended."""
        await self.warm()
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"words": words, "output": str(output)}).encode() + b"\n")
        await self.process.stdin.drain()
        pid = int(await self._line())
        return Running(pid, asyncio.ensure_future(self._end()))

    async def warm(self) -> None:
        """Do what takes seconds now; harmless when it was done."""
        if self.process is not None:
            return
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.zygote", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env=environment(), cwd=REPO,
        )  # fmt: skip
        assert await self._line() == "ready"

    async def _end(self) -> int:
        return int(await self._line())

    async def _line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@dataclass(slots=True)
class DaemonProcess:
    """`baileykeep run`: started, killed and started again on the same files."""

    config: Path
    state: Path
    output: Path
    starts: int = 0
    running: Running | None = None
    zygote: Zygote = field(default_factory=Zygote)

    async def start(self, *, cold: bool = False) -> None:
        """Spawn it, `cold` by its own command line, imports and all; `ready` waits."""
        self.starts += 1
        with self.output.open("a") as output:
            output.write(f"--- start {self.starts}{' cold' if cold else ''}\n")
        words = ["run", "--config", str(self.config)]
        self.running = await (self._cold(words) if cold else self.zygote.spawn(words, self.output))

    async def _cold(self, words: list[str]) -> Running:
        with self.output.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "baileykeep", *words, stdout=output, stderr=output, env=environment(), cwd=REPO
            )
        return Running(process.pid, asyncio.ensure_future(process.wait()))

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.running is not None
        return self.running.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.running is not None and self.running.alive

    async def ready(self) -> None:
        """Return once it answers on its socket; raises AssertionError when it ends by itself or is too late."""
        began = time.monotonic()
        while True:
            assert self.alive, f"the daemon ended by itself:\n{self.tail()}"
            if await asyncio.to_thread(answers, self.state / "control.sock"):
                return
            assert time.monotonic() - began < START_WITHIN_S, f"the daemon does not answer:\n{self.tail()}"
            await asyncio.sleep(0.05)

    async def killed(self) -> None:
        """SIGKILL it, unless somebody did, and wait until it is gone."""
        await self.signal(signal.SIGKILL)

    async def signal(self, number: int, within_s: float = 90.0) -> int:
        """Send it a signal that ends it; returns the exit code."""
        assert self.running is not None
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
        return await asyncio.wait_for(asyncio.shield(self.running.ended), within_s)

    def tail(self, lines: int = 25) -> str:
        """The last lines of what it printed."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])

    async def aclose(self) -> None:
        """Leave nothing behind."""
        if self.alive:
            await self.killed()
        await self.zygote.stop()


def answers(sock: Path) -> bool:
    """Whether a daemon answers commands there."""
    from baileykeep.app.socket_client import DaemonClient
    from baileykeep.model.errors import BaileykeepError

    try:
        DaemonClient(sock, timeout_s=2.0).call("overview")
    except BaileykeepError:
        return False
    return True


@dataclass(slots=True)
class GatewayProcess:
    """The stand-in gateway as a process, told what to break over its control port."""

    root: Path
    companies: int
    generation: int = 7
    counted: int = 60
    process: asyncio.subprocess.Process | None = None
    addresses: Mapping[str, Any] = field(default_factory=dict)
    client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Spawn it and learn where it listens."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "gateway.err").open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "baileykeep.demo.standin", "--root", str(self.root),
                "--companies", str(self.companies), "--generation", str(self.generation),
                "--counted", str(self.counted), "--reclaimable", "0", "--connect-s", "0",
                stdout=asyncio.subprocess.PIPE, stderr=errors, env=environment(), cwd=REPO,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), START_WITHIN_S)
        self.addresses = json.loads(line)
        # a connection that is kept may be closed by the other side in the moment in which it is used again
        fresh = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.AsyncClient(base_url=self.addresses["control"], trust_env=False, timeout=60, limits=fresh)

    async def turn(self, knob: str, **query: str | int) -> Any:
        """Break or mend something; raises AssertionError when the gateway says that this cannot be."""
        reply = await self._client.post(f"/control/{knob}", params=query)
        assert reply.status_code == 200, f"{knob} {query}: {reply.text}"
        return reply.json()["done"]

    async def try_turn(self, knob: str, **query: str | int) -> bool:
        """The same where it may be too late for it; whether it was done."""
        return (await self._client.post(f"/control/{knob}", params=query)).status_code == 200

    async def state(self) -> dict[str, dict[str, Any]]:
        """Every session as the gateway knows it."""
        found: dict[str, dict[str, Any]] = (await self._client.get("/control/state")).json()
        return found

    async def calls(self) -> list[dict[str, Any]]:
        """Every request that reached a session so far, in order."""
        found: list[dict[str, Any]] = (await self._client.get("/control/calls")).json()
        return found

    def folder(self, company: str) -> Path:
        """A company's auth folder."""
        return Path(self.addresses["folders"][company])

    @property
    def _client(self) -> httpx.AsyncClient:
        assert self.client is not None
        return self.client

    async def stop(self) -> None:
        """End it."""
        if self.client is not None:
            await self.client.aclose()
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
