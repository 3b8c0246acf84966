"""The load figures: one real daemon over a thousand companies, from start-up through a storm until all is quiet.

    python -m benchmarks.storm [--minutes 10] [--companies 1000] [--lines 500] [--changes 50] [--json]

Exits 1 when a limit is broken. See README.md for what is measured how.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx
from tests.fakes.telegram import FakeTelegram

from baileykeep.demo.probes import ProbeTarget
from baileykeep.demo.standin import StandIn
from benchmarks.fleet import LAYOUT, Addresses, configure, make_fleet, phone_of, shape_of
from benchmarks.load import Crossing, Storm, plan
from benchmarks.report import Figures, show
from benchmarks.watched import Daemon, JournalEye, Look, cpu_share, free_port

LOOK_S = 1.0
POLL_S = 0.02
PROBE_S, PROBE_EVERY_S = 0.05, 1.7
DRAIN_WITHIN_S = 300.0


@dataclass(slots=True)
class Installation:
    """A gateway with its folders and logs on `root`, and a daemon whose state lies on `state`."""

    state: Path
    gateway: StandIn
    daemon: Daemon
    idents: list[str]


@dataclass(frozen=True, slots=True)
class Outside:
    """What all daemons of one run share."""

    probe: ProbeTarget
    telegram: FakeTelegram


async def assemble(args: argparse.Namespace, root: Path, state: Path, outside: Outside, companies: int) -> Installation:
    """Folders, a gateway whose sessions are all open, and a configuration; nothing is started yet."""
    idents = make_fleet(root, companies, args.full_every)
    gateway = StandIn(root, connect_s=1.0, layout=LAYOUT)
    await gateway.come_back()
    for ident in idents:
        gateway.add(ident, shape_of(int(ident), args.full_every), phone=phone_of(ident))
    port = free_port()
    configure(state / "config", state, root, _addresses(gateway, outside, port), args.mode)
    return Installation(state, gateway, Daemon(state / "config", port, state), idents)


def _addresses(gateway: StandIn, outside: Outside, port: int) -> Addresses:
    return Addresses(gateway.url, outside.probe.address, outside.telegram.url, outside.telegram.token, port)


async def small_fleet(args: argparse.Namespace, base: Path, state: Path, outside: Outside, companies: int) -> Look:
    """Threads and descriptors of a daemon over a smaller fleet, a few seconds after everything was counted."""
    root = base / f"fleet-{companies}"
    place = await assemble(args, root, state / f"fleet-{companies}", outside, companies)
    try:
        place.daemon.start()
        await place.daemon.ready_s()
        await place.daemon.counted_s(companies)
        await asyncio.sleep(5)
        return place.daemon.look()
    finally:
        await place.daemon.stop()
        await place.gateway.__aexit__(None, None, None)
        shutil.rmtree(root)


@dataclass(slots=True)
class Run:
    """One measured daemon over the whole fleet."""

    args: argparse.Namespace
    place: Installation
    figures: Figures
    eye: JournalEye | None = None
    seen: dict[str, float] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    active: bool = True

    async def whole(self) -> None:
        """Start, idle, storm, drain, stop."""
        daemon = self.place.daemon
        daemon.start(*self.args.under.split())
        try:
            self.figures.ready_s = await daemon.ready_s()
            self.figures.counted_s = await daemon.counted_s(len(self.place.idents))
            self.eye = JournalEye(self.place.state)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_often())
                group.create_task(self._watch_symptoms())
                for phase in (self._settle, self._idle, self._storm, self._drain):
                    _say(f"{phase.__name__[1:]} (daemon {daemon.pid})")
                    await phase()
                self.active = False
            self._summary()
        finally:
            self.figures.stop_s = await daemon.stop()
            shutil.copy(self.place.state / "daemon.log", Path(tempfile.gettempdir()) / "baileykeep-bench-daemon.log")

    async def _look_often(self) -> None:
        while self.active:
            self.place.daemon.look()
            await asyncio.sleep(LOOK_S)

    async def _watch_symptoms(self) -> None:
        """The first Bad MAC symptom of every company: when it was found, and when we saw it on disk."""
        assert self.eye is not None  # noqa: S101 - opened before
        while self.active:
            for subject, kind, active, at in self.eye.new_symptoms():
                if kind == "bad_mac" and active:
                    self.seen.setdefault(subject, time.time())
                    self.found.setdefault(subject, at)
            await asyncio.sleep(POLL_S)

    async def _settle(self) -> None:
        """The first backups of all companies come a minute after the start; idle is what follows."""
        if not self.args.settle:
            return
        backups = self.place.state / "backups"
        began = self.place.daemon.look()
        while time.monotonic() - self.place.daemon.began < 600:
            if sum(any(name.endswith(".zst") for name in names) for _, _, names in os.walk(backups)) >= len(
                self.place.idents
            ):
                break
            await asyncio.sleep(2)
        self.figures.backups_s = time.monotonic() - self.place.daemon.began
        self.figures.backups_cpu_s = self.place.daemon.look().cpu_s - began.cpu_s
        await asyncio.sleep(10)

    async def _idle(self) -> None:
        before = self.place.daemon.look()
        await asyncio.sleep(self.args.idle)
        after = self.place.daemon.look()
        self.figures.idle_cpu = cpu_share(before, after)
        self.figures.idle_rss_mb = after.rss_mb

    async def _storm(self) -> None:
        args = self.args
        seconds = args.minutes * 60
        crossings = list(plan(len(self.place.idents), seconds, args.crossings))
        quiet = [i for i in self.place.idents if int(i) > len(crossings)]
        storm = Storm(self.place.gateway, args.lines, args.changes, crossings, quiet)
        self.figures.load_before = os.getloadavg()[0]
        before, began = self.place.daemon.look(), time.monotonic()
        async with asyncio.TaskGroup() as group:
            probing = group.create_task(self._probe_files(cycle(quiet[-20:])))
            await storm.run(seconds)
            probing.cancel()
        self.figures.storm_s = time.monotonic() - began
        self.figures.storm_cpu = cpu_share(before, self.place.daemon.look())
        self.figures.load_after = os.getloadavg()[0]
        self.figures.lines, self.figures.changes, self.figures.behind_s = storm.lines, storm.changes, storm.behind_s
        self.figures.skipped = storm.skipped
        self.crossings = crossings

    async def _probe_files(self, idents: Iterator[str]) -> None:
        """Again and again: a new contact's file in some folder, and how long until the daemon has counted it."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            for ident in idents:
                total = await self._total(client, ident)
                at = time.monotonic()
                self.place.gateway[ident].grow(1)
                while await self._total(client, ident) == total:
                    await asyncio.sleep(PROBE_S)
                self.figures.counted_after_s.append(time.monotonic() - at)
                await asyncio.sleep(PROBE_EVERY_S)

    async def _total(self, client: httpx.AsyncClient, ident: str) -> int:
        view = (await client.get(f"{self.place.daemon.url}/api/companies/{ident}")).json()
        return int(view["files"]["total"])

    async def _drain(self) -> None:
        """Until every line is read, every notice delivered and no action runs any more."""
        assert self.eye is not None  # noqa: S101 - opened before
        began = time.monotonic()
        marks = {"log": False, "notices": False, "actions": False}
        while time.monotonic() - began < DRAIN_WITHIN_S and not all(marks.values()):
            now = {
                "log": self.eye.unread_bytes() == 0,
                "notices": self.eye.pending_notices() == 0,
                "actions": not self.eye.memory("action"),
            }
            for name, empty in now.items():
                if empty and not marks[name]:
                    marks[name] = True
                    self.figures.drained_s[name] = time.monotonic() - began
            await asyncio.sleep(0.5)
        self.figures.undrained = [name for name, empty in marks.items() if not empty]

    def _summary(self) -> None:
        assert self.eye is not None  # noqa: S101 - opened before
        figures = self.figures
        crossed = {f"company:{one.company}": one for one in self.crossings if one.limit_at is not None}
        figures.crossings = len(crossed)
        figures.lost = sorted(subject for subject in crossed if subject not in self.seen)
        figures.on_disk_s = _delays(crossed, self.seen)
        figures.counted_after_s.sort()
        figures.found_s = _delays(crossed, self.found)
        figures.begun_s = _delays(crossed, self.eye.actions_begun())
        figures.entries, figures.outcomes = self.eye.counts(), self.eye.outcomes()
        last = self.place.daemon.look()
        figures.rss_mb, figures.peak_rss_mb = last.rss_mb, last.peak_rss_mb
        looks = self.place.daemon.looks
        figures.most_threads = max(one.threads for one in looks)
        figures.most_descriptors = max(one.descriptors for one in looks)


def _say(what: str) -> None:
    """Progress, beside the report."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _delays(crossed: dict[str, Crossing], moments: dict[str, float]) -> list[float]:
    pairs = ((one.limit_at, moments.get(subject)) for subject, one in crossed.items())
    return sorted(moment - limit_at for limit_at, moment in pairs if limit_at is not None and moment is not None)


async def measure(args: argparse.Namespace, base: Path, state: Path) -> Figures:
    """Everything, in the order of the report."""
    figures = Figures(companies=args.companies, mode=args.mode)
    async with ProbeTarget() as probe, FakeTelegram(now=time.time) as telegram:
        outside = Outside(probe, telegram)
        for companies in args.fleets:
            look = await small_fleet(args, base, state, outside, companies)
            figures.fleets[companies] = (look.threads, look.descriptors, look.rss_mb)
        began = time.monotonic()
        place = await assemble(args, base / "fleet", state / "fleet", outside, args.companies)
        _say(f"{args.companies} folders made in {time.monotonic() - began:.0f} s")
        try:
            await Run(args, place, figures).whole()
        finally:
            await place.gateway.__aexit__(None, None, None)
    last = place.daemon.looks[-1]
    figures.fleets[args.companies] = (last.threads, last.descriptors, last.rss_mb)
    return figures


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("storm", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--companies", type=int, default=1000)
    parser.add_argument("--lines", type=float, default=500, help="log lines a second")
    parser.add_argument("--changes", type=float, default=50, help="file changes a second")
    parser.add_argument("--crossings", type=float, default=1, help="companies a second that cross the Bad MAC limit")
    parser.add_argument("--mode", choices=("act", "observe"), default="act")
    parser.add_argument("--idle", type=float, default=60, help="seconds of quiet that are measured before the storm")
    parser.add_argument("--full-every", type=int, default=20, help="every n-th folder is critical; 0 makes none so")
    parser.add_argument("--fleets", type=int, nargs="*", default=[10, 100], help="smaller fleets, for comparison")
    parser.add_argument("--no-settle", dest="settle", action="store_false", help="do not wait for the first backups")
    shm = Path("/dev/shm")  # noqa: S108 - memory, so that making 150,000 files measures nothing
    parser.add_argument("--root", type=Path, default=shm if shm.is_dir() else None, help="where folders and logs lie")
    parser.add_argument("--state", type=Path, default=None, help="where the daemon's state and backups lie")
    parser.add_argument("--under", default="", help="a command to run the daemon below, such as a profiler")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run; 1 when a limit is broken."""
    args = parse(argv)
    random.seed(1)
    with (
        tempfile.TemporaryDirectory(prefix="baileykeep-bench-", dir=args.root) as base,
        tempfile.TemporaryDirectory(prefix="baileykeep-bench-", dir=args.state) as state,
    ):
        figures = asyncio.run(measure(args, Path(base), Path(state)))
    print(json.dumps(figures.plain(), indent=2) if args.json else show(figures))
    return 1 if figures.broken() else 0


if __name__ == "__main__":
    sys.exit(main())
