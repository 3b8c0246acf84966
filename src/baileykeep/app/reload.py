"""Watching the configuration: a saved file applies within a second, a bad one changes nothing but is told."""

from __future__ import annotations

import itertools
import os
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
import structlog
from watchfiles import awatch

from baileykeep.clock import Clock
from baileykeep.config.diff import Diff, diff
from baileykeep.config.load import settle
from baileykeep.config.problems import Problem
from baileykeep.config.settings import Settings
from baileykeep.config.sources import INSTALLATION, Source, Sources, read_sources, signature
from baileykeep.model.errors import BaileykeepError

RETRY_S = 0.2
"""Real seconds after which a file that looks half written is read once more."""

_SETTLED_S = 0.05
_SETTLE_TRIES = 4
_DEBOUNCE_MS, _STEP_MS = 200, 50
_SWEEP_ALONE_S, _REST, _WATCH_AGAIN_S = 0.5, 10, 30.0

log = structlog.get_logger(__name__)


class Apply(Protocol):
    """What the daemon does with a new configuration. Everything that can fail in it was tried before."""

    async def change(self, diff: Diff, settings: Settings) -> None:
        """Take over what differs; raises BaileykeepError when it cannot, and the old settings stay in use."""

    async def problems(self, problems: Sequence[Problem]) -> None:
        """All that is wrong now, whenever that changes; empty when everything is fine again."""


class ConfigWatcher:
    """Keeps `settings` equal to the files in `directory`, or to what of them was last good."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        apply: Apply,
        settings: Settings,
        *,
        problems: Sequence[Problem] = (),
        environ: Mapping[str, str] | None = None,
    ):
        self.settings = settings
        self._problems = tuple(problems)
        self._directory = directory
        self._clock = clock
        self._apply = apply
        self._environ = os.environ if environ is None else environ
        self._seen: Sources | None = None
        self._asked = anyio.Event()
        self._stop = anyio.Event()
        self._reloading = anyio.Lock()
        self._watching = True

    @property
    def current_problems(self) -> tuple[Problem, ...]:
        """What was wrong at the last look."""
        return self._problems

    def poke(self) -> None:
        """Read everything again, whether or not a file seems to have changed (SIGHUP). Never blocks."""
        self._asked.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch)
            tasks.start_soon(self._sweep)
            self.poke()
            while True:
                await self._asked.wait()
                self._asked = anyio.Event()
                await self.reload()

    async def reload(self) -> tuple[Problem, ...]:
        """Read, check, and apply what differs; returns what is wrong now."""
        async with self._reloading:
            sources = await self._read()
            settings, problems = await anyio.to_thread.run_sync(settle, sources, self.settings, self._environ)
            self._seen = sources
            failed = await self._take(settings)
            await self._tell((*problems, *failed))
            return self._problems

    async def _take(self, settings: Settings) -> tuple[Problem, ...]:
        changed = diff(self.settings, settings)
        if not changed:
            self.settings = settings
            return ()
        try:
            await self._apply.change(changed, settings)
        except BaileykeepError as error:
            log.warning("config.not_applied", reason=str(error))
            return (Problem(INSTALLATION, "", f"could not be applied: {error.cause}", error.next_step),)
        self.settings = settings
        log.info("config.applied", companies=sorted(changed.companies), keys=changed.keys, restart=changed.restart)
        return ()

    async def _tell(self, problems: tuple[Problem, ...]) -> None:
        if problems == self._problems:
            return
        self._problems = problems
        for problem in problems:
            log.warning("config.problem", problem=str(problem), company=problem.company)
        await self._apply.problems(problems)

    async def _read(self) -> Sources:
        """The files once they stand still; what looks half written is looked at once more."""
        sources = await self._settled()
        if _half_written(self._seen, sources):
            await anyio.sleep(RETRY_S)
            sources = await self._settled()
        return sources

    async def _settled(self) -> Sources:
        before = await self._signature()
        for _ in range(_SETTLE_TRIES):
            sources = await anyio.to_thread.run_sync(read_sources, self._directory)
            await anyio.sleep(_SETTLED_S)
            after = await self._signature()
            if after == before:
                break
            before = after
        return sources

    async def _signature(self) -> tuple[tuple[str, int, int, int], ...]:
        return await anyio.to_thread.run_sync(signature, self._directory)

    async def _watch(self) -> None:
        while True:
            try:
                self._stop = anyio.Event()
                await self._follow(self._stop)
            except* (OSError, RuntimeError) as errors:
                self._told_lost("; ".join(str(error) for error in errors.exceptions))
                await self._clock.sleep(_WATCH_AGAIN_S)

    async def _follow(self, stop: anyio.Event) -> None:
        """Poke at every change. The watching thread would outlive a cancellation by seconds without `stop`."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_set_when_cancelled, stop)
            if not await anyio.Path(self._directory).is_dir():  # awatch would wait there for nothing
                raise FileNotFoundError(f"there is no folder {self._directory}")
            self._told_lost(None)
            watched = partial(awatch, debounce=_DEBOUNCE_MS, step=_STEP_MS, ignore_permission_denied=True)
            async for _ in watched(self._directory, stop_event=stop):
                self.poke()
            tasks.cancel_scope.cancel()

    def _told_lost(self, reason: str | None) -> None:
        if reason and self._watching:
            log.warning("config.watch_lost", reason=reason, instead=f"looking at the files every {_SWEEP_ALONE_S} s")
        self._watching = reason is None

    async def _sweep(self) -> None:
        known = await self._signature()
        for turn in itertools.count(1):
            await self._clock.sleep(_SWEEP_ALONE_S)
            if self._watching and turn % _REST:
                continue
            now = await self._signature()
            if now != known:
                known = now
                self._stop.set()  # perhaps a folder was put in place of the one that is watched: watch anew
                self.poke()


async def _set_when_cancelled(stop: anyio.Event) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()


def _half_written(old: Sources | None, new: Sources) -> bool:
    """Whether a save may be under way: a file that changed does not parse or is empty, or one is gone."""
    before, after = old.all() if old else {}, new.all()
    changed = (source for name, source in after.items() if before.get(name) != source)
    return bool(set(before) - set(after)) or any(_unfinished(source) for source in changed)


def _unfinished(source: Source) -> bool:
    if not source.text or not source.text.strip():
        return True
    try:
        tomllib.loads(source.text)
    except (ValueError, RecursionError):
        return True
    return False
