"""The daemon as its service manager sees it: started, killed, stopped, started again; one at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

from baileykeep.app.core import Around, Core, Given, Outside
from baileykeep.app.locks import daemon_locks
from baileykeep.app.reload import ConfigWatcher
from baileykeep.app.sites import Door
from baileykeep.channels.base import Channel
from baileykeep.config.load import settle
from baileykeep.config.problems import Problem
from baileykeep.config.settings import Settings
from baileykeep.config.sources import Sources, read_sources
from baileykeep.model.decisions import Decision
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.incident import Attempt
from baileykeep.model.symptoms import Subject
from tests.simulation.doors import SimChannel, SimFsys, SimJournal
from tests.simulation.gateways import SimGateway, SimProcess
from tests.simulation.lives import Killed, Life, LifeClock
from tests.simulation.senses import Senses

if TYPE_CHECKING:
    from tests.simulation.world import World


class Service:
    """`core` and `senses` are those of the daemon that runs now, None while none does.

    `kill_after_action`: the daemon dies at so many crossings of a door after it began an action.
    """

    def __init__(self, world: World):
        self._world = world
        self.lives = 0
        self.started_at = 0.0
        self.core: Core | None = None
        self.life: Life | None = None
        self.senses: Senses | None = None
        self.kill_after_action: int | None = None
        self.outer: anyio.abc.TaskGroup | None = None
        self._group: anyio.abc.TaskGroup | None = None
        self._loaded: tuple[Sources, Settings, tuple[Problem, ...]] | None = None

    def spawn(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Run something inside the daemon that lives now; nothing happens while there is none."""
        if self._group is not None and self.life is not None and not self.life.dead:
            self._group.start_soon(work, *args)

    def spawn_in(self, core: Core, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """The same for one daemon only."""
        if self.core is core:
            self.spawn(work, *args)

    def start_daemon(self) -> None:
        """Start one, as a service manager does."""
        if self.life is not None and not self.life.dead:
            return
        self.lives += 1
        life = Life(self.lives, self._world.time, self._died)
        self.life = life
        assert self.outer is not None
        self.outer.start_soon(self._live, life)

    def _died(self, where: str) -> None:
        self._world.trace("host", f"# the daemon died at {where}")
        self._world.oracles.died()
        self.core = self.senses = None
        if self._group is not None:
            self._group.cancel_scope.cancel()
        self._start_again()

    def _start_again(self) -> None:
        self._world.at(self._world.now + self._world.rng.choice((2.0, 10.0, 60.0, 400.0)), self.start_daemon)

    async def _live(self, life: Life) -> None:
        try:
            settings, problems = self._configured()
            with daemon_locks(self._world.root / "state", self._world.root / "backups"):
                await self._run(life, settings, problems)
        except* Killed:
            pass
        except* BaileykeepError as errors:
            self._world.trace("host", f"# the daemon could not run: {_leaf(errors)}")
            life.dead = True
            self._start_again()
        except* Exception as errors:  # noqa: BLE001 - whatever it is, it ended a daemon
            life.dead = True
            self._world.oracles.breach("daemon", f"the daemon crashed: {_leaf(errors)!r}")
        finally:
            if self.life is life:
                self.core = self.senses = self._group = None

    def _configured(self) -> tuple[Settings, tuple[Problem, ...]]:
        """Reading the same files again gives the same settings, which are never changed: once is enough."""
        sources = read_sources(self._world.root / "config")
        if self._loaded is None or self._loaded[0] != sources:
            self._loaded = (sources, *settle(sources, None, {}))
        return self._loaded[1:]

    async def _run(self, life: Life, settings: Settings, problems: tuple[Problem, ...]) -> None:
        clock = LifeClock(self._world.time, life)
        journal = SimJournal(self._world, life, self._world.journal)
        rng = random.Random(f"daemon {self._world.seed} {life.number}")
        around = SimAround(self._world)
        core = Core(Given(settings, problems, clock, journal, rng), self._outside(life), around)
        around.config = StillConfig(self._world.root / "config", clock, around, settings, problems=problems, environ={})
        around.core = core
        async with anyio.create_task_group() as group:
            self._group = group
            await core.wake(group)
            core.start_unclocked(group)
            senses = Senses(self._world, core)
            self.core, self.senses = core, senses
            self.started_at = self._world.now
            self._world.oracles.started(life)
            self._world.trace("host", f"# daemon {life.number} started")
            try:
                await senses.begin()
                self._world.pace.soon(0.0)
                await anyio.sleep_forever()
            finally:
                senses.close()

    def _outside(self, life: Life) -> Outside:
        def make_door(name: str, _settings: Settings) -> Door:
            truth = self._world.gateways[name]
            process = SimProcess(truth, life) if truth.model.managed else None
            return Door(SimGateway(truth, life), process, "ai-admin", "http://simulated")

        def make_channels(*_args: Any) -> dict[str, Channel]:
            return {name: SimChannel(name, self._world, life) for name in ("telegram", "console")}

        return Outside(make_door, make_channels, SimFsys(self._world, life))

    def disarm(self) -> None:
        """Whoever was to die at some later moment lives."""
        self.kill_after_action = None
        if self.life is not None:
            self.life.die_in = None

    async def stop_in_good_order(self) -> None:
        """As `Daemon.shut_down`: nothing new, what runs may finish for a while, then the end."""
        core, life, group = self.core, self.life, self._group
        assert core is not None
        assert life is not None
        assert group is not None
        assert self.senses is not None
        core.holds.shutting_down = True
        self._world.oracles.stopping()
        deadline = self._world.now + 75.0
        while core.acting() and self._world.now < deadline:
            await core.clock.sleep(1.0)
        try:
            await core.engine.save()
        except BaileykeepError as error:
            self._world.trace("host", f"# last words lost: {error.code}")
        self._world.trace("host", "# the daemon stops")
        self.core = self.senses = None
        self._start_again()
        self._world.at(self._world.now + 1.0, lambda: self._buried(life))
        group.cancel_scope.cancel()

    def _buried(self, life: Life) -> None:
        """A stopped process is gone after its last shielded start; it may take a while."""
        if self.life is life and self._group is not None:
            self._world.at(self._world.now + 5.0, lambda: self._buried(life))
        else:
            life.dead = True

    def second_daemon(self) -> None:
        """Somebody starts another daemon on the same installation."""
        if self.core is None:
            return
        try:
            with daemon_locks(self._world.root / "state", self._world.root / "backups"):
                self._world.oracles.breach("host", "a second daemon was let in")
        except Refused:
            self._world.trace("host", "# a second daemon was refused")

    def halt(self) -> None:
        """Nothing that the daemon still tries comes to anything."""
        if self.life is not None:
            self.life.dead = True

    def end(self) -> None:
        """The day is over."""
        if self.life is not None:
            self.life.dead = True
            self._world.time.rouse(self.life)
            if self._group is not None:
                self._group.cancel_scope.cancel()


class StillConfig(ConfigWatcher):
    """Reads the configuration without the real pauses that a half-written file is given."""

    async def _read(self) -> Sources:
        return read_sources(self._directory)


class SimAround(Around):
    """What hangs around the core here."""

    core: Core
    config: StillConfig

    def __init__(self, world: World):
        self._world = world

    def decision(self, subject: Subject, decision: Decision) -> None:
        self._world.trace(subject.id, f"? {decision.verb} {decision.rung or ''} {decision.reason}")

    def ended(self, subject: Subject, attempt: Attempt) -> None:
        world = self._world
        if world.senses is not None:
            world.senses.files.mark(subject.id)
            if subject.id in world.sessions:
                world.wrote(world.sessions[subject.id])

    def moved(self) -> None:
        if self._world.senses is not None:
            self._world.senses.logs.sync()

    async def reload(self) -> tuple[Problem, ...]:
        return await self.config.reload()

    def config_problems(self) -> tuple[Problem, ...]:
        return self.config.current_problems

    async def change(self, diff: Any, settings: Settings) -> None:
        """Implements `app.reload.Apply`."""
        await self.core.change(diff, settings)
        await self.core.changed(diff)

    async def problems(self, problems: Any) -> None:
        """Implements `app.reload.Apply`."""
        await self.core.tell_problems(problems)


def _leaf(errors: BaseExceptionGroup[Any]) -> BaseException:
    first = errors.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first
