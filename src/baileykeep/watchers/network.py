"""Our own look at the network, so that a host without it is not taken for many sick sessions."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio
import structlog

from baileykeep.clock import Clock, jittered
from baileykeep.model.errors import ConfigError
from baileykeep.model.facts import NetworkSeen
from baileykeep.model.limits import PollLimits
from baileykeep.watchers.base import Emit
from baileykeep.watchers.waiting import Waker

log = structlog.get_logger(__name__)

Probe = Callable[[], Awaitable[bool]]
"""One try to reach something: whether it worked. Has its own timeout and never raises."""

ONLINE_HOSTS = ("1.1.1.1:443", "8.8.8.8:53", "9.9.9.9:53")
"""By number, so that a sick resolver alone does not look like a host without network."""

WHATSAPP_HOSTS = ("web.whatsapp.com:443", "g.whatsapp.net:443")
ROUNDS = 2
"""A single lost round is no news; so many in a row are."""

RETRY_SHARE = 1 / 3
"""After a lost round the next one comes after this share of the interval."""


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Opens a connection and closes it; real seconds."""

    host: str
    port: int
    timeout_s: float = 4.0

    async def __call__(self) -> bool:
        """Whether somebody accepted in time."""
        try:
            with anyio.fail_after(self.timeout_s):
                async with await anyio.connect_tcp(self.host, self.port):
                    return True
        except OSError:
            return False

    @classmethod
    def parse(cls, text: str) -> TcpProbe:
        """From `host:port`, an IPv6 host in brackets. Raises `ConfigError`."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(f"{text!r} is no probe", next_step='write it like "1.1.1.1:443"')
        return cls(host, int(port))


def probes(hosts: Sequence[str]) -> tuple[TcpProbe, ...]:
    """A probe for each `host:port`."""
    return tuple(TcpProbe.parse(host) for host in hosts)


class NetworkWatcher:
    """Emits one `NetworkSeen` a round. Any probe that works is enough; two lost rounds in a row mean offline.

    Who reaches WhatsApp is online whatever the other probes say; who is offline does not reach it. No probes of a
    kind: that kind always counts as reachable.
    """

    def __init__(
        self,
        emit: Emit,
        *,
        clock: Clock,
        rng: random.Random,
        limits: Callable[[], PollLimits] = PollLimits,
        online: Sequence[Probe] = probes(ONLINE_HOSTS),
        whatsapp: Sequence[Probe] = probes(WHATSAPP_HOSTS),
    ):
        self._emit = emit
        self._clock = clock
        self._rng = rng
        self._limits = limits
        self._online, self._whatsapp = tuple(online), tuple(whatsapp)
        self._lost = {"online": 0, "whatsapp": 0}
        self._waker = Waker(clock)
        self._last: tuple[bool, bool] | None = None

    def poke(self) -> None:
        """Look at once."""
        self._waker.wake()

    async def run(self) -> None:
        """See `Watcher.run`."""
        while True:
            good = await self._round()
            limits = self._limits()
            interval_s = limits.network_s if good else limits.network_s * RETRY_SHARE
            await self._waker.pause(jittered(interval_s, limits.jitter, self._rng))

    async def _round(self) -> bool:
        """Probe both kinds at the same time, emit the verdict, and say whether nothing at all was lost."""
        answers = {}

        async def ask(kind: str, tries: Sequence[Probe]) -> None:
            answers[kind] = await any_works(tries)

        async with anyio.create_task_group() as group:
            group.start_soon(ask, "online", self._online)
            group.start_soon(ask, "whatsapp", self._whatsapp)
        answers["online"] = answers["online"] or (bool(self._whatsapp) and answers["whatsapp"])
        for kind, worked in answers.items():
            self._lost[kind] = 0 if worked else self._lost[kind] + 1
        self._tell(self._lost["online"] < ROUNDS, self._lost["whatsapp"] < ROUNDS)
        return all(answers.values())

    def _tell(self, online: bool, whatsapp: bool) -> None:
        verdict = (online, online and whatsapp)
        if verdict != self._last and (self._last is not None or verdict != (True, True)):
            log.warning("network_changed", online=verdict[0], whatsapp=verdict[1])
        self._last = verdict
        self._emit(NetworkSeen(at=self._clock.now(), online=verdict[0], whatsapp=verdict[1]))


async def any_works(tries: Sequence[Probe]) -> bool:
    """Whether one of the probes works, all tried at once; True without any."""
    worked = not tries

    async def one(probe: Probe) -> None:
        nonlocal worked
        if await probe():
            worked = True
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for probe in tries:
            group.start_soon(one, probe)
    return worked
