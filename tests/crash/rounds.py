"""One round: break something, kill the daemon at a chosen moment, start it again, let all settle, look at it all."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.crash.checks import After, Before, problems
from tests.crash.installation import Installation, until
from tests.crash.journal import Interrupted, Sniper, moment
from tests.crash.people import People, people
from tests.crash.troubles import GATEWAY_WIDE, STEPS, TROUBLES, Struck, ask
from tests.crash.watched import folder, look

AIM_WITHIN_S = 30.0
QUIET_S = 8.0
SETTLE_WITHIN_S = 60.0
HUMAN_WITHIN_S = 60.0
LONGEST_S = {"prove_stopped": 10.0, "wait_for_scan": 4.0}
"""How long after its beginning a long step is still worth a kill; the others last milliseconds."""

SHORT_S = 0.04
FEW = 8
"""Fewer sessions than this are few."""

COLD = 0.1
"""So many starts are those of the command line itself; the others are spared its seconds of imports."""


@dataclass(slots=True)
class Tally:
    """What all rounds did, and what is aimed at next: the step that was hit least."""

    killed: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    kills: int = 0
    humans: int = 0
    settled_s: list[float] = field(default_factory=list)
    incidents: int = 0
    notices: int = 0
    actions: int = 0
    copies: int = 0
    failures: list[str] = field(default_factory=list)

    def rarest(self, rng: random.Random) -> str:
        """A step among those that were hit least so far."""
        counts = {step: self.killed[step] for step in STEPS}
        least = min(counts.values())
        return rng.choice([step for step, count in counts.items() if count <= least + 1])


@dataclass(slots=True)
class Rounds:
    """The rounds of one installation, one after another."""

    place: Installation
    rng: random.Random
    tally: Tally
    kills: int = 0
    story: str = ""
    awaited: frozenset[str] = frozenset()
    since: int = 0

    async def begin(self) -> None:
        """Start the daemon for the first time and wait until all is well."""
        await self.place.daemon.start()
        await self.place.daemon.ready()
        assert await until(self._settled, SETTLE_WITHIN_S), f"never well: {await self._unsettled()}"
        assert await until(lambda: bool(self.place.journal.memory("detectors")), SETTLE_WITHIN_S), "never saved"

    async def round(self) -> list[str]:
        """One round; returns what was found wrong."""
        await self._write()
        before = await self._look()
        kills, aim = self.kills, self._aim()
        names = self._choose(aim)
        sniper = self._sniper(aim)
        struck = await self._strike(names)
        self.awaited, self.since = frozenset(one.company for one in struck if one.tells), before.entry
        self._after_strike(before, struck)
        times = [time.monotonic()]
        async with people(self.place, struck, self.rng) as helpers:
            hit = await self._kill(sniper, aim)
            times.append(time.monotonic())
            await self._revive()
            times.append(time.monotonic())
            human = await self._settle()
        times.append(time.monotonic())
        self.story = _told(names, aim, hit, self.kills - kills, times)
        found = await self._verdict(before, struck, helpers, self.kills - kills)
        self._count(before, struck, hit, human)
        return found

    async def _write(self) -> None:
        """Contacts write to everybody who was just paired anew, so that there are sessions which can break."""
        for company in self.place.companies:
            names = os.listdir(self.place.gateway.folder(company))
            if sum(name.startswith("session-") for name in names) < FEW:
                await self.place.gateway.turn("grow", company=company, count=FEW)

    # --- what breaks, and when the daemon dies ------------------------------------------------------------

    def _aim(self) -> str:
        draw = self.rng.random()
        if draw < 0.06:
            return "idle"
        return "any moment" if draw < 0.2 else self.tally.rarest(self.rng)

    def _choose(self, aim: str) -> list[str]:
        fitting = [name for name, trouble in TROUBLES.items() if aim in trouble.steps]
        first = [self.rng.choice(fitting or list(TROUBLES))] if aim != "idle" else []
        others = self.rng.sample(list(TROUBLES), self.rng.choice((0, 0, 1, 2)))
        wide = [name for name in others if name in GATEWAY_WIDE and aim in ("idle", "any moment")][:1]
        return [*first, *(name for name in others if name not in GATEWAY_WIDE), *wide]

    def _sniper(self, aim: str) -> Sniper | None:
        if aim in ("idle", "any moment"):
            return None
        kind = "step_begun" if self.rng.random() < 0.85 else "step_ended"
        delay_s = moment(self.rng, LONGEST_S.get(aim, SHORT_S) if kind == "step_begun" else SHORT_S)
        place = self.place
        sniper = Sniper(
            place.journal.path, place.daemon.pid, frozenset({aim}), kind=kind, delay_s=delay_s,
            after=place.journal.last_id(),
        )  # fmt: skip
        sniper.start()
        return sniper

    async def _strike(self, names: Sequence[str]) -> list[Struck]:
        companies = self.rng.sample(self.place.companies, len(self.place.companies))
        struck = []
        for name, company in zip(names, companies, strict=False):
            struck.append(await TROUBLES[name].strike(self.place, company, self.rng))
        return struck

    def _after_strike(self, before: Before, struck: Sequence[Struck]) -> None:
        """What a trouble adds to a folder counts as having been there; what it spoils, as spoilt."""
        for one in struck:
            if one.trouble == "danger":
                names = before.folders[one.company].files
                names.update({n: h for n, h in folder(self.place.gateway.folder(one.company)).files.items()
                              if n in one.may_go})  # fmt: skip

    async def _kill(self, sniper: Sniper | None, aim: str) -> list[Interrupted]:
        if sniper is None:
            await asyncio.sleep(self.rng.uniform(0.0, 2.0 if aim == "idle" else 14.0))
        else:
            began = time.monotonic()
            await until(lambda: sniper.fired or self._quiet(began), AIM_WITHIN_S, every_s=0.05)
            sniper.call_off()
        self.place.telegram.down = self.rng.random() < 0.2
        await self.place.daemon.killed()
        return self._died(starting=False)

    def _quiet(self, began: float) -> bool:
        """Whether there is nothing more to wait for: no action runs although there was time to begin one."""
        return time.monotonic() - began > QUIET_S and not self.place.journal.interrupted()

    def _died(self, *, starting: bool) -> list[Interrupted]:
        self.kills += 1
        self.tally.kills += 1
        found = self.place.journal.interrupted()
        if starting:
            self.tally.killed["starting up"] += 1
        elif not found:
            self.tally.killed["idle"] += 1
        for one in found:
            self.tally.killed[f"resuming {one.rung}" if starting else one.place] += 1
        return found

    async def _revive(self) -> None:
        """Start again; now and then it dies again while it starts or takes up what was begun."""
        await self._start()
        while self.rng.random() < 0.25:
            await asyncio.sleep(self.rng.uniform(0.0, 4.0))
            await self.place.daemon.killed()
            self._died(starting=True)
            await self._start()
        await self.place.daemon.ready()
        self.place.telegram.down = False

    async def _start(self) -> None:
        await self.place.daemon.start(cold=self.rng.random() < COLD)

    # --- until all is well again ------------------------------------------------------------------------------

    async def _settle(self) -> bool:
        """Wait until everything is well; True when that took a human besides those who answer and scan."""
        began = time.monotonic()
        if await until(self._settled, SETTLE_WITHIN_S, every_s=0.2):
            self.tally.settled_s.append(time.monotonic() - began)
            return False
        left = await self._unsettled()
        for incident in self.place.journal.open_incidents():
            in_hand = incident["needs_human"] or incident["approval"] or incident["hold"]
            assert in_hand, f"nobody was called or told what is waited for: {left}"
            if incident["cause"].startswith("files_"):
                await ask(self.place, "cleanup", company=incident["subject"]["id"], force=True)
        for company, state in (await self.place.gateway.state()).items():
            await self.place.gateway.turn("cure", company=company)
            if state["state"] == "not_started":
                await ask(self.place, "reconnect", company=company)
        assert await until(self._settled, HUMAN_WITHIN_S, every_s=0.2), f"never well: {await self._unsettled()}"
        return True

    async def _settled(self) -> bool:
        return not await self._unsettled()

    async def _unsettled(self) -> list[str]:
        """What is still under way, or was not even noticed: a daemon that has just started knows of no trouble yet."""
        journal = self.place.journal
        told = {e["subject"] for e in journal.entries(self.since) if e["kind"] == "incident"}
        down = [c for c, s in (await self.place.gateway.state()).items() if s["state"] != "connected"]
        return [
            *(f"{c} is not connected" for c in down),
            *(f"nobody was told of {c} yet" for c in self.awaited if f"company:{c}" not in told),
            *(f"{one.rung} of {one.subject} at {one.step}" for one in journal.interrupted()),
            *(f"{i['cause']} of {i['subject']['id']}" for i in journal.open_incidents()),
            *(["notices wait"] if journal.pending_notices() else []),
        ]

    # --- looking ------------------------------------------------------------------------------------------------

    async def _look(self) -> Before:
        place = self.place
        folders = {company: folder(place.gateway.folder(company)) for company in place.companies}
        return Before(folders, place.journal.last_id(), len(await place.gateway.calls()), len(place.stories()))

    async def _verdict(self, before: Before, struck: list[Struck], helpers: People, kills: int) -> list[str]:
        place, journal = self.place, self.place.journal
        await asyncio.sleep(0.3)
        after = After(
            companies={company: look(place, company) for company in place.companies},
            entries=journal.entries(before.entry),
            calls=(await place.gateway.calls())[before.calls :],
            struck=struck,
            scanned=helpers.scanned,
            kills=kills,
            all_kills=self.kills,
            notices=journal.notices(),
            posts=journal.memory("telegram"),
        )
        self.tally.copies += sum(len(company.copies) for company in after.companies.values())
        return problems(place, before, after)

    def _count(self, before: Before, struck: list[Struck], hit: list[Interrupted], human: bool) -> None:
        tally = self.tally
        tally.rounds += 1
        tally.humans += human
        tally.troubles.update(one.trouble for one in struck)
        entries = self.place.journal.entries(before.entry)
        ended = {e["action"]: e["data"]["attempt"]["outcome"] for e in entries if e["kind"] == "action_ended"}
        tally.outcomes.update((one.place, ended.get(one.action, "no outcome")) for one in hit)
        tally.actions += len(ended)
        tally.incidents += len({e["incident"] for e in entries if e["kind"] == "incident"})


def _told(names: Sequence[str], aim: str, hit: Sequence[Interrupted], kills: int, times: Sequence[float]) -> str:
    """One line about a round: what broke, where it was killed, and how long each part took."""
    parts = " ".join(f"{later - earlier:.1f}" for earlier, later in pairwise(times))
    where = ", ".join(f"{one.rung}/{one.place}" for one in hit) or "idle"
    return (
        f"{'+'.join(names) or 'nothing'}; aimed at {aim}, hit {where}; {kills} kills; killed, back, well in {parts} s"
    )
