"""A gateway with one session, as far as files are concerned, and all that an action needs around it.

What it was doing outlives the death of the daemon, so it lies in a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio.lowlevel

from baileykeep.actions.base import Site
from baileykeep.actions.clean import SET_ASIDE
from baileykeep.actions.resume import Past
from baileykeep.clock import VirtualClock
from baileykeep.fsys import Fsys
from baileykeep.gateways.base import Capabilities, SessionStatus
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.evidence import Begun, Evidence, Intended, Resumed, Sight, Situation, StepBegun
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Attempt, Cause, Rung
from baileykeep.model.limits import Limits, RelinkLimits
from baileykeep.model.symptoms import company as subject
from baileykeep.rules import invariants
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.naming import CREDS
from baileykeep.rules.watch import Watch
from tests.faults.place import COMPANY, Place, may_give_away
from tests.unit.rules.folders import NOW

FRESH = b'{"signedIdentityKey":{"public":{"data":"RlJFU0g="}},"nextPreKeyId":1,"firstUnuploadedPreKeyId":1}'


class Baileys:
    """Reads the folder when it opens. Where it finds no login it mints one in its place and shows a QR."""

    name = "gw"
    capabilities = Capabilities(reconnect=True, stop=True, start=True)

    def __init__(self, place: Place):
        self._place = place
        self._file = place.root / "gateway.json"

    @property
    def state(self) -> ConnState:
        return ConnState(json.loads(self._file.read_text())) if self._file.exists() else ConnState.CONNECTED

    @state.setter
    def state(self, state: ConnState) -> None:
        self._file.write_text(json.dumps(state.value))

    async def status(self, company: str) -> SessionStatus:
        await anyio.lowlevel.checkpoint()
        return SessionStatus(self.state, paired=self.state is ConnState.CONNECTED)

    async def status_all(self) -> Mapping[str, SessionStatus]:
        return {COMPANY: await self.status(COMPANY)}

    async def stop(self, company: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.state = ConnState.DISCONNECTED

    async def start(self, company: str, *, force_relink: bool = False) -> None:
        await anyio.lowlevel.checkpoint()
        if self.state is ConnState.DISCONNECTED:
            self.open()

    async def reconnect(self, company: str) -> None:
        await self.start(company)

    def open(self) -> None:
        """As a process manager would open it too, whatever we are doing."""
        path = self._place.auth / CREDS
        creds = parse_creds(path.read_bytes()) if path.exists() else None
        if creds is not None and creds.paired:
            self.state = ConnState.CONNECTED
            return
        of = self._place.auth.stat()
        path.write_bytes(FRESH)
        path.chmod(0o640)
        if may_give_away():
            os.chown(path, of.st_uid, of.st_gid)
        self.state = ConnState.WAITING_QR

    async def reset(self, company: str) -> None:
        raise AssertionError("nobody asks for it")

    async def qr(self, company: str) -> str | None:
        raise AssertionError("nobody asks for it")

    async def pairing_code(self, company: str, phone: str) -> str:
        raise AssertionError("nobody asks for it")

    async def clear_cache(self, company: str) -> None:
        raise AssertionError("nobody asks for it")

    async def aclose(self) -> None:
        """Nothing to close."""


class Hasty(VirtualClock):
    """Whoever sleeps wakes at once, and it is later."""

    async def sleep(self, seconds: float) -> None:
        self.step_to(self.monotonic() + seconds)
        await anyio.lowlevel.checkpoint()


class Steps:
    """A journal of steps that outlives its process, watched by the promises that the daemon watches."""

    def __init__(self, place: Place, clock: Hasty, rung: Rung, *, resumed: bool = False):
        self._file = place.root / "steps.jsonl"
        self._clock = clock
        self._rung = rung
        self._watch = Watch()
        attempt = Attempt(rung, Cause.DISCONNECTED, clock.now(), "a1", operator="Ann")
        if resumed:
            self.witness(Resumed(attempt, manual=True, steps=self.past().steps))
        else:
            self.witness(Begun(attempt, manual=True, situation=Situation()))
            self.witness(Intended())

    def witness(self, sight: Sight) -> None:
        now, mono_s = self._clock.now(), self._clock.monotonic()
        evidence = Evidence(subject(COMPANY), "a1", now, mono_s, sight)
        self._watch, breaches = invariants.step(self._watch, evidence, Limits())
        assert breaches == ()

    @asynccontextmanager
    async def step(self, name: str, *, whatever_happens: bool = False, **detail: Any) -> AsyncIterator[dict[str, Any]]:
        self._write({"begun": name, **detail})
        self.witness(StepBegun(name, must_come=whatever_happens))
        seen: dict[str, Any] = {}
        try:
            yield seen
        except BaileykeepError as error:
            self._write({"ended": name, "error": error.cause})
            raise
        self._write({"ended": name, **seen})

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def past(self) -> Past:
        """As the engine tells it after a restart."""
        text = self._file.read_text() if self._file.exists() else ""
        begun = [line for line in map(json.loads, text.splitlines()) if "begun" in line]
        asides = [line["aside"] for line in begun if line["begun"] == SET_ASIDE]
        relinking = self._rung is Rung.RELINK
        return Past(tuple(line["begun"] for line in begun), asides[-1] if asides and relinking else None)


LIMITS = Limits(relink=RelinkLimits(scan_within_s=60))
"""Each look of a wait is one more operation that fails once: a minute of them is as good as ten."""


async def _always() -> bool:
    return True


def site(place: Place, rung: Rung, fsys: Fsys | None = None, *, resumed: bool = False) -> Site:
    """Everything that an action touches, with files behind one door."""
    clock = Hasty(NOW + 10_000 * resumed)
    return Site(
        company=COMPANY,
        gateway=Baileys(place),
        process=None,
        alone=True,
        store=place.store(fsys),
        vault=place.vault(fsys),
        clock=clock,
        limits=LIMITS,
        steps=Steps(place, clock, rung, resumed=resumed),
        still_wrong=_always,
        last_up_at=NOW,
    )
