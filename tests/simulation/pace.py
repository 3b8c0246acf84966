"""How often the daemon looks and ticks: finely while something goes on, coarsely while all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baileykeep.app.core import Core
from baileykeep.model.incident import Rung
from baileykeep.rules.disconnect import Phase
from tests.simulation.senses import Senses

if TYPE_CHECKING:
    from tests.simulation.world import World

NEWS_S, ACTING_S, TROUBLE_S, WAITING_S, QUIET_S = 5.0, 15.0, 30.0, 300.0, 600.0
"""How far apart the looks are: after news, during an action, in trouble, while something is awaited, in peace."""

QUICK = frozenset(f"{reason}:{rung}" for reason in ("too_early", "starting_up") for rung in Rung)
"""Holds that end soon."""

SAVE_S, SAVE_QUIET_S = 30.0, 600.0
CHORES_S = 1200.0


class Pace:
    """Beats for the daemon that runs; `due` is when the next look comes."""

    def __init__(self, world: World):
        self._world = world
        self.due = 0.0
        self._beating = False
        self._saved_at = self._chores_at = 0.0

    def soon(self, seconds: float) -> None:
        """Something happened: let the next look come no later than this."""
        self.due = min(self.due, self._world.now + seconds)

    def news(self) -> None:
        """A socket moved, which a poll finds within seconds."""
        self.soon(NEWS_S)

    def _stride_s(self) -> float:
        core = self._world.core
        if core is None:
            return TROUBLE_S
        if core.acting():
            return ACTING_S
        if self._moving(core):
            return TROUBLE_S
        return WAITING_S if any(not i.needs_human for i in core.ledger.all_open()) else QUIET_S

    def _moving(self, core: Core) -> bool:
        """Whether anything is moving that a later look would be too late for."""
        now = core.clock.now()
        stories = core.ledger.all_open()
        moving = any(i.clear_since is not None or i.hold in QUICK or now - i.updated_at < 120.0 for i in stories)
        down = any(u.state("disconnect").phase in (Phase.WAITING, Phase.WARNED) for u in core.engine.companies())
        return moving or down or self._world.now - self._world.service.started_at < 150.0 or not self._world.online

    def beat(self) -> None:
        """Let the daemon look at everything once."""
        self.due = self._world.now + self._stride_s()
        if self._world.core is not None and self._world.senses is not None and not self._beating:
            self._beating = True
            self._world.service.spawn(self._beat, self._world.core, self._world.senses)

    async def _beat(self, core: Core, senses: Senses) -> None:
        try:
            senses.poll()
            await senses.sweep()
            await core.engine.tick()
            await core.monitor.report()
            await self._keep(core, senses)
            await self._chores(core)
        finally:
            self._beating = False

    async def _keep(self, core: Core, senses: Senses) -> None:
        """States are stored more often when they may be missed soon."""
        life = self._world.service.life
        threatened = self._world.service.kill_after_action is not None or (life is not None and life.die_in is not None)
        if self._world.now - self._saved_at >= (SAVE_S if threatened or core.acting() else SAVE_QUIET_S):
            self._saved_at = self._world.now
            await core.engine.save()

    async def _chores(self, core: Core) -> None:
        if self._world.now - self._chores_at >= CHORES_S:
            self._chores_at = self._world.now
            await core.housekeeping.discover()
            await core.housekeeping.back_up_due()
            await core.housekeeping.prune_due()
